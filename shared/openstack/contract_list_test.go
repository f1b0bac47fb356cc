package openstack_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/stackhook/stackhook/shared/openstack"
)

// value is the smallest stack there is.
const value = `
heat_template_version: 2018-03-02
parameters: {p: {type: string, default: a}}
resources: {v: {type: OS::Heat::Value, properties: {value: {get_param: p}}}}
outputs: {v: {value: {get_attr: [v, value]}}}
`

// three makes three stacks with a tag in common, of which the first two share one more and the last two another.
func three(h *harness) (all, left, right string, names []string) {
	t := h.t
	base := fresh()
	all, left, right = "all="+base, "left="+base, "right="+base
	for i, tags := range [][]string{{all, left}, {all, left, right}, {all, right}} {
		name := base + string(rune('a'+i))
		ref := h.make(t, openstack.NewStack{Name: name, Template: value, Tags: tags})
		names = append(names, name)
		h.settled(t, ref)
	}
	return all, left, right, names
}

// named lists by f and counts by f: the names, sorted, and both must agree.
func (h *harness) named(t *testing.T, f openstack.StackFilter) []string {
	t.Helper()
	var names []string
	for s, err := range h.cloud.StacksWhere(t.Context(), f) {
		if err != nil {
			t.Fatalf("list %+v: %v", f, err)
		}
		names = append(names, s.Name)
	}
	n, err := h.cloud.CountStacks(t.Context(), f)
	if err != nil {
		t.Fatalf("count %+v: %v", f, err)
	}
	if n != len(names) {
		t.Errorf("%+v: counted %d, listed %d", f, n, len(names))
	}
	slices.Sort(names)
	return names
}

func listByAnyTag(h *harness) {
	t := h.t
	all, left, right, names := three(h)
	a, b, c := names[0], names[1], names[2]
	for _, row := range []struct {
		filter openstack.StackFilter
		want   []string
	}{
		{openstack.StackFilter{AnyTags: []string{left, right}}, names},
		{openstack.StackFilter{AnyTags: []string{left, "nobody=has"}}, []string{a, b}},
		{openstack.StackFilter{Tags: []string{right}, AnyTags: []string{left}}, []string{b}},
		{openstack.StackFilter{Tags: []string{all, right}}, []string{b, c}},
		{openstack.StackFilter{Tags: []string{all}, Action: "CREATE", Status: "COMPLETE"}, names},
		{openstack.StackFilter{Tags: []string{all, left}, Action: "CREATE", Status: "COMPLETE"}, []string{a, b}},
		{openstack.StackFilter{Tags: []string{all, left}, Status: "FAILED"}, nil},
		{openstack.StackFilter{Tags: []string{all, left}, Action: "UPDATE"}, nil},
		{openstack.StackFilter{AnyTags: []string{left, right}, Status: "IN_PROGRESS"}, nil},
		{openstack.StackFilter{Tags: []string{all, right}, Name: c}, []string{c}},
		{openstack.StackFilter{Tags: []string{all}, Name: c, Action: "CREATE"}, []string{c}},
		{openstack.StackFilter{Name: a}, []string{a}},
	} {
		if got := h.named(t, row.filter); !slices.Equal(got, row.want) {
			t.Errorf("%+v: %v, want %v", row.filter, got, row.want)
		}
	}
}

func listInPages(h *harness) {
	t := h.t
	all, _, _, names := three(h)
	query := "?tags=" + url.QueryEscape(all) + "&sort_keys=creation_time&sort_dir=asc&limit=2"
	first := h.raw(t, "heat", http.MethodGet, "/stacks"+query+"&with_count=true", nil)
	stacks, _ := first.body["stacks"].([]any)
	if first.status != http.StatusOK || len(stacks) != 2 || first.body["count"] != 3.0 {
		t.Fatalf("first page: %d with %d stacks, count %v", first.status, len(stacks), first.body["count"])
	}
	last, _ := stacks[1].(map[string]any)
	marker, _ := last["id"].(string)
	second := h.raw(t, "heat", http.MethodGet, "/stacks"+query+"&marker="+marker, nil)
	rest, _ := second.body["stacks"].([]any)
	if _, counted := second.body["count"]; len(rest) != 1 || counted {
		t.Errorf("second page: %v", second.body)
	}
	var limited []string
	for s, err := range h.cloud.StacksWhere(t.Context(), openstack.StackFilter{Tags: []string{all}, Limit: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		limited = append(limited, s.Name)
	}
	if len(limited) != 2 || !slices.Contains(names, limited[0]) {
		t.Errorf("two of them: %v", limited)
	}
}

func listTrouble(h *harness) {
	t := h.t
	all, _, _, names := three(h)
	tag := "?tags=" + url.QueryEscape(all)
	for query, status := range map[string]int{
		tag + "&name=" + names[0]:                        http.StatusInternalServerError,
		tag + "&action=CREATE":                           http.StatusInternalServerError,
		tag + "&status=COMPLETE&status=COMPLETE":         http.StatusInternalServerError,
		tag + "&name=" + names[0] + "&name=" + names[0]:  http.StatusOK,
		"?tags_any=" + url.QueryEscape(all) + "&name=x":  http.StatusOK,
		"?tags-any=nobody%3Dhas&limit=1&with_count=true": http.StatusOK, // ignored
	} {
		got := h.raw(t, "heat", http.MethodGet, "/stacks"+query, nil)
		if got.status != status {
			t.Errorf("%s: %d, want %d", query, got.status, status)
		}
		if n, counted := got.body["count"].(float64); counted && n < 3 {
			t.Errorf("%s: counted %v, so it was not ignored", query, n)
		}
	}
}

// valueLife is what a stack that only notes something goes through.
func valueLife(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: value, Tags: []string{"note=1"}})
	wantValue := func(want, tag string) {
		t.Helper()
		if s := h.read(t, ref); s.Outputs["v"] != want || !slices.Equal(s.Tags, []string{tag}) {
			t.Errorf("value is %v with %v, want %s with %s", s.Outputs["v"], s.Tags, want, tag)
		}
	}
	wantState(t, h.patched(t, ref, openstack.StackChange{Parameters: params("p", "b"), Tags: []string{"note=2"}}), "UPDATE_COMPLETE")
	wantValue("b", "note=2")
	wantState(t, h.acted(t, ref, openstack.Suspend), "SUSPEND_COMPLETE")
	wantCode(t, h.cloud.PatchStack(t.Context(), ref, openstack.StackChange{Tags: []string{"note=3"}}), openstack.Refused)
	wantValue("b", "note=2")
	wantState(t, h.acted(t, ref, openstack.Resume), "RESUME_COMPLETE")
	wantState(t, h.patched(t, ref, openstack.StackChange{Tags: []string{"note=3"}}), "UPDATE_COMPLETE")
	wantValue("b", "note=3")
	h.gone(t, ref)
}

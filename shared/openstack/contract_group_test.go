package openstack_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/stackhook/stackhook/shared/openstack"
)

const member = `
heat_template_version: 2018-03-02
parameters: {index: {type: string}}
resources:
  word: {type: OS::Heat::RandomString}
outputs:
  word: {value: {get_attr: [word, value]}}
  index: {value: {get_param: index}}
  OS::stack_id: {value: {get_resource: word}}
`

const group = `
heat_template_version: 2018-03-02
parameters:
  count: {type: number, default: 3}
  removal: {type: json, default: []}
resources:
  nodes:
    type: OS::Heat::ResourceGroup
    properties:
      count: {get_param: count}
      removal_policies: [{resource_list: {get_param: removal}}]
      resource_def: {type: member.yaml, properties: {index: "n%index%"}}
outputs:
  indexes: {value: {get_attr: [nodes, index]}}
  one: {value: {get_attr: [nodes, resource.1.index]}}
  words: {value: {get_attr: [nodes, word]}}
  refs: {value: {get_attr: [nodes, refs]}}
  map: {value: {get_attr: [nodes, refs_map]}}
`

func groupRows() []row {
	return []row{
		{"a group's members, by depth", groupDepth},
		{"a group grows and loses the highest index", groupCount},
		{"a removal list takes the named member, its name is never used again", groupRemoval},
		{"a removal list that names nobody costs another member", groupUnknownVictim},
		{"preview shows a group as updated", groupPreview},
		{"a failure in a group is named by its path", groupFailure},
	}
}

func (h *harness) group(t *testing.T, count int) openstack.StackRef {
	t.Helper()
	return h.built(t, openstack.NewStack{Template: group, Files: map[string]string{"member.yaml": member}, Parameters: params("count", count)})
}

// words maps each member's index to its word's physical id.
func (h *harness) words(t *testing.T, ref openstack.StackRef) map[string]string {
	t.Helper()
	list, err := h.cloud.Resources(t.Context(), ref, 2)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, r := range list {
		if r.Type == "OS::Heat::RandomString" {
			out[r.Parent] = r.PhysicalID
		}
	}
	return out
}

func indexes(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

func groupDepth(h *harness) {
	t := h.t
	ref := h.group(t, 2)
	for depth, want := range []int{1, 3, 5} {
		list, err := h.cloud.Resources(t.Context(), ref, depth)
		if err != nil || len(list) != want {
			t.Errorf("depth %d: %d resources, %v; want %d", depth, len(list), err, want)
		}
		for _, r := range list {
			parent := map[string]string{"OS::Heat::ResourceGroup": "", "member.yaml": "nodes", "OS::Heat::RandomString": r.Parent}[r.Type]
			if r.Parent != parent || r.PhysicalID == "" || r.Created.IsZero() {
				t.Errorf("depth %d: %+v", depth, r)
			}
		}
	}
	s := h.read(t, ref)
	if got, _ := s.Outputs["indexes"].([]any); !slices.Equal(got, []any{"n0", "n1"}) || s.Outputs["one"] != "n1" {
		t.Errorf("outputs are %v", s.Outputs)
	}
	words, _ := s.Outputs["words"].([]any)
	if refs, _ := s.Outputs["refs"].([]any); len(words) != 2 || !slices.Equal(refs, words) {
		t.Errorf("refs are %v, want what the members' OS::stack_id says: %v", refs, words)
	}
	if m, _ := s.Outputs["map"].(map[string]any); m["0"] != words[0] || m["1"] != words[1] {
		t.Errorf("refs_map is %v", m)
	}
}

func groupCount(h *harness) {
	t := h.t
	ref := h.group(t, 1)
	before := h.words(t, ref)
	wantState(t, h.patched(t, ref, openstack.StackChange{Parameters: params("count", 3)}), "UPDATE_COMPLETE")
	grown := h.words(t, ref)
	if !slices.Equal(indexes(grown), []string{"0", "1", "2"}) || grown["0"] != before["0"] {
		t.Errorf("grown from %v to %v", before, grown)
	}
	wantState(t, h.patched(t, ref, openstack.StackChange{Parameters: params("count", 2)}), "UPDATE_COMPLETE")
	if got := h.words(t, ref); !slices.Equal(indexes(got), []string{"0", "1"}) || got["1"] != grown["1"] {
		t.Errorf("shrunk to %v", got)
	}
}

func groupRemoval(h *harness) {
	t := h.t
	ref := h.group(t, 3)
	before := h.words(t, ref)
	change := openstack.StackChange{Parameters: params("count", 2, "removal", []string{"1"})}
	for range 2 { // the same request twice changes nothing
		wantState(t, h.patched(t, ref, change), "UPDATE_COMPLETE")
		if got := h.words(t, ref); !slices.Equal(indexes(got), []string{"0", "2"}) || got["2"] != before["2"] {
			t.Errorf("after the removal: %v, before: %v", got, before)
		}
	}
	h.patched(t, ref, openstack.StackChange{Parameters: params("count", 3, "removal", []string{})})
	if got := h.words(t, ref); !slices.Equal(indexes(got), []string{"0", "2", "3"}) {
		t.Errorf("grown again: %v, want no 1", got)
	}
}

func groupUnknownVictim(h *harness) {
	t := h.t
	ref := h.group(t, 3)
	h.patched(t, ref, openstack.StackChange{Parameters: params("count", 2, "removal", []string{"nobody"})})
	if got := h.words(t, ref); !slices.Equal(indexes(got), []string{"0", "1"}) {
		t.Errorf("after an unknown victim: %v, want the highest index gone", got)
	}
}

func groupPreview(h *harness) {
	t := h.t
	ref := h.group(t, 1)
	got, err := h.cloud.PreviewChange(t.Context(), ref, openstack.StackChange{})
	if err != nil || !slices.Equal(got.Updated, []string{"nodes"}) {
		t.Errorf("preview is %+v, %v", got, err)
	}
	list, err := h.cloud.PreviewStack(t.Context(), openstack.NewStack{Name: fresh(), Template: group, Files: map[string]string{"member.yaml": member}})
	if err != nil {
		t.Fatal(err)
	}
	words := 0
	for _, r := range list {
		if r.Type == "OS::Heat::RandomString" {
			words++
		}
	}
	if words != 3 {
		t.Errorf("preview of a create has %d words in %+v, want 3", words, list)
	}
}

func groupFailure(h *harness) {
	t := h.t
	const bad = `
heat_template_version: 2018-03-02
parameters: {index: {type: string}}
resources:
  test: {type: OS::Heat::TestResource, properties: {fail: true}}
`
	ref := h.make(t, openstack.NewStack{Template: group, Files: map[string]string{"member.yaml": bad + "outputs: {index: {value: a}}\n"}, Parameters: params("count", 1)})
	s := h.settled(t, ref)
	wantState(t, s, "CREATE_FAILED")
	if want := "Resource CREATE failed: ValueError: resources.nodes.resources[0].resources.test: Test Resource failed test"; s.Reason != want {
		t.Errorf("reason is %q, want %q", s.Reason, want)
	}
}

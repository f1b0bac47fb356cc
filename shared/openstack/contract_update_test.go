package openstack_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/stackhook/stackhook/shared/openstack"
)

func updateRows() []row {
	return []row{
		{"patch keeps template, other parameters and tags", patchKeeps},
		{"patch is readable at once after 202", patchReadsBack},
		{"tags: given, kept, emptied", tagsByPatch},
		{"a patch of tags alone is an update that touches nothing, readable at once", tagsAlone},
		{"a patch of tags alone is refused while suspended", tagsAsleep},
		{"patch ignores an unknown parameter", patchUnknown},
		{"patch refuses a wrong type and a long tag", patchRefuses},
		{"two patches at once: both accepted, one applied, one lost", patchesRace},
		{"a patch while updating supersedes", patchSupersedes},
		{"an empty patch is an update that touches nothing", emptyPatch},
		{"a patch repairs a failed create", patchRepairs},
		{"a patch repairs a failed update", patchRepairsUpdate},
		{"a changed property updates or replaces", updateOrReplace},
		{"preview of an update", previewUpdate},
		{"put resets parameters and tags", putResets},
		{"a new template adds and removes", newTemplate},
	}
}

func params(kv ...any) map[string]any {
	out := map[string]any{}
	for i := 0; i < len(kv); i += 2 {
		name, _ := kv[i].(string)
		out[name] = kv[i+1]
	}
	return out
}

func patchKeeps(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: tiny, Parameters: params("length", 12, "note", "one"), Tags: []string{"a", "b"}})
	before := h.read(t, ref)
	s := h.patched(t, ref, openstack.StackChange{Parameters: params("note", "two")})
	wantState(t, s, "UPDATE_COMPLETE")
	if s.Parameters["length"] != "12" || s.Parameters["note"] != "two" || s.Outputs["note"] != "two" || !slices.Equal(s.Tags, []string{"a", "b"}) {
		t.Errorf("after the patch: %+v", s)
	}
	if s.Outputs["word"] != before.Outputs["word"] {
		t.Error("the resource was replaced")
	}
	if s.Updated.IsZero() {
		t.Error("updated_time is not set")
	}
}

func patchReadsBack(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: slow, Parameters: params("seconds", 0)})
	if err := h.cloud.PatchStack(t.Context(), ref, openstack.StackChange{Parameters: params("value", "b", "seconds", 4)}); err != nil {
		t.Fatal(err)
	}
	s := h.read(t, ref)
	if s.Parameters["value"] != "b" || s.Parameters["seconds"] != "4" {
		t.Errorf("right after the 202: %v", s.Parameters)
	}
	wantState(t, s, "UPDATE_IN_PROGRESS")
	s = h.settled(t, ref)
	wantState(t, s, "UPDATE_COMPLETE")
	if s.Outputs["test"] != "b" {
		t.Errorf("output is %v", s.Outputs["test"])
	}
}

func tagsByPatch(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: tiny, Tags: []string{"a"}})
	s := h.patched(t, ref, openstack.StackChange{Tags: []string{"b", "c=d"}})
	if !slices.Equal(s.Tags, []string{"b", "c=d"}) {
		t.Errorf("given: %v", s.Tags)
	}
	s = h.patched(t, ref, openstack.StackChange{Parameters: params("note", "x")})
	if !slices.Equal(s.Tags, []string{"b", "c=d"}) {
		t.Errorf("kept: %v", s.Tags)
	}
	s = h.patched(t, ref, openstack.StackChange{Tags: []string{}})
	if len(s.Tags) != 0 {
		t.Errorf("emptied: %v", s.Tags)
	}
}

// tagsAlone is how a lab's lease is moved: while the update runs its machines stay as they are, and the tags are there for
// whoever reads the stack or lists stacks by them. A stack that was resumed can be suspended again afterwards.
func tagsAlone(h *harness) {
	t := h.t
	own := fresh()
	ref := h.built(t, openstack.NewStack{Template: tiny, Parameters: params("note", "mine"), Tags: []string{own, "until=1"}})
	before := h.physical(t, ref, 0)
	for _, state := range []string{"CREATE_COMPLETE", "UPDATE_COMPLETE", "RESUME_COMPLETE"} {
		if state == "RESUME_COMPLETE" {
			h.acted(t, ref, openstack.Suspend)
			h.acted(t, ref, openstack.Resume)
		}
		wantState(t, h.read(t, ref), state)
		tags := []string{own, "until=" + state, "extended=1"}
		if err := h.cloud.PatchStack(t.Context(), ref, openstack.StackChange{Tags: tags}); err != nil {
			t.Fatalf("in %s: %v", state, err)
		}
		for s, err := range h.cloud.Stacks(t.Context(), own) {
			if err != nil || !slices.Equal(s.Tags, tags) {
				t.Errorf("in a list at once: %v, %v", s.Tags, err)
			}
		}
		if s := h.read(t, ref); !slices.Equal(s.Tags, tags) || s.Action != "UPDATE" {
			t.Errorf("at once: %s with %v", s.State(), s.Tags)
		}
		s := h.settled(t, ref)
		wantState(t, s, "UPDATE_COMPLETE")
		if !slices.Equal(s.Tags, tags) || s.Parameters["note"] != "mine" {
			t.Errorf("afterwards: %v, %v", s.Tags, s.Parameters)
		}
	}
	if after := h.physical(t, ref, 0); !maps.Equal(before, after) {
		t.Errorf("resources were %v, are %v", before, after)
	}
	wantState(t, h.acted(t, ref, openstack.Suspend), "SUSPEND_COMPLETE")
}

func tagsAsleep(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: tiny, Tags: []string{"until=1"}})
	h.acted(t, ref, openstack.Suspend)
	wantCode(t, h.cloud.PatchStack(t.Context(), ref, openstack.StackChange{Tags: []string{"until=2"}}), openstack.Refused)
	s := h.read(t, ref)
	wantState(t, s, "SUSPEND_COMPLETE")
	if !slices.Equal(s.Tags, []string{"until=1"}) {
		t.Errorf("tags are %v", s.Tags)
	}
}

func patchUnknown(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: tiny})
	s := h.patched(t, ref, openstack.StackChange{Parameters: params("nonsense", 1)})
	wantState(t, s, "UPDATE_COMPLETE")
	if _, there := s.Parameters["nonsense"]; there {
		t.Errorf("parameters are %v", s.Parameters)
	}
}

func patchRefuses(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: tiny})
	wantCode(t, h.cloud.PatchStack(t.Context(), ref, openstack.StackChange{Parameters: params("length", "many")}), openstack.Refused)
	wantCode(t, h.cloud.PatchStack(t.Context(), ref, openstack.StackChange{Tags: []string{strings.Repeat("x", 81)}}), openstack.Refused)
	wantState(t, h.read(t, ref), "CREATE_COMPLETE")
}

// patchesRace has two writers patch at once until one is lost, as a rule the first time. On a machine that is busy the two
// may come to Heat one after another.
func patchesRace(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: tiny})
	for round := range 5 {
		before := updates(h, ref)
		seen := patchedByTwo(h, ref, round)
		s := h.settled(t, ref)
		wantState(t, s, "UPDATE_COMPLETE")
		if last := s.Parameters["note"]; last != seen[0] && last != seen[1] {
			t.Errorf("the writers read %v, the stack ends with %s", seen, last)
		}
		if seen[0] == seen[1] {
			if n := updates(h, ref) - before; n != 2 {
				t.Errorf("%d update events of the stack, want 2: the lost patch leaves none", n)
			}
			return
		}
	}
	t.Error("in five rounds no patch was lost")
}

// patchedByTwo is what two writers read right after each was told that its patch was taken.
func patchedByTwo(h *harness, ref openstack.StackRef, round int) [2]string {
	t := h.t
	var both sync.WaitGroup
	var seen [2]string
	for i := range seen {
		both.Go(func() {
			own := fmt.Sprintf("writer %d of round %d", i, round)
			if err := h.cloud.PatchStack(t.Context(), ref, openstack.StackChange{Parameters: params("note", own)}); err != nil {
				t.Errorf("%s: %v", own, err)
			}
			s, err := h.cloud.StackParameters(t.Context(), ref)
			if err != nil {
				t.Errorf("%s: %v", own, err)
			}
			seen[i] = s.Parameters["note"]
		})
	}
	both.Wait()
	return seen
}

// updates counts the update events of the stack itself.
func updates(h *harness, ref openstack.StackRef) int {
	events, err := h.cloud.Events(h.t.Context(), ref, "")
	if err != nil {
		h.t.Fatal(err)
	}
	n := 0
	for _, e := range events {
		if e.PhysicalID == ref.ID && e.Action == "UPDATE" {
			n++
		}
	}
	return n
}

func patchSupersedes(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: slow, Parameters: params("seconds", 0)})
	if err := h.cloud.PatchStack(t.Context(), ref, openstack.StackChange{Parameters: params("value", "b", "seconds", 6)}); err != nil {
		t.Fatal(err)
	}
	h.pass(t.Context(), 1500e6)
	s := h.patched(t, ref, openstack.StackChange{Parameters: params("value", "c", "seconds", 0)})
	wantState(t, s, "UPDATE_COMPLETE")
	if s.Parameters["value"] != "c" || s.Outputs["test"] != "c" {
		t.Errorf("ends with %v, %v", s.Parameters, s.Outputs)
	}
}

func emptyPatch(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: tiny})
	before := h.physical(t, ref, 0)
	wantState(t, h.patched(t, ref, openstack.StackChange{}), "UPDATE_COMPLETE")
	if after := h.physical(t, ref, 0); !maps.Equal(before, after) {
		t.Errorf("resources were %v, are %v", before, after)
	}
	events, err := h.cloud.Events(t.Context(), ref, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Resource == "word" && e.Action != "CREATE" {
			t.Errorf("event of an unchanged resource: %+v", e)
		}
	}
}

func patchRepairs(h *harness) {
	t := h.t
	ref := h.make(t, openstack.NewStack{Template: slow, Parameters: params("fail", true, "seconds", 0)})
	wantState(t, h.settled(t, ref), "CREATE_FAILED")
	before := h.physical(t, ref, 0)
	s := h.patched(t, ref, openstack.StackChange{Parameters: params("fail", false)})
	wantState(t, s, "UPDATE_COMPLETE")
	if after := h.physical(t, ref, 0); after["first"] != before["first"] || after["test"] == before["test"] {
		t.Errorf("resources were %v, are %v; want first kept, test replaced", before, after)
	}
}

func patchRepairsUpdate(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: slow, Parameters: params("seconds", 0)})
	s := h.patched(t, ref, openstack.StackChange{Parameters: params("fail", true)})
	wantState(t, s, "UPDATE_FAILED")
	s = h.patched(t, ref, openstack.StackChange{Parameters: params("fail", false)})
	wantState(t, s, "UPDATE_COMPLETE")
}

func updateOrReplace(h *harness) {
	t := h.t
	const two = `
heat_template_version: 2018-03-02
parameters: {length: {type: number, default: 4}, value: {type: string, default: a}}
resources:
  word: {type: OS::Heat::RandomString, properties: {length: {get_param: length}}}
  test: {type: OS::Heat::TestResource, properties: {value: {get_param: value}}}
`
	ref := h.built(t, openstack.NewStack{Template: two})
	before := h.physical(t, ref, 0)
	wantState(t, h.patched(t, ref, openstack.StackChange{Parameters: params("length", 5, "value", "b")}), "UPDATE_COMPLETE")
	after := h.physical(t, ref, 0)
	if after["word"] == before["word"] || after["test"] != before["test"] {
		t.Errorf("resources were %v, are %v; want word replaced, test updated", before, after)
	}
}

func previewUpdate(h *harness) {
	t := h.t
	const old = `
heat_template_version: 2018-03-02
resources:
  same: {type: OS::Heat::RandomString, properties: {length: 4}}
  other: {type: OS::Heat::RandomString, properties: {length: 4}}
  changed: {type: OS::Heat::TestResource, properties: {value: a}}
  gone: {type: OS::Heat::RandomString}
`
	const next = `
heat_template_version: 2018-03-02
resources:
  same: {type: OS::Heat::RandomString, properties: {length: 4}}
  other: {type: OS::Heat::RandomString, properties: {length: 5}}
  changed: {type: OS::Heat::TestResource, properties: {value: b}}
  fresh: {type: OS::Heat::RandomString}
`
	ref := h.built(t, openstack.NewStack{Template: old})
	got, err := h.cloud.PreviewChange(t.Context(), ref, openstack.StackChange{Template: next})
	if err != nil {
		t.Fatal(err)
	}
	for class, list := range map[string][2][]string{
		"unchanged": {got.Unchanged, {"same"}}, "updated": {got.Updated, {"changed"}}, "replaced": {got.Replaced, {"other"}},
		"added": {got.Added, {"fresh"}}, "deleted": {got.Deleted, {"gone"}},
	} {
		if !slices.Equal(list[0], list[1]) {
			t.Errorf("%s: %v, want %v", class, list[0], list[1])
		}
	}
	wantState(t, h.read(t, ref), "CREATE_COMPLETE")
}

func putResets(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: tiny, Parameters: params("note", "mine"), Tags: []string{"a"}})
	got := h.raw(t, "heat", http.MethodPut, "/stacks/"+ref.Name+"/"+ref.ID, map[string]any{"template": tiny})
	if got.status != http.StatusAccepted {
		t.Fatalf("PUT: %d %v", got.status, got.body)
	}
	s := h.settled(t, ref)
	if s.Parameters["note"] != "none" || len(s.Tags) != 0 {
		t.Errorf("after PUT: note %q, tags %v; want both reset", s.Parameters["note"], s.Tags)
	}
}

func newTemplate(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: tiny, Parameters: params("note", "mine")})
	more := strings.Replace(tiny, "outputs:", "  second: {type: OS::Heat::RandomString}\noutputs:", 1)
	s := h.patched(t, ref, openstack.StackChange{Template: more})
	if got := h.physical(t, ref, 0); len(got) != 2 || s.Parameters["note"] != "mine" {
		t.Errorf("after more: %v, %v", got, s.Parameters)
	}
	h.patched(t, ref, openstack.StackChange{Template: tiny})
	if got := h.physical(t, ref, 0); len(got) != 1 {
		t.Errorf("after less: %v", got)
	}
}

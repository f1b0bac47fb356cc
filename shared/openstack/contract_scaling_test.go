package openstack_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
)

const scaling = `
heat_template_version: 2018-03-02
parameters:
  count: {type: number, default: 3}
  other: {type: string, default: ""}
resources:
  nodes:
    type: OS::Heat::AutoScalingGroup
    properties:
      min_size: 0
      max_size: 5
      desired_capacity: {get_param: count}
      resource: {type: member.yaml, properties: {index: same}}
outputs:
  words: {value: {get_attr: [nodes, outputs, word]}}
  list: {value: {get_attr: [nodes, outputs_list, word]}}
  refs: {value: {get_attr: [nodes, refs]}}
  map: {value: {get_attr: [nodes, refs_map]}}
  size: {value: {get_attr: [nodes, current_size]}}
  first: {value: {get_attr: [nodes, resource.0.word]}}
`

func scalingRows() []row {
	return []row{
		{"an AutoScalingGroup's members, in its outputs and in its stack's list", scalingMembers},
		{"an AutoScalingGroup grows by new names, and loses the oldest", scalingCount},
		{"marked members leave an AutoScalingGroup before older ones", scalingMarked},
		{"a marked member stays in outputs, and an update of the same size replaces it", scalingReplaced},
		{"a mark that is taken back leaves the member as it was", scalingUnmarked},
		{"an AutoScalingGroup refuses a size outside its bounds, and takes 0 for none said", scalingBounds},
		{"of a marked member that is being made anew and an older one either goes", scalingOvertaken},
		{"a resource is not marked while Heat is at work on it", scalingBusy},
	}
}

func (h *harness) scaling(t *testing.T, count int) openstack.StackRef {
	t.Helper()
	return h.built(t, openstack.NewStack{Template: scaling, Files: map[string]string{"member.yaml": member}, Parameters: params("count", count)})
}

// sized updates the group's size and waits for the end of it.
func (h *harness) sized(t *testing.T, ref openstack.StackRef, count int) {
	t.Helper()
	wantState(t, h.patched(t, ref, openstack.StackChange{Parameters: params("count", count)}), "UPDATE_COMPLETE")
}

// members are the group's, by name.
func (h *harness) members(t *testing.T, ref openstack.StackRef) map[string]openstack.Resource {
	t.Helper()
	list, err := h.cloud.Resources(t.Context(), ref, 1)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]openstack.Resource{}
	for _, r := range list {
		if r.Parent == "nodes" {
			out[r.Name] = r
		}
	}
	return out
}

// mark marks a member, or takes its mark away.
func (h *harness) mark(t *testing.T, m openstack.Resource, unhealthy bool) {
	t.Helper()
	if err := h.cloud.MarkUnhealthy(t.Context(), m.Stack, m.Name, unhealthy, "chosen to go"); err != nil {
		t.Fatalf("mark %s: %v", m.Name, err)
	}
}

func state(r openstack.Resource) string { return r.Action + "_" + r.Status }

func names[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func scalingMembers(h *harness) {
	t := h.t
	ref := h.scaling(t, 2)
	list, err := h.cloud.Resources(t.Context(), ref, 1)
	if err != nil || len(list) != 3 {
		t.Fatalf("%d resources, %v", len(list), err)
	}
	members := h.members(t, ref)
	group := openstack.StackRef{}
	for _, r := range list {
		if r.Type == "OS::Heat::AutoScalingGroup" {
			group.ID = r.PhysicalID
		}
	}
	for name, m := range members {
		if m.Type != "member.yaml" || m.Stack.ID != group.ID || m.Stack.Name == "" || len(name) != 12 || state(m) != "CREATE_COMPLETE" {
			t.Errorf("%s: %+v in group %s", name, m, group.ID)
		}
	}
	words := h.words(t, ref)
	s := h.read(t, ref)
	byName, _ := s.Outputs["words"].(map[string]any)
	if !slices.Equal(names(byName), names(members)) || !slices.Equal(names(words), names(members)) {
		t.Errorf("outputs %v, words %v, members %v", s.Outputs, words, names(members))
	}
	list2, _ := s.Outputs["list"].([]any)
	refs, _ := s.Outputs["refs"].([]any)
	byRef, _ := s.Outputs["map"].(map[string]any)
	if len(list2) != 2 || len(refs) != 2 || !slices.Equal(names(byRef), names(members)) || s.Outputs["size"] != 2.0 || s.Outputs["first"] != list2[0] {
		t.Errorf("outputs are %v", s.Outputs)
	}
}

func scalingCount(h *harness) {
	t := h.t
	ref := h.scaling(t, 1)
	first := names(h.words(t, ref))[0]
	h.pass(t.Context(), 2*time.Second) // which is as fine as Heat tells a member's age
	h.sized(t, ref, 3)
	grown := h.words(t, ref)
	if len(grown) != 3 || grown[first] == "" {
		t.Errorf("grown from %s to %v", first, grown)
	}
	h.sized(t, ref, 2)
	if got := h.words(t, ref); len(got) != 2 || got[first] != "" {
		t.Errorf("shrunk from %v to %v, want the oldest gone", grown, got)
	}
}

func scalingMarked(h *harness) {
	t := h.t
	ref := h.scaling(t, 1)
	first := names(h.words(t, ref))[0]
	h.pass(t.Context(), 2*time.Second)
	h.sized(t, ref, 3)
	before := h.words(t, ref)
	for name, m := range h.members(t, ref) {
		if name != first {
			h.mark(t, m, true)
		}
	}
	for range 2 { // the same request twice changes nothing
		h.sized(t, ref, 1)
		if got := h.words(t, ref); !maps.Equal(got, map[string]string{first: before[first]}) {
			t.Errorf("of %v, whose first is %s, %v is left", before, first, got)
		}
	}
}

func scalingReplaced(h *harness) {
	t := h.t
	ref := h.scaling(t, 2)
	before := h.words(t, ref)
	victim, other := names(before)[0], names(before)[1]
	h.mark(t, h.members(t, ref)[victim], true)
	m := h.members(t, ref)[victim]
	if state(m) != "CHECK_FAILED" || m.Reason != "chosen to go" {
		t.Errorf("marked: %+v", m)
	}
	// Heat keeps the group's attributes until it is updated, so a marked member goes on being among them.
	s := h.read(t, ref)
	if out, _ := s.Outputs["words"].(map[string]any); s.State() != "CREATE_COMPLETE" || !slices.Equal(names(out), names(before)) {
		t.Errorf("stack is %s, outputs %v, want those of %v", s.State(), s.Outputs, before)
	}
	h.sized(t, ref, 2)
	got := h.words(t, ref)
	if !slices.Equal(names(got), names(before)) || got[victim] == before[victim] || got[other] != before[other] {
		t.Errorf("%v became %v, want %s made anew", before, got, victim)
	}
	if m := h.members(t, ref)[victim]; state(m) != "CREATE_COMPLETE" {
		t.Errorf("made anew: %+v", m)
	}
}

func scalingUnmarked(h *harness) {
	t := h.t
	ref := h.scaling(t, 2)
	before := h.words(t, ref)
	victim := names(before)[0]
	for range 2 {
		h.mark(t, h.members(t, ref)[victim], true)
	}
	for range 2 {
		h.mark(t, h.members(t, ref)[victim], false)
	}
	if m := h.members(t, ref)[victim]; state(m) != "CHECK_COMPLETE" {
		t.Errorf("mark taken back: %+v", m)
	}
	h.sized(t, ref, 2)
	if got := h.words(t, ref); !maps.Equal(got, before) {
		t.Errorf("%v became %v", before, got)
	}
	m := h.members(t, ref)[victim]
	wantCode(t, h.cloud.MarkUnhealthy(t.Context(), m.Stack, "nobody", true, ""), openstack.Gone)
}

func scalingBounds(h *harness) {
	t := h.t
	ref := h.scaling(t, 2)
	before := h.words(t, ref)
	wantCode(t, h.cloud.PatchStack(t.Context(), ref, openstack.StackChange{Parameters: params("count", 6)}), openstack.Refused)
	h.sized(t, ref, 0)
	if got := h.words(t, ref); !maps.Equal(got, before) {
		t.Errorf("0 made %v of %v", got, before)
	}
}

// slowMember takes its time to be made.
const slowMember = `
heat_template_version: 2018-03-02
parameters: {index: {type: string}}
resources:
  word: {type: OS::Heat::TestResource, properties: {action_wait_secs: {create: 8}}}
outputs: {word: {value: {get_attr: [word, output]}}}
`

// slowGroup is a group of so many such members.
func (h *harness) slowGroup(t *testing.T, count int) openstack.StackRef {
	t.Helper()
	return h.built(t, openstack.NewStack{Template: scaling, Files: map[string]string{"member.yaml": slowMember}, Parameters: params("count", count)})
}

// beingMade updates the group's size and waits until a member is being made.
func (h *harness) beingMade(t *testing.T, ref openstack.StackRef, count int) openstack.Resource {
	t.Helper()
	if err := h.cloud.PatchStack(t.Context(), ref, openstack.StackChange{Parameters: params("count", count)}); err != nil {
		t.Fatal(err)
	}
	var made openstack.Resource
	h.eventually(t, func() bool {
		for _, m := range h.members(t, ref) {
			if m.Action == "CREATE" && m.Status == "IN_PROGRESS" {
				made = m
			}
		}
		return made.Name != ""
	}, "no member is ever being made")
	return made
}

func scalingBusy(h *harness) {
	t := h.t
	ref := h.slowGroup(t, 1)
	made := h.beingMade(t, ref, 2)
	wantCode(t, h.cloud.MarkUnhealthy(t.Context(), made.Stack, made.Name, true, ""), openstack.Busy)
	wantState(t, h.settled(t, ref), "UPDATE_COMPLETE")
	if got := h.members(t, ref); len(got) != 2 {
		t.Errorf("members: %v", got)
	}
}

func scalingOvertaken(h *harness) {
	t := h.t
	ref := h.slowGroup(t, 2)
	before := h.members(t, ref)
	victim := names(before)[0]
	h.mark(t, before[victim], true)
	if made := h.beingMade(t, ref, 2); made.Name != victim {
		t.Fatalf("%s is made anew, want %s", made.Name, victim)
	}
	h.sized(t, ref, 1)
	// Heat cancels the making while it looks who failed: on Zed the older one went in 3 of 4 rounds.
	if got := names(h.members(t, ref)); len(got) != 1 || before[got[0]].Name == "" {
		t.Errorf("of %v %v is left", names(before), got)
	}
}

package openstack_test

import (
	"net/http"
	"testing"

	"github.com/stackhook/stackhook/shared/openstack"
)

func deleteRows() []row {
	return []row{
		{"delete while creating", deleteWhileCreating},
		{"delete while updating", deleteWhileUpdating},
		{"delete while deleting", deleteTwice},
		{"delete a suspended and a failed stack", deleteSuspendedAndFailed},
		{"a deleted stack is shown by id and is not in lists", deletedIsShown},
		{"a stack being deleted refuses updates", deletingRefuses},
	}
}

// gone deletes and waits.
func (h *harness) gone(t *testing.T, ref openstack.StackRef) {
	t.Helper()
	if err := h.cloud.DeleteStack(t.Context(), ref); err != nil {
		t.Fatalf("delete: %v", err)
	}
	h.eventually(t, func() bool {
		s, err := h.cloud.Stack(t.Context(), ref)
		if err == nil && s.State() == "DELETE_FAILED" {
			t.Fatalf("the stack is DELETE_FAILED: %s", s.Reason)
		}
		return openstack.CodeOf(err) == openstack.Gone
	}, "the stack does not go")
}

func deleteWhileCreating(h *harness) {
	t := h.t
	h.gone(t, h.make(t, openstack.NewStack{Template: slow, Parameters: params("seconds", 20)}))
}

func deleteWhileUpdating(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: slow, Parameters: params("seconds", 0)})
	if err := h.cloud.PatchStack(t.Context(), ref, openstack.StackChange{Parameters: params("value", "b", "seconds", 20)}); err != nil {
		t.Fatal(err)
	}
	h.gone(t, ref)
}

func deleteTwice(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: slow, Parameters: params("seconds", 0)})
	if err := h.cloud.DeleteStack(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	wantState(t, h.read(t, ref), "DELETE_IN_PROGRESS")
	h.gone(t, ref)
}

func deleteSuspendedAndFailed(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: tiny})
	h.acted(t, ref, openstack.Suspend)
	h.gone(t, ref)
	ref = h.make(t, openstack.NewStack{Template: slow, Parameters: params("fail", true, "seconds", 0)})
	h.settled(t, ref)
	h.gone(t, ref)
}

func deletedIsShown(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: tiny, Tags: []string{"a"}})
	h.gone(t, ref)
	s, err := h.cloud.Stack(t.Context(), ref)
	wantCode(t, err, openstack.Gone)
	wantState(t, s, "DELETE_COMPLETE")
	if s.Outputs != nil {
		t.Errorf("outputs are %v, want none at all", s.Outputs)
	}
	// It is listed as DELETE_COMPLETE for a moment, as long as its name is taken.
	h.eventually(t, func() bool {
		s, err := h.cloud.FindStack(t.Context(), ref.Name)
		if err == nil && s.State() != "DELETE_COMPLETE" {
			t.Errorf("listed as %s", s.State())
		}
		return openstack.CodeOf(err) == openstack.Gone
	}, "the stack stays in the list")
	if got := h.raw(t, "heat", http.MethodGet, "/stacks/"+ref.Name, nil); got.status != http.StatusNotFound {
		t.Errorf("by bare name: %d %v", got.status, got.body)
	}
}

func deletingRefuses(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: slow, Parameters: params("seconds", 0)})
	if err := h.cloud.DeleteStack(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	wantState(t, h.read(t, ref), "DELETE_IN_PROGRESS")
	wantCode(t, h.cloud.PatchStack(t.Context(), ref, openstack.StackChange{}), openstack.Refused)
}

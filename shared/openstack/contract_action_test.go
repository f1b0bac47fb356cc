package openstack_test

import (
	"sync"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
)

func actionRows() []row {
	return []row{
		{"suspend, twice; what a suspended stack refuses; check makes it writable", suspendRules},
		{"suspends at once are one suspend", suspendsAtOnce},
		{"resume, twice; then it is writable", resumeRules},
		{"resume of what was never suspended fails the stack", resumeNeverSuspended},
		{"suspend during create fails the stack for good", suspendTooEarly},
		{"suspend of a failed stack fails", suspendFailed},
		{"check", checkStack},
		{"actions on an unknown or deleted stack", actOnDeleted},
	}
}

// handled has a wait handle, for signals.
const handled = `
heat_template_version: 2018-03-02
parameters: {note: {type: string, default: none}}
resources:
  word: {type: OS::Heat::RandomString}
  handle: {type: OS::Heat::WaitConditionHandle}
`

func suspendRules(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: handled, Tags: []string{"a"}})
	wantState(t, h.acted(t, ref, openstack.Suspend), "SUSPEND_COMPLETE")
	if err := h.cloud.Act(t.Context(), ref, openstack.Suspend); err != nil {
		t.Errorf("suspend twice: %v", err)
	}
	h.pass(t.Context(), 2*time.Second)
	s := h.read(t, ref)
	wantState(t, s, "SUSPEND_COMPLETE")
	if len(s.Tags) != 1 {
		t.Errorf("tags are %v", s.Tags)
	}
	wantCode(t, h.cloud.PatchStack(t.Context(), ref, openstack.StackChange{Parameters: params("note", "x")}), openstack.Refused)
	wantCode(t, h.cloud.Signal(t.Context(), ref, "handle", openstack.Signal{ID: "1", Status: "SUCCESS"}), openstack.Refused)
	if _, err := h.cloud.PreviewChange(t.Context(), ref, openstack.StackChange{Parameters: params("note", "x")}); err != nil {
		t.Errorf("preview while suspended: %v", err)
	}
	wantState(t, h.acted(t, ref, openstack.Check), "CHECK_COMPLETE")
	wantState(t, h.patched(t, ref, openstack.StackChange{Parameters: params("note", "x")}), "UPDATE_COMPLETE")
}

// suspendsAtOnce is a button that is pressed twice: some may be told that something is going on, and the stack sleeps well.
func suspendsAtOnce(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: handled})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := h.cloud.Act(t.Context(), ref, openstack.Suspend); err != nil {
				t.Logf("one was told: %v", err)
				wantCode(t, err, openstack.Busy)
			}
		})
	}
	all.Wait()
	s := h.until(t, ref, func(s openstack.Stack) bool { return s.Action == "SUSPEND" && !s.Busy() })
	h.pass(t.Context(), 2*time.Second)
	s = h.settled(t, s.StackRef)
	wantState(t, s, "SUSPEND_COMPLETE")
	wantState(t, h.acted(t, ref, openstack.Resume), "RESUME_COMPLETE")
}

func resumeRules(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: handled})
	h.acted(t, ref, openstack.Suspend)
	wantState(t, h.acted(t, ref, openstack.Resume), "RESUME_COMPLETE")
	if err := h.cloud.Act(t.Context(), ref, openstack.Resume); err != nil {
		t.Errorf("resume twice: %v", err)
	}
	h.pass(t.Context(), 2*time.Second)
	wantState(t, h.read(t, ref), "RESUME_COMPLETE")
	if err := h.cloud.Signal(t.Context(), ref, "handle", openstack.Signal{ID: "1", Status: "SUCCESS"}); err != nil {
		t.Errorf("signal after resume: %v", err)
	}
	wantState(t, h.patched(t, ref, openstack.StackChange{Parameters: params("note", "x")}), "UPDATE_COMPLETE")
	wantState(t, h.acted(t, ref, openstack.Suspend), "SUSPEND_COMPLETE")
}

func resumeNeverSuspended(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: tiny})
	s := h.acted(t, ref, openstack.Resume)
	wantState(t, s, "RESUME_FAILED")
	t.Logf("reason: %s", s.Reason)
	if !containsAll(s.Reason, "Resource RESUME failed: ", "invalid for resume") {
		t.Errorf("reason is %q", s.Reason)
	}
	// Heat lets such a stack be updated.
	wantState(t, h.patched(t, ref, openstack.StackChange{}), "UPDATE_COMPLETE")
}

func suspendTooEarly(h *harness) {
	t := h.t
	ref := h.make(t, openstack.NewStack{Template: slow})
	h.eventually(t, func() bool {
		list, err := h.cloud.Resources(t.Context(), ref, 0)
		for _, r := range list {
			if r.Name == "test" && r.Action == "CREATE" {
				return true
			}
		}
		return err != nil
	}, "the slow resource is never begun")
	s := h.acted(t, ref, openstack.Suspend)
	wantState(t, s, "SUSPEND_FAILED")
	t.Logf("reason: %s", s.Reason)
	if !containsAll(s.Reason, "Resource SUSPEND failed: ", "invalid for suspend") {
		t.Errorf("reason is %q", s.Reason)
	}
	wantCode(t, h.cloud.PatchStack(t.Context(), ref, openstack.StackChange{}), openstack.Refused)
	if err := h.cloud.DeleteStack(t.Context(), ref); err != nil {
		t.Errorf("delete: %v", err)
	}
}

func suspendFailed(h *harness) {
	t := h.t
	ref := h.make(t, openstack.NewStack{Template: slow, Parameters: params("fail", true, "seconds", 0)})
	wantState(t, h.settled(t, ref), "CREATE_FAILED")
	s := h.acted(t, ref, openstack.Suspend)
	wantState(t, s, "SUSPEND_FAILED")
	t.Logf("reason: %s", s.Reason)
}

func checkStack(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: tiny})
	s := h.acted(t, ref, openstack.Check)
	wantState(t, s, "CHECK_COMPLETE")
	t.Logf("reason: %s", s.Reason)
	wantState(t, h.patched(t, ref, openstack.StackChange{}), "UPDATE_COMPLETE")
}

func actOnDeleted(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: tiny})
	if err := h.cloud.DeleteStack(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	h.eventually(t, func() bool {
		_, err := h.cloud.Stack(t.Context(), ref)
		return openstack.CodeOf(err) == openstack.Gone
	}, "the stack does not go")
	h.eventually(t, func() bool {
		_, err := h.cloud.FindStack(t.Context(), ref.Name)
		return openstack.CodeOf(err) == openstack.Gone
	}, "the stack stays in the list")
	for _, action := range []openstack.Action{openstack.Suspend, openstack.Resume, openstack.Check} {
		wantCode(t, h.cloud.Act(t.Context(), ref, action), openstack.Gone)
	}
	wantCode(t, h.cloud.PatchStack(t.Context(), ref, openstack.StackChange{}), openstack.Gone)
	wantCode(t, h.cloud.DeleteStack(t.Context(), ref), openstack.Gone)
}

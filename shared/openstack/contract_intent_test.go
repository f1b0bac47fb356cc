package openstack_test

import (
	"fmt"
	"sync"

	"github.com/stackhook/stackhook/shared/openstack"
)

// logged has a handle that nothing waits for, as heat-templates/cluster.yaml does, and takes its time to be updated.
const logged = `
heat_template_version: 2018-08-31
parameters: {seconds: {type: number, default: 0}, note: {type: string, default: none}}
resources:
  log: {type: OS::Heat::WaitConditionHandle, properties: {signal_transport: HEAT_SIGNAL}}
  test: {type: OS::Heat::TestResource, properties: {value: {get_param: note}, wait_secs: {get_param: seconds}}}
`

// keptWhileUpdating is what is relied on to keep a request that comes while a cluster is being changed.
func keptWhileUpdating(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: logged})
	if s := h.read(t, ref); !s.Updated.IsZero() {
		t.Errorf("never updated, and yet at %s", s.Updated)
	}
	if err := h.cloud.PatchStack(t.Context(), ref, openstack.StackChange{Parameters: params("note", "b", "seconds", 8)}); err != nil {
		t.Fatal(err)
	}
	s := h.read(t, ref)
	wantState(t, s, "UPDATE_IN_PROGRESS")
	if s.Updated.IsZero() {
		t.Error("an update that runs does not show in updated_time")
	}
	var all sync.WaitGroup
	for i := range 5 {
		all.Go(func() {
			text := fmt.Sprintf(`{"at":%d,"who":"…"}`, i)
			if err := h.cloud.Signal(t.Context(), ref, "log", openstack.Signal{ID: fmt.Sprint("k", i), Status: "SUCCESS", Reason: "kept: out", Data: map[string]string{"intent": text}}); err != nil {
				t.Errorf("signal %d: %v", i, err)
			}
		})
	}
	all.Wait()
	var got map[string]any
	h.eventually(t, func() bool {
		var err error
		if got, err = h.cloud.Metadata(t.Context(), ref, "log"); err != nil {
			t.Fatalf("metadata: %v", err)
		}
		return len(got) == 5
	}, "the signals never show")
	wantState(t, h.read(t, ref), "UPDATE_IN_PROGRESS")
	s = h.settled(t, ref)
	wantState(t, s, "UPDATE_COMPLETE")
	got, err := h.cloud.Metadata(t.Context(), ref, "log")
	if err != nil || len(got) != 5 {
		t.Fatalf("after the update: %v, %v", got, err)
	}
	for i := range 5 {
		signal, _ := got[fmt.Sprint("k", i)].(map[string]any)
		data, _ := signal["data"].(map[string]any)
		if want := fmt.Sprintf(`{"at":%d,"who":"…"}`, i); data["intent"] != want {
			t.Errorf("signal %d is stored as %v", i, signal)
		}
	}
}

// noHandle is what a stack without the handle says.
func noHandle(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: tiny})
	wantCode(t, h.cloud.Signal(t.Context(), ref, "log", openstack.Signal{ID: "1", Status: "SUCCESS"}), openstack.Gone)
	_, err := h.cloud.Metadata(t.Context(), ref, "log")
	wantCode(t, err, openstack.Gone)
	wantState(t, h.read(t, ref), "CREATE_COMPLETE")
}

// noneAsleep is what a stack that cannot keep a request says.
func noneAsleep(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: logged})
	h.acted(t, ref, openstack.Suspend)
	wantCode(t, h.cloud.Signal(t.Context(), ref, "log", openstack.Signal{ID: "1", Status: "SUCCESS"}), openstack.Refused)
	got, err := h.cloud.Metadata(t.Context(), ref, "log")
	if err != nil || len(got) != 0 {
		t.Errorf("metadata is %v, %v", got, err)
	}
}

// dataAsleep: a condition looks for its handle anew each time, and a resource that sleeps is not found (heat/engine/stack.py
// resource_by_refid). The handle's metadata has the signals all the time.
func dataAsleep(h *harness) {
	t := h.t
	const told = `
heat_template_version: 2018-08-31
resources:
  handle: {type: OS::Heat::WaitConditionHandle, properties: {signal_transport: HEAT_SIGNAL}}
  wait: {type: OS::Heat::WaitCondition, properties: {handle: {get_resource: handle}, timeout: 300}}
outputs:
  data: {value: {get_attr: [wait, data]}}
`
	ref := h.make(t, openstack.NewStack{Template: told})
	h.waitingFor(t, ref, "wait")
	if err := h.cloud.Signal(t.Context(), ref, "handle", openstack.Signal{ID: "one", Status: "SUCCESS", Data: "x"}); err != nil {
		t.Fatal(err)
	}
	wantState(t, h.settled(t, ref), "CREATE_COMPLETE")
	for _, step := range []struct {
		action openstack.Action
		want   string
	}{{openstack.Suspend, ""}, {openstack.Resume, `{"one": "x"}`}, {openstack.Check, `{"one": "x"}`}} {
		if s := h.acted(t, ref, step.action); s.Status != "COMPLETE" || s.Outputs["data"] != step.want {
			t.Errorf("after %s, %s: data is %#v, want %q", step.action, s.State(), s.Outputs["data"], step.want)
		}
		h.signalled(t, ref, "one")
	}
}

package openstack_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
)

// waiting builds until it is signalled.
const waiting = `
heat_template_version: 2018-03-02
resources:
  handle: {type: OS::Heat::WaitConditionHandle}
  wait: {type: OS::Heat::WaitCondition, properties: {handle: {get_resource: handle}, timeout: 300, count: 2}}
outputs:
  data: {value: {get_attr: [wait, data]}}
  curl: {value: {get_attr: [handle, curl_cli]}}
`

func signalRows() []row {
	return []row{
		{"signals complete a wait condition", signalsComplete},
		{"a failure signal fails the stack", failureSignal},
		{"a signal is stored after its answer, without touching the status", signalIsAsynchronous},
		{"what Heat cannot read in a signal is dropped, with 200", badSignals},
		{"a signal to something else is refused", signalElsewhere},
		{"events are in order, and continue after a marker", eventsInOrder},
		{"signals while an update runs are kept, all of them, and the update goes on", keptWhileUpdating},
		{"signal and metadata of a handle that is not there", noHandle},
		{"a signal while suspended is refused, and not kept", noneAsleep},
		{"the data of a wait condition is empty while its stack sleeps, and there again when it wakes", dataAsleep},
	}
}

// signalled waits until the handle has the signal.
func (h *harness) signalled(t *testing.T, ref openstack.StackRef, id string) map[string]any {
	t.Helper()
	var got map[string]any
	h.eventually(t, func() bool {
		all, err := h.cloud.Metadata(t.Context(), ref, "handle")
		if err != nil {
			t.Fatalf("metadata: %v", err)
		}
		got, _ = all[id].(map[string]any)
		return got != nil
	}, "the signal never shows")
	return got
}

func (h *harness) waitingFor(t *testing.T, ref openstack.StackRef, resource string) {
	t.Helper()
	h.eventually(t, func() bool {
		list, err := h.cloud.Resources(t.Context(), ref, 0)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(list, func(r openstack.Resource) bool {
			return r.Name == resource && r.Action == "CREATE" && r.Status == "IN_PROGRESS"
		})
	}, "the resource is never begun")
}

func signalsComplete(h *harness) {
	t := h.t
	ref := h.make(t, openstack.NewStack{Template: waiting})
	h.waitingFor(t, ref, "wait")
	for _, id := range []string{"one", "two"} {
		if err := h.cloud.Signal(t.Context(), ref, "handle", openstack.Signal{ID: id, Status: "SUCCESS", Reason: "up", Data: map[string]any{"n": id}}); err != nil {
			t.Fatal(err)
		}
		h.signalled(t, ref, id)
	}
	s := h.settled(t, ref)
	wantState(t, s, "CREATE_COMPLETE")
	if data, _ := s.Outputs["data"].(string); !containsAll(data, `"one": {"n": "one"}`, `"two": {"n": "two"}`) {
		t.Errorf("data is %v", s.Outputs["data"])
	}
	if curl, _ := s.Outputs["curl"].(string); !strings.HasPrefix(curl, "curl -i -X POST -H 'X-Auth-Token: ") || !strings.HasSuffix(curl, "/resources/handle/signal") {
		t.Errorf("curl_cli is %q", curl)
	}
}

func failureSignal(h *harness) {
	t := h.t
	ref := h.make(t, openstack.NewStack{Template: waiting})
	h.waitingFor(t, ref, "wait")
	if err := h.cloud.Signal(t.Context(), ref, "handle", openstack.Signal{ID: "1", Status: "FAILURE", Reason: "no disk"}); err != nil {
		t.Fatal(err)
	}
	s := h.settled(t, ref)
	wantState(t, s, "CREATE_FAILED")
	if want := "Resource CREATE failed: WaitConditionFailure: resources.wait: no disk"; s.Reason != want {
		t.Errorf("reason is %q, want %q", s.Reason, want)
	}
}

func signalIsAsynchronous(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: handled})
	before := h.read(t, ref)
	if err := h.cloud.Signal(t.Context(), ref, "handle", openstack.Signal{ID: "s1", Status: "SUCCESS", Reason: "why", Data: "text"}); err != nil {
		t.Fatal(err)
	}
	got := h.signalled(t, ref, "s1")
	if got["status"] != "SUCCESS" || got["reason"] != "why" || got["data"] != "text" {
		t.Errorf("signal is stored as %v", got)
	}
	s := h.read(t, ref)
	wantState(t, s, "CREATE_COMPLETE")
	if !s.Updated.Equal(before.Updated) {
		t.Error("updated_time changed")
	}
	events, err := h.cloud.Events(t.Context(), ref, "")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(events, func(e openstack.Event) bool {
		return e.Resource == "handle" && e.Action == "SIGNAL" && e.Status == "COMPLETE" && e.Reason == "Signal: status:SUCCESS reason:why"
	}) {
		t.Errorf("no event of the signal in %+v", events)
	}
	// Kept over an update.
	h.patched(t, ref, openstack.StackChange{Parameters: params("note", "x")})
	h.signalled(t, ref, "s1")
}

func badSignals(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: handled})
	path := "/stacks/" + ref.Name + "/" + ref.ID + "/resources/handle/signal"
	for _, body := range []any{
		map[string]any{"id": "extra", "status": "SUCCESS", "more": 1},
		map[string]any{"id": "status", "status": "GREAT"},
		map[string]any{"id": "good", "status": "SUCCESS"},
	} {
		if got := h.raw(t, "heat", http.MethodPost, path, body); got.status != http.StatusOK {
			t.Errorf("%v: %d %v", body, got.status, got.body)
		}
	}
	h.signalled(t, ref, "good")
	h.pass(t.Context(), 2*time.Second)
	all, err := h.cloud.Metadata(t.Context(), ref, "handle")
	if err != nil || len(all) != 1 {
		t.Errorf("metadata is %v, %v; want the good one alone", all, err)
	}
	if got := h.raw(t, "heat", http.MethodPost, path, map[string]any{}); got.status != http.StatusOK {
		t.Errorf("an empty signal: %d", got.status)
	}
	if got := h.signalled(t, ref, "2"); got["status"] != "SUCCESS" || got["reason"] != "Signal 2 received" {
		t.Errorf("an empty signal is stored as %v", got)
	}
}

func signalElsewhere(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: handled})
	wantCode(t, h.cloud.Signal(t.Context(), ref, "word", openstack.Signal{ID: "1", Status: "SUCCESS"}), openstack.Refused)
	wantCode(t, h.cloud.Signal(t.Context(), ref, "nonsense", openstack.Signal{ID: "1", Status: "SUCCESS"}), openstack.Gone)
}

func eventsInOrder(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: slow, Parameters: params("seconds", 0)})
	events, err := h.cloud.Events(t.Context(), ref, "")
	if err != nil {
		t.Fatal(err)
	}
	lines := func(events []openstack.Event) []string {
		var out []string
		for _, e := range events {
			name := e.Resource
			if e.PhysicalID == ref.ID {
				name = "stack"
			}
			out = append(out, name+" "+e.Action+"_"+e.Status)
		}
		return out
	}
	want := []string{
		"stack CREATE_IN_PROGRESS", "first CREATE_IN_PROGRESS", "first CREATE_COMPLETE", "test CREATE_IN_PROGRESS", "test CREATE_COMPLETE", "stack CREATE_COMPLETE",
	}
	if got := lines(events); !slices.Equal(got, want) {
		t.Fatalf("events are %q, want %q", got, want)
	}
	rest, err := h.cloud.Events(t.Context(), ref, events[3].ID)
	if err != nil || !slices.Equal(lines(rest), want[4:]) {
		t.Errorf("after the marker: %q, %v", lines(rest), err)
	}
	if none, err := h.cloud.Events(t.Context(), ref, events[5].ID); err != nil || len(none) != 0 {
		t.Errorf("after the last: %q, %v", lines(none), err)
	}
}

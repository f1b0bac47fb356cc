package scalecluster_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

const (
	find   = "heat GET /stacks"
	read   = "heat GET /stacks/{}/{}"
	update = "heat PATCH /stacks/{}/{}"
	// app is the stack of the configured cluster academy.
	app = "academy-app"
	// alone is a cluster that only its stack describes.
	alone = "alone"
)

// A real alarm's address makes one step, to a member in the pool, for four requests and then three.
func TestAlarmScales(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(alone, 1, "stackhook")
	r := h.post(h.signed(alone, "out"), aodh("alarm", 1), nobody())
	r.want(t, http.StatusAccepted, "scaled")
	if r.body["from"] != 1.0 || r.body["to"] != 2.0 || r.body["applied"] != true || r.body["reference"] == "" {
		t.Errorf("%s", r.text)
	}
	if got := h.calls(); !slices.Equal(got, []string{find, read, update, read}) {
		t.Errorf("first: %v", got)
	}
	h.settle(5 * time.Minute)
	if n := len(h.cloud.Members()); n != 2 {
		t.Errorf("%d members", n)
	}
	h.calls()
	h.post(h.signed(alone, "out"), aodh("alarm", 1), nobody()).want(t, http.StatusAccepted, "scaled")
	if got := h.calls(); !slices.Equal(got, []string{read, update, read}) {
		t.Errorf("second: %v", got)
	}
	h.settle(20 * time.Minute)
	h.post(h.signed(alone, "in"), aodh("alarm", 2), nobody()).want(t, http.StatusAccepted, "scaled")
	h.settle(0)
	if n := len(h.cloud.Members()); n != 2 || h.count(alone) != 2 {
		t.Errorf("%d members, count %d", n, h.count(alone))
	}
}

// Whatever does not change the cluster says why, and writes nothing.
func TestRefusalsSayWhy(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(alone, 3, "stackhook")
	out, in := h.signed(alone, "out"), h.signed(alone, "in")
	h.post(out, aodh("ok", 1), nobody()).want(t, http.StatusOK, "not_alarm")
	h.post(out, aodh("insufficient data", 1), nobody()).want(t, http.StatusOK, "not_alarm")
	if got := h.calls(); len(got) > 0 {
		t.Errorf("no alarm, and yet %v", got)
	}
	h.post(out+"&dry_run=1", aodh("alarm", 1), nobody()).want(t, http.StatusOK, "scaled")
	if h.count(alone) != 3 {
		t.Error("a dry run scaled")
	}
	h.post(out, aodh("alarm", 1), nobody()).want(t, http.StatusAccepted, "scaled")
	h.post(out, aodh("alarm", 1), nobody()).want(t, http.StatusOK, "duplicate")
	h.post(out, aodh("alarm", 2), nobody()).want(t, http.StatusAccepted, "busy")
	h.post(in, aodh("alarm", 3), nobody()).want(t, http.StatusAccepted, "busy")
	h.settle(0)
	h.calls()
	h.post(out, aodh("alarm", 4), nobody()).want(t, http.StatusOK, "at_max")
	r := h.post(in, aodh("alarm", 5), nobody())
	r.want(t, http.StatusOK, "cooldown")
	if r.body["retry_after"] == nil || r.body["applied"] != false {
		t.Errorf("%s", r.text)
	}
	if got := h.calls(); slices.Contains(got, update) {
		t.Errorf("%v", got)
	}
	if h.count(alone) != 4 {
		t.Errorf("count %d", h.count(alone))
	}
	if !strings.Contains(h.log.String(), `"decision":"cooldown"`) {
		t.Error("the log does not tell the decision")
	}
}

// Twenty equal webhooks at once are one step, in one process by taking turns, and in twenty because all write the same.
func TestParallelWebhooksAreOneStep(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name      string
		processes int
	}{{"one process", 1}, {"twenty processes", 20}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			h := start(t)
			h.cluster(alone, 1, "stackhook")
			to := make([]http.Handler, row.processes)
			for i := range to {
				to[i] = h.process()
			}
			replies := make([]reply, 20)
			var wg sync.WaitGroup
			for i := range replies {
				wg.Go(func() {
					replies[i] = h.sendTo(to[i%len(to)], http.MethodPost, h.signed(alone, "out"), aodh("alarm", 1), nobody())
				})
			}
			wg.Wait()
			applied := 0
			for _, r := range replies {
				switch {
				case r.body["applied"] == true:
					applied++
				case r.status != http.StatusOK && r.status != http.StatusAccepted:
					t.Errorf("%d %s", r.status, r.text)
				}
			}
			calls := h.calls()
			patches := 0
			for _, c := range calls {
				if c == update {
					patches++
				}
			}
			// Those who arrive before the read has begun share it; the others read for themselves.
			if row.processes == 1 && (applied != 1 || patches != 1 || len(calls) > 20) {
				t.Errorf("%d applied, %d updates, calls %v", applied, patches, calls)
			}
			h.settle(0)
			if h.count(alone) != 2 || len(h.cloud.Members()) != 2 || applied < 1 {
				t.Errorf("count %d, %d members, %d applied", h.count(alone), len(h.cloud.Members()), applied)
			}
		})
	}
}

func TestPersonScales(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(app, 1)
	// The configuration's bounds and stack name count, and no tag is needed.
	h.post("/academy/out", `{"by": 2, "reason": "exam"}`, ci()).want(t, http.StatusAccepted, "scaled")
	busy := h.post("/academy/out", ``, ci())
	busy.want(t, http.StatusConflict, "busy")
	if busy.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	h.settle(0)
	if h.count(app) != 3 {
		t.Fatalf("count %d", h.count(app))
	}
	h.post("/academy/in", ``, ci()).want(t, http.StatusOK, "cooldown")
	h.post("/academy/in?strict=1", ``, ci()).want(t, http.StatusUnprocessableEntity, "cooldown")
	h.post("/academy/in?force=1", ``, ci()).want(t, http.StatusAccepted, "scaled")
	h.settle(0)
	h.post("/academy/set", `{"to": 9}`, ci()).want(t, http.StatusAccepted, "capped")
	h.settle(0)
	h.post("/academy/set?strict=1", `{"to": 4}`, ci()).want(t, http.StatusOK, "unchanged")
	h.post("/academy/auto", `{"to": 1}`, ci()).want(t, http.StatusAccepted, "scaled")
	h.settle(0)
	h.post("/academy/auto?force=1", `{"direction": "out"}`, ci()).want(t, http.StatusAccepted, "scaled")
	h.settle(0)
	h.post("/academy/set?dry_run=1&strict=1", `{"to": 4}`, ci()).want(t, http.StatusOK, "scaled")
	if h.count(app) != 2 {
		t.Errorf("count %d", h.count(app))
	}
	// A person's own key makes a repeat the same request.
	mine := append(ci(), "Idempotency-Key", "exam-1")
	h.post("/academy/out?force=1", ``, mine).want(t, http.StatusAccepted, "scaled")
	h.settle(time.Hour)
	h.post("/academy/out?force=1", ``, mine).want(t, http.StatusOK, "duplicate")
}

// Alertmanager repeats what it gets a 5xx for, and nothing else.
func TestAlertmanager(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(app, 1)
	h.post("/academy/auto", firing(1), theAlarm()).want(t, http.StatusAccepted, "scaled")
	h.post("/academy/auto", firing(1), theAlarm()).want(t, http.StatusOK, "duplicate")
	h.post("/academy/auto", firing(2), theAlarm()).want(t, http.StatusServiceUnavailable, "busy")
	h.settle(0)
	h.post("/academy/auto", firing(3), theAlarm()).want(t, http.StatusOK, "cooldown")
	h.post("/academy/auto", strings.ReplaceAll(firing(4), "firing", "resolved"), theAlarm()).want(t, http.StatusOK, "not_alarm")
	h.cloud.Inject(openstacktest.Fault{Service: "heat", Status: 503})
	h.post("/academy/auto", firing(5), theAlarm()).want(t, http.StatusServiceUnavailable, "unavailable")
}

// N2: an event is acted on once, by its own identity, and the broker hears what it understands.
func TestN2CloudEvents(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(alone, 1, "stackhook")
	event := func(id string) []string {
		return []string{"Ce-Specversion", "1.0", "Ce-Id", id, "Ce-Source", "/alarms", "Ce-Type", "org.example.alarm"}
	}
	h.post(h.signed(alone, "out"), aodh("alarm", 1), event("1")).want(t, http.StatusAccepted, "scaled")
	h.post(h.signed(alone, "out"), aodh("alarm", 2), event("1")).want(t, http.StatusNoContent, "duplicate")
	h.post(h.signed(alone, "out"), aodh("alarm", 2), event("2")).want(t, http.StatusServiceUnavailable, "busy")
	h.post(h.signed(alone, "out"), `{"by": 3}`, event("3")).want(t, http.StatusForbidden, "alarms_only")
	h.settle(time.Hour)
	h.post(h.signed(alone, "out"), aodh("ok", 2), event("4")).want(t, http.StatusNoContent, "not_alarm")
	h.calls()
	h.post("/alone/out", `{"specversion":"1.0","id":"5","source":"s","type":"t","data":{"up":1}}`, append(ci(), "Content-Type", "application/cloudevents+json")).
		want(t, http.StatusUnsupportedMediaType, "unknown_schema")
	if got := h.calls(); len(got) > 0 {
		t.Errorf("N18: asked the cloud %v", got)
	}
	if h.count(alone) != 2 {
		t.Errorf("count %d", h.count(alone))
	}
}

// A stack that was deleted and made again under its name is found again.
func TestReplacedStack(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(alone, 1, "stackhook")
	h.post("/alone/out?dry_run=1", ``, ci()).want(t, http.StatusOK, "scaled")
	cloud := h.client()
	s, err := cloud.FindStack(t.Context(), alone)
	if err != nil {
		t.Fatal(err)
	}
	if err := cloud.DeleteStack(t.Context(), s.StackRef); err != nil {
		t.Fatal(err)
	}
	h.settle(time.Minute)
	h.cluster(alone, 3, "stackhook")
	r := h.post("/alone/out", ``, ci())
	r.want(t, http.StatusServiceUnavailable, "unavailable")
	if r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	h.post("/alone/out", ``, ci()).want(t, http.StatusAccepted, "scaled")
	if h.count(alone) != 4 {
		t.Errorf("count %d", h.count(alone))
	}
}

func TestShow(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(app, 1)
	h.post("/academy/out", aodh("alarm", 1), ci()).want(t, http.StatusAccepted, "scaled")
	h.calls()
	r := h.send(http.MethodGet, "/academy", ``, theAlarm())
	if r.status != http.StatusOK || r.body["nodes"] != 2.0 || r.body["busy"] != true || r.body["max"] != 4.0 || r.body["out_after"] == nil {
		t.Errorf("%s", r.text)
	}
	decisions, _ := r.body["decisions"].([]any)
	if len(decisions) != 1 || !strings.Contains(r.text, `"by":"aodh busy"`) {
		t.Errorf("%s", r.text)
	}
	if got := h.calls(); !slices.Equal(got, []string{read}) {
		t.Errorf("%v", got)
	}
	if h.count(app) != 2 {
		t.Error("a GET scaled")
	}
}

// 202 of Heat is no promise. What becomes of the update, and what the sender hears of it.
func TestFaults(t *testing.T) {
	t.Parallel()
	patch := func(f openstacktest.Fault) openstacktest.Fault {
		f.Service, f.Method, f.Times = "heat", http.MethodPatch, 1
		return f
	}
	for name, row := range map[string]struct {
		fault        openstacktest.Fault
		aodh, person int // statuses
		code         string
		count, calls int
	}{
		"lost update":     {patch(openstacktest.Fault{LostUpdate: true}), 202, 409, "lost", 1, 4},
		"answer lost":     {patch(openstacktest.Fault{DropReply: true}), 202, 202, "scaled", 2, 4},
		"503 at update":   {patch(openstacktest.Fault{Status: 503}), 202, 503, "unavailable", 1, 4},
		"409 at update":   {patch(openstacktest.Fault{Status: 409}), 202, 409, "busy", 1, 3},
		"400 at update":   {patch(openstacktest.Fault{Status: 400}), 200, 200, "not_scalable", 1, 3},
		"401 at update":   {patch(openstacktest.Fault{Status: 401}), 202, 202, "scaled", 2, 5},
		"cloud down":      {openstacktest.Fault{Service: "heat", Status: 503}, 202, 503, "unavailable", 1, 1},
		"cloud refuses":   {openstacktest.Fault{Service: "heat", Status: 403}, 202, 502, "", 1, 1},
		"keystone is out": {openstacktest.Fault{Service: "identity", Status: 503}, 202, 503, "unavailable", 1, 0},
	} {
		for _, sender := range []string{"aodh", "person"} {
			t.Run(name+", "+sender, func(t *testing.T) {
				t.Parallel()
				h := start(t)
				h.cluster(alone, 1, "stackhook")
				h.cloud.Inject(row.fault)
				var r reply
				status := row.person
				if sender == "aodh" {
					status = row.aodh
					r = h.post(h.signed(alone, "out"), aodh("alarm", 1), nobody())
				} else {
					r = h.post("/alone/out", ``, ci())
				}
				if r.status != status || row.code != "" && r.code() != row.code {
					t.Errorf("got %d %s, want %d %s", r.status, r.text, status, row.code)
				}
				if got := h.calls(); len(got) > row.calls {
					t.Errorf("%d calls: %v", len(got), got)
				}
				if h.count(alone) != row.count {
					t.Errorf("count %d", h.count(alone))
				}
				h.cloud.ClearFaults()
				h.cloud.Settle()
				// The next notification, or the person's next try, makes it true.
				if again := h.post("/alone/set", `{"to": 2}`, ci()); again.status >= 300 {
					t.Errorf("again: %d %s", again.status, again.text)
				}
				h.settle(0)
				if n := len(h.cloud.Members()); n != 2 {
					t.Errorf("%d members", n)
				}
			})
		}
	}
}

// A suspended cluster is left alone, a failed one is repaired by the next step.
func TestStatesOfTheStack(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(alone, 1, "stackhook")
	h.cloud.SetStackState(alone, "SUSPEND", "COMPLETE", "")
	h.post("/alone/out", ``, ci()).want(t, http.StatusOK, "not_scalable")
	h.cloud.SetStackState(alone, "UPDATE", "FAILED", "")
	h.post("/alone/out", ``, ci()).want(t, http.StatusAccepted, "scaled")
	if h.memory(alone).To != 2 {
		t.Errorf("%+v", h.memory(alone))
	}
}

// An operator's update with a template resets the memory; the next decision begins a new one.
func TestMemoryIsRebuilt(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(alone, 2, "stackhook")
	cloud := h.client()
	s, err := cloud.FindStack(t.Context(), alone)
	if err != nil {
		t.Fatal(err)
	}
	for _, damaged := range []string{"{broken", "", `{"gen":"x"}`} {
		change := openstack.StackChange{Parameters: map[string]any{"scale_state": damaged, "app_count": 2}}
		if err := cloud.PatchStack(t.Context(), s.StackRef, change); err != nil {
			t.Fatal(err)
		}
		h.settle(0)
		h.send(http.MethodGet, "/alone", ``, ci()).want(t, http.StatusOK, "")
		h.post("/alone/out", ``, ci()).want(t, http.StatusAccepted, "scaled")
		if m := h.memory(alone); m.Gen != 1 || m.To != 3 {
			t.Errorf("%+v", m)
		}
		h.settle(0)
	}
}

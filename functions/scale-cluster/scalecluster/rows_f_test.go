package scalecluster_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// F1: by a number, to a size, and by a part of the cluster, from a person and from an address of an alarm; 0 percent is no
// step, and nothing is rounded.
func TestF1Adjustments(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(floor, 3)
	for _, row := range []struct {
		path, body, code string
		to               int
	}{
		{"/floor/out", `{"by": 2}`, "scaled", 5},
		{"/floor/in", `{"percent": 10, "min_step": 2}`, "scaled", 3},
		{"/floor/out", `{"percent": 50}`, "scaled", 4},
		{"/floor/set", `{"to": 5}`, "scaled", 5},
		{"/floor/out", `{"percent": 30, "min_step": 2}`, "scaled", 7},
		{"/floor/auto", `{"direction": "in", "percent": 30}`, "scaled", 5},
		{"/floor/out", `{"percent": 1000}`, "capped", 12},
	} {
		h.post(row.path, row.body, ci()).want(t, http.StatusAccepted, row.code)
		if h.count(floor) != row.to {
			t.Errorf("%s %s: %d, want %d", row.path, row.body, h.count(floor), row.to)
		}
		h.settle(time.Minute)
	}
	h.calls()
	h.post("/floor/in", `{"percent": 0, "min_step": 2}`, ci()).want(t, http.StatusOK, "unchanged")
	h.post("/floor/out", `{"percent": 0}`, ci()).want(t, http.StatusOK, "unchanged")
	for _, body := range []string{`{"by": 2.5}`, `{"percent": 2.5}`, `{"to": 5.5}`, `{"percent": 10, "min_step": 1.5}`, `{"percent": -30}`, `{"percent": 30, "by": 1}`, `{"by": 1, "min_step": 2}`} {
		h.post("/floor/auto", body, ci()).want(t, http.StatusBadRequest, "bad_field")
	}
	if calls := h.calls(); slices.Contains(calls, update) || h.count(floor) != 12 {
		t.Errorf("%d nodes, %v", h.count(floor), calls)
	}
	// Aodh has no body of its own: its address says the part.
	part := h.mine("/floor/address?direction=in&percent=30&min_step=2")
	h.post(part, aodh("alarm", 1), nobody()).want(t, http.StatusAccepted, "scaled")
	if h.count(floor) != 9 {
		t.Errorf("30 %% of 12: %d are left", h.count(floor))
	}
	h.settle(time.Minute)
	h.post(strings.Replace(part, "percent=30", "percent=90", 1), aodh("alarm", 2), nobody()).want(t, http.StatusUnauthorized, "unauthorized")
	h.send(http.MethodGet, "/floor/address?direction=in&min_step=2", ``, ci()).want(t, http.StatusBadRequest, "bad_option")
	h.send(http.MethodGet, "/floor/address?direction=in&percent=1001", ``, ci()).want(t, http.StatusBadRequest, "bad_option")
}

// F2: what the bounds leave of a step is made, and the answer has both numbers; strict has all of it or nothing.
func TestF2Bounds(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(app, 3)
	strict := h.post("/academy/out?strict=1", `{"by": 5}`, ci())
	strict.want(t, http.StatusUnprocessableEntity, "capped")
	if strict.body["applied"] != false || strict.body["to"] != 3.0 || !strings.Contains(fmt.Sprint(strict.body["reason"]), "bounds are 1 and 4") || h.count(app) != 3 {
		t.Errorf("%s, count %d", strict.text, h.count(app))
	}
	if calls := h.calls(); slices.Contains(calls, update) {
		t.Errorf("%v", calls)
	}
	r := h.post("/academy/out", `{"by": 5}`, ci())
	r.want(t, http.StatusAccepted, "capped")
	if r.body["asked"] != 8.0 || r.body["from"] != 3.0 || r.body["to"] != 4.0 || r.body["applied"] != true {
		t.Errorf("%s", r.text)
	}
	h.settle(longEnough)
	h.post("/academy/out?strict=1", ``, ci()).want(t, http.StatusUnprocessableEntity, "at_max")
	h.post("/academy/out", ``, ci()).want(t, http.StatusOK, "at_max")
	h.post("/academy/set?strict=1", `{"to": 0}`, ci()).want(t, http.StatusUnprocessableEntity, "capped")
	h.post("/academy/set?strict=1", `{"to": 2}`, ci()).want(t, http.StatusAccepted, "scaled")
	h.settle(longEnough)
	low := h.post("/academy/in", `{"by": 9}`, ci())
	low.want(t, http.StatusAccepted, "capped")
	if low.body["asked"] != 0.0 || low.body["to"] != 1.0 {
		t.Errorf("%s", low.text)
	}
}

// F3: each direction has its own cooldown, which counts from when the update was last seen under way; the answer says how
// long it is. In after out waits for the window, too.
func TestF3Cooldowns(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(app, 2) // 3 minutes out, 10 minutes in
	retry := func(r reply) int {
		seconds, _ := r.body["retry_after"].(float64)
		return int(seconds)
	}
	h.post("/academy/out", aodh("alarm", 1), theAlarm()).want(t, http.StatusAccepted, "scaled")
	h.cloud.Advance(2 * time.Second) // the server takes its time
	h.post("/academy/out?strict=1", ``, ci()).want(t, http.StatusConflict, "busy")
	seen := h.cloud.Now()
	h.cloud.Settle()
	left := func(d time.Duration) int { return int(seen.Add(d).Sub(h.cloud.Now()).Round(time.Second) / time.Second) }
	r := h.post("/academy/out", aodh("alarm", 3), theAlarm())
	r.want(t, http.StatusOK, "cooldown")
	if want := left(3 * time.Minute); retry(r) < want-1 || retry(r) > want+1 {
		t.Errorf("out may be asked again in %d s, not in %d: %s", want, retry(r), r.text)
	}
	h.cloud.Advance(3 * time.Minute)
	r = h.post("/academy/in", aodh("alarm", 4), theAlarm())
	r.want(t, http.StatusOK, "cooldown")
	if want := left(10 * time.Minute); retry(r) < want-1 || retry(r) > want+1 {
		t.Errorf("in may be asked again in %d s, not in %d: %s", want, retry(r), r.text)
	}
	h.post("/academy/out", aodh("alarm", 5), theAlarm()).want(t, http.StatusAccepted, "scaled")
	h.settle(10 * time.Minute)
	h.post("/academy/in", aodh("alarm", 6), theAlarm()).want(t, http.StatusAccepted, "scaled")
	h.settle(0)
	h.post("/academy/in", aodh("alarm", 7), theAlarm()).want(t, http.StatusOK, "cooldown")
	h.post("/academy/out", aodh("alarm", 8), theAlarm()).want(t, http.StatusAccepted, "scaled") // in does not hold out up
	// careful has no cooldowns, and a window of ten minutes.
	h.cluster(careful, 2)
	h.post("/careful/out", aodh("alarm", 1), ci()).want(t, http.StatusAccepted, "scaled")
	h.settle(9 * time.Minute)
	h.post("/careful/in", aodh("alarm", 2), ci()).want(t, http.StatusOK, "stabilizing")
	h.settle(time.Minute)
	h.post("/careful/in", aodh("alarm", 3), ci()).want(t, http.StatusAccepted, "scaled")
}

// F4: a wish for more holds in back for the window, also one in vain, and each one anew.
func TestF4Stabilization(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(careful, 6) // all there may be
	out, in := h.signed(careful, "out"), h.signed(careful, "in")
	h.post(out+"&dry_run=1", aodh("alarm", 1), nobody()).want(t, http.StatusOK, "at_max")
	h.post(in+"&dry_run=1", aodh("alarm", 2), nobody()).want(t, http.StatusOK, "scaled") // asking what would be is no wish
	for n := range 3 {
		h.post(out, aodh("alarm", 10+n), nobody()).want(t, http.StatusOK, "at_max")
		h.cloud.Advance(9 * time.Minute)
		r := h.post(in, aodh("alarm", 20+n), nobody())
		r.want(t, http.StatusOK, "stabilizing")
		if r.body["retry_after"] != 60.0 || h.count(careful) != 6 {
			t.Errorf("%s", r.text)
		}
	}
	h.post(in, aodh("ok", 30), nobody()).want(t, http.StatusOK, "not_alarm")
	h.cloud.Advance(time.Minute)
	h.post(in, aodh("alarm", 31), nobody()).want(t, http.StatusAccepted, "scaled")
}

// F13: with fewer than 60 % of the nodes in service none goes, and out is allowed all the same.
func TestF13TooMuchIsBroken(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(guarded, 5)
	for _, index := range []string{"1", "2"} {
		h.cloud.SetMemberStatus(h.member(guarded, index).ID, "ERROR")
	}
	h.post(h.signed(guarded, "in")+"&dry_run=1", aodh("alarm", 1), nobody()).want(t, http.StatusOK, "scaled")
	h.cloud.SetMemberStatus(h.member(guarded, "3").ID, "ERROR")
	h.calls()
	r := h.post(h.signed(guarded, "in"), aodh("alarm", 2), nobody())
	r.want(t, http.StatusOK, "unhealthy")
	if calls := h.calls(); slices.Contains(calls, update) || !strings.Contains(r.text, "Only 2 of 5") {
		t.Errorf("%v %s", calls, r.text)
	}
	h.post(h.signed(guarded, "out"), aodh("alarm", 3), nobody()).want(t, http.StatusAccepted, "scaled")
	if h.count(guarded) != 6 {
		t.Errorf("count %d", h.count(guarded))
	}
}

// F14: after a growth that failed an alarm waits, twice as long after each further one, whichever process it comes to; a person
// need not, and a growth that works ends it.
func TestF14BackOff(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(floor, 3) // no cooldowns, and no passes by alarms
	h.cloud.FailResource(openstacktest.ResourceFault{Type: "OS::Neutron::Port", Times: 100})
	out, n := h.signed(floor, "out"), 0
	ask := func() reply {
		n++
		h.h = h.process()
		return h.post(out, aodh("alarm", n), nobody())
	}
	for failures, wait := range []time.Duration{5 * time.Minute, 10 * time.Minute, 20 * time.Minute} {
		begun := h.cloud.Now()
		ask().want(t, http.StatusAccepted, "scaled")
		h.cloud.Settle()
		if s, _ := h.cloud.Stack(floor); s.State != "UPDATE_FAILED" {
			t.Fatalf("growth %d: %s", failures, s.State)
		}
		h.calls()
		r := ask()
		r.want(t, http.StatusOK, "back_off")
		left, _ := r.body["retry_after"].(float64)
		if want := begun.Add(wait).Sub(h.cloud.Now()).Seconds(); left < want-1 || left > want+1 {
			t.Errorf("after %d failures: %v s, want %v: %s", failures+1, left, want, r.text)
		}
		if calls := h.calls(); slices.Contains(calls, update) {
			t.Errorf("%v", calls)
		}
		h.cloud.Advance(begun.Add(wait).Sub(h.cloud.Now()) - 2*time.Second)
		ask().want(t, http.StatusOK, "back_off")
		h.cloud.Advance(2 * time.Second)
	}
	h.cloud.ClearFaults()
	h.post("/floor/out?force=1&dry_run=1", ``, ci()).want(t, http.StatusOK, "scaled")
	ask().want(t, http.StatusAccepted, "scaled")
	h.cloud.Settle()
	if s, _ := h.cloud.Stack(floor); s.State != "UPDATE_COMPLETE" {
		t.Fatalf("%s: %s", s.State, s.Reason)
	}
	ask().want(t, http.StatusAccepted, "scaled")
}

// F15: of out and in at once out is made and in is dropped with its reason, also if in was first. Two hosts do not hear of
// each other before one of them writes: there, with a lease, one is made and the other told to come again.
func TestF15OutAndInAtOnce(t *testing.T) {
	t.Parallel()
	t.Run("in is before out in the queue", func(t *testing.T) {
		t.Parallel()
		h := start(t)
		h.cluster(floor, 4)
		h.post("/floor/out?dry_run=1", ``, ci())
		// In reads the cluster, and is held up until out has come: an alarm looks at the clock when it does, and an instant later
		// it is in the queue.
		reads, here := make(chan struct{}), make(chan struct{})
		var first, looks sync.Once
		h.cloud.Chaos(func(c openstacktest.Call) openstacktest.Fault {
			if c.Name == read {
				first.Do(func() { close(reads); <-here; <-time.After(300 * time.Millisecond) })
			}
			return openstacktest.Fault{}
		})
		h.clock = func() time.Time {
			looks.Do(func() { close(here) })
			return h.cloud.Now()
		}
		host := h.process()
		replies := make([]reply, 2)
		var wg sync.WaitGroup
		wg.Go(func() { replies[0] = h.sendTo(host, http.MethodPost, "/floor/in", aodh("alarm", 1), ci()) })
		<-reads
		wg.Go(func() { replies[1] = h.sendTo(host, http.MethodPost, "/floor/out", aodh("alarm", 2), ci()) })
		wg.Wait()
		replies[0].want(t, http.StatusOK, "stabilizing")
		replies[1].want(t, http.StatusAccepted, "scaled")
		if h.count(floor) != 5 {
			t.Errorf("count %d", h.count(floor))
		}
	})
	t.Run("two hosts with a lease", func(t *testing.T) {
		t.Parallel()
		h := start(t)
		h.cluster(leased, 3)
		hosts := []http.Handler{h.process(), h.process()}
		for round := range 20 {
			replies := make([]reply, 2)
			var wg sync.WaitGroup
			for i, verb := range []string{"out", "in"} {
				wg.Go(func() {
					replies[i] = h.sendTo(hosts[i], http.MethodPost, "/shared/"+verb, aodh("alarm", 10*round+i), ci())
				})
			}
			wg.Wait()
			made, other := replies[0], replies[1]
			if made.body["applied"] != true {
				made, other = other, made
			}
			// One that looks when the other's update runs already is kept instead.
			told := other.code() == "busy" || other.code() == "kept"
			if made.body["applied"] != true || !told || made.body["to"] != float64(h.count(leased)) {
				t.Errorf("round %d: %s and %s", round, made.text, other.text)
			}
			h.settle(time.Minute)
			h.post("/shared/set", `{"to": 3}`, ci())
			h.settle(time.Minute)
		}
	})
}

// F17: whoever sends is told in its own words that the cluster is busy, or that nothing was to be done.
func TestF17Senders(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(app, 1)
	event := append(ci(), "Ce-Specversion", "1.0", "Ce-Source", "s", "Ce-Type", "t", "Ce-Id")
	senders := map[string]func(n int) reply{
		"aodh":         func(n int) reply { return h.post("/academy/out", aodh("alarm", n), theAlarm()) },
		"alertmanager": func(n int) reply { return h.post("/academy/out", firing(n), theAlarm()) },
		"cloudevents": func(n int) reply {
			return h.post("/academy/out", aodh("alarm", n), append(slices.Clone(event), strconv.Itoa(n)))
		},
		"person": func(int) reply { return h.post("/academy/out", ``, ci()) },
		"timer":  func(int) reply { return h.post("/academy/reconcile", ``, ci()) },
	}
	check := func(stage string, want map[string]int, codes map[string]string) {
		t.Helper()
		n := len(stage) * 100
		for name, send := range senders {
			n++
			r := send(n)
			code := codes[name]
			if code == "" {
				code = codes[""]
			}
			if r.status != want[name] || r.code() != code {
				t.Errorf("%s, %s: %d %s, want %d %s", stage, name, r.status, r.code(), want[name], code)
			}
			if r.status >= 400 && r.header.Get("Retry-After") == "" {
				t.Errorf("%s, %s: no Retry-After", stage, name)
			}
		}
	}
	h.post("/academy/out", ``, ci()).want(t, http.StatusAccepted, "scaled")
	check("busy", map[string]int{"aodh": 202, "alertmanager": 202, "cloudevents": 202, "person": 202, "timer": 200}, map[string]string{"": "kept", "timer": "busy"})
	h.cloud.Inject(openstacktest.Fault{Service: "heat", PathPattern: "*/signal", Status: http.StatusServiceUnavailable})
	check("busy, and not kept", map[string]int{"aodh": 202, "alertmanager": 503, "cloudevents": 503, "person": 409, "timer": 200}, map[string]string{"": "busy"})
	h.cloud.ClearFaults()
	h.settle(0)
	check("cooling", map[string]int{"aodh": 200, "alertmanager": 200, "cloudevents": 204, "person": 200, "timer": 200}, map[string]string{"": "cooldown", "timer": "steady"})
	h.cloud.Inject(fault("heat", http.StatusServiceUnavailable))
	check("no cloud", map[string]int{"aodh": 202, "alertmanager": 503, "cloudevents": 503, "person": 503, "timer": 503}, map[string]string{"": "unavailable"})
}

// F21: every decision, also one that changes nothing, is one line of JSON with its code and its reason.
func TestF21OneLineADecision(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(app, 3)
	want := []string{}
	ask := func(code string, r reply) {
		t.Helper()
		if r.code() != code {
			t.Errorf("%d %s, want %s", r.status, r.text, code)
		}
		want = append(want, code)
	}
	ask("not_alarm", h.post("/academy/out", aodh("ok", 1), theAlarm()))
	ask("scaled", h.post("/academy/out?dry_run=1", aodh("alarm", 1), theAlarm()))
	ask("scaled", h.post("/academy/out", aodh("alarm", 1), theAlarm()))
	ask("duplicate", h.post("/academy/out", aodh("alarm", 1), theAlarm()))
	ask("kept", h.post("/academy/out", firing(1), theAlarm()))
	ask("kept", h.post("/academy/out", ``, ci()))
	h.settle(0)
	ask("at_max", h.post("/academy/out", aodh("alarm", 2), theAlarm()))
	ask("cooldown", h.post("/academy/in", aodh("alarm", 3), theAlarm()))
	ask("capped", h.post("/academy/set?strict=1", `{"to": 0}`, ci()))
	ask("unchanged", h.post("/academy/set", `{"to": 4}`, ci()))
	ask("unknown_node", h.post("/academy/in?force=1", `{"nodes": ["x"]}`, ci()))
	ask("steady", h.post("/academy/reconcile", ``, ci()))
	h.cloud.Inject(fault("heat", http.StatusServiceUnavailable))
	ask("unavailable", h.post("/academy/out", aodh("alarm", 4), theAlarm()))
	ask("unavailable", h.post("/academy/out", ``, ci()))
	var got []string
	for line := range strings.Lines(h.log.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Errorf("%q is not JSON", line)
		}
		if fields["message"] != "request" {
			continue
		}
		code, _ := fields["decision"].(string)
		got = append(got, code)
		if fields["reason"] == nil || fields["cluster"] != "academy" || fields["request_id"] == nil || fields["calls"] == nil || fields["function"] != "scale-cluster" {
			t.Errorf("%s", line)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the log has %v, the answers had %v", got, want)
	}
}

// F22: whatever is asked, no more than four requests go out, so that an answer takes less than a second where each of them
// takes 150 ms of the cloud's clock.
func TestF22Fast(t *testing.T) {
	t.Parallel()
	h := start(t, openstacktest.TokenLife(30*24*time.Hour))
	h.cluster(gentle, 4)
	h.cluster(floor, 4)
	for _, name := range []string{gentle, floor} {
		h.post("/"+name+"/out?dry_run=1", ``, ci()) // the stack is found once in a process's life
	}
	h.cloud.Chaos(func(openstacktest.Call) openstacktest.Fault {
		h.cloud.Advance(150 * time.Millisecond)
		return openstacktest.Fault{}
	})
	rows := []struct{ path, body, code string }{
		{"/gentle/in", aodh("alarm", 1), "draining"},
		{"/gentle/out", aodh("alarm", 2), "undrained"},
		{"/gentle/in", aodh("alarm", 3), "draining"},
		{"/gentle/reconcile", ``, "removed"},
		{"/gentle/out", aodh("alarm", 4), "scaled"},
		{"/gentle/set", `{"to": 4}`, "unchanged"},
		{"/floor/out", aodh("alarm", 5), "scaled"},
		{"/floor/out", aodh("alarm", 5), "duplicate"},
		{"/floor/in", aodh("alarm", 6), "scaled"},
		{"/floor/in", `{"nodes": ["2"]}`, "scaled"},
		{"/floor/set", `{"to": 4}`, "scaled"},
		{"/floor/auto", firing(1), "scaled"},
		{"/floor/out", aodh("ok", 7), "not_alarm"},
		{"/floor/reconcile", ``, "steady"},
	}
	for n, row := range rows {
		h.calls()
		begun := h.cloud.Now()
		r := h.post(row.path, row.body, ci())
		took := h.cloud.Now().Sub(begun)
		calls := h.calls()
		if r.code() != row.code || len(calls) > 4 || took >= time.Second || took < time.Duration(len(calls))*150*time.Millisecond {
			t.Errorf("%d: %s: %d requests in %s: %v: %s", n, row.path, len(calls), took, calls, r.text)
		}
		if n+1 == len(rows) || rows[n+1].code != "duplicate" { // that is one at once
			h.settle(6 * time.Minute)
		}
	}
}

// F22: an update that OpenStack does not answer in time is looked for before the answer is due. If it was taken, the answer says
// so; if not, the request is kept, and made by the next pass, another process's too, long after anything else happened to the
// cluster. Whatever comes first then, the pass, the sender again or the update after all, that makes one step.
func TestF22SlowUpdate(t *testing.T) {
	t.Parallel()
	taken := openstacktest.Fault{Service: "heat", Method: http.MethodPatch, Times: 1, DropReply: true, Held: time.Minute}
	never := openstacktest.Fault{Service: "heat", Method: http.MethodPatch, Times: 1, Latency: time.Minute, Status: http.StatusServiceUnavailable}
	for name, row := range map[string]struct {
		fault      openstacktest.Fault
		path, body string
		status     int
		code       string
		calls      []string
		again      string // what the same comes to when it is sent again at once
		pass       string // what a pass does instead
		after      string // what the same comes to after that
	}{
		"taken, Aodh":         {taken, "/floor/out", aodh("alarm", 1), 202, "scaled", []string{read, update, read}, "duplicate", "busy", "duplicate"},
		"taken, Alertmanager": {taken, "/floor/out", firing(1), 202, "scaled", []string{read, update, read}, "duplicate", "busy", "duplicate"},
		"never, Aodh":         {never, "/floor/out", aodh("alarm", 1), 202, "kept", []string{read, update, read, keepOne}, "scaled", "scaled", "duplicate"},
		"never, Alertmanager": {never, "/floor/out", firing(1), 202, "kept", []string{read, update, read, keepOne}, "scaled", "scaled", "duplicate"},
		"never, a person":     {never, "/floor/set", `{"to": 4}`, 202, "kept", []string{read, update, read, keepOne}, "scaled", "scaled", "kept"},
		"never, strict":       {never, "/floor/set?strict=1", `{"to": 4}`, 503, "unavailable", []string{read, update, read}, "scaled", "steady", "scaled"},
	} {
		for _, passFirst := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", pass first: ", passFirst), func(t *testing.T) {
				t.Parallel()
				h := start(t)
				h.cluster(floor, 3)
				h.settle(3 * time.Hour)
				h.post("/floor/out?dry_run=1", ``, ci())
				h.calls()
				h.cloud.Inject(row.fault)
				h.inTime(3*time.Second, row.path, row.body).want(t, row.status, row.code)
				if got := h.calls(); !slices.Equal(got, row.calls) {
					t.Errorf("%v", got)
				}
				h.cloud.ClearFaults()
				h.cloud.Advance(time.Second) // until a signal shows
				again := row.again
				if passFirst {
					again = row.after
					h.sendTo(h.process(), http.MethodPost, "/floor/reconcile", ``, ci()).wantCode(t, row.pass)
				}
				h.post(row.path, row.body, ci()).wantCode(t, again)
				h.settle(0)
				h.sendTo(h.process(), http.MethodPost, "/floor/reconcile", ``, ci()).wantCode(t, "steady")
				if n := h.count(floor); n != 4 {
					t.Errorf("count %d", n)
				}
			})
		}
	}
}

// F22: an update that was given up, and is taken after its request was kept, has made what was asked: nobody makes it again.
func TestF22TakenAfterAll(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"an alarm": aodh("alarm", 1), "a person": ``} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t)
			h.cluster(floor, 3)
			h.settle(3 * time.Hour)
			late := make(chan struct{})
			h.h = h.through(&laggard{late: late})
			h.inTime(3*time.Second, "/floor/out", body).want(t, http.StatusAccepted, "kept")
			close(late)
			for h.count(floor) == 3 {
				time.Sleep(time.Millisecond)
			}
			h.settle(time.Minute)
			h.sendTo(h.process(), http.MethodPost, "/floor/reconcile", ``, ci()).wantCode(t, "steady")
			if n := h.count(floor); n != 4 {
				t.Errorf("count %d", n)
			}
		})
	}
}

// laggard gives updates on to OpenStack when it is told to, and to nobody's benefit: who sent them has given up by then.
type laggard struct{ late <-chan struct{} }

func (l *laggard) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPatch {
		return http.DefaultTransport.RoundTrip(r)
	}
	after := r.Clone(context.WithoutCancel(r.Context()))
	go func() {
		<-l.late
		if reply, err := http.DefaultTransport.RoundTrip(after); err == nil {
			_ = reply.Body.Close()
		}
	}()
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// inTime posts a request that is to be answered within this time.
func (h *house) inTime(limit time.Duration, path, body string) reply {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), limit)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+ciToken)
	begun := time.Now()
	answer := h.do(h.h, r)
	if took := time.Since(begun); took >= limit {
		h.t.Errorf("answered after %s", took)
	}
	return answer
}

package scalecluster_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// N1: an alarm's state is obeyed: of the three only alarm scales, whatever the address says and however it comes.
func TestN1OnlyAlarmScales(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(floor, 4)
	n := 0
	for _, verb := range []string{"out", "in"} {
		for _, state := range []string{"ok", "insufficient data", "alarm"} {
			before := h.count(floor)
			n++
			r := h.post(h.signed(floor, verb), aodh(state, n), nobody())
			if changed := h.count(floor) != before; changed != (state == "alarm") || (r.code() == "not_alarm") == changed {
				t.Errorf("%s at %s: %d to %d, %s", state, verb, before, h.count(floor), r.text)
			}
			h.settle(longEnough)
		}
	}
	h.post(h.signed(floor, "out"), aodh("ALARM", 9), nobody()).want(t, http.StatusBadRequest, "bad_field")
	h.post("/floor/out", strings.ReplaceAll(firing(1), "firing", "resolved"), ci()).want(t, http.StatusOK, "not_alarm")
	if h.count(floor) != 4 {
		t.Errorf("count %d", h.count(floor))
	}
}

// N2: the same notification twenty times, one after another, is one step, while its update runs and afterwards, and nothing but
// the notification itself says that it was seen.
func TestN2TwentyInSeries(t *testing.T) {
	t.Parallel()
	with, fired := func(extra ...string) []string { return append(ci(), extra...) }, event("m1")
	for name, row := range map[string]struct {
		verb, body string
		headers    []string
		known      int // the status of a repeat
	}{
		"Aodh":          {"out", aodh("alarm", 1), ci(), 200},
		"Aodh, in":      {"in", aodh("alarm", 1), ci(), 200},
		"Aodh, event":   {"out", fired, ci(), 200},
		"Alertmanager":  {"auto", firing(1), ci(), 200},
		"CloudEvents":   {"out", aodh("alarm", 1), with("Ce-Specversion", "1.0", "Ce-Id", "1", "Ce-Source", "/a", "Ce-Type", "t"), 204},
		"person's name": {"out", ``, with("Idempotency-Key", "one"), 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t)
			h.cluster(floor, 5) // no cooldowns
			want := map[string]int{"out": 6, "auto": 6, "in": 4}[row.verb]
			for n := range 20 {
				r := h.post("/floor/"+row.verb, row.body, row.headers)
				switch {
				case n == 0 && r.code() != "scaled", n > 0 && (r.code() != "duplicate" || r.status != row.known):
					t.Errorf("delivery %d: %d %s %s", n, r.status, r.code(), r.text)
				}
				if n == 10 {
					h.cloud.Settle()
				}
				if h.count(floor) != want {
					t.Fatalf("delivery %d: count %d", n, h.count(floor))
				}
			}
			if ring := h.memory(floor).Ring; len(ring) != 1 {
				t.Errorf("%+v", ring)
			}
		})
	}
}

// N14: the last decisions are the cluster's, and not a process's: a new one between any two requests tells the same history,
// and goes on with it.
func TestN14RestartBetweenCalls(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(floor, 3)
	var history []string // newest first
	for n, row := range []struct{ path, body, code, entry string }{
		{"/floor/out", aodh("alarm", 1), "scaled", "out 3 4"},
		{"/floor/out", aodh("alarm", 1), "duplicate", ""},
		{"/floor/in", `{"by": 2}`, "scaled", "in 4 2"},
		{"/floor/in", aodh("alarm", 2), "at_min", ""},
		{"/floor/set", `{"to": 6}`, "scaled", "set 2 6"},
		{"/floor/reconcile", ``, "steady", ""},
	} {
		h.h = h.process()
		r := h.post(row.path, row.body, ci())
		if r.code() != row.code {
			t.Fatalf("%d: %s", n, r.text)
		}
		h.settle(time.Second)
		if row.entry != "" {
			history = append([]string{row.entry}, history...)
		}
		h.h = h.process()
		for _, told := range []reply{r, h.send(http.MethodGet, "/floor", ``, ci())} {
			if got := told.history(); !slices.Equal(got, history) {
				t.Errorf("%d: %v, want %v", n, got, history)
			}
		}
	}
}

// history are the decisions in an answer, newest first.
func (r reply) history() []string {
	list, _ := r.body["decisions"].([]any)
	var out []string
	for _, item := range list {
		past, _ := item.(map[string]any)
		out = append(out, fmt.Sprint(past["direction"], " ", past["from"], " ", past["to"]))
	}
	return out
}

// N3: a 202 of Heat is looked at: an update that was dropped is seen, and decided again by the next notification.
func TestN3LostUpdate(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(floor, 3)
	for _, verb := range []string{"out", "in"} {
		before := h.count(floor)
		h.cloud.Inject(openstacktest.Fault{Service: "heat", Method: http.MethodPatch, LostUpdate: true, Times: 1})
		r := h.post(h.signed(floor, verb), aodh("alarm", 1), nobody())
		r.want(t, http.StatusAccepted, "lost")
		if r.body["applied"] != false || r.body["to"] != float64(before) || h.count(floor) != before {
			t.Errorf("%s, count %d", r.text, h.count(floor))
		}
		if calls := h.calls(); calls[len(calls)-1] != read || calls[len(calls)-2] != update {
			t.Errorf("not read back: %v", calls)
		}
		h.post(h.signed(floor, verb), aodh("alarm", 1), nobody()).want(t, http.StatusAccepted, "scaled") // the same: it was not acted on
		if h.count(floor) == before {
			t.Errorf("count %d", before)
		}
		h.settle(longEnough)
	}
}

// N7: while a new member is not in service nothing goes and nothing more comes; after its time it counts as a growth that
// failed.
func TestN7ReadinessGate(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(guarded, 2) // ten minutes to get ready
	out, in := h.signed(guarded, "out"), h.signed(guarded, "in")
	h.post(out, aodh("alarm", 1), nobody()).want(t, http.StatusAccepted, "scaled")
	h.cloud.Settle()
	h.cloud.SetMemberStatus(h.member(guarded, "2").ID, "OFFLINE")
	h.cloud.Advance(9 * time.Minute)
	h.post(out, aodh("alarm", 2), nobody()).want(t, http.StatusOK, "not_ready")
	h.post(in, aodh("alarm", 3), nobody()).want(t, http.StatusOK, "not_ready")
	h.cloud.Advance(time.Minute)
	r := h.post(out, aodh("alarm", 4), nobody())
	r.want(t, http.StatusOK, "back_off")
	if seconds, _ := r.body["retry_after"].(float64); seconds < 280 || seconds > 300 || h.count(guarded) != 3 {
		t.Errorf("%s", r.text)
	}
	h.cloud.SetMemberStatus(h.member(guarded, "2").ID, "ONLINE")
	h.post(out, aodh("alarm", 5), nobody()).want(t, http.StatusAccepted, "scaled")
}

// N8: members in service never fall under the lower bound, whatever the count says: of four, two of them broken, in takes
// the broken ones.
func TestN8FloorByHealth(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(floor, 4) // two at least
	for _, index := range []string{"1", "3"} {
		h.cloud.SetMemberStatus(h.member(floor, index).ID, "ERROR")
	}
	before := h.servers(floor)
	r := h.post("/floor/in?force=1", `{"by": 4}`, ci())
	r.want(t, http.StatusAccepted, "capped")
	h.settle(longEnough)
	after := h.servers(floor)
	if len(after) != 2 || after["0"] != before["0"] || after["2"] != before["2"] {
		t.Errorf("%v became %v: %s", before, after, r.text)
	}
	h.post("/floor/set", `{"to": 4}`, ci()).want(t, http.StatusAccepted, "scaled")
	h.settle(longEnough)
	for index := range h.servers(floor) {
		if index != "0" && index != "2" {
			h.cloud.SetMemberStatus(h.member(floor, index).ID, "ERROR")
			h.tag(floor, index, "protect")
		}
	}
	// Two broken ones may not go, and two in service must stay.
	h.post("/floor/in?force=1", ``, ci()).want(t, http.StatusOK, "unhealthy")
	if h.count(floor) != 4 {
		t.Errorf("count %d", h.count(floor))
	}
}

// N9: a storm of alarms changes the size no more often than three times an hour, and takes no more than a quarter at once.
func TestN9Storm(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(guarded, 12)
	sizes := []int{12}
	for n := range 120 { // two hours of an alarm each minute that wants all to go
		h.post(h.signed(guarded, "in"), strings.Replace(aodh("alarm", n), "80.0", "0", 1), nobody())
		if size := h.count(guarded); size != sizes[len(sizes)-1] {
			if was := sizes[len(sizes)-1]; was-size > max(1, was/4) {
				t.Errorf("%d to %d", was, size)
			}
			sizes = append(sizes, size)
		}
		h.cloud.Advance(time.Minute)
	}
	if len(sizes)-1 != 6 {
		t.Errorf("sizes in two hours: %v", sizes)
	}
	h.settle(time.Hour)
	before := h.count(guarded)
	h.post(h.mine("/guarded/address?direction=in&percent=90"), aodh("alarm", 200), nobody()).want(t, http.StatusAccepted, "capped")
	if size := h.count(guarded); before-size > max(1, before/4) || size == before {
		t.Errorf("%d to %d", before, size)
	}
}

// N18: what is no notification scales nothing, and OpenStack is not asked: a redirect that became a GET, a form, JSON that
// breaks off, and JSON of somebody else.
func TestN18NothingByAccident(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(floor, 3)
	out := h.signed(floor, "out")
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	for name, row := range map[string]struct {
		method, body string
		headers      []string
		status       int
	}{
		"GET":             {http.MethodGet, ``, nobody(), 405},
		"HEAD":            {http.MethodHead, ``, nobody(), 405},
		"PUT":             {http.MethodPut, aodh("alarm", 1), nobody(), 405},
		"form":            {http.MethodPost, "current=alarm&alarm_id=1", form, 415},
		"cut off":         {http.MethodPost, aodh("alarm", 1)[:80], nobody(), 400},
		"somebody else's": {http.MethodPost, `{"event": "push", "ref": "main"}`, nobody(), 415},
		"a list":          {http.MethodPost, `[` + aodh("alarm", 1) + `]`, nobody(), 400},
		"other version":   {http.MethodPost, strings.Replace(firing(1), `"4"`, `"3"`, 1), nobody(), 415},
		"a batch":         {http.MethodPost, `[]`, []string{"Content-Type", "application/cloudevents-batch+json"}, 415},
		"nothing":         {http.MethodPost, ``, nobody(), 403},
	} {
		if r := h.send(row.method, out, row.body, row.headers); r.status != row.status {
			t.Errorf("%s: %d %s, want %d", name, r.status, r.text, row.status)
		}
	}
	if calls := h.calls(); len(calls) > 0 || h.count(floor) != 3 {
		t.Errorf("count %d, asked the cloud %v", h.count(floor), calls)
	}
}

// N19: Octavia and LBaaSv2 are scaled alike: the same answers, the same nodes, as many requests.
func TestN19BothLoadBalancers(t *testing.T) {
	t.Parallel()
	story := func(t *testing.T, options ...openstacktest.Option) (told []string, requests int) {
		t.Helper()
		h := start(t, options...)
		h.cluster(floor, 3)
		h.post("/floor/out?dry_run=1", ``, ci())
		h.calls()
		for _, row := range []struct{ path, body string }{
			{"/floor/out", aodh("alarm", 1)},
			{"/floor/in", aodh("alarm", 2)},
			{"/floor/in", `{"nodes": ["2"]}`},
			{"/floor/in", `{"nodes": ["2"]}`},
			{"/floor/set", `{"to": 5}`},
			{"/floor/reconcile", ``},
		} {
			r := h.post(row.path, row.body, ci())
			told = append(told, fmt.Sprint(r.code(), r.body["from"], r.body["to"], r.body["victims"]))
			requests += len(h.calls())
			h.settle(longEnough)
			names := []string{}
			for index := range h.servers(floor) {
				names = append(names, index)
			}
			slices.Sort(names)
			told = append(told, fmt.Sprint(names))
		}
		return told, requests
	}
	octavia, few := story(t)
	lbaas, many := story(t, openstacktest.NoOctavia())
	if !slices.Equal(octavia, lbaas) || !slices.Contains(octavia, "[1 3]") {
		t.Errorf("with Octavia\n%v, with LBaaSv2\n%v", octavia, lbaas)
	}
	if few != many {
		t.Errorf("%d requests with Octavia, %d with LBaaSv2", few, many)
	}
}

// N20: the day's node-hours are reported, with what the upper bound would have used besides, and end the growing.
func TestN20Reported(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(guarded, 4)
	h.cloud.Advance(24 * time.Hour)
	h.post(h.signed(guarded, "out"), aodh("alarm", 1), nobody()).want(t, http.StatusAccepted, "scaled") // 96 of 150
	h.settle(12 * time.Hour)
	h.post("/guarded/set", `{"to": 10}`, ci()).want(t, http.StatusAccepted, "scaled")
	h.settle(6 * time.Hour)
	shown := h.send(http.MethodGet, "/guarded", ``, ci())
	hours, _ := shown.body["node_hours"].(map[string]any)
	used, _ := hours["used"].(float64)
	saved, _ := hours["saved"].(float64)
	if want := 6*4 + 12*5 + 6*10.0; used < want-1 || used > want+1 || used+saved < 24*12-1 || used+saved > 24*12+1 || hours["limit"] != 150.0 {
		t.Errorf("%v, want %v used of %d", hours, want, 24*12)
	}
	h.settle(2 * time.Hour) // 2 hours of 4 nodes leave the day, 2 of 10 come
	h.post(h.signed(guarded, "out"), aodh("alarm", 2), nobody()).want(t, http.StatusOK, "over_budget")
	h.post("/guarded/set", `{"to": 3}`, ci()).want(t, http.StatusAccepted, "scaled")
	h.settle(12 * time.Hour)
	h.post(h.signed(guarded, "out"), aodh("alarm", 3), nobody()).want(t, http.StatusAccepted, "scaled")
}

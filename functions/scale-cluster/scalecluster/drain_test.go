package scalecluster_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// gentle is the configured cluster whose nodes leave by a drain of five minutes; it has no cooldowns.
const gentle = "gentle"

// marked says whether a tag of the node's member begins so.
func (h *house) marked(index, prefix string) bool {
	h.t.Helper()
	return slices.ContainsFunc(h.member(gentle, index).Tags, func(tag string) bool { return strings.HasPrefix(tag, prefix) })
}

// start4 is a house with the gentle cluster of four, found already.
func start4(t *testing.T, options ...openstacktest.Option) *house {
	t.Helper()
	h := start(t, options...)
	h.cluster(gentle, 4)
	h.post("/gentle/in?dry_run=1", ``, ci()) // which looks at the pool, once an hour
	if got := h.calls(); slices.Contains(got, changeOne) || slices.Contains(got, update) {
		t.Fatalf("N11: %v", got)
	}
	return h
}

// F7, N5: out of service first, back again if it is wanted, removed when its time is over; never more than four requests.
func TestF7DrainStoryAndRow7014(t *testing.T) {
	t.Parallel()
	h := start4(t)
	in, out := h.signed(gentle, "in"), h.signed(gentle, "out")
	h.post(in, aodh("alarm", 1), nobody()).want(t, http.StatusAccepted, "draining")
	if got := h.calls(); !slices.Equal(got, []string{read, membersOf, changeOne}) {
		t.Errorf("drain: %v", got)
	}
	if m := h.member(gentle, "0"); m.Weight != 0 || !h.marked("0", "drain-weight=1") || h.count(gentle) != 4 {
		t.Errorf("%+v, count %d", m, h.count(gentle))
	}
	h.post(in, aodh("alarm", 1), nobody()).want(t, http.StatusOK, "duplicate")
	h.settle(time.Minute)
	h.calls()
	h.post(out, aodh("alarm", 2), nobody()).want(t, http.StatusAccepted, "undrained")
	if got := h.calls(); !slices.Equal(got, []string{read, membersOf, changeOne}) {
		t.Errorf("N5: back: %v", got)
	}
	h.post(out, aodh("alarm", 2), nobody()).want(t, http.StatusOK, "duplicate")
	if m := h.member(gentle, "0"); m.Weight != 1 || h.marked("0", "drain") || h.count(gentle) != 4 {
		t.Errorf("N5: %+v, count %d", m, h.count(gentle))
	}
	h.settle(time.Minute)
	h.post(in, aodh("alarm", 3), nobody()).want(t, http.StatusAccepted, "draining")
	h.settle(time.Minute)
	h.calls()
	h.post("/gentle/reconcile", ``, ci()).want(t, http.StatusOK, "steady")
	if got := h.calls(); !slices.Equal(got, []string{read, membersOf, lookKept}) {
		t.Errorf("nothing due: %v", got)
	}
	shown := h.send(http.MethodGet, "/gentle", ``, ci())
	if !strings.Contains(shown.text, "removed_at") {
		t.Errorf("%s", shown.text)
	}
	h.settle(5 * time.Minute)
	before := h.servers(gentle)
	r := h.post("/gentle/reconcile", ``, ci())
	r.want(t, http.StatusAccepted, "removed")
	if got := h.calls(); !slices.Equal(got, []string{read, membersOf, update, read}) {
		t.Errorf("removal: %v", got)
	}
	h.post("/gentle/reconcile", ``, ci()).want(t, http.StatusOK, "busy")
	h.settle(0)
	after := h.servers(gentle)
	if len(after) != 3 || after["0"] != "" || after["1"] != before["1"] {
		t.Errorf("%v became %v", before, after)
	}
	h.post("/gentle/reconcile", ``, ci()).want(t, http.StatusOK, "steady")
}

// The alarm's own repeats do what is due, whatever they say themselves, for no more than four requests.
func TestAlarmsAreTheClock(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ direction, state, code string }{
		"an alarm that is over": {"in", "ok", "not_alarm"},
		"one without data":      {"in", "insufficient data", "not_alarm"},
		"one at the bound":      {"in", "alarm", "at_min"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t)
			h.cluster(gentle, 2)
			h.post(h.signed(gentle, "in"), aodh("alarm", 1), nobody()).want(t, http.StatusAccepted, "draining")
			h.settle(5 * time.Minute)
			h.calls()
			r := h.post(h.signed(gentle, row.direction), aodh(row.state, 2), nobody())
			r.want(t, http.StatusAccepted, row.code)
			pass, _ := r.body["pass"].(map[string]any)
			if pass["code"] != "removed" || pass["applied"] != true {
				t.Errorf("%s", r.text)
			}
			if got := h.calls(); !slices.Equal(got, []string{read, membersOf, update, read}) {
				t.Errorf("%v", got)
			}
			h.settle(0)
			if h.count(gentle) != 1 {
				t.Errorf("count %d", h.count(gentle))
			}
		})
	}
}

// A load balancer at work is busy, one whose provider has no weights takes its members out as a whole, and LBaaSv2, which
// has no tags, removes at once.
func TestN6Providers(t *testing.T) {
	t.Parallel()
	t.Run("busy", func(t *testing.T) {
		t.Parallel()
		h := start4(t)
		h.post(h.signed(gentle, "in"), aodh("alarm", 1), nobody()).want(t, http.StatusAccepted, "draining")
		h.post(h.signed(gentle, "in"), aodh("alarm", 2), nobody()).want(t, http.StatusAccepted, "kept")
		h.post("/gentle/in?strict=1", `{"by": 1}`, ci()).want(t, http.StatusConflict, "busy")
		h.settle(0)
		r := h.post("/gentle/set", `{"to": 1}`, ci())
		r.want(t, http.StatusAccepted, "draining")
		if r.body["to"] != 2.0 || !strings.Contains(r.text, "busy") {
			t.Errorf("one of two: %s", r.text)
		}
	})
	t.Run("OVN", func(t *testing.T) {
		t.Parallel()
		h := start4(t)
		h.cloud.Inject(openstacktest.Fault{Service: "octavia", Method: http.MethodPut, Status: http.StatusNotImplemented, Times: 1})
		h.post("/gentle/in", ``, ci()).want(t, http.StatusAccepted, "draining")
		if got := h.calls(); len(got) > 4 {
			t.Errorf("%v", got)
		}
		if m := h.member(gentle, "0"); m.AdminUp || m.Weight != 1 {
			t.Errorf("%+v", m)
		}
		h.settle(time.Minute)
		h.post("/gentle/out", ``, ci()).want(t, http.StatusAccepted, "undrained")
		if m := h.member(gentle, "0"); !m.AdminUp || h.marked("0", "drain") {
			t.Errorf("%+v", m)
		}
	})
	t.Run("N19 LBaaSv2", func(t *testing.T) {
		t.Parallel()
		h := start4(t, openstacktest.NoOctavia())
		r := h.post("/gentle/in", ``, ci())
		r.want(t, http.StatusAccepted, "scaled")
		if victims, _ := r.body["victims"].([]any); !slices.Equal(victims, []any{"0"}) {
			t.Errorf("%s", r.text)
		}
	})
	t.Run("cloud down", func(t *testing.T) {
		t.Parallel()
		h := start4(t)
		h.cloud.Inject(openstacktest.Fault{Service: "octavia", Method: http.MethodPut, DropReply: true, Times: 1})
		h.post("/gentle/in", ``, ci()).want(t, http.StatusServiceUnavailable, "unavailable")
		h.settle(0)
		// It was done all the same; who asks again is not given a second step.
		h.post("/gentle/set", `{"to": 3}`, ci()).want(t, http.StatusOK, "unchanged")
	})
}

// Equal notifications at once drain one node, and equal passes remove it once, from one process and from ten.
func TestDrainsRace(t *testing.T) {
	t.Parallel()
	for _, processes := range []int{1, 10} {
		h := start4(t)
		to := make([]http.Handler, processes)
		for i := range to {
			to[i] = h.process()
		}
		together := func(path, body string, headers []string) {
			var wg sync.WaitGroup
			for i := range 10 {
				wg.Go(func() {
					if r := h.sendTo(to[i%len(to)], http.MethodPost, path, body, headers); r.status != http.StatusOK && r.status != http.StatusAccepted {
						t.Errorf("%d %s", r.status, r.text)
					}
				})
			}
			wg.Wait()
		}
		together(h.signed(gentle, "in"), aodh("alarm", 1), nobody())
		h.settle(0)
		weights := 0
		for _, m := range h.cloud.Members() {
			weights += m.Weight
		}
		if weights != 3 {
			t.Fatalf("%d processes: %d members in service", processes, weights)
		}
		h.settle(5 * time.Minute)
		together("/gentle/reconcile", ``, ci())
		h.settle(0)
		if got := h.servers(gentle); len(got) != 3 || got["0"] != "" {
			t.Errorf("%d processes: %v", processes, got)
		}
	}
}

// N16: a failed update is sent again, and a removal that was lost is made at the next pass.
func TestN16Stuck(t *testing.T) {
	t.Parallel()
	h := start4(t)
	h.cloud.SetStackState(gentle, "UPDATE", "FAILED", "why")
	h.post("/gentle/reconcile", ``, ci()).want(t, http.StatusAccepted, "repaired")
	h.settle(0)
	if s, _ := h.cloud.Stack(gentle); s.State != "UPDATE_COMPLETE" {
		t.Errorf("state %s", s.State)
	}
	h.cloud.SetStackState(gentle, "UPDATE", "FAILED", "why")
	h.post("/gentle/reconcile", ``, ci()).want(t, http.StatusOK, "back_off")
	h.post("/gentle/reconcile?force=1", ``, ci()).want(t, http.StatusAccepted, "repaired")
	h.settle(0)
	h.post("/gentle/in", ``, ci()).want(t, http.StatusAccepted, "draining")
	h.settle(5 * time.Minute)
	h.cloud.Inject(openstacktest.Fault{Service: "heat", Method: http.MethodPatch, LostUpdate: true, Times: 1})
	h.post("/gentle/reconcile", ``, ci()).want(t, http.StatusOK, "lost")
	if h.count(gentle) != 4 {
		t.Errorf("count %d", h.count(gentle))
	}
	h.post("/gentle/reconcile", ``, ci()).want(t, http.StatusAccepted, "removed")
	h.settle(0)
	if h.count(gentle) != 3 {
		t.Errorf("count %d", h.count(gentle))
	}
}

// N16: a node that could not be made twice gives its place to one of another name; what Heat says of its server is no id.
func TestN16AnotherName(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(gentle, 3)
	h.cloud.FailResource(openstacktest.ResourceFault{Type: "OS::Neutron::Port", Times: 2})
	h.post("/gentle/out", ``, ci()).want(t, http.StatusAccepted, "scaled")
	for range 2 {
		h.settle(longEnough)
		if s, _ := h.cloud.Stack(gentle); s.State != "UPDATE_FAILED" {
			t.Fatalf("state %s", s.State)
		}
		h.calls()
		h.post("/gentle/reconcile", ``, ci()).want(t, http.StatusAccepted, "repaired")
	}
	if got := h.calls(); !slices.Equal(got, []string{read, membersOf, update, read}) {
		t.Errorf("%v", got)
	}
	h.settle(0)
	got := slices.Sorted(maps.Keys(h.servers(gentle)))
	if s, _ := h.cloud.Stack(gentle); s.State != "UPDATE_COMPLETE" || !slices.Equal(got, []string{"0", "1", "2", "4"}) {
		t.Errorf("%s %v", s.State, got)
	}
}

// N17: a removal that took another node than it was told stops everything until a person decides, and is loud.
func TestN17WrongVictim(t *testing.T) {
	t.Parallel()
	h := start4(t)
	h.post("/gentle/in", ``, ci()).want(t, http.StatusAccepted, "draining")
	h.settle(5 * time.Minute)
	h.post("/gentle/reconcile", ``, ci()).want(t, http.StatusAccepted, "removed")
	h.settle(0)
	// Somebody replaces a node behind our back, so that the group has other nodes than it should have.
	cloud := h.client()
	found, err := cloud.FindStack(t.Context(), gentle)
	if err != nil {
		t.Fatal(err)
	}
	if err := cloud.PatchStack(t.Context(), found.StackRef, openstack.StackChange{Parameters: map[string]any{"app_removal": []string{"2"}}}); err != nil {
		t.Fatal(err)
	}
	h.settle(longEnough)
	h.calls()
	h.post("/gentle/reconcile", ``, ci()).want(t, http.StatusAccepted, "wrong_victim")
	if got := h.calls(); !slices.Equal(got, []string{read, membersOf, update, read}) {
		t.Errorf("%v", got)
	}
	if !strings.Contains(h.log.String(), "scaling is stopped") {
		t.Error("nobody hears of it")
	}
	h.settle(longEnough)
	h.post("/gentle/reconcile", ``, ci()).want(t, http.StatusOK, "halted")
	h.post(h.signed(gentle, "out"), aodh("alarm", 9), nobody()).want(t, http.StatusOK, "halted")
	if shown := h.send(http.MethodGet, "/gentle", ``, ci()); shown.body["halted"] == nil {
		t.Errorf("%s", shown.text)
	}
	h.post("/gentle/set", `{"to": 4}`, ci()).want(t, http.StatusAccepted, "scaled")
	h.settle(longEnough)
	h.post("/gentle/reconcile", ``, ci()).want(t, http.StatusOK, "steady")
}

// A pass writes nothing when it is asked not to, is for those who may scale, and is never a GET.
func TestReconcileEdge(t *testing.T) {
	t.Parallel()
	h := start4(t)
	h.cloud.SetStackState(gentle, "UPDATE", "FAILED", "why")
	h.post("/gentle/reconcile?dry_run=1", ``, ci()).want(t, http.StatusOK, "repaired")
	if got := h.calls(); slices.Contains(got, update) {
		t.Errorf("N11: %v", got)
	}
	h.post("/gentle/reconcile", ``, nobody()).want(t, http.StatusUnauthorized, "unauthorized")
	h.send(http.MethodGet, "/gentle/reconcile", ``, ci()).want(t, http.StatusMethodNotAllowed, "method")
	h.post("/gentle/reconcile?dry_run=x", ``, ci()).want(t, http.StatusBadRequest, "bad_option")
	if got := h.calls(); len(got) > 0 {
		t.Errorf("%v", got)
	}
	h.cloud.Inject(fault("heat", http.StatusServiceUnavailable))
	h.post("/gentle/reconcile", ``, ci()).want(t, http.StatusServiceUnavailable, "unavailable")
}

// The configuration's policies reach the decision.
func TestPoliciesAreRead(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster("careful", 2)
	alarm := func(n int, value string) string { return strings.Replace(aodh("alarm", n), "80.0", value, 1) }
	out := h.signed("careful", "out")
	r := h.post(out+"&dry_run=1", alarm(1, "95"), nobody())
	r.want(t, http.StatusOK, "scaled")
	if r.body["to"] != 4.0 {
		t.Errorf("N13: %s", r.text)
	}
	h.post(out, alarm(1, "140"), nobody()).want(t, http.StatusAccepted, "capped") // N9: three wanted, two a step
	h.settle(0)
	if h.count("careful") != 4 {
		t.Errorf("count %d", h.count("careful"))
	}
	h.cloud.SetMemberStatus(h.member("careful", "3").ID, "OFFLINE")
	h.calls()
	h.post(out, alarm(2, "80"), nobody()).want(t, http.StatusOK, "not_ready")
	if got := h.calls(); !slices.Equal(got, []string{read, membersOf, lookKept}) {
		t.Errorf("N7: %v", got)
	}
	h.cloud.SetMemberStatus(h.member("careful", "3").ID, "")
	h.cloud.Advance(time.Minute)
	h.post(out, alarm(3, "80"), nobody()).want(t, http.StatusAccepted, "scaled")
	h.settle(0)
	h.post(out, alarm(4, "80"), nobody()).want(t, http.StatusOK, "rate_limited")
	h.settle(time.Hour)
	// F4: a wish for more that changes nothing is heard all the same.
	h.post("/careful/set", `{"to": 6}`, ci()).want(t, http.StatusAccepted, "scaled")
	h.settle(time.Hour)
	h.post(out, alarm(5, "80"), nobody()).want(t, http.StatusOK, "at_max")
	h.post(h.signed("careful", "in"), alarm(6, "10"), nobody()).want(t, http.StatusOK, "stabilizing")
	h.settle(11 * time.Minute)
	r = h.post(h.signed("careful", "in"), alarm(7, "10"), nobody())
	r.want(t, http.StatusAccepted, "scaled")
	if victims, _ := r.body["victims"].([]any); !slices.Equal(victims, []any{"5"}) {
		t.Errorf("newest first: %s", r.text)
	}
}

// N12: a schedule's lower bound is kept by the pass.
func TestN12ScheduleRaises(t *testing.T) {
	t.Parallel()
	h := start(t) // the cloud's clock begins at 09:00 UTC of a Monday
	h.cluster("exam", 1)
	h.post("/exam/reconcile", ``, ci()).want(t, http.StatusOK, "steady")
	h.cloud.Advance(70 * time.Minute)
	shown := h.send(http.MethodGet, "/exam", ``, ci())
	if shown.body["min"] != 3.0 || shown.body["schedule"] != "exam" {
		t.Errorf("%s", shown.text)
	}
	h.post(h.signed("exam", "in"), aodh("ok", 1), nobody()).want(t, http.StatusAccepted, "not_alarm")
	h.settle(0)
	if h.count("exam") != 3 {
		t.Errorf("count %d", h.count("exam"))
	}
}

// N12: a schedule follows the clocks of its zone over their change: what begins at eight there begins an hour earlier in UTC from
// one day to the next, or later, for a pass and for an alarm.
func TestN12ClocksChange(t *testing.T) {
	t.Parallel()
	const eight = `  berlin: {min: 1, max: 4, cooldown_out: 0s, cooldown_in: 0s, schedules: [{name: class, start: "0 8 * * *", zone: Europe/Berlin, length: 10h, min: 3}]}` + "\n"
	for name, row := range map[string]struct {
		day   time.Time
		hours [2]int // of UTC at which it begins on the day before the change and on its day
	}{
		"forward": {time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC), [2]int{7, 6}},
		"back":    {time.Date(2026, 10, 24, 0, 0, 0, 0, time.UTC), [2]int{6, 7}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := startWith(t, eight, openstacktest.StartAt(row.day), openstacktest.TokenLife(30*24*time.Hour))
			h.cluster("berlin", 1)
			at := func(day int, d time.Duration) { h.settle(row.day.AddDate(0, 0, day).Add(d).Sub(h.cloud.Now())) }
			for day, hour := range row.hours {
				begins := time.Duration(hour) * time.Hour
				at(day, begins-time.Minute)
				h.post("/berlin/reconcile", ``, ci()).want(t, http.StatusOK, "steady")
				at(day, begins+time.Second)
				if day == 0 {
					h.post("/berlin/reconcile", ``, ci()).want(t, http.StatusAccepted, "scaled")
				} else { // an alarm is the occasion
					h.post(h.signed("berlin", "in"), aodh("ok", 1), nobody()).want(t, http.StatusAccepted, "not_alarm")
				}
				at(day, begins+10*time.Hour-time.Minute)
				r := h.post(h.signed("berlin", "in"), aodh("alarm", 10+day), nobody())
				r.want(t, http.StatusOK, "at_min")
				if h.count("berlin") != 3 || !strings.Contains(r.text, "(class)") {
					t.Errorf("day %d: count %d, %s", day, h.count("berlin"), r.text)
				}
				at(day, begins+10*time.Hour+time.Second)
				h.post("/berlin/set", `{"to": 2}`, ci()).want(t, http.StatusAccepted, "scaled")
				h.settle(time.Minute)
				h.post(h.signed("berlin", "in"), aodh("alarm", 20+day), nobody()).want(t, http.StatusAccepted, "scaled")
				h.settle(time.Minute)
			}
		})
	}
}

// F20: a certificate's subject counts where the configuration says so, and nowhere else.
func TestF20Certificate(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster("exam", 1)
	subject := []string{"X-Client-Subject", "CN=aodh,O=hunter2"}
	h.post("/exam/out?dry_run=1", aodh("alarm", 1), subject).want(t, http.StatusOK, "scaled")
	h.post("/academy/out?dry_run=1", aodh("alarm", 1), subject).want(t, http.StatusUnauthorized, "unauthorized")
	h.post("/exam/out?dry_run=1", aodh("alarm", 1), []string{"X-Client-Subject", "CN=somebody"}).want(t, http.StatusUnauthorized, "unauthorized")
}

//go:build integration

package tender_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/lab/tender"
	"github.com/stackhook/stackhook/shared/openstack"
)

// TestRealLife is a lab from its launch to its end: it falls asleep when nobody uses it, is extended as it sleeps, wakes with
// the same outputs, is woken again in the second before its end, and goes in the end.
func TestRealLife(t *testing.T) { //nolint:paralleltest // it counts the calls of its passes
	tn := build(t, "small.yaml")
	ticket, status, _ := tn.launched(t, "u1")
	ticket, status = tn.up(t, ticket, status)
	address, ref := way(t, status), refTo(ticket)
	tn.tended(t, 1)

	if err := tn.Heartbeat(t.Context(), ticket); err != nil {
		t.Error(err)
	}
	tn.turn(20 * time.Minute)
	tn.tended(t, 1)
	asleep := tn.falls(t, ticket, "suspend "+ref.Name)

	extended, status, err := tn.Extend(t.Context(), ticket)
	until := status.ExpiresAt
	if err != nil || !until.Equal(ticket.Lease.Until.Add(2*time.Hour)) {
		t.Errorf("extended asleep: until %s, was %s, %v", until, ticket.Lease.Until, err)
	}
	if again, _, err := tn.Extend(t.Context(), ticket); err != nil || !again.Lease.Until.Equal(extended.Lease.Until) {
		t.Errorf("the same press twice: %+v, %v", again.Lease, err)
	}
	if lab.LeaseOf(asleep.Tags).Extended != 0 {
		t.Errorf("tags %q", asleep.Tags)
	}
	note := tn.who("u1").Hide(namingKey).LeaseNote(ref.ID, extended.Lease).Name

	woken, status := tn.returns(t, "u1")
	if got := way(t, status); woken.ID != ticket.ID || got != address {
		t.Errorf("woken: %s at %s, was %s at %s", woken.ID, got, ticket.ID, address)
	}
	if s := tn.settles(t, ref, "UPDATE_COMPLETE"); lab.LeaseOf(s.Tags).Extended != 1 {
		t.Errorf("the extension is not in the tags: %q", s.Tags)
	}
	tn.hears(t, woken)
	report := tn.Pass(t.Context(), tender.Options{})
	wantDone(t, report, "delete_note "+note) // by a clock that is fast the note is old enough to be read by everybody
	tn.settles(t, openstack.StackRef{Name: note, ID: report.Changes[0].ID}, "DELETE_COMPLETE")
	tn.saved(t, woken)
}

// saved is the end of a lab: it comes back at the last moment, and goes in the end.
func (tn *town) saved(t *testing.T, ticket keeper.Ticket) {
	t.Helper()
	ref := refTo(ticket)
	s := tn.falls(t, ticket, "suspend "+ref.Name)
	end := lab.LeaseOf(s.Tags).Until
	tn.turnTo(end.Add(time.Minute)) // clocks may differ by two
	tn.tended(t, 1)

	tn.turnTo(end.Add(3 * time.Minute))
	late := tender.New(tn.meddled(func() {
		tn.turnTo(end.Add(-time.Second))
		woken, _ := tn.returns(t, "u1")
		tn.hears(t, woken) // Heat's clock does not know that anybody is here
		tn.turnTo(end.Add(3 * time.Minute))
	}))
	wantDone(t, late.Pass(t.Context(), tender.Options{}))
	s = tn.settles(t, ref, "RESUME_COMPLETE", "UPDATE_COMPLETE")
	renewed := lab.LeaseOf(s.Tags).Until
	if !renewed.After(end) {
		t.Errorf("until %s, was %s", renewed, end)
	}
	t.Logf("a pass that saw it asleep and over its time left alone what was woken in the second before: until %s, was %s", renewed, end)

	tn.turnTo(renewed.Add(3 * time.Minute))
	tn.tended(t, 3, "delete "+ref.Name) // list, gather, delete
	began := time.Now()
	tn.settles(t, ref, "DELETE_COMPLETE")
	t.Logf("gone %s after the delete", time.Since(began).Round(time.Second))
	tn.tended(t, 1)
}

// returns is a launch by a learner who was here before, with the page's looks until the lab is up.
func (tn *town) returns(t *testing.T, learner string) (keeper.Ticket, lab.Status) {
	t.Helper()
	ticket, status, calls := tn.launched(t, learner)
	if len(calls) > 3 {
		t.Errorf("%d calls for a launch: %q", len(calls), calls)
	}
	return tn.up(t, ticket, status)
}

// falls turns the clock until nobody has used the lab for long enough, and waits until it sleeps.
func (tn *town) falls(t *testing.T, ticket keeper.Ticket, want string) openstack.Stack {
	t.Helper()
	tn.turn(45 * time.Minute) // a launch within ten minutes of another leaves no trace
	tn.tended(t, 3, want)     // list, read, suspend
	began := time.Now()
	s := tn.settles(t, refTo(ticket), "SUSPEND_COMPLETE")
	t.Logf("asleep %s after the suspend", time.Since(began).Round(time.Second))
	return s
}

// hears waits until Heat shows that the page is in use: it takes signals and keeps them some time later.
func (tn *town) hears(t *testing.T, ticket keeper.Ticket) {
	t.Helper()
	if err := tn.Heartbeat(t.Context(), ticket); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		s, err := tn.client.Stack(t.Context(), refTo(ticket))
		if err == nil && tn.now().Sub(lab.ReadSignals(s.Outputs, tn.now()).Page) < time.Minute {
			return
		}
	}
	t.Fatal("Heat does not show the signal")
}

// meddled are the parts of a tender in whose cloud something happens right after the list was read.
func (tn *town) meddled(after func()) tender.Parts {
	parts := tn.parts
	parts.Sites = []tender.Site{{Name: "real", Cloud: &meddling{Cloud: tn.quarter, after: after}}}
	return parts
}

// TestRealMachine is the life of a lab with a machine, a network and an address: asleep, awake and gone.
func TestRealMachine(t *testing.T) { //nolint:paralleltest // it counts the calls of its passes
	tn := build(t, "labs/web.yaml", func(l *config.Lab) { l.Parameters = map[string]string{"signalling": "false"} })
	ticket, status, _ := tn.launched(t, "u1")
	ticket, status = tn.up(t, ticket, status)
	address, ref := way(t, status), refTo(ticket)
	tn.falls(t, ticket, "suspend "+ref.Name)
	if got := tn.machine(t, ref); got != "SUSPENDED" {
		t.Errorf("the machine is %s", got)
	}
	woken, status := tn.returns(t, "u1")
	if got := way(t, status); woken.ID != ticket.ID || got != address {
		t.Errorf("woken: %s at %s, was %s at %s", woken.ID, got, ticket.ID, address)
	}
	if got := tn.machine(t, ref); got != "ACTIVE" {
		t.Errorf("the machine is %s", got)
	}
	s := tn.settles(t, ref)
	tn.turnTo(lab.LeaseOf(s.Tags).Until.Add(20 * time.Minute))
	tn.tended(t, 3, "delete "+ref.Name)
	tn.settles(t, ref, "DELETE_COMPLETE")
}

// machine is the state of the lab's server.
func (tn *town) machine(t *testing.T, ref openstack.StackRef) string {
	t.Helper()
	resources, err := tn.client.Resources(t.Context(), ref, 0)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(resources, func(r openstack.Resource) bool { return strings.HasSuffix(r.Type, "Nova::Server") })
	servers, err := tn.client.Servers(t.Context(), resources[max(at, 0)].PhysicalID)
	if err != nil || len(servers) != 1 {
		t.Fatalf("%+v, %v", servers, err)
	}
	return servers[0].Status
}

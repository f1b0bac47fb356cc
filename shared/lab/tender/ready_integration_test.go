//go:build integration

package tender_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/lab/tender"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// shelve lets a pass make labs ready, and waits until they are.
func (tn *town) shelve(t *testing.T, n int) {
	t.Helper()
	began := time.Now()
	report := tn.Pass(t.Context(), tender.Options{})
	if report.Counts["build_ready"] != n || report.Failed+report.Left > 0 {
		t.Fatalf("%+v", report)
	}
	for _, c := range report.Changes {
		tn.settles(t, openstack.StackRef{Name: c.Name, ID: c.ID}, "CREATE_COMPLETE")
	}
	t.Logf("%d labs made ready after %s", n, time.Since(began).Round(time.Second))
}

// TestRealReadyMade gives ten ready-made labs to twenty learners who come at once, in two processes: ten are ready at once,
// ten are built, and nobody's is anybody else's.
func TestRealReadyMade(t *testing.T) { //nolint:paralleltest // it measures
	const ready, learners = 10, 20
	tn := build(t, "tiny.yaml", func(l *config.Lab) { l.Warm = ready })
	tn.shelve(t, ready)
	hosts := []*keeper.Keeper{tn.Keeper, tn.another(t, tn.config)}
	var mu sync.Mutex
	var all sync.WaitGroup
	holders, states, times := map[string]string{}, map[lab.State]int{}, map[lab.State][]time.Duration{}
	for i := range learners {
		name := string(rune('a' + i))
		all.Go(func() {
			began := time.Now()
			host := hosts[i%len(hosts)]
			ticket, status := host.Start(t.Context(), host.Ticket(tn.who(name)))
			ticket, status = goesOn(t, host, ticket, status)
			mu.Lock()
			defer mu.Unlock()
			if other, taken := holders[ticket.ID]; taken || ticket.ID == "" {
				t.Errorf("%s has %q, which is %q's: %+v", name, ticket.ID, other, status)
			}
			holders[ticket.ID] = name
			states[status.State]++
			times[status.State] = append(times[status.State], time.Since(began))
		})
	}
	all.Wait()
	if states[lab.Ready] != ready || states[lab.Building] != learners-ready {
		t.Errorf("%v, want %d ready and the others building", states, ready)
	}
	for state, took := range times {
		t.Logf("%s: %s", state, spread(took))
	}
	for id, name := range holders {
		if has := tn.owned(t, name); len(has) != 1 || has[0].ID != id {
			t.Errorf("%s has %+v, was given %s", name, has, id)
		}
	}
	tn.turn(6 * time.Minute)
	report := tn.Pass(t.Context(), tender.Options{})
	if report.Counts["delete_claim"] != ready || report.Counts["build_ready"] != ready || report.Counts["delete_spare"] != 0 {
		t.Errorf("afterwards: %+v", report.Counts)
	}
}

// goesOn does with a launch that a loaded Heat did not answer in time what its page does, until it is known which lab it has.
func goesOn(t *testing.T, host *keeper.Keeper, ticket keeper.Ticket, status lab.Status) (keeper.Ticket, lab.Status) {
	t.Helper()
	for tries := 0; ticket.ID == "" && tries < 10; tries++ {
		time.Sleep(status.Poll.After)
		if status.Poll.Start {
			ticket, status = host.Start(t.Context(), ticket)
			continue
		}
		var err error
		if ticket, status, err = host.Look(t.Context(), ticket, status.Poll.Look); err != nil {
			t.Error(err)
		}
	}
	return ticket, status
}

// TestRealCalls counts what a learner costs: a launch of a ready-made lab at most four calls, a look at it one, a heartbeat
// one. Ready is meant to be within two seconds; on a loaded machine the test allows more.
func TestRealCalls(t *testing.T) { //nolint:paralleltest // it measures
	const launches, slow = 10, 10 * time.Second
	tn := build(t, "tiny.yaml", func(l *config.Lab) { l.Warm = launches })
	tn.shelve(t, launches)
	var times []time.Duration
	most := 0
	for i := range launches {
		began := time.Now()
		ticket, status, calls := tn.launched(t, string(rune('a'+i)))
		times = append(times, time.Since(began))
		most = max(most, len(calls))
		if status.State != lab.Ready || len(status.Access) == 0 || len(calls) > 4 {
			t.Errorf("%s after %q: %+v", status.State, calls, status)
		}
		if ticket, _, _ = tn.Look(t.Context(), ticket, lab.LookStack); ticket.Settle { // whether it counts, of two
			t.Errorf("%+v is not settled", ticket)
		}
		ctx := counted(t)
		if _, looked, err := tn.Look(ctx, ticket, lab.LookStack); err != nil || looked.State != lab.Ready || len(logging.Calls(ctx)) != 1 {
			t.Errorf("a look: %s, %v, %q", looked.State, err, logging.Calls(ctx))
		}
	}
	t.Logf("launch of a ready-made lab to ready: %s, at most %d calls", spread(times), most)
	if times[len(times)/2] > slow {
		t.Errorf("median %s", times[len(times)/2])
	}
	tn.beats(t)
}

// beats counts the calls of a heartbeat, to a lab that has a handle for it.
func (tn *town) beats(t *testing.T) {
	t.Helper()
	other := build(t, "small.yaml")
	ticket, status, calls := other.launched(t, "u1")
	if len(calls) > 3 { // the first logs in
		t.Errorf("a launch that builds: %q", calls)
	}
	ticket, _ = other.up(t, ticket, status)
	ctx := counted(t)
	began := time.Now()
	if err := other.Heartbeat(ctx, ticket); err != nil || len(logging.Calls(ctx)) != 1 {
		t.Errorf("a heartbeat: %v, %q", err, logging.Calls(ctx))
	}
	t.Logf("heartbeat: %s", time.Since(began).Round(time.Millisecond))
}

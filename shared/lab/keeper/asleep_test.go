package keeper_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
)

// asleep is a lab that was up and sleeps now.
func (c *classroom) asleep(t *testing.T, name string) keeper.Ticket {
	t.Helper()
	ticket := c.ready(t, learner(name))
	if _, _, err := c.Suspend(t.Context(), ticket); err != nil {
		t.Fatal(err)
	}
	c.Settle()
	c.ResetCalls()
	return ticket
}

// Row 3: a lab that sleeps, whose tags Heat does not change, is extended by a note beside it, in two calls; whoever looks
// next knows, and once it is awake its own tags say so.
func TestRow3ExtendWhileAsleep(t *testing.T) {
	t.Parallel()
	c := open(t)
	ticket := c.asleep(t, "u1")
	want := ticket.Lease.Until.Add(2 * time.Hour)
	if _, status, err := c.Look(t.Context(), ticket, lab.LookStack); err != nil || !slices.Contains(status.Actions, lab.ActExtend) {
		t.Errorf("offered: %q, %v", status.Actions, err)
	}
	c.ResetCalls()
	longer, status, err := c.Extend(t.Context(), ticket)
	if err != nil || status.State != lab.Suspended || !status.ExpiresAt.Equal(want) || longer.Lease.Extended != 1 {
		t.Fatalf("%+v, %+v, %v", longer, status, err)
	}
	wantCalls(t, c.calls(), read, create)
	c.ResetCalls()
	if _, status, err := c.Extend(t.Context(), ticket); err != nil || !status.ExpiresAt.Equal(want) {
		t.Errorf("sent again: %+v, %v", status, err)
	}
	wantCalls(t, c.calls(), read, create, list)
	second, status, err := c.Extend(t.Context(), c.page(t, longer))
	if err != nil || !status.ExpiresAt.Equal(want.Add(2*time.Hour)) || second.Lease.Extended != 2 {
		t.Errorf("once more: %+v, %v", status, err)
	}
	_, _, err = c.Extend(t.Context(), c.page(t, second))
	wantCode(t, err, 409, "extend_used_up")
	// Another page knows from the list, and wakes the lab up, which writes it down.
	c.Settle()
	woken, status := c.launch(t, learner("u1"))
	if woken.Lease.Extended != 2 {
		t.Errorf("the launch knows of %+v", woken.Lease)
	}
	if woken, status = c.follow(t, woken, status); status.State != lab.Ready || status.ExpiresAt.Before(want.Add(2*time.Hour)) {
		t.Errorf("%+v", status)
	}
	c.Settle()
	if got := lab.LeaseOf(c.stack(t, woken).Tags); got.Extended != 2 || got.Until.Before(want.Add(2*time.Hour)) {
		t.Errorf("the stack's own tags: %+v", got)
	}
}

func TestRow3ExtendWhileAsleepAtOnceCountsOnce(t *testing.T) {
	t.Parallel()
	c := open(t)
	ticket := c.asleep(t, "u1")
	want := ticket.Lease.Until.Add(2 * time.Hour)
	atOnce(8, func() {
		if _, status, err := c.Extend(t.Context(), ticket); err != nil || !status.ExpiresAt.Equal(want) {
			t.Errorf("%+v, %v", status, err)
		}
	})
	c.Settle()
	if after, _ := c.launch(t, learner("u1")); after.Lease.Extended != 1 || !after.Lease.Until.Equal(want) {
		t.Errorf("%+v", after.Lease)
	}
}

// An extension is cut off anywhere and sent again: it counts once.
func TestRow3ExtendCutAnywhere(t *testing.T) {
	t.Parallel()
	for requests := range 4 {
		for name, begin := range map[string]func(*classroom) keeper.Ticket{
			"awake":  func(c *classroom) keeper.Ticket { return c.ready(t, learner("u1")) },
			"asleep": func(c *classroom) keeper.Ticket { return c.asleep(t, "u1") },
		} {
			c := open(t)
			ticket := begin(c)
			_, _, _ = c.dying(t, requests).Extend(t.Context(), ticket)
			c.Advance(5 * time.Second)
			after, status, err := c.Extend(t.Context(), ticket)
			if err != nil || after.Lease.Extended != 1 || !status.ExpiresAt.Equal(ticket.Lease.Until.Add(2*time.Hour)) {
				t.Errorf("%s after %d requests: %+v, %+v, %v", name, requests, after.Lease, status, err)
			}
		}
	}
}

// A heartbeat of the page is one call, none where the template has no handle for it, and is not missed where Heat takes none.
func TestW20HeartbeatOfThePage(t *testing.T) {
	t.Parallel()
	c := open(t)
	i := learner("u1")
	i.Lab = "signals"
	ticket := c.ready(t, i)
	if err := c.Heartbeat(t.Context(), ticket); err != nil {
		t.Fatal(err)
	}
	wantCalls(t, c.calls(), "heat POST /stacks/{}/{}/resources/{}/signal")
	began := c.Now()
	c.Settle()
	if got := lab.ReadSignals(c.stack(t, ticket).Outputs, c.Now()); got.Page.Unix() != began.Unix() {
		t.Errorf("the lab's signals: %+v, want a page at %s", got, began)
	}
	c.set(ticket, "SUSPEND_COMPLETE")
	if err := c.Heartbeat(t.Context(), ticket); err != nil {
		t.Errorf("asleep: %v", err)
	}
	gone := ticket
	gone.ID = strings.Repeat("0", len(gone.ID))
	if err := c.Heartbeat(t.Context(), gone); err != nil {
		t.Errorf("gone: %v", err)
	}
	plain := c.ready(t, lab.Identity{Tenant: "academy", Context: "course", Lab: "volumes", Learner: "u1"})
	if err := c.Heartbeat(t.Context(), plain); err != nil || len(c.calls()) != 0 {
		t.Errorf("a lab without signals: %v, %q", err, c.calls())
	}
}

package keeper_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
)

// windowed is a web lab that the course may use from start to end.
func windowed(t *testing.T, after, length time.Duration) *classroom {
	t.Helper()
	c := open(t)
	start := c.Now().Add(after)
	c.reconfigure(t, func(web *config.Lab) {
		web.Windows = []config.Window{{Tenant: "academy", Context: "course", Start: start.Format(time.RFC3339), End: start.Add(length).Format(time.RFC3339)}}
	})
	c.ResetCalls()
	return c
}

// Outside the course's window nothing is begun, without a call; within, the lab lives no longer than the window.
func TestWindow(t *testing.T) {
	t.Parallel()
	c := windowed(t, time.Hour, 3*time.Hour)
	opens, closes := c.Now().Add(time.Hour), c.Now().Add(4*time.Hour)
	if _, status := c.launch(t, learner("u1")); status.State != lab.Gone || status.Reason != lab.LabClosed || !status.OpensAt.Equal(opens) || status.Poll != (lab.Poll{}) || len(status.Actions) != 0 {
		t.Errorf("too early: %+v", status)
	}
	elsewhere := lab.Identity{Tenant: "academy", Context: "another course", Lab: "web", Learner: "u1"}
	c.Advance(time.Hour)
	if _, status := c.launch(t, elsewhere); status.Reason != lab.LabClosed {
		t.Errorf("another course: %+v", status)
	}
	wantCalls(t, c.calls())
	ticket := c.ready(t, learner("u1"))
	if !ticket.Lease.Until.Equal(closes) {
		t.Errorf("the lab lives until %s, the course until %s", ticket.Lease.Until, closes)
	}
	_, _, err := c.Extend(t.Context(), ticket)
	wantCode(t, err, 409, "extend_used_up")
	if _, status, err := c.Look(t.Context(), ticket, lab.LookStack); err != nil || !status.ClosesAt.Equal(closes) {
		t.Errorf("%+v, %v", status, err)
	}
	c.Advance(4 * time.Hour)
	if _, status := c.launch(t, learner("u1")); status.Reason != lab.LabClosed || !status.ClosesAt.Equal(closes) {
		t.Errorf("too late: %+v", status)
	}
	_, _, err = c.Reset(t.Context(), ticket)
	wantCode(t, err, 403, "lab_closed")
	if e, ok := errors.AsType[*function.Error](err); !ok || !strings.Contains(e.Public, "was open until") {
		t.Errorf("%v", err)
	}
}

// A learner whose time is used up gets no new lab and wakes none up, nor by ending the one there is; a lab that is up stays.
func TestBudget(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"block", "warn"} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			c := openWith(t, func(web *config.Lab) {
				web.Budget = config.Budget{Time: time.Hour, Per: 24 * time.Hour, Action: action}
			})
			ticket := c.ready(t, learner("u1"))
			c.Advance(40 * time.Minute)
			if _, status := c.launch(t, learner("u1")); status.Allowance == nil || status.Allowance.Over || status.Allowance.Left > 21*time.Minute || status.Allowance.Left < 19*time.Minute {
				t.Errorf("after 40 minutes: %+v", status.Allowance)
			}
			for range 2 {
				if _, _, err := c.End(t.Context(), ticket); err != nil {
					t.Fatal(err)
				}
				c.Settle()
			}
			second, status := c.launch(t, learner("u1"))
			if second, status = c.follow(t, second, status); status.State != lab.Ready {
				t.Fatalf("20 minutes left: %+v", status)
			}
			c.Advance(30 * time.Minute)
			if _, status := c.launch(t, learner("u1")); status.State != lab.Ready || status.Allowance == nil || !status.Allowance.Over {
				t.Errorf("a lab that is up, when time is over: %+v", status)
			}
			if _, _, err := c.Suspend(t.Context(), second); err != nil {
				t.Fatal(err)
			}
			c.Settle()
			_, status = c.launch(t, learner("u1"))
			if refused := status.Reason == lab.BudgetSpent; refused != (action == "block") {
				t.Errorf("asleep: %+v", status)
			}
			if action == "block" {
				_, _, err := c.Reset(t.Context(), second)
				wantCode(t, err, 403, "budget_spent")
			}
			c.Advance(25 * time.Hour)
			if _, status := c.launch(t, learner("u1")); status.Reason == lab.BudgetSpent {
				t.Errorf("a day later: %+v", status)
			}
		})
	}
}

// A lab that is up and does not answer is not shown as ready; after a while its learner is let in and told.
func TestW10LabThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	c := openWith(t, func(web *config.Lab) { web.Ready = config.Ready{Kind: "tcp", Output: "nowhere", Port: 80} })
	ticket, status := c.launch(t, learner("u1"))
	for range 40 {
		if status.Reason == lab.Answering {
			break
		}
		c.Advance(status.Poll.After)
		var err error
		if ticket, status, err = c.Look(t.Context(), ticket, status.Poll.Look); err != nil {
			t.Fatal(err)
		}
	}
	if status.Reason != lab.Answering || len(status.Access) != 0 || status.State == lab.Ready || status.Poll.Look != lab.LookStack {
		t.Fatalf("%+v", status)
	}
	c.Advance(10 * time.Minute)
	if _, status, err := c.Look(t.Context(), c.page(t, ticket), lab.LookStack); err != nil || status.State != lab.Ready || status.Reason != lab.Unreachable {
		t.Errorf("later: %+v, %v", status, err)
	}
}

// The budget of calls in one cloud without bounds.
func TestCalls(t *testing.T) {
	t.Parallel()
	c := open(t)
	within := func(what string, most int, do func()) {
		t.Helper()
		c.ResetCalls()
		do()
		if got := c.calls(); len(got) > most {
			t.Errorf("%s: %d calls, at most %d: %q", what, len(got), most, got)
		}
	}
	var ticket keeper.Ticket
	var status lab.Status
	within("new lab", 2, func() { ticket, status = c.launch(t, learner("u1")) })
	ticket, _ = c.follow(t, ticket, status)
	within("status", 1, func() { _, _, _ = c.Look(t.Context(), ticket, lab.LookStack) })
	within("adoption", 2, func() { c.launch(t, learner("u1")) })
	c.Advance(3 * time.Hour)
	within("adoption and renewal", 3, func() { c.launch(t, learner("u1")) })
	c.Settle()
	within("extension", 3, func() { _, _, _ = c.Extend(t.Context(), ticket) })
	c.Settle()
	within("heartbeat", 1, func() { _ = c.Heartbeat(t.Context(), ticket) })
	within("suspend", 2, func() { _, _, _ = c.Suspend(t.Context(), ticket) })
	c.Settle()
	within("extension while asleep", 3, func() { _, _, _ = c.Extend(t.Context(), ticket) })
	within("resume", 2, func() { ticket, status = c.launch(t, learner("u1")) })
	ticket, _ = c.follow(t, ticket, status)
	c.Settle()
	within("reset", 3, func() { ticket, status, _ = c.Reset(t.Context(), ticket) })
	ticket, _ = c.follow(t, ticket, status)
	within("second reset", 3, func() { ticket, status, _ = c.Reset(t.Context(), ticket) })
	ticket, _ = c.follow(t, ticket, status)
	within("end of two", 3, func() { _, _, _ = c.End(t.Context(), ticket) })
}

package keeper_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// The rows of this file plant what the other launcher for Open edX gets wrong, each in the same place of our own way: a
// worker held throughout, sleeps, a 503 that costs the lab, a conflict that deletes the winner, a failed lab that passes for
// a good one, states that it does not know, work shared between threads, and names that do not fit.

// W1: a launch holds nothing while its lab is built. Thirty learners come, and each launch is over after its two calls,
// though no lab is up yet and none will be for as long as nobody lets time pass.
func TestW1NothingIsHeldWhileALabIsBuilt(t *testing.T) {
	t.Parallel()
	c := open(t)
	var all sync.WaitGroup
	for i := range 30 {
		all.Go(func() {
			if _, status := c.Start(t.Context(), c.Ticket(learner(strconv.Itoa(i)))); status.State != lab.Building {
				t.Errorf("learner %d: %s %s", i, status.State, status.Reason)
			}
		})
	}
	all.Wait()
	if got := len(c.calls()); got != 60 {
		t.Errorf("%d calls for 30 launches, want 2 each", got)
	}
	for _, s := range c.Stacks() {
		if s.State != "CREATE_IN_PROGRESS" {
			t.Errorf("%s is %s", s.Name, s.State)
		}
	}
}

// W2: no sleep stands between a learner and a lab that is there. From the instant at which it is complete, two looks that
// follow each other as soon as the page is told to make them show the way in; the page waits for less than two seconds.
func TestW2NoLatencyOfOurOwn(t *testing.T) {
	t.Parallel()
	c := open(t)
	ticket, status := c.launch(t, learner("one"))
	c.Settle()
	complete := c.Now()
	_, status = c.follow(t, ticket, status)
	if waited := c.Now().Sub(complete); status.State != lab.Ready || waited > 2*time.Second {
		t.Errorf("%s %s after the lab was complete", status.State, waited)
	}
}

// W3: the cloud fails at any call of a return to a sleeping lab, with any code or without an answer: the lab, its key and
// the way to it are the same afterwards, and the next try brings it back.
func TestW3TroubleCostsNothing(t *testing.T) {
	t.Parallel()
	for _, fault := range []openstacktest.Fault{{Status: http.StatusServiceUnavailable}, {Status: http.StatusInternalServerError}, {Status: http.StatusConflict}, {DropReply: true}} {
		for after := range 3 {
			t.Run(fmt.Sprintf("%d %t after %d", fault.Status, fault.DropReply, after), func(t *testing.T) {
				t.Parallel()
				c := open(t)
				ticket := c.ready(t, learner("one"))
				before := c.stack(t, ticket)
				if _, _, err := c.Suspend(t.Context(), ticket); err != nil {
					t.Fatal(err)
				}
				c.Settle()
				fault.Service, fault.Times = "heat", 1
				for range after {
					c.Inject(openstacktest.Fault{Service: "heat", Latency: time.Millisecond, Times: 1}) // lets one through
				}
				c.Inject(fault)
				_, _ = c.launch(t, learner("one"))
				c.ClearFaults()
				c.Settle()
				again, status := c.launch(t, learner("one"))
				again, status = c.follow(t, again, status)
				after := c.stack(t, again)
				if status.State != lab.Ready || after.ID != before.ID || len(status.Access) != 1 || fmt.Sprint(after.Outputs["lab_url"]) != fmt.Sprint(before.Outputs["lab_url"]) {
					t.Errorf("%s %s, stack %s was %s", status.State, status.Reason, after.ID, before.ID)
				}
			})
		}
	}
}

// W9: a lab whose build failed is no lab, whatever outputs it has: its page says that it failed and offers a new one, and
// that one is built at the learner's word.
func TestW9FailedLabIsNotAReadyOne(t *testing.T) {
	t.Parallel()
	c := open(t)
	c.FailServer("web", 1)
	ticket, status := c.launch(t, learner("one"))
	ticket, status = c.follow(t, ticket, status)
	if status.State != lab.Broken || status.Reason == "" || len(status.Access) > 0 || !slices.Contains(status.Actions, lab.ActReset) {
		t.Fatalf("%+v", status)
	}
	again, status := c.launch(t, learner("one"))
	if status.State != lab.Broken || again.ID != ticket.ID {
		t.Errorf("another launch: %s, stack %s", status.State, again.ID)
	}
	ticket, status, err := c.Reset(t.Context(), ticket)
	if err != nil {
		t.Fatal(err)
	}
	if _, status = c.follow(t, ticket, status); status.State != lab.Ready {
		t.Errorf("after the reset: %s %s", status.State, status.Reason)
	}
}

// W10: whatever an operator did to a lab that is up, its learner gets in, and the launch, the page's look and the class
// agree about that.
func TestW10OperatorsWorkKeepsTheLabOpen(t *testing.T) {
	t.Parallel()
	for _, state := range []string{
		"CREATE_COMPLETE", "UPDATE_COMPLETE", "RESUME_COMPLETE", "CHECK_COMPLETE", "SNAPSHOT_COMPLETE", "RESTORE_COMPLETE", "ADOPT_COMPLETE", "ROLLBACK_COMPLETE",
		"UPDATE_IN_PROGRESS", "CHECK_IN_PROGRESS", "SNAPSHOT_IN_PROGRESS", "UPDATE_FAILED", "CHECK_FAILED", "SNAPSHOT_FAILED",
	} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			c := open(t)
			ticket := c.ready(t, learner("one"))
			action, rest, _ := strings.Cut(state, "_")
			c.SetStackState(refTo(ticket).Name, action, rest, "by an operator")
			launched, status := c.launch(t, learner("one"))
			_, looked, err := c.Look(t.Context(), ticket, lab.LookStack)
			class := c.ClassOf(c.Ticket(learner("one")).AsStaff("Course"))
			members, _, classErr := c.Class(t.Context(), class)
			if err != nil || classErr != nil || len(members) != 1 {
				t.Fatalf("%v %v %v", err, classErr, members)
			}
			if launched.ID != ticket.ID || status.State != lab.Ready || looked.State != lab.Ready || members[0].Status.State != lab.Ready || len(status.Access) != 1 {
				t.Errorf("launch %s, page %s, class %s", status.State, looked.State, members[0].Status.State)
			}
			if got := c.writes(); len(got) > 0 {
				t.Errorf("it writes %q", got)
			}
		})
	}
}

// W17: nothing is shared between requests but what is guarded: one keeper serves many learners at once, and everybody gets
// their own. The race detector watches.
func TestW17RequestsShareNothing(t *testing.T) {
	t.Parallel()
	c := open(t)
	const learners = 20
	tickets := make([]keeper.Ticket, learners)
	for i := range tickets {
		tickets[i] = c.ready(t, learner(strconv.Itoa(i)))
	}
	var all sync.WaitGroup
	for i := range learners {
		all.Go(func() {
			for range 3 {
				ticket, status, err := c.Look(t.Context(), tickets[i], lab.LookStack)
				if err != nil || status.State != lab.Ready || ticket.Stack != tickets[i].Stack || ticket.Owner != c.Ticket(learner(strconv.Itoa(i))).Owner {
					t.Errorf("learner %d sees %s of %s: %v", i, status.State, ticket.Stack, err)
				}
				if err := c.Heartbeat(t.Context(), ticket); err != nil {
					t.Errorf("learner %d: %v", i, err)
				}
				_, _, _ = c.Extend(t.Context(), ticket) // one of the three counts
			}
		})
	}
	all.Wait()
	for _, s := range c.Stacks() {
		if lease := lab.LeaseOf(s.Tags); lease.Extended > 2 || lease.Extended < 1 {
			t.Errorf("%s was extended %d times", s.Name, lease.Extended)
		}
	}
}

// W18: names of any length and in any script are no trouble: they end up as hashes, within what OpenStack takes, and tell
// two learners apart who differ in their last letter.
func TestW18NamesOfAnyLength(t *testing.T) {
	t.Parallel()
	c := open(t)
	long := strings.Repeat("课程-ñandú+", 400)
	one := lab.Identity{Tenant: long, Context: long, Lab: "web", Learner: long + "1"}
	two := one
	two.Learner = long + "2"
	first := c.ready(t, one)
	second := c.ready(t, two)
	if first.ID == second.ID || first.Stack == second.Stack {
		t.Error("two learners have one lab")
	}
	for _, s := range c.Stacks() {
		if len(s.Name) > 40 || strings.Contains(s.Name+strings.Join(s.Tags, ""), "课") {
			t.Errorf("stack %s has tags %q", s.Name, s.Tags)
		}
		for _, tag := range s.Tags {
			if len(tag) > 80 {
				t.Errorf("the tag %q is longer than OpenStack takes", tag)
			}
		}
	}
}

// Row 1: fifty launches of one learner on three hosts at once, some answered with 503, late or not at all: one lab, fifty
// pages, and nothing deleted.
func TestRow1FiftyLaunchesOneLab(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]openstacktest.Fault{
		"all well":    nil,
		"503":         {{Service: "heat", Status: http.StatusServiceUnavailable, Times: 7}},
		"lost create": {{Service: "heat", Method: http.MethodPost, DropReply: true, Times: 3}},
		"slow":        {{Service: "heat", Latency: 20 * time.Millisecond, Times: 40}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t)
			hosts := []*keeper.Keeper{c.Keeper, made(t, c.config, keeper.One(clientOf(t, c.Cloud, nil)), c.Now), made(t, c.config, keeper.One(clientOf(t, c.Cloud, nil)), c.Now)}
			for _, fault := range faults {
				c.Inject(fault)
			}
			tickets := make([]keeper.Ticket, 50)
			statuses := make([]lab.Status, 50)
			var all sync.WaitGroup
			for i := range tickets {
				all.Go(func() { tickets[i], statuses[i] = hosts[i%3].Start(t.Context(), c.Ticket(learner("one"))) })
			}
			all.Wait()
			c.ClearFaults()
			for _, call := range c.writes() {
				if call != create {
					t.Errorf("a launch writes %s", call)
				}
			}
			var id string
			for i := range tickets {
				ticket, status := c.follow(t, c.page(t, tickets[i]), statuses[i])
				if status.State != lab.Ready || id != "" && ticket.ID != id {
					t.Fatalf("page %d: %s %s, stack %s beside %s", i, status.State, status.Reason, ticket.ID, id)
				}
				id = ticket.ID
			}
			if got := len(c.Stacks()); got != 1 {
				t.Errorf("%d stacks", got)
			}
		})
	}
}

package keeper_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// One ticket extends once, however often it is sent; the ticket that comes back extends once more.
func TestExtend(t *testing.T) {
	t.Parallel()
	c := open(t)
	first := c.ready(t, learner("u1"))
	until := first.Lease.Until
	second, status, err := c.Extend(t.Context(), first)
	if err != nil || status.State != lab.Ready || status.Reason != "" || len(status.Access) != 1 || !status.ExpiresAt.Equal(until.Add(2*time.Hour)) || second.Lease.Extended != 1 {
		t.Fatalf("%+v, %+v, %v", second, status, err)
	}
	wantCalls(t, c.calls(), read, patch, read)
	for _, when := range []string{"at once", "later"} {
		c.ResetCalls()
		again, status, err := c.Extend(t.Context(), first)
		if err != nil || !status.ExpiresAt.Equal(until.Add(2*time.Hour)) || status.Reason != "" || !again.Same(second) {
			t.Errorf("sent again %s: %+v, %v", when, status, err)
		}
		wantCalls(t, c.calls(), read)
		c.Settle()
	}
	third, status, err := c.Extend(t.Context(), c.page(t, second))
	if err != nil || !status.ExpiresAt.Equal(until.Add(4*time.Hour)) || slices.Contains(status.Actions, lab.ActExtend) {
		t.Errorf("the second: %+v, %v", status, err)
	}
	c.Settle()
	c.ResetCalls()
	_, _, err = c.Extend(t.Context(), c.page(t, third))
	wantCode(t, err, 409, "extend_used_up")
	wantCalls(t, c.calls(), read)
	if tags := c.stack(t, third).Tags; lab.LeaseOf(tags).Extended != 2 || !slices.Equal(tags[:6], third.Tags()) {
		t.Errorf("tags %q", tags)
	}
}

func TestExtendAtOnceCountsOnce(t *testing.T) {
	t.Parallel()
	c := open(t, openstacktest.PatchWindow(50*time.Millisecond))
	ticket := c.ready(t, learner("u1"))
	atOnce(8, func() {
		if _, status, err := c.Extend(t.Context(), ticket); err != nil || !status.ExpiresAt.Equal(ticket.Lease.Until.Add(2*time.Hour)) {
			t.Errorf("%+v, %v", status, err)
		}
	})
	c.Settle()
	if got := lab.LeaseOf(c.stack(t, ticket).Tags); got.Extended != 1 || !got.Until.Equal(ticket.Lease.Until.Add(2*time.Hour)) {
		t.Errorf("%+v", got)
	}
}

// What Heat does not take, or what would rebuild a learner's machine, is refused and changes nothing.
func TestExtendRefused(t *testing.T) {
	t.Parallel()
	for state, code := range map[string]string{
		"CREATE_IN_PROGRESS": "lab_busy", "UPDATE_IN_PROGRESS": "lab_busy", "SUSPEND_IN_PROGRESS": "lab_busy",
		"CREATE_FAILED": "lab_broken", "UPDATE_FAILED": "lab_broken", "CHECK_FAILED": "lab_broken", "SUSPEND_FAILED": "lab_broken", "DELETE_FAILED": "lab_broken",
	} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			c := open(t)
			ticket := c.ready(t, learner("u1"))
			c.set(ticket, state)
			_, _, err := c.Extend(t.Context(), ticket)
			wantCode(t, err, 409, code)
			wantCalls(t, c.calls(), read)
		})
	}
	c := open(t)
	ticket := c.ready(t, learner("u1"))
	c.Inject(openstacktest.Fault{Service: "heat", Method: "PATCH", LostUpdate: true})
	_, _, err := c.Extend(t.Context(), ticket)
	wantCode(t, err, 409, "lab_busy") // Heat dropped it for another
	c.ClearFaults()
	c.Inject(openstacktest.Fault{Service: "heat", Status: 503})
	_, _, err = c.Extend(t.Context(), ticket)
	wantCode(t, err, 503, "cloud_unavailable")
}

// set forces the state of the ticket's stack.
func (c *classroom) set(ticket keeper.Ticket, state string) {
	action, status := state[:len("CREATE")], state[len("CREATE")+1:]
	for _, name := range []string{"SUSPEND", "CHECK", "RESUME"} {
		if len(state) > len(name) && state[:len(name)] == name {
			action, status = name, state[len(name)+1:]
		}
	}
	c.SetStackState(ticket.Stack, action, status, "set by the test")
}

func TestSuspend(t *testing.T) {
	t.Parallel()
	c := open(t)
	ticket := c.ready(t, learner("u1"))
	_, status, err := c.Suspend(t.Context(), ticket)
	if err != nil || status.State != lab.Suspended || status.Reason != lab.Suspending || !status.ExpiresAt.Equal(ticket.Lease.Until) {
		t.Fatalf("%+v, %v", status, err)
	}
	wantCalls(t, c.calls(), read, action)
	for _, want := range []lab.Reason{lab.Suspending, ""} {
		c.ResetCalls()
		if _, status, err = c.Suspend(t.Context(), ticket); err != nil || status.State != lab.Suspended || status.Reason != want {
			t.Errorf("again: %+v, %v", status, err)
		}
		wantCalls(t, c.calls(), read)
		c.Settle()
	}
	if s := c.stack(t, ticket); s.State() != "SUSPEND_COMPLETE" {
		t.Errorf("the stack is %s", s.State())
	}
	after, status := c.launch(t, learner("u1"))
	if _, status = c.follow(t, after, status); status.State != lab.Ready {
		t.Errorf("woken: %+v", status)
	}
}

func TestSuspendAtOnce(t *testing.T) {
	t.Parallel()
	c := open(t)
	ticket := c.ready(t, learner("u1"))
	atOnce(8, func() {
		if _, status, err := c.Suspend(t.Context(), ticket); err != nil || status.State != lab.Suspended {
			t.Errorf("%+v, %v", status, err)
		}
	})
	c.Settle()
	if s := c.stack(t, ticket); s.State() != "SUSPEND_COMPLETE" {
		t.Errorf("the stack is %s", s.State())
	}
}

// A suspend in the wrong state leaves a stack that only a delete ends: it is never sent.
func TestSuspendRefused(t *testing.T) {
	t.Parallel()
	for state, code := range map[string]string{
		"CREATE_IN_PROGRESS": "lab_busy", "UPDATE_IN_PROGRESS": "lab_busy", "RESUME_IN_PROGRESS": "lab_busy",
		"CREATE_FAILED": "lab_broken", "UPDATE_FAILED": "lab_broken", "CHECK_FAILED": "lab_broken", "RESUME_FAILED": "lab_broken",
	} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			c := open(t)
			ticket := c.ready(t, learner("u1"))
			c.set(ticket, state)
			_, _, err := c.Suspend(t.Context(), ticket)
			wantCode(t, err, 409, code)
			wantCalls(t, c.calls(), read)
		})
	}
}

func TestEnd(t *testing.T) {
	t.Parallel()
	c := open(t)
	old := c.ready(t, learner("u1"))
	for _, when := range []string{"first", "again", "when it is gone"} {
		c.ResetCalls()
		ticket, status, err := c.End(t.Context(), old)
		if err != nil || status.State != lab.Gone || !slices.Equal(status.Actions, []lab.Act{lab.ActReset}) || status.Poll != (lab.Poll{}) || !ticket.Same(old) {
			t.Errorf("%s: %+v, %v", when, status, err)
		}
		if when == "first" {
			wantCalls(t, c.calls(), list, remove)
		} else {
			wantCalls(t, c.calls(), list)
		}
		if when == "again" {
			c.Settle()
		}
	}
	if _, status, err := c.Look(t.Context(), old, lab.LookStack); err != nil || status.State != lab.Gone {
		t.Errorf("afterwards: %+v, %v", status, err)
	}
	for name, act := range map[string]func() (keeper.Ticket, lab.Status, error){
		"extend":  func() (keeper.Ticket, lab.Status, error) { return c.Extend(t.Context(), old) },
		"suspend": func() (keeper.Ticket, lab.Status, error) { return c.Suspend(t.Context(), old) },
	} {
		if _, status, err := act(); err != nil || status.State != lab.Gone {
			t.Errorf("%s of a lab that has ended: %+v, %v", name, status, err)
		}
	}
	c.Advance(time.Hour)
	c.ResetCalls()
	fresh, status, err := c.Reset(t.Context(), old)
	if err != nil || status.State != lab.Building {
		t.Fatalf("a new lab: %+v, %v", status, err)
	}
	wantCalls(t, c.calls(), list, create)
	if fresh, status = c.follow(t, c.page(t, fresh), status); status.State != lab.Ready || !fresh.Lease.Until.After(c.Now().Add(7*time.Hour)) {
		t.Errorf("%+v, %+v", fresh, status)
	}
}

// A sleeping machine does not let go of its volume: the lab has to be awake.
func TestSleepingLabWithAVolumeIsNotDeleted(t *testing.T) {
	t.Parallel()
	c := open(t)
	i := learner("u1")
	i.Lab = "volumes"
	ticket := c.ready(t, i)
	c.set(ticket, "SUSPEND_COMPLETE")
	if _, status, err := c.Look(t.Context(), ticket, lab.LookStack); err != nil || !slices.Equal(status.Actions, []lab.Act{lab.ActExtend}) {
		t.Errorf("offered: %q, %v", status.Actions, err)
	}
	c.ResetCalls()
	_, _, err := c.End(t.Context(), ticket)
	wantCode(t, err, 409, "lab_asleep")
	_, _, err = c.Reset(t.Context(), ticket)
	wantCode(t, err, 409, "lab_asleep")
	if got := c.writes(); len(got) != 0 {
		t.Errorf("changed: %q", got)
	}
	c.set(ticket, "RESUME_COMPLETE")
	c.ResetCalls()
	if _, _, err = c.End(t.Context(), ticket); err != nil {
		t.Error(err)
	}
	wantCalls(t, c.calls(), list, remove)
	c.Settle()
	if _, status, err := c.End(t.Context(), ticket); err != nil || status.State != lab.Gone {
		t.Errorf("again: %+v, %v", status, err)
	}
}

// Before the page knows which stack is its own there is nothing to act on, least of all a name.
func TestActsNeedTheStacksID(t *testing.T) {
	t.Parallel()
	k := newKeeper(t, &cloud{}, time.Now) // whatever asks the cloud panics
	unknown := k.Ticket(lab.Identity{Tenant: "a", Lab: "web", Learner: "u"})
	unsettled, other := unknown, newKeeper(t, &cloud{find: func() (openstack.Stack, error) {
		return openstack.Stack{StackRef: openstack.StackRef{Name: ref.Name, ID: "another"}, Action: "CREATE", Status: "COMPLETE"}, nil
	}}, time.Now)
	unsettled.ID, unsettled.Settle = ref.ID, true
	for k, ticket := range map[*keeper.Keeper]keeper.Ticket{k: unknown, other: unsettled} {
		_, _, err := k.Extend(t.Context(), ticket)
		wantCode(t, err, 409, "lab_busy")
		_, _, err = k.Suspend(t.Context(), ticket)
		wantCode(t, err, 409, "lab_busy")
		_, _, err = k.Reset(t.Context(), ticket)
		wantCode(t, err, 409, "lab_busy")
		_, _, err = k.End(t.Context(), ticket)
		wantCode(t, err, 409, "lab_busy")
	}
}

// A lost answer is sent again.
func TestActsAfterALostAnswer(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(*classroom, keeper.Ticket) (lab.Status, error){
		"extend": func(c *classroom, ticket keeper.Ticket) (lab.Status, error) {
			_, s, err := c.Extend(t.Context(), ticket)
			return s, err
		},
		"suspend": func(c *classroom, ticket keeper.Ticket) (lab.Status, error) {
			_, s, err := c.Suspend(t.Context(), ticket)
			return s, err
		},
		"end": func(c *classroom, ticket keeper.Ticket) (lab.Status, error) {
			_, s, err := c.End(t.Context(), ticket)
			return s, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t)
			ticket := c.ready(t, learner("u1"))
			for _, method := range []string{"PATCH", "POST", "DELETE"} {
				c.Inject(openstacktest.Fault{Service: "heat", Method: method, PathPattern: "/stacks/*", DropReply: true, Times: 1})
			}
			_, err := act(c, ticket)
			wantCode(t, err, 503, "cloud_unavailable")
			c.ClearFaults()
			status, err := act(c, ticket)
			if err != nil || name == "extend" && !status.ExpiresAt.Equal(ticket.Lease.Until.Add(2*time.Hour)) {
				t.Errorf("sent again: %+v, %v", status, err)
			}
			if n := len(c.writes()); n > 2 {
				t.Errorf("%d writes: %q", n, c.writes())
			}
		})
	}
}

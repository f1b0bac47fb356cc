//go:build integration

package keeper_test

import (
	"context"
	"crypto/rand"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/openstack"
)

// realLab is one learner's lab on the cloud that OS_CLOUD or OS_* name.
type realLab struct {
	*keeper.Keeper
	t      *testing.T
	client *openstack.Cloud
}

// TestRealLab is a lab's life on a real OpenStack: built, extended twice by one press, put to sleep by two, woken, reset by
// an old page again and again, extended and ended by course staff.
func TestRealLab(t *testing.T) {
	t.Parallel()
	client, err := openstack.New(openstack.Options{Getenv: os.Getenv, Timeout: time.Minute})
	if err != nil {
		t.Fatalf("make a client: %v", err)
	}
	r := &realLab{catalogueOf(t, client, time.Now), t, client}
	course := rand.Text()
	who := lab.Identity{Tenant: "academy", Context: course, Lab: "web", Learner: "u1"}
	t.Cleanup(func() { r.cleanUp(r.Ticket(who).Stack) })

	first := r.toReady(r.Start(t.Context(), r.Ticket(who)))
	until := first.Lease.Until
	if expected := r.Entry(first).Expected; expected <= 0 {
		t.Errorf("the build took %s", expected)
	}
	atOnce(2, func() {
		if _, status, err := r.Extend(t.Context(), first); err != nil || !status.ExpiresAt.Equal(until.Add(2*time.Hour)) {
			t.Errorf("extend: until %s, %v", status.ExpiresAt, err)
		}
	})
	if _, status, err := r.Look(t.Context(), first, lab.LookStack); err != nil || status.State != lab.Ready || status.Reason != "" {
		t.Errorf("while our update runs: %+v, %v", status, err)
	}
	r.settled(first)
	extended, status, err := r.Extend(t.Context(), first)
	if err != nil || status.State != lab.Ready || extended.Lease.Extended != 1 {
		t.Errorf("extended again by the old page: %+v, %v", status, err)
	}

	atOnce(2, func() {
		if _, status, err := r.Suspend(t.Context(), first); err != nil || status.State != lab.Suspended {
			t.Errorf("suspend: %+v, %v", status, err)
		}
	})
	if s := r.settled(first); s.State() != "SUSPEND_COMPLETE" {
		t.Fatalf("the stack is %s: %s", s.State(), s.Reason)
	}
	_, _, err = r.Extend(t.Context(), extended)
	wantCode(t, err, 409, "lab_asleep")
	woken := r.toReady(r.Start(t.Context(), r.Ticket(who)))
	if woken.ID != first.ID || woken.Lease.Extended != 1 {
		t.Errorf("woken: %+v", woken)
	}

	ticket, status, err := r.Reset(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Reset(t.Context(), first); err != nil {
		t.Errorf("reset twice: %v", err)
	}
	fresh := r.toReady(ticket, status)
	if joined, _, err := r.Reset(t.Context(), first); err != nil || joined.ID != fresh.ID || fresh.ID == first.ID {
		t.Errorf("reset by the old page: %+v, %v; the lab is %s, was %s", joined, err, fresh.ID, first.ID)
	}
	r.byStaff(fresh)
}

// byStaff extends and ends the lab as one of its course.
func (r *realLab) byStaff(learner keeper.Ticket) {
	r.t.Helper()
	ctx := r.t.Context()
	class := r.ClassOf(learner.AsStaff("A course"))
	list, truncated, err := r.Class(ctx, class)
	if err != nil || truncated || len(list) != 1 || list[0].Code != learner.Code() || list[0].Status.State != lab.Ready {
		r.t.Fatalf("the class: %+v, %v", list, err)
	}
	for range 2 {
		if o, err := r.ClassDoAll(ctx, class, lab.ActExtend); err != nil || o != (keeper.Outcome{Done: 1}) {
			r.t.Errorf("extend: %+v, %v", o, err)
		}
	}
	if s := r.settled(learner); !lab.LeaseOf(s.Tags).Until.Equal(learner.Lease.Until.Add(2 * time.Hour)) {
		r.t.Errorf("tags %q", s.Tags)
	}
	for range 2 {
		if o, err := r.ClassDo(ctx, class, lab.ActEnd, []string{list[0].Ref}); err != nil || o != (keeper.Outcome{Done: 1}) {
			r.t.Errorf("end: %+v, %v", o, err)
		}
	}
	_, status, err := r.Look(ctx, learner, lab.LookStack)
	if err != nil || status.State != lab.Gone || !slices.Equal(status.Actions, []lab.Act{lab.ActReset}) {
		r.t.Errorf("the learner sees %+v, %v", status, err)
	}
}

// toReady does what the page does until the lab is up.
func (r *realLab) toReady(ticket keeper.Ticket, status lab.Status) keeper.Ticket {
	r.t.Helper()
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(min(status.Poll.After, 2*time.Second)) {
		if status.State == lab.Ready && !status.Poll.Start {
			return ticket
		}
		if status.Poll.Start {
			ticket, status = r.Start(r.t.Context(), ticket)
			continue
		}
		after, looked, err := r.Look(r.t.Context(), ticket, status.Poll.Look)
		if err == nil { // the cloud may be busy: the page asks again
			ticket, status = after, looked
		}
	}
	r.t.Fatalf("not ready: %+v", status)
	return ticket
}

// settled waits until Heat is done with the ticket's stack.
func (r *realLab) settled(ticket keeper.Ticket) openstack.Stack {
	r.t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(time.Second) {
		s, err := r.client.Stack(r.t.Context(), openstack.StackRef{Name: ticket.Stack, ID: ticket.ID})
		if err == nil && !s.Busy() {
			return s
		}
	}
	r.t.Fatal("the stack does not settle")
	return openstack.Stack{}
}

// cleanUp deletes what the test, which may be over, has left.
func (r *realLab) cleanUp(name string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if s, err := r.client.FindStack(ctx, name); err == nil {
		_ = r.client.DeleteStack(ctx, s.StackRef)
	}
}

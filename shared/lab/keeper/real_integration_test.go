//go:build integration

package keeper_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/lab/pool"
	"github.com/stackhook/stackhook/shared/openstack"
)

// realLab is one learner's lab on the cloud that OS_CLOUD or OS_* name.
type realLab struct {
	*keeper.Keeper
	t      *testing.T
	client *openstack.Cloud
}

// realConfiguration is the configuration of the other tests, for a cloud whose machines signal nothing.
func realConfiguration() *config.Config {
	c := configuration()
	web := c.Labs["web"]
	web.Parameters = map[string]string{"signalling": "false"}
	c.Labs["web"] = web
	return c
}

// TestRealLab is a lab's life on a real OpenStack: built, extended twice by one press, put to sleep by two, extended asleep,
// woken, reset by an old page again and again, taken back, reset once more, extended and ended by course staff.
func TestRealLab(t *testing.T) {
	t.Parallel()
	client, err := openstack.New(openstack.Options{Getenv: os.Getenv, Timeout: time.Minute})
	if err != nil {
		t.Fatalf("make a client: %v", err)
	}
	r := &realLab{made(t, realConfiguration(), keeper.One(client), time.Now), t, client}
	course := rand.Text()
	who := lab.Identity{Tenant: "academy", Context: course, Lab: "web", Learner: "u1"}
	t.Cleanup(func() { r.cleanUp(r.Ticket(who).Stack) })

	first := r.toReady(r.Start(t.Context(), r.Ticket(who)))
	until := first.Lease.Until
	if expected := r.Entry(first).Expected; expected <= 0 {
		t.Errorf("the build took %s", expected)
	}
	atOnce(2, func() {
		_, status, err := r.Extend(t.Context(), first)
		if busy(err) { // it saw the other's update, and not yet what that wrote
			return
		}
		if err != nil || !status.ExpiresAt.Equal(until.Add(2*time.Hour)) {
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
	atOnce(2, func() {
		if _, status, err := r.Extend(t.Context(), extended); err != nil || !status.ExpiresAt.Equal(until.Add(4*time.Hour)) {
			t.Errorf("extended asleep: until %s, %v", status.ExpiresAt, err)
		}
	})
	woken := r.toReady(r.Start(t.Context(), r.Ticket(who)))
	if woken.ID != first.ID || woken.Lease.Extended != 2 {
		t.Errorf("woken: %+v", woken)
	}
	if s := r.settled(woken); lab.LeaseOf(s.Tags).Extended != 2 {
		t.Errorf("the extension was not written down once awake: %q", s.Tags)
	}
	r.byStaff(r.anew(first))
}

// busy says that err asks to try again.
func busy(err error) bool {
	e, ok := errors.AsType[*function.Error](err)
	return ok && e.Code == "lab_busy"
}

// anew resets the lab, takes that back, and resets it again.
func (r *realLab) anew(first keeper.Ticket) keeper.Ticket {
	r.t.Helper()
	ctx := r.t.Context()
	ticket, status, err := r.Reset(ctx, first)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, _, err := r.Reset(ctx, first); err != nil {
		r.t.Errorf("reset twice: %v", err)
	}
	fresh := r.toReady(ticket, status)
	if joined, _, err := r.Reset(ctx, first); err != nil || joined.ID != fresh.ID || fresh.ID == first.ID {
		r.t.Errorf("reset by the old page: %+v, %v; the lab is %s, was %s", joined, err, fresh.ID, first.ID)
	}
	if s := r.settled(first); !slices.Contains([]string{"RESUME_COMPLETE", "UPDATE_COMPLETE"}, s.State()) {
		r.t.Errorf("the old lab is %s", s.State())
	}
	for range 2 {
		back, status, err := r.Undo(ctx, fresh)
		if err != nil || back.ID != first.ID || status.State != lab.Ready {
			r.t.Errorf("taken back: %+v, %+v, %v", back, status, err)
		}
	}
	again, status, err := r.Reset(ctx, first)
	if err != nil {
		r.t.Fatal(err)
	}
	again = r.toReady(again, status)
	if again.ID == first.ID || again.ID == fresh.ID || again.Gen == 0 {
		r.t.Errorf("reset once more: %+v", again)
	}
	return again
}

// TestRealPool gives ready-made labs to more learners than there are.
func TestRealPool(t *testing.T) {
	t.Parallel()
	client, err := openstack.New(openstack.Options{Getenv: os.Getenv, Timeout: time.Minute})
	if err != nil {
		t.Fatalf("make a client: %v", err)
	}
	const ready, learners = 3, 5
	c := realConfiguration()
	tiny := c.Labs["web"]
	tiny.Warm, tiny.Template, tiny.Parameters = ready, "tiny.yaml", nil
	key := "pool" + strings.ToLower(rand.Text()[:8])
	c.Labs = map[string]config.Lab{key: tiny}
	r := &realLab{made(t, c, keeper.One(client), time.Now), t, client}
	shelf, _ := r.Shelf(key)
	for i := range ready {
		name := fmt.Sprintf("warm-%s-%08x", key, i)
		tags := []string{lab.Tag, lab.TagLab + key, lab.TagWarm + key, lab.TagRev + shelf.Entry.Revision}
		ref, err := client.CreateStack(t.Context(), r.NewStack(name, key, tags, ""))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.cleanUp(name) })
		t.Cleanup(func() { _ = client.DeleteKeyPair(context.Background(), pool.ClaimName(ref.ID)) })
		r.settledAs(ref)
	}
	course := rand.Text()
	var mu sync.Mutex
	var all sync.WaitGroup
	labs := map[string]string{} // whose, by stack
	at := 0
	for i := range learners {
		who := r.Ticket(lab.Identity{Tenant: "academy", Context: course, Lab: key, Learner: string(rune('a' + i))})
		t.Cleanup(func() { r.cleanUp(who.Stack) })
		all.Go(func() {
			began := time.Now()
			ticket, status := r.Start(t.Context(), who)
			took := time.Since(began).Round(time.Millisecond)
			ticket = r.toReady(ticket, status) // a busy cloud may need longer than a learner is kept waiting
			mu.Lock()
			defer mu.Unlock()
			if strings.HasPrefix(ticket.Name, "warm-") {
				at++
				t.Logf("ready-made: %s with the launch after %s", status.State, took)
			}
			if other, taken := labs[ticket.ID]; taken || ticket.ID == "" {
				t.Errorf("%s has %q, which is %q's", ticket.Stack, ticket.ID, other)
			}
			labs[ticket.ID] = ticket.Stack
		})
	}
	all.Wait()
	if at != ready || len(labs) != learners {
		t.Errorf("%d have a ready-made lab, of %d labs", at, len(labs))
	}
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
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(min(status.Poll.After, 2*time.Second)) {
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
	return r.settledAs(refTo(ticket))
}

func (r *realLab) settledAs(ref openstack.StackRef) openstack.Stack {
	r.t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(time.Second) {
		s, err := r.client.Stack(r.t.Context(), ref)
		if err == nil && !s.Busy() {
			return s
		}
	}
	r.t.Fatal("the stack does not settle")
	return openstack.Stack{}
}

// cleanUp deletes what the test, which may be over, has left of an owner, or under a name.
func (r *realLab) cleanUp(name string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for s, err := range r.client.StacksWhere(ctx, openstack.StackFilter{AnyTags: []string{lab.TagOwner + name}}) {
		if err == nil {
			_ = r.client.DeleteStack(ctx, s.StackRef)
		}
	}
	if s, err := r.client.FindStack(ctx, name); err == nil {
		_ = r.client.DeleteStack(ctx, s.StackRef)
	}
}

package keeper_test

import (
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/keeper"
)

// A class shows of each learner one row, the generation that a launch enters, and staff may go back to the one before.
func TestClassWithGenerations(t *testing.T) {
	t.Parallel()
	c := open(t)
	old := c.ready(t, learner("u1"))
	ticket, status, err := c.Reset(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	fresh, _ := c.follow(t, c.page(t, ticket), status)
	asleep := c.asleep(t, "u2")
	if _, _, err := c.Extend(t.Context(), asleep); err != nil { // leaves a note, which is no row
		t.Fatal(err)
	}
	c.Settle()
	class := c.class(t, "academy", "course")
	list := c.members(t, class)
	if len(list) != 2 || list[0].Gen != 1 || list[0].Ref != fresh.Name+":"+fresh.ID || list[0].Status.Undo == nil || list[1].Status.State != lab.Suspended {
		t.Fatalf("%+v", list)
	}
	for range 2 { // of the generations, the one in use alone
		if o, err := c.ClassDoAll(t.Context(), class, lab.ActExtend); err != nil || o != (keeper.Outcome{Done: 2}) {
			t.Errorf("extend: %+v, %v", o, err)
		}
	}
	if got := lab.LeaseOf(c.stack(t, old).Tags); !got.Given.IsZero() {
		t.Errorf("the older lab was given more time, too: %+v", got)
	}
	c.Settle()
	ref := list[0].Ref
	for range 2 {
		if o, err := c.ClassDo(t.Context(), class, lab.ActUndo, []string{ref}); err != nil || o.Left != 0 {
			t.Errorf("undo: %+v, %v", o, err)
		}
		c.Settle()
	}
	c.only(t, old.Stack, asleep.Stack)
	if list := c.members(t, class); len(list) != 2 || list[0].Gen != 0 || list[0].Status.Undo != nil {
		t.Errorf("afterwards %+v", list)
	}
	if o, err := c.ClassDoAll(t.Context(), class, lab.ActSuspend); err != nil || o != (keeper.Outcome{Done: 2}) {
		t.Errorf("suspend: %+v, %v", o, err)
	}
	c.Settle()
	if s := c.stack(t, old); s.State() != "SUSPEND_COMPLETE" {
		t.Errorf("the stack is %s", s.State())
	}
}

// An end by staff takes all generations of the learner's lab, so that no older one comes back with the next launch.
func TestClassEndTakesAllGenerations(t *testing.T) {
	t.Parallel()
	c := open(t)
	ticket, status, err := c.Reset(t.Context(), c.ready(t, learner("u1")))
	if err != nil {
		t.Fatal(err)
	}
	fresh, _ := c.follow(t, c.page(t, ticket), status)
	class := c.class(t, "academy", "course")
	for range 2 {
		if o, err := c.ClassDo(t.Context(), class, lab.ActEnd, []string{fresh.Name + ":" + fresh.ID}); err != nil || o != (keeper.Outcome{Done: 1}) {
			t.Errorf("%+v, %v", o, err)
		}
	}
	c.Settle()
	c.only(t)
}

// A class in two clouds is one class, and each act goes to the cloud that has the lab.
func TestClassInTwoClouds(t *testing.T) {
	t.Parallel()
	r := openTwo(t, nil)
	near, status := r.Start(t.Context(), r.Ticket(learner("u1")))
	near, _ = r.enter(t, near, status)
	r.Inject(full)
	far, status := r.Start(t.Context(), r.Ticket(learner("u2")))
	far, _ = r.enter(t, far, status)
	r.ClearFaults()
	class := r.class(t, "academy", "course")
	list := r.members(t, class)
	if len(list) != 2 || list[0].Ref != near.Stack+":"+near.ID || list[1].Ref != far.Stack+":"+far.ID+":south" {
		t.Fatalf("%+v", list)
	}
	for range 2 {
		if o, err := r.ClassDoAll(t.Context(), class, lab.ActExtend); err != nil || o != (keeper.Outcome{Done: 2}) {
			t.Errorf("extend: %+v, %v", o, err)
		}
	}
	r.pass(time.Minute)
	if o, err := r.ClassDo(t.Context(), class, lab.ActEnd, []string{list[1].Ref}); err != nil || o != (keeper.Outcome{Done: 1}) {
		t.Errorf("end: %+v, %v", o, err)
	}
	r.other.Settle()
	if len(r.Stacks()) != 1 || len(r.other.Stacks()) != 0 {
		t.Errorf("%d and %d stacks", len(r.Stacks()), len(r.other.Stacks()))
	}
	for _, bad := range []string{far.Stack + ":" + far.ID + ":west", near.Stack + ":" + near.ID + ":", far.Stack + ":" + far.ID + ":south\n"} {
		_, err := r.ClassDo(t.Context(), class, lab.ActEnd, []string{bad})
		wantCode(t, err, 404, "no_such_lab")
	}
}

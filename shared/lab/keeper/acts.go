package keeper

import (
	"context"
	"net/http"
	"time"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Extend lets the lab live longer, once for each ticket: the ticket knows how many extensions there were when its page was
// drawn, and asks for the next one. It takes three calls: read, write, and read what counts, since of two writers at once
// Heat drops one without a word.
func (k *Keeper) Extend(ctx context.Context, t Ticket) (Ticket, lab.Status, error) {
	wanted := t.Lease.Extended + 1
	t, s, err := k.found(ctx, t)
	if s.ID == "" || err != nil {
		return t, lab.Unseen(k.Entry(t), lab.Ended), err
	}
	t = t.learn(s.Tags)
	if t.Lease.Extended >= wanted {
		if s.Action == "UPDATE" && s.Status == "IN_PROGRESS" { // by the request that was faster
			s.Status = "COMPLETE"
		}
		return t, k.view(t, s), nil
	}
	lease, can := t.Lease.Extend(k.Entry(t), s.Created, k.now())
	switch {
	case !can:
		return t, lab.Status{}, usedUp()
	case !stackOf(s).Patchable():
		return t, lab.Status{}, notNow(s)
	}
	if err := k.cloud.PatchStack(ctx, s.StackRef, openstack.StackChange{Tags: lease.Retag(s.Tags)}); err != nil {
		return t, lab.Status{}, Failure(err)
	}
	after, err := k.cloud.StackParameters(ctx, s.StackRef)
	if err != nil {
		return t, lab.Status{}, Failure(err)
	}
	if lab.LeaseOf(after.Tags).Extended < wanted { // another update of this moment won
		return t, lab.Status{}, busy()
	}
	t = t.learn(after.Tags)
	logging.Note(ctx, "until", t.Lease.Until.Format(time.RFC3339))
	return t, k.view(t, s), nil // as it was before the update, which is our own
}

// Suspend puts the lab to sleep: two calls. It looks first, since Heat takes a suspend at the wrong moment with 200 and then
// leaves the stack in a state that only a delete ends (openstack.Cloud.Act).
func (k *Keeper) Suspend(ctx context.Context, t Ticket) (Ticket, lab.Status, error) {
	t, s, err := k.found(ctx, t)
	if s.ID == "" || err != nil {
		return t, lab.Unseen(k.Entry(t), lab.Ended), err
	}
	t = t.learn(s.Tags)
	t.Wake = false
	switch {
	case s.Action == "SUSPEND":
		return t, k.view(t, s), nil
	case !stackOf(s).Patchable():
		return t, lab.Status{}, notNow(s)
	}
	// Busy: another request of this moment was faster.
	if err := k.cloud.Act(ctx, s.StackRef, openstack.Suspend); err != nil && openstack.CodeOf(err) != openstack.Busy {
		return t, lab.Status{}, Failure(err)
	}
	return t, lab.Asleep(t.Lease), nil
}

// found is the ticket's stack with its outputs, or one without an id if it has ended.
func (k *Keeper) found(ctx context.Context, t Ticket) (Ticket, openstack.Stack, error) {
	ref, err := k.own(ctx, t)
	if err != nil {
		return t, openstack.Stack{}, err
	}
	s, err := k.cloud.Stack(ctx, ref)
	switch {
	case openstack.CodeOf(err) == openstack.Gone, err == nil && s.Action == "DELETE" && s.Status != "FAILED":
		return t, openstack.Stack{}, nil
	case err != nil:
		return t, openstack.Stack{}, Failure(err)
	}
	return t, answered(s), nil
}

// own is the stack that the ticket may act on: the one that its page was about, and no other of the name.
func (k *Keeper) own(ctx context.Context, t Ticket) (openstack.StackRef, error) {
	logging.Note(ctx, "stack", t.Stack)
	if t.ID == "" || t.Settle {
		return openstack.StackRef{}, busy()
	}
	return openstack.StackRef{Name: t.Stack, ID: t.ID}, nil
}

// Reset removes the lab and begins a new one, which the page goes on with. Of a lab that has ended it begins a new one at
// once. A second request with the same ticket finds its stack gone, and joins whatever follows it.
func (k *Keeper) Reset(ctx context.Context, t Ticket) (Ticket, lab.Status, error) {
	deleted, err := k.remove(ctx, t)
	if err != nil {
		return t, lab.Status{}, err
	}
	t.Removed, t.ID, t.Settle, t.Wake = t.ID, "", false, false
	t = k.launched(t)
	if deleted {
		return t, lab.Unseen(k.Entry(t), lab.Clearing), nil
	}
	t, status := k.Start(ctx, t)
	return t, status, nil
}

// End removes the lab. The ticket stays good for its page, which may begin a new one.
func (k *Keeper) End(ctx context.Context, t Ticket) (Ticket, lab.Status, error) {
	if _, err := k.remove(ctx, t); err != nil {
		return t, lab.Status{}, err
	}
	t.Wake = false
	return t, lab.Unseen(k.Entry(t), lab.Ended), nil
}

// remove deletes the ticket's stack; deleted is false if it was gone. Only where volumes are attached is the stack read
// before.
func (k *Keeper) remove(ctx context.Context, t Ticket) (deleted bool, err error) {
	ref, err := k.own(ctx, t)
	if err != nil {
		return false, err
	}
	if entry := k.Entry(t); entry.Attached {
		s, err := k.cloud.StackParameters(ctx, ref)
		switch {
		case openstack.CodeOf(err) == openstack.Gone:
			return false, nil
		case err != nil:
			return false, Failure(err)
		case !stackOf(s).Removable(entry):
			return false, notNow(s)
		}
	}
	err = k.cloud.DeleteStack(ctx, ref)
	if err != nil && openstack.CodeOf(err) != openstack.Gone {
		return false, Failure(err)
	}
	return err == nil, nil
}

// busy is for what may be tried again once Heat has walked the lab's stack, which takes about this long.
func busy() error {
	return &function.Error{
		Code: "lab_busy", Status: http.StatusConflict, RetryAfter: 5 * time.Second,
		Public: "Something is going on with this lab just now. Wait a few seconds and try again.",
	}
}

// notNow is why a stack in this state cannot be changed.
func notNow(s openstack.Stack) error {
	switch {
	case s.Status == "IN_PROGRESS":
		return busy()
	case s.Action == "SUSPEND" && s.Status == "COMPLETE":
		return &function.Error{Code: "lab_asleep", Status: http.StatusConflict, Public: "This lab is asleep. Wake it up first, and then try again."}
	default:
		return &function.Error{
			Code: "lab_broken", Status: http.StatusConflict,
			Public: "This lab is not in order, and changing it could destroy what is in it. Save your work and start it anew, or tell your course staff.",
		}
	}
}

func usedUp() error {
	return &function.Error{
		Code: "extend_used_up", Status: http.StatusConflict,
		Public: "This lab cannot be extended any further. Save your work before it ends; after that you can start a new one.",
	}
}

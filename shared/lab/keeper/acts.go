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
// Heat drops one without a word. Of a lab that sleeps the extension is noted beside it.
func (k *Keeper) Extend(ctx context.Context, t Ticket) (Ticket, lab.Status, error) {
	wanted := t.Lease.Extended + 1
	t, s, err := k.ownStack(ctx, t)
	if s.ID == "" || err != nil {
		return t, lab.Unseen(k.Entry(t), lab.Ended), err
	}
	t = t.learn(s.Tags)
	stack := stackOf(s)
	if t.Lease.Extended >= wanted {
		if s.Action == "UPDATE" && s.Status == "IN_PROGRESS" { // by the request that was faster
			stack.Status = "COMPLETE"
		}
		return t, k.view(t, stack), nil
	}
	lease, can := t.Lease.Extend(k.Entry(t), stack.Created, k.now())
	switch {
	case !can:
		return t, lab.Status{}, usedUp()
	case s.State() == "SUSPEND_COMPLETE":
		return k.lengthen(ctx, t, stack, lease)
	case !stack.Patchable():
		return t, lab.Status{}, notNow(s)
	}
	if err := k.cloud(t).PatchStack(ctx, t.ref(), openstack.StackChange{Tags: lease.Retag(s.Tags)}); err != nil {
		return t, lab.Status{}, Failure(err)
	}
	after, err := k.cloud(t).StackParameters(ctx, t.ref())
	if err != nil {
		return t, lab.Status{}, Failure(err)
	}
	if lab.LeaseOf(after.Tags).Extended < wanted { // another update of this moment won
		return t, lab.Status{}, busy()
	}
	t = t.learn(after.Tags)
	logging.Note(ctx, "until", t.Lease.Until.Format(time.RFC3339))
	return t, k.view(t, stack), nil // as it was before the update, which is our own
}

// Suspend puts the lab to sleep: two calls. It looks first, since Heat takes a suspend at the wrong moment with 200 and then
// leaves the stack in a state that only a delete ends (openstack.Cloud.Act).
func (k *Keeper) Suspend(ctx context.Context, t Ticket) (Ticket, lab.Status, error) {
	t, s, err := k.ownStack(ctx, t)
	if s.ID == "" || err != nil {
		return t, lab.Unseen(k.Entry(t), lab.Ended), err
	}
	t = t.learn(s.Tags)
	t.Wake = false
	switch {
	case s.Action == "SUSPEND":
		return t, k.view(t, stackOf(s)), nil
	case !stackOf(s).Patchable():
		return t, lab.Status{}, notNow(s)
	}
	if err := k.rest(ctx, k.cloud(t), s); err != nil {
		return t, lab.Status{}, Failure(err)
	}
	// Busy: another request of this moment was faster.
	if err := k.cloud(t).Act(ctx, t.ref(), openstack.Suspend); err != nil && openstack.CodeOf(err) != openstack.Busy {
		return t, lab.Status{}, Failure(err)
	}
	return t, k.returning(t, lab.Asleep(t.Lease)), nil
}

// ownStack is the ticket's stack with its outputs, or one without an id if it has ended.
func (k *Keeper) ownStack(ctx context.Context, t Ticket) (Ticket, openstack.Stack, error) {
	t, err := k.own(ctx, t)
	if err != nil {
		return t, openstack.Stack{}, err
	}
	s, err := k.cloud(t).Stack(ctx, t.ref())
	switch {
	case openstack.CodeOf(err) == openstack.Gone, err == nil && s.Action == "DELETE" && s.Status != "FAILED":
		return t, openstack.Stack{}, nil
	case err != nil:
		return t, openstack.Stack{}, Failure(err)
	}
	return t, answered(s), nil
}

// own is the ticket if its page knows which stack it is about. Where nobody has looked yet whether that is the one that
// counts, it takes one call to see; another one is not for this page to act on.
func (k *Keeper) own(ctx context.Context, t Ticket) (Ticket, error) {
	noteLearner(ctx, t, t.ref().Name)
	if t.ID == "" {
		return t, busy()
	}
	if !t.Settle {
		return t, nil
	}
	f, err := k.survey(ctx, t)
	if err != nil {
		return t, Failure(err)
	}
	if h := f.aim(t); h == nil || h.ID != t.ID || lab.Next(h.Stack, true).Do == lab.Wait {
		return t, busy()
	}
	t.Settle = false
	return t, nil
}

// End removes the lab, with the one that a reset has kept: two calls (list, delete), and one for each further stack. A lab
// that came after the page's own is left alone. The ticket stays good for its page, which may begin a new one.
func (k *Keeper) End(ctx context.Context, t Ticket) (Ticket, lab.Status, error) {
	t, err := k.own(ctx, t)
	if err != nil {
		return t, lab.Status{}, err
	}
	f, err := k.survey(ctx, t)
	if err != nil {
		return t, lab.Status{}, Failure(err)
	}
	plan := f.End(t.ID, k.Entry(t))
	logging.Note(ctx, "plan", plan.Why)
	if plan.Wake != nil {
		return t, lab.Status{}, k.rouse(ctx, t, *plan.Wake)
	}
	if err := k.discard(ctx, t, f, plan.Delete); err != nil {
		return t, lab.Status{}, err
	}
	t.Wake, t.Back = false, lab.Undo{}
	return t, lab.Unseen(k.Entry(t), lab.Ended), nil
}

// Check looks at once how the lab's checks stand.
func (k *Keeper) Check(ctx context.Context, t Ticket) (Ticket, lab.Status, error) {
	t, err := k.own(ctx, t)
	if err != nil {
		return t, lab.Status{}, err
	}
	return k.Look(ctx, t, lab.LookStack)
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

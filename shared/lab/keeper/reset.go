package keeper

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Reset builds a new lab beside the old one, with which the page goes on, and keeps the old one for a while: see Undo. Of a
// lab that is broken nothing is kept, and of one that has ended there is nothing left. It takes two calls (list, create),
// and one more where something has to go first.
//
// The new lab is the generation after the page's own, so that sent twice it is one: the second request finds it, or finds
// that something else has taken the place of the page's lab, and goes on with that.
func (k *Keeper) Reset(ctx context.Context, t Ticket) (Ticket, lab.Status, error) {
	t, err := k.own(ctx, t)
	if err != nil {
		return t, lab.Status{}, err
	}
	if status, closed := k.closed(t); closed {
		return t, lab.Status{}, refused(status)
	}
	f, err := k.survey(ctx, t)
	if err != nil {
		return t, lab.Status{}, Failure(err)
	}
	if h := f.aim(t); h != nil && !f.live(t.ID) {
		t, status := k.enter(ctx, k.take(t, *h), f, *h)
		return t, status, nil
	}
	return k.carryOut(ctx, t, f, f.Reset(t.Gen, k.Entry(t)))
}

// Undo goes back to the lab that was there before the last reset: two calls (list, delete), and one or two to enter it. On
// the page of the old lab it takes back a reset that has not come to anything yet.
func (k *Keeper) Undo(ctx context.Context, t Ticket) (Ticket, lab.Status, error) {
	keep := t.Gen
	if !t.Back.Until.IsZero() {
		keep = t.Back.Gen // which needs no stack of the page's own: the new one may not be there yet
	} else {
		var err error
		if t, err = k.own(ctx, t); err != nil {
			return t, lab.Status{}, err
		}
	}
	f, err := k.survey(ctx, t)
	if err != nil {
		return t, lab.Status{}, Failure(err)
	}
	return k.carryOut(ctx, t, f, f.Undo(keep, k.Entry(t), k.now()))
}

// carryOut does what was planned. Each step may be done again: who is cut off in between is put right by the next request.
func (k *Keeper) carryOut(ctx context.Context, t Ticket, f found, plan lab.Plan) (Ticket, lab.Status, error) {
	logging.Note(ctx, "plan", plan.Why)
	switch {
	case plan.Refused != "":
		return t, lab.Status{}, barred(plan.Refused)
	case plan.Wake != nil:
		return t, lab.Status{}, k.rouse(ctx, t, *plan.Wake)
	}
	var left *lab.Allowance
	if plan.Build {
		left = k.allowance(ctx, t, f)
		if status, over := spent(left, nil); over {
			return t, lab.Status{}, refused(status)
		}
	}
	if err := k.discard(ctx, t, f, plan.Delete); err != nil {
		return t, lab.Status{}, err
	}
	switch {
	case plan.Build:
		t.ID, t.Name, t.Cloud, t.Gen, t.Settle, t.Wake = "", "", "", plan.Create, false, false
		if t.Back = (lab.Undo{}); f.keeps(plan) {
			t.Back = lab.Undo{Gen: f.Current.Gen(), Until: k.backUntil(t)}
		}
		t, status := k.build(ctx, k.launched(t), f)
		status.Allowance = left
		return t, status, nil
	case plan.Follow != nil:
		f.Home = f.without(plan.Delete)
		t, status := k.enter(ctx, k.take(t, *plan.Follow), f, *plan.Follow)
		return t, status, nil
	}
	t.Wake = false
	return t, lab.Unseen(k.Entry(t), lab.Ended), nil
}

// keeps says whether the plan leaves the current lab as it is, so that its learner may go back to it. What broke is kept for
// what is on its disks alone.
func (f found) keeps(plan lab.Plan) bool {
	return f.Current != nil && f.Current.Stack.Usable() && !slices.ContainsFunc(plan.Delete, func(h lab.Held) bool { return h.ID == f.Current.ID })
}

// without is what the learner has once these stacks are gone.
func (f found) without(gone []lab.Held) lab.Home {
	home := f.Home
	is := func(h *lab.Held) bool {
		return h != nil && slices.ContainsFunc(gone, func(g lab.Held) bool { return g.ID == h.ID })
	}
	if is(home.Next) {
		home.Next = nil
	}
	if is(home.Current) {
		home.Current, home.Previous = home.Previous, nil
	}
	return home
}

// rouse is for a plan that would delete what sleeps and has volumes. The page's own lab its learner can wake; another one is
// woken here, for the next request.
func (k *Keeper) rouse(ctx context.Context, t Ticket, h lab.Held) error {
	if h.ID != t.ID {
		if err := k.clouds[h.Order].Cloud.Act(ctx, refOfHeld(h), openstack.Resume); err != nil && openstack.CodeOf(err) != openstack.Busy {
			return Failure(err)
		}
		return busy()
	}
	return notNow(openstack.Stack{Action: h.Stack.Action, Status: h.Stack.Status})
}

// backUntil is until when a reset of this moment can be undone: the new lab gets its time to be built, and the learner some
// more to think.
func (k *Keeper) backUntil(t Ticket) time.Time {
	e := k.Entry(t)
	return k.now().Add(e.BuildTimeout + e.Grace).UTC().Truncate(time.Second)
}

// discard deletes stacks. What is gone already is no trouble.
func (k *Keeper) discard(ctx context.Context, t Ticket, f found, stacks []lab.Held) error {
	used, err := k.used(ctx, t, f, stacks)
	if err != nil {
		return err
	}
	for _, h := range stacks {
		if err := k.remove(ctx, h); err != nil {
			return Failure(err)
		}
	}
	return k.remember(ctx, t, f, used)
}

// barred is why a plan comes to nothing.
func barred(why lab.Reason) error {
	if why == lab.UndoOver {
		return &function.Error{
			Code: "undo_over", Status: http.StatusConflict, Public: "The old lab is not there any more, so there is no way back to it. Go on with the one you have.",
		}
	}
	return busy()
}

// returning adds the way back to a status, as long as there is one. Where the page is still about the old lab, that is to
// keep it, and a new one is in the making.
func (k *Keeper) returning(t Ticket, s lab.Status) lab.Status {
	if t.Back.Until.IsZero() {
		return s
	}
	back := t.Back
	s = lab.Undoable(s, &back, k.now())
	if s.Undo != nil && back.Gen == t.Gen {
		s.Rebuild = &lab.Rebuild{Gen: t.Gen + 1, State: lab.Building}
		s = lab.Kept(s, s.Undo)
	}
	return s
}

// beside adds what is being built in the place of the lab that the status is about.
func (f found) beside(s lab.Status, h lab.Held) lab.Status {
	if f.Next == nil || f.Next.ID == h.ID {
		return s
	}
	return lab.Kept(f.Rebuilt(s), s.Undo)
}

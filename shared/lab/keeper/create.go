package keeper

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/line"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// build gets a learner who has none a lab: a ready-made one, or else a new one in the first cloud that has room.
func (k *Keeper) build(ctx context.Context, t Ticket, f found) (Ticket, lab.Status) {
	t.Lease, t.Lent = k.Entry(t).Lease(k.now()), lab.Lease{}
	if f.Current == nil {
		t.Back = lab.Undo{}
	}
	if t.Gen == 0 {
		if ticket, status, settled := k.claim(ctx, t, f.Warm); settled {
			return ticket, status
		}
	}
	turn, err := k.line.Ask(ctx, t.Stack, t.Queued, k.pace(t))
	switch {
	case err != nil:
		return k.trouble(ctx, t, err)
	case !turn.Go:
		return k.wait(ctx, t, turn)
	}
	t.Queued = time.Time{}
	place, ref, err := k.createSomewhere(ctx, &t, f, turn)
	turn.Done(err == nil || mayExist(err))
	return k.begun(ctx, t, place, ref, err)
}

// createSomewhere makes the lab in the first of the clouds that takes it. Only a plain no leads to the next cloud: where it is
// not known what became of a create, another would be a second lab.
func (k *Keeper) createSomewhere(ctx context.Context, t *Ticket, f found, turn line.Turn) (place int, ref openstack.StackRef, err error) {
	for _, place = range turn.Clouds {
		if short := k.spacious(ctx, place, *t); short != "" {
			logging.Note(ctx, "short", k.clouds[place].Name+" has too few "+short)
			err = &openstack.Error{Code: openstack.Quota, Op: "look for room for " + t.Stack}
			continue
		}
		turn.Move(place)
		ref, t.Settle, err = k.createIn(ctx, place, *t, f)
		if openstack.CodeOf(err) != openstack.Quota {
			return place, ref, err
		}
		logging.Note(ctx, "full", k.clouds[place].Name)
	}
	return place, ref, err
}

// begun is what came of a create.
func (k *Keeper) begun(ctx context.Context, t Ticket, place int, ref openstack.StackRef, err error) (Ticket, lab.Status) {
	if err != nil {
		t.Settle = false
		return k.trouble(ctx, t, err)
	}
	t = k.at(t, place, ref)
	return t, k.returning(t, lab.Begun(k.Entry(t), lab.Create, t.Lease))
}

// createIn makes the lab in one cloud. The plain create is tried first, since the list has just said that there is no such
// stack; for everything that can go wrong with it there is EnsureStack. Whether what was created is what counts is left to
// the page's first look, which costs nothing more: settle says that it has to.
func (k *Keeper) createIn(ctx context.Context, place int, t Ticket, f found) (ref openstack.StackRef, settle bool, err error) {
	cloud := k.clouds[place].Cloud
	tags := append(t.Lease.Retag(t.Tags()), lab.TagRev+k.entries[t.Lab].entry.Revision)
	if t.Gen > 0 {
		tags = append(tags, lab.TagGen+strconv.Itoa(t.Gen))
	}
	if f.Spent > 0 {
		tags = append(tags, lab.SpentTags(f.Spent, f.Period)...)
	}
	stack := k.NewStack(lab.NameOf(t.Stack, t.Gen), t.Lab, tags, t.Grading)
	ref, err = cloud.CreateStack(ctx, stack)
	if !mayExist(err) {
		return ref, true, err //nolint:wrapcheck // it says what it was doing, and callers look at its code
	}
	logging.Note(ctx, "first_try", string(openstack.CodeOf(err)))
	return cloud.EnsureStack(ctx, stack) //nolint:wrapcheck // as above
}

// mayExist says that a create failed and yet the stack may be there: somebody was faster, or the answer was lost. 429 is
// a plain no, and asking on at once would make it worse.
func mayExist(err error) bool {
	e, ok := errors.AsType[*openstack.Error](err)
	return ok && (e.Code == openstack.Conflict || e.Code == openstack.Unavailable && e.Status != http.StatusTooManyRequests)
}

package keeper

import (
	"context"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// write makes the stack of a note.
func write(ctx context.Context, cloud Cloud, n lab.Note) error {
	_, err := cloud.CreateStack(ctx, openstack.NewStack{Name: n.Name, Template: lab.NoteTemplate, Tags: n.Tags})
	return err //nolint:wrapcheck // it says what it was doing, and callers look at its code
}

// lengthen is an extension of a lab that sleeps. Heat takes no change of its tags, so a note is left beside it, whose name
// says which extension it is: sent twice it is one. Two calls, and one more if the note is there already.
func (k *Keeper) lengthen(ctx context.Context, t Ticket, stack lab.Stack, lease lab.Lease) (Ticket, lab.Status, error) {
	note := t.LeaseNote(t.ID, lease)
	err := write(ctx, k.cloud(t), note)
	if mayExist(err) {
		there, lookErr := k.cloud(t).FindStack(ctx, note.Name)
		switch {
		case openstack.CodeOf(lookErr) == openstack.Gone && openstack.CodeOf(err) == openstack.Conflict, lookErr == nil && there.Action == "DELETE":
			return t, lab.Status{}, busy()
		case openstack.CodeOf(lookErr) == openstack.Gone:
		case lookErr != nil:
			return t, lab.Status{}, Failure(lookErr)
		default:
			lease, err = lab.LeaseOf(there.Tags), nil
		}
	}
	if err != nil {
		return t, lab.Status{}, Failure(err)
	}
	t.Lent = lease
	t = t.learn(nil)
	logging.Note(ctx, "until", t.Lease.Until.Format(time.RFC3339))
	return t, k.view(t, stack), nil
}

// used is for how long the stacks were up, where the lab has a budget: one call for each. It is asked before they are
// deleted, since what a deleted stack did is soon forgotten.
func (k *Keeper) used(ctx context.Context, t Ticket, f found, stacks []lab.Held) (time.Duration, error) {
	budget := k.Entry(t).Budget
	if budget.Time <= 0 {
		return 0, nil
	}
	var sum time.Duration
	for _, h := range stacks {
		since := h.Since()
		if begun := f.Period.Add(-budget.Per); !f.Period.IsZero() && budget.Per > 0 && begun.After(since) {
			since = begun
		}
		events, err := k.clouds[h.Order].Cloud.Events(ctx, refOfHeld(h), "")
		switch {
		case openstack.CodeOf(err) == openstack.Gone:
		case err != nil:
			return 0, Failure(err)
		default:
			sum += lab.Used(eventsOf(refOfHeld(h), events), since, k.now())
		}
	}
	return sum, nil
}

// remember notes for how long the labs were up that are being deleted, so that who ends a lab does not get a new budget
// with the next one. It writes the sum, never a difference: of two who do it at once both write the same.
func (k *Keeper) remember(ctx context.Context, t Ticket, f found, used time.Duration) error {
	if used <= 0 {
		return nil
	}
	period := f.Period
	if period.IsZero() {
		period = k.now().Add(k.Entry(t).Budget.Per)
	}
	note := t.SpentNote(f.Spent+used, period)
	for _, h := range f.Helpers {
		if h.Name == note.Name && h.Stack.Patchable() {
			if err := k.clouds[h.Order].Cloud.PatchStack(ctx, refOfHeld(h), openstack.StackChange{Tags: note.Tags}); err != nil {
				return Failure(err)
			}
			return nil
		}
	}
	if err := write(ctx, k.cloud(t), note); err != nil && openstack.CodeOf(err) != openstack.Conflict {
		return Failure(err)
	}
	return nil
}

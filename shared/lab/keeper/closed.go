package keeper

import (
	"context"
	"net/http"
	"time"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/logging"
)

// closed is what a launch comes to outside the times at which the course may use the lab.
func (k *Keeper) closed(t Ticket) (lab.Status, bool) {
	opening := k.entries[t.Lab].entry.Window(t.Tenant, t.Context, k.now())
	return lab.Closed(opening), !opening.Open
}

// allowance is what is left of the learner's time; nil without a bound. Where there is one and a lab, it takes one call: what
// the lab did is in its events.
func (k *Keeper) allowance(ctx context.Context, t Ticket, f found) *lab.Allowance {
	entry := k.Entry(t)
	if entry.Budget.Time <= 0 {
		return nil
	}
	var events []lab.Event
	if f.Current != nil {
		told, err := k.clouds[f.Current.Order].Cloud.Events(ctx, refOfHeld(*f.Current), "")
		if err != nil {
			logging.Note(ctx, "cause", err.Error())
		}
		events = eventsOf(refOfHeld(*f.Current), told)
	}
	left, _ := entry.Allowance(f.UsedBy(entry, events, k.now()), f.Period)
	return &left
}

// spent is what a launch comes to once the learner's time is used up, where the catalogue says that nothing is started then.
// A lab that is up, or about to be, is not taken away by it.
func spent(left *lab.Allowance, h *lab.Held) (lab.Status, bool) {
	if left == nil || !left.Over || !left.Block {
		return lab.Status{}, false
	}
	if h != nil && lab.Next(h.Stack, true).Do != lab.Resume {
		return lab.Status{}, false
	}
	return lab.Spent(*left), true
}

// refused is a status that stands for a refusal, as an answer to somebody who pressed a button.
func refused(s lab.Status) error {
	err := &function.Error{Code: string(s.Reason), Status: http.StatusForbidden}
	switch {
	case s.Reason == lab.BudgetSpent:
		err.Public = "Your time for this lab is used up. Ask your course staff whether you may have more."
	case !s.OpensAt.IsZero():
		err.Public = "This lab is closed for your course. It opens at " + s.OpensAt.UTC().Format(time.RFC1123) + "."
	case !s.ClosesAt.IsZero():
		err.Public = "This lab is closed for your course. It was open until " + s.ClosesAt.UTC().Format(time.RFC1123) + "."
	default:
		err.Public = "This lab is not open for your course. Ask your course staff when it will be."
	}
	return err
}

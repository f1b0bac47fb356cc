package keeper

import (
	"context"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// dressed adds to a status what the stack's outputs tell besides: results of checks, when the lab falls asleep, and whether it
// answers. Until it does, nobody is shown the way in; if it never does, they are told so.
func (k *Keeper) dressed(ctx context.Context, t Ticket, read openstack.Stack, s lab.Status) (Ticket, lab.Status) {
	stack := stackOf(read)
	if stack.Outputs == nil {
		return t, s
	}
	entry, now := k.Entry(t), k.now()
	signals := k.signals(ctx, t, read, s)
	s = lab.Dress(s, stack, entry, signals, now)
	if read.Parameters[grades.GradingParameter] != "" && signals != nil {
		s.Grade = grade(s.Score, *signals)
	}
	if s.State != lab.Ready || k.prober.Ready(ctx, entry.Ready, stack.Outputs) {
		t.Silent = time.Time{}
		return t, s
	}
	if t.Silent.IsZero() {
		t.Silent = now.UTC().Truncate(time.Second)
	}
	return t, lab.Silent(s, t.Silent, now)
}

// signals are those of a lab that was read; nil if nobody knows them. Where its outputs do not tell them, as while it sleeps, it
// takes a call, and that is made only if there are checks for a page to show. Without an answer the page shows none: a look is
// not worth failing for it, and "not reported" would be a lie.
func (k *Keeper) signals(ctx context.Context, t Ticket, read openstack.Stack, s lab.Status) *lab.Signals {
	entry := k.Entry(t)
	if stackOf(read).Untold() != "" {
		if len(entry.Checks) == 0 || s.State == lab.Gone || s.State == lab.Resuming {
			return nil
		}
		var err error
		if read, err = grades.Whole(ctx, k.cloud(t), read); err != nil {
			logging.Note(ctx, "cause", err.Error())
			return nil
		}
	}
	signals := lab.ReadSigned(read.Outputs, k.signalKey, t.ID, entry, k.now())
	return &signals
}

// grade is how the course site stands to the score: it has it, or will never take it, or is yet to be told. Without a score
// there is nothing to tell.
func grade(score *float64, signals lab.Signals) *lab.Grade {
	if score == nil {
		return nil
	}
	due := lab.Grade{State: lab.GradeDue}
	for _, sent := range signals.Sent {
		if sent.Score >= *score && !sent.At.Before(due.At) {
			due = lab.Grade{State: lab.GradeSent, At: sent.At}
		}
	}
	if due.State == lab.GradeSent {
		return &due
	}
	for _, parked := range signals.Parked {
		if !parked.At.Before(due.At) {
			due = lab.Grade{State: lab.GradeParked, Reason: parked.Reason, At: parked.At}
		}
	}
	return &due
}

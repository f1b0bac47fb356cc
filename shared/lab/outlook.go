package lab

import (
	"slices"
	"time"
)

// Waits is the status of a learner whose lab is not begun because others come first, or because there is no room.
func Waits(e Entry, a Admission) Status {
	s := Status{State: InLine, Reason: Queued, Steps: allSteps(e.Plan, Waiting), Access: []Access{}}
	if a.Full {
		s.Reason = ClassFull
	}
	s.Place = &Place{Number: a.Place, Total: a.Total, Retry: a.Retry}
	s.Poll = Poll{Start: true, After: a.Retry}
	if a.ETA > 0 {
		s.ETA = a.ETA
	}
	return s
}

// Closed is the status of a learner who comes outside the windows of the course.
func Closed(o Opening) Status {
	return Status{State: Gone, Reason: LabClosed, Access: []Access{}, OpensAt: o.Opens, ClosesAt: o.Ends}
}

// Spent is the status of a learner whose time is used up.
func Spent(a Allowance) Status {
	return Status{State: Gone, Reason: BudgetSpent, Access: []Access{}, Allowance: &a}
}

// Dress is s with what a learner is told besides the state of the lab: how it stands to the course's times, what the checks
// say, and when it will fall asleep. sig are its signals; nil if nobody knows them, which is not the same as none.
func Dress(s Status, stack Stack, e Entry, sig *Signals, now time.Time) Status {
	s.ClosesAt = e.Closes
	if sig == nil {
		return s
	}
	if s.State == Ready && e.IdleTimeout > 0 {
		s.SleepsAt = stack.Activity(e, *sig, now).Add(e.IdleTimeout)
	}
	if len(e.Checks) > 0 {
		s.Checks = Standing(sig.Results, e.Checks)
		if score, known := Score(sig.Results, e.Checks); known {
			s.Score = &score
		}
	}
	return s
}

// Undoable is s with the way back from the last reset, if there is one.
func Undoable(s Status, back *Undo, now time.Time) Status {
	if back == nil || !now.Before(back.Until) || s.State == Gone {
		return s
	}
	s.Undo = back
	if !slices.Contains(s.Actions, ActUndo) {
		s.Actions = append(slices.Clone(s.Actions), ActUndo)
	}
	return s
}

// Rebuilt is s with what is being built in the place of the lab that it is about.
func (h Home) Rebuilt(s Status) Status {
	if h.Next == nil {
		return s
	}
	s.Rebuild = &Rebuild{Gen: h.Next.Gen(), State: Building}
	if h.Next.Stack.loss() > 0 {
		s.Rebuild.State, s.Rebuild.Reason = Broken, Diagnose(h.Next.Stack).Reason
	}
	return s
}

// Kept is s, of a lab in whose place another is being built, with the end that this brings: once the new one is up, the old
// one is kept no longer than it can be gone back to.
func Kept(s Status, back *Undo) Status {
	if back == nil || s.Rebuild == nil || s.Rebuild.State == Broken {
		return s
	}
	if s.ExpiresAt.IsZero() || back.Until.Before(s.ExpiresAt) {
		s.ExpiresAt = back.Until
	}
	return s
}

// answerTime is how long a lab that is up may take to answer before its learner is told that it does not.
const answerTime = 5 * time.Minute

// Silent is s, of a lab that was asked as its catalogue entry says and did not answer; since is when it was first asked. At
// first it is not ready yet. Later its learner is let in nevertheless: what they did themselves may be why, and there may be
// another way in.
func Silent(s Status, since, now time.Time) Status {
	if s.State != Ready {
		return s
	}
	s.Reason, s.Poll = Unreachable, Poll{Look: LookStack, After: whileFull}
	if now.Sub(since) < answerTime {
		s.State, s.Reason, s.Percent, s.Access, s.Poll.After = Building, Answering, 99, []Access{}, whileWaits
		s.Actions = slices.DeleteFunc(slices.Clone(s.Actions), func(a Act) bool { return a != ActReset && a != ActEnd && a != ActUndo })
	}
	return s
}

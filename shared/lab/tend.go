package lab

import (
	"slices"
	"time"
)

// Tending is what tend-labs does with one stack.
type Tending string

// What may be done.
const (
	TendKeep      Tending = "keep"
	TendCheck     Tending = "check"            // read it with its outputs, then ask again
	TendSuspend   Tending = "suspend"          // idle
	TendResume    Tending = "resume"           // wake it: it can only be deleted awake
	TendDelete    Tending = "delete"           // it has had its time, or nothing came of it
	TendSpare     Tending = "delete_spare"     // a double, or a generation that nobody can go back to
	TendPrevious  Tending = "delete_previous"  // a reset that is not undone any more
	TendClaimless Tending = "delete_claimless" // ready-made, and claimed by somebody who never came to take it
	TendRetire    Tending = "delete_retired"   // ready-made and not wanted any more: to be claimed first, so that nobody gets it
	TendNote      Tending = "delete_note"      // says nothing that counts any more
	TendReport    Tending = "report"           // nothing that a program should decide
)

// Deletes says whether the stack is to be deleted.
func (t Tending) Deletes() bool {
	switch t {
	case TendDelete, TendSpare, TendPrevious, TendClaimless, TendRetire, TendNote:
		return true
	case TendKeep, TendCheck, TendSuspend, TendResume, TendReport:
	}
	return false
}

// Due is what tend-labs does with one stack now, why, and when there may be something else to do with it.
type Due struct {
	Do   Tending   `json:"do"`
	Why  string    `json:"why"`
	Next time.Time `json:"next,omitzero"` // zero: nothing changes by time alone
}

const (
	// margin is by how much Heat may be late with what it ends itself.
	margin = 10 * time.Minute
	// heatTimeout is when Heat gives up a stack that says nothing else (stack_action_timeout of heat.conf).
	heatTimeout = time.Hour
	// failedKept is for how long what failed is there for course staff to look at.
	failedKept = time.Hour
	// settling is how long a lab that was woken at the end of its time may take to be renewed by whoever woke it, and
	// working how long Heat may be at work on one: both end well within the hour in which a lab that has had its time must go.
	settling = 15 * time.Minute
	working  = 45 * time.Minute
	// claimKept is when a claim whose lab nobody took is over.
	claimKept = 10 * time.Minute
	// notSoon is how long before its end a lab is not worth putting to sleep any more.
	notSoon = 15 * time.Minute
	// fresh is how new a note may be for its lab to be missing from a list that was begun before.
	fresh = 10 * time.Minute
	// gradeKept is for how long a score is kept that the LMS does not take.
	gradeKept = 14 * 24 * time.Hour
)

// Withdrawn is the entry of a lab that is not in the catalogue any more: its stacks go by the usual times.
func Withdrawn(key string) Entry {
	const buildTimeout, idle, lifetime, age = 15 * time.Minute, 30 * time.Minute, 8 * time.Hour, 14 * 24 * time.Hour
	return Entry{Key: key, Title: key, BuildTimeout: buildTimeout, IdleTimeout: idle, Lifetime: lifetime, MaxAge: age, Grace: time.Hour}
}

// Tend decides what to do with the stack h, whose owner has home; sig are its signals, nil if nobody has read them. Asked
// again with the stack as it is right before anything is done, it says whether that is still so.
func Tend(h Held, home Home, e Entry, sig *Signals, now time.Time) Due {
	if e.Key == "" {
		e = Withdrawn(Tagged(h.Tags, TagLab))
	}
	s := h.Stack
	switch {
	case Tagged(h.Tags, TagLab) == "" && Tagged(h.Tags, TagWarm) == "":
		return keep("no lab")
	case s.leaving():
		return keep("being deleted")
	case s.state() == "DELETE_FAILED":
		return h.again(now)
	case h.Kind() != "":
		return h.tendNote(home, now)
	case BaseOf(h.Tags) == "" && Tagged(h.Tags, TagWarm) != "":
		return h.tendWarm(e, now)
	case BaseOf(h.Tags) == "":
		return Due{Do: TendReport, Why: "has no owner"}
	case home.spare(h.ID):
		return h.remove(e, TendSpare, "another stack counts for this learner")
	}
	return h.tendLab(home, e, sig, now)
}

// keep leaves the stack alone, until next.
func keep(why string, next ...time.Time) Due {
	due := Due{Do: TendKeep, Why: why}
	for _, t := range next {
		if !t.IsZero() && (due.Next.IsZero() || t.Before(due.Next)) {
			due.Next = t
		}
	}
	return due
}

// remove deletes the stack, after waking it if that is what it takes.
func (h Held) remove(e Entry, how Tending, why string) Due {
	switch {
	case h.Stack.Removable(e):
		return Due{Do: how, Why: why}
	case h.Stack.Status == "IN_PROGRESS":
		return keep("falling asleep: " + why)
	}
	return Due{Do: TendResume, Why: "to be deleted awake, for its volumes: " + why}
}

// Retry is when a delete that failed so often is tried again: after a minute at first, and each time after twice as long,
// up to an hour.
func Retry(tries int, last time.Time) time.Time {
	const most = 6
	if tries <= 0 {
		return last
	}
	return last.Add(min(time.Hour, time.Minute<<min(tries-1, most)))
}

func (h Held) again(now time.Time) Due {
	if at := Retry(h.Tries, h.Tried); now.Before(at) {
		return keep("its deletion failed, to be tried again", at)
	}
	return Due{Do: TendDelete, Why: "its deletion failed"}
}

func (h Home) spare(id string) bool {
	return slices.ContainsFunc(h.Spare, func(s Held) bool { return s.ID == id })
}

// tendLab is for a lab that counts for its owner.
func (h Held) tendLab(home Home, e Entry, sig *Signals, now time.Time) Due {
	since := h.Since()
	e = e.In(Tagged(h.Tags, tenantTag), Tagged(h.Tags, contextTag), since)
	end, why, how := home.end(h, e), "its time is over", TendDelete
	if home.Previous != nil && home.Previous.ID == h.ID {
		if kept := home.keptUntil(e); end.IsZero() || kept.Before(end) {
			end, why, how = kept, "the reset is not undone any more", TendPrevious
		}
	}
	if failed, at := h.failed(e); failed {
		if !now.Before(at) {
			return h.remove(e, TendDelete, "nothing came of it: "+h.Stack.state())
		}
		return h.ended(end, e, how, why, sig, now, at)
	}
	if hung, at := h.hung(e); !at.IsZero() {
		if !now.Before(at) {
			return hung
		}
		return h.ended(end, e, how, why, sig, now, at)
	}
	if due := h.ended(end, e, how, why, sig, now); due.Do != TendKeep {
		return due
	}
	if h.Stack.interrupted() {
		return Due{Do: TendSuspend, Why: "a signal interrupted its way to sleep"}
	}
	again := timeIn(h.Tags, TagDue)
	if sig == nil && !again.IsZero() && !now.Before(again) {
		return Due{Do: TendCheck, Why: "a grade is to be sent again"}
	}
	return sooner(h.idle(home, e, end, sig, now), again, now)
}

// sooner is the due with at among the times at which there may be something to do.
func sooner(due Due, at, now time.Time) Due {
	if at.After(now) && (due.Next.IsZero() || at.Before(due.Next)) {
		due.Next = at
	}
	return due
}

// failed says that nothing came of the stack, and until when it is kept all the same. Heat does not tell when it failed;
// it had its build timeout.
func (h Held) failed(e Entry) (bool, time.Time) {
	return h.Stack.loss() > 0, later(h.Stack.Updated, h.Stack.Created.Add(e.BuildTimeout)).Add(failedKept)
}

// hung is what is done, and when, if Heat does not come to an end with what it does. A build is deleted: Heat itself would
// have given up long ago. Of anything else there is a learner's work in it, and only a person can say.
func (h Held) hung(e Entry) (Due, time.Time) {
	switch s := h.Stack; {
	case s.coming():
		return Due{Do: TendDelete, Why: "stuck in " + s.state()}, s.Created.Add(max(heatTimeout, e.BuildTimeout) + margin)
	case s.state() == "UPDATE_IN_PROGRESS" && s.Updated.After(s.Created): // of the others Heat tells no beginning
		return Due{Do: TendReport, Why: "stuck in " + s.state()}, s.Updated.Add(max(heatTimeout, e.BuildTimeout) + margin)
	}
	return Due{}, time.Time{}
}

// ended deletes the stack if its end has come, never before and, if somebody looks in time, never an hour later. In between
// it waits for what Heat does, and for whoever woke the lab at the last moment to renew it. next are further times at which
// there may be something to do.
func (h Held) ended(end time.Time, e Entry, how Tending, why string, sig *Signals, now time.Time, next ...time.Time) Due {
	if end.IsZero() {
		return keep("no limit", next...)
	}
	at := end.Add(skew)
	switch {
	case h.Stack.Status == "IN_PROGRESS":
		at = end.Add(working)
	case h.Stack.Action == "RESUME" && how == TendDelete:
		at = end.Add(settling)
	}
	if now.Before(at) {
		return keep("has time left", append(next, at)...)
	}
	if len(e.Checks) > 0 && sig == nil && h.Stack.Patchable() {
		return Due{Do: TendCheck, Why: "its results, before it goes: " + why}
	}
	return h.remove(e, how, why)
}

// idle puts a lab to sleep that nobody uses. Only one that is up and in order: of any other Heat makes a FAILED one, which
// only a delete ends.
func (h Held) idle(home Home, e Entry, end time.Time, sig *Signals, now time.Time) Due {
	leaves := home.Previous != nil && home.Previous.ID == h.ID
	switch {
	case e.IdleTimeout <= 0, !h.Stack.Patchable():
		return keep(h.Stack.state(), due(end))
	case leaves && e.Attached:
		return keep("kept awake, since it could not be deleted asleep", due(end))
	case !end.IsZero() && end.Sub(now) < notSoon:
		return keep("about to end", due(end))
	}
	s := h.Stack
	s.Created, s.Lease = h.Since(), home.LeaseOf(h)
	var known Signals
	if sig != nil {
		known = *sig
	}
	at := s.Activity(e, known, now).Add(e.IdleTimeout + skew)
	switch {
	case now.Before(at):
		return keep("in use", at, due(end))
	case sig == nil:
		return Due{Do: TendCheck, Why: "perhaps idle"}
	}
	return Due{Do: TendSuspend, Why: "not used since " + s.Activity(e, known, now).UTC().Format(time.RFC3339)}
}

// due is when a stack that ends at end is looked at.
func due(end time.Time) time.Time {
	if end.IsZero() {
		return end
	}
	return end.Add(skew)
}

// tendWarm is for a ready-made lab without an owner.
func (h Held) tendWarm(e Entry, now time.Time) Due {
	s := h.Stack
	if !h.Claim.IsZero() {
		if at := h.Claim.Add(claimKept); now.Before(at) {
			return keep("claimed", at)
		}
		return h.remove(e, TendClaimless, "claimed, and nobody took it")
	}
	if failed, at := h.failed(e); failed && now.Before(at) {
		return keep(s.state(), at)
	} else if failed {
		return h.remove(e, TendRetire, "nothing came of it: "+s.state())
	}
	if hung, at := h.hung(e); !at.IsZero() {
		if now.Before(at) {
			return keep(s.state(), at)
		}
		return hung
	}
	rev := Tagged(h.Tags, TagRev)
	old := e.capped(s.Created, time.Time{})
	switch {
	case e.Warm <= 0:
		return h.remove(e, TendRetire, "no ready-made labs are wanted of this kind")
	case rev != "" && e.Revision != "" && rev != e.Revision:
		return h.remove(e, TendRetire, "made from an older template")
	case !old.IsZero() && !now.Before(old.Add(skew)):
		return h.remove(e, TendRetire, "too old to be given to anybody")
	}
	return keep("ready-made", due(old))
}

// tendNote deletes a note that says nothing any more.
func (h Held) tendNote(home Home, now time.Time) Due {
	s := h.Stack
	if s.Status == "IN_PROGRESS" {
		if at := s.Created.Add(heatTimeout + margin); now.Before(at) {
			return keep("being written", at)
		}
		return Due{Do: TendNote, Why: "stuck in " + s.state()}
	}
	until := timeIn(h.Tags, untilTag)
	switch h.Kind() {
	case NoteLease:
		if at := s.Created.Add(fresh); now.Before(at) {
			return keep("a fresh note", at)
		}
		of := home.Find(Tagged(h.Tags, TagOf))
		switch {
		case of == nil:
			return Due{Do: TendNote, Why: "its lab is gone"}
		case LeaseOf(of.Tags).covers(LeaseOf(h.Tags)):
			return Due{Do: TendNote, Why: "its lab says so itself"}
		}
		return keep("its lab does not say so itself yet")
	case NoteSpent:
		if until.IsZero() || now.Before(until.Add(skew)) {
			return keep("time spent", due(until))
		}
		return Due{Do: TendNote, Why: "the budget has begun anew"}
	case NoteGrade:
		if until.IsZero() {
			until = s.Created.Add(gradeKept)
		}
		if now.Before(until.Add(skew)) {
			return keep("a grade to be sent", due(until))
		}
		return Due{Do: TendNote, Why: "the LMS did not take the grade in time"}
	}
	return Due{Do: TendReport, Why: "a note of an unknown kind"}
}

package lab

import (
	"slices"
	"time"
)

// Window is when a lab may be used in one course. Tenant and Context are hashes, as in Owner. A zero time is no bound.
type Window struct {
	Tenant, Context string
	Start, End      time.Time
}

// Opening is how a lab stands to its windows in one course.
type Opening struct {
	Open  bool
	Opens time.Time // when it opens next; zero: never, as far as known
	Ends  time.Time // when it closes, or when it last did; zero: never
}

// Window is how the lab stands to its windows in a course at now. A lab without windows is always open; a lab with some is
// closed in every course that has none.
func (e Entry) Window(tenant, context string, now time.Time) Opening {
	if len(e.Windows) == 0 {
		return Opening{Open: true}
	}
	var o Opening
	for _, w := range e.stretches(tenant, context) {
		switch {
		case now.Before(w.Start):
			return Opening{Opens: w.Start, Ends: o.Ends}
		case w.End.IsZero() || now.Before(w.End):
			return Opening{Open: true, Ends: w.End}
		}
		o.Ends = w.End
	}
	return o
}

// In is the entry as it is meant for a lab that came to be at since in a course: with the end of the window in which that
// was, or of the next one for a lab that was made ahead of it.
func (e Entry) In(tenant, context string, since time.Time) Entry {
	for _, w := range e.stretches(tenant, context) {
		if w.End.IsZero() || since.Before(w.End) {
			e.Closes = w.End
			break
		}
	}
	return e
}

// stretches are the course's windows in the order of time, those that meet or overlap as one.
func (e Entry) stretches(tenant, context string) []Window {
	var own []Window
	for _, w := range e.Windows {
		if w.Tenant == tenant && w.Context == context {
			own = append(own, w)
		}
	}
	slices.SortStableFunc(own, func(a, b Window) int { return a.Start.Compare(b.Start) })
	var merged []Window
	for _, w := range own {
		last := len(merged) - 1
		switch {
		case !w.End.IsZero() && !w.Start.Before(w.End): // never open
		case last < 0 || !merged[last].End.IsZero() && merged[last].End.Before(w.Start):
			merged = append(merged, w)
		case !merged[last].End.IsZero() && (w.End.IsZero() || merged[last].End.Before(w.End)):
			merged[last].End = w.End
		}
	}
	return merged
}

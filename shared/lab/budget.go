package lab

import (
	"slices"
	"strconv"
	"time"
)

// Budget is how long one learner may have the lab running in all, in so much time. Time zero is no bound.
type Budget struct {
	Time, Per time.Duration
	Block     bool // a launch is refused once it is used up; otherwise the page warns
}

// Allowance is what is left of a learner's budget.
type Allowance struct {
	Of, Left time.Duration
	Over     bool      // nothing is left
	Block    bool      // and so nothing is started
	Renews   time.Time // when it begins anew; zero: unknown
}

// mostSeconds keeps a tag that somebody made up from overflowing a duration.
const mostSeconds = 1 << 32

// Used is for how long a stack was up by its own events, from since on until now, if it still is: from the end of its
// building or waking until it is told to sleep or to go. Nobody pays for waiting.
func Used(events []Event, since, now time.Time) time.Duration {
	events = slices.Clone(events)
	slices.SortStableFunc(events, func(a, b Event) int { return a.Time.Compare(b.Time) })
	var used time.Duration
	var from time.Time
	stop := func(at time.Time) {
		if !from.IsZero() {
			used += max(0, at.Sub(later(from, since)))
		}
		from = time.Time{}
	}
	for _, e := range events {
		switch {
		case !e.Self:
		case e.Action == "SUSPEND" || e.Action == "DELETE" || e.Status == "FAILED" && (e.Action == "CREATE" || e.Action == "RESUME"):
			stop(e.Time)
		case e.Status == "COMPLETE" && from.IsZero():
			from = e.Time
		}
	}
	stop(now)
	return used
}

// UsedBy is for how long the owner's labs were up in this period, with the events of the current one.
func (h Home) UsedBy(e Entry, events []Event, now time.Time) time.Duration {
	if h.Current == nil {
		return h.Spent
	}
	since := h.Current.Since()
	if e.Budget.Per > 0 && !h.Period.IsZero() {
		since = later(since, h.Period.Add(-e.Budget.Per))
	}
	return h.Spent + Used(events, since, now)
}

// Allowance is what is left of the budget after used, which counts until period; limited is false for a lab without one.
func (e Entry) Allowance(used time.Duration, period time.Time) (left Allowance, limited bool) {
	if e.Budget.Time <= 0 {
		return Allowance{}, false
	}
	left = Allowance{Of: e.Budget.Time, Left: max(0, e.Budget.Time-used), Renews: period}
	left.Over = left.Left == 0
	left.Block = left.Over && e.Budget.Block
	return left, true
}

// SpentTags go to the lab, or the note, that follows labs that were up for used until period.
func SpentTags(used time.Duration, period time.Time) []string {
	return []string{TagSpent + strconv.FormatInt(int64(used/time.Second), 10), TagPeriod + strconv.FormatInt(period.Unix(), 10)}
}

// period is the end of the time for which a budget counts that was first used at first.
func (b Budget) period(first, now time.Time) time.Time {
	if b.Per <= 0 || first.IsZero() {
		return time.Time{}
	}
	into := max(0, now.Sub(first)) % b.Per // the period that is under way
	return later(first, now).Add(b.Per - into).UTC().Truncate(time.Second)
}

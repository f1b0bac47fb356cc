package grades

import (
	"cmp"
	"slices"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
)

// Due is a grade that the course site should have.
type Due struct {
	Send  bool    // false: there is none, or it is where it should be
	Score float64 // 0 to 1, the best so far
	// At is when the result came about that made the score: the same whenever and by whomever this is worked out.
	At     time.Time
	Result string // that result's id
}

// sameScore is how close two scores are that mean the same: they were divided, written down and read.
const sameScore = 1e-6

// Written is what is written down at a lab.
type Written struct {
	lab.Signals

	// After says of a delivery, by its result, how many lower ones its sender had seen to have arrived.
	After map[string]int
}

// Plan says what is due, from what is written down at a lab alone.
//
// The best score counts and is due until the course site took it, or refused it for good and nothing better has come since.
// It is due again if a lower one may have been the last to arrive, which happens when two hosts send at once: LTI 1.1 keeps
// whatever comes last.
func Plan(sig Written, checks []lab.Check, d Destination) Due {
	score, graded := lab.Score(sig.Results, checks)
	if !graded && len(sig.Sent) == 0 || !d.Graded() {
		return Due{}
	}
	due := Due{Score: score}
	if graded {
		due.At, due.Result = decisive(sig.Results, checks, score)
	}
	for _, sent := range sig.Sent {
		if sent.Score > due.Score+sameScore {
			due.Score, due.At, due.Result = sent.Score, sent.At, sent.Result
		}
	}
	// Later than whatever the course site has: results become visible out of order.
	for _, sent := range sig.Sent {
		if sent.At.After(due.At) {
			due.At = sent.At
		}
	}
	due.Send = !sig.arrived(due.Score) && !refused(sig.Parked, due.At)
	return due
}

// decisive is the result without which the score would be lower: the last one of the fewest, in their order of time, that
// make it.
func decisive(results []lab.Result, checks []lab.Check, score float64) (at time.Time, id string) {
	ordered := slices.SortedFunc(slices.Values(results), func(a, b lab.Result) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
	})
	n := 1
	for ; n < len(ordered); n++ {
		if reached, _ := lab.Score(ordered[:n], checks); reached >= score-sameScore {
			break
		}
	}
	last := ordered[n-1]
	return last.At, last.ID
}

// crossing is how long two requests may overtake each other on their way, and hosts' clocks be apart.
const crossing = time.Minute

// arrived says that the course site has this score, and that it was the last to get there: whoever sent it knew of all lower
// ones, or sent it long after them.
func (w Written) arrived(score float64) bool {
	below := w.below(score)
	var lower time.Time
	for _, s := range w.Sent {
		if s.Score < score-sameScore {
			lower = later(lower, s.At)
		}
	}
	return slices.ContainsFunc(w.Sent, func(s lab.Delivery) bool {
		if s.Score < score-sameScore {
			return false
		}
		seen, told := w.After[s.Result]
		return below == 0 || told && seen >= below || s.At.After(lower.Add(crossing))
	})
}

// below counts the deliveries of lower scores.
func (w Written) below(score float64) int {
	n := 0
	for _, s := range w.Sent {
		if s.Score < score-sameScore {
			n++
		}
	}
	return n
}

// refused says that a grade of this time was given up, or one that came after it.
func refused(parked []lab.Parking, at time.Time) bool {
	return slices.ContainsFunc(parked, func(p lab.Parking) bool { return !p.At.Before(at) })
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// timestamp is the time of a score in LTI 1.3, in milliseconds, none of which the results have: a better score of the same
// second is a later one. It is never in the future.
func (d Due) timestamp() time.Time {
	const milli = 1000
	return d.At.Truncate(time.Second).Add(-time.Second + time.Duration(d.Score*milli+0.5)*time.Millisecond)
}

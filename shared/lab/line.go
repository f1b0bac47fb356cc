package lab

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Waiter is one learner in line: the owner's base name, and since when they wait.
type Waiter struct {
	Who   string
	Since time.Time
}

// Line is what decides who may begin to build: how much room there is, and who waits.
type Line struct {
	Builds    int         // under construction now
	Started   []time.Time // when those began, as far as known
	MaxBuilds int         // at most so many; 0 = any number
	Labs      int         // that exist
	Capacity  int         // at most so many; 0 = any number
	Waiting   []Waiter
	Pace      Pace
}

// Pace is how long builds take: the middle one, and what nine of ten stay below. Zero: unknown.
type Pace struct {
	Median, P90 time.Duration
}

// PaceOf is the pace of these builds.
func PaceOf(times []time.Duration) Pace {
	if len(times) == 0 {
		return Pace{}
	}
	const share = 0.9
	sorted := slices.Sorted(slices.Values(times))
	return Pace{Median: Median(times), P90: sorted[max(0, int(math.Ceil(share*float64(len(sorted))))-1)]}
}

// Admission says whether a learner's lab may be built now, and otherwise where in line they are.
type Admission struct {
	Go    bool
	Full  bool // there is no room for another lab, whoever waits
	Place int  // 1 is next
	Total int  // in line
	Retry time.Duration
	ETA   time.Duration // until their lab is ready; zero: unknown
	Why   string
}

// Admit decides about the learner w, who is in line from now on: first come, first served, and of two who came at once the
// one whose name comes first, so that all processes agree. spread, 0 to 1, is drawn by the caller and keeps those who wait
// from asking all at once.
func (l Line) Admit(w Waiter, spread float64, now time.Time) Admission {
	row := l.row(w)
	a := Admission{Total: len(row), Place: 1 + slices.IndexFunc(row, func(other Waiter) bool { return other.Who == w.Who })}
	const unbounded = math.MaxInt32
	slots, room := unbounded, unbounded
	if l.MaxBuilds > 0 {
		slots = max(0, l.MaxBuilds-l.Builds)
	}
	if l.Capacity > 0 {
		room = max(0, l.Capacity-l.Labs)
	}
	switch {
	case a.Place <= min(slots, room):
		a.Go, a.Why = true, "there is room"
		a.ETA = l.Pace.Median
		return a
	case a.Place > room:
		a.Full, a.Why = true, "every place is taken"
	default:
		a.Why = "others are being built"
		a.ETA = l.ready(a.Place-slots, now)
	}
	a.Retry = retryAfter(a, l.Pace, spread)
	return a
}

// row is the line with w in it, each learner once.
func (l Line) row(w Waiter) []Waiter {
	row := append(slices.Clone(l.Waiting), w)
	slices.SortFunc(row, func(a, b Waiter) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Who, b.Who)) })
	seen := make(map[string]bool, len(row))
	return slices.DeleteFunc(row, func(w Waiter) bool {
		twice := seen[w.Who]
		seen[w.Who] = true
		return twice
	})
}

// ready is how long it takes until the lab is up of whoever begins when n builds have ended: zero if the pace is unknown.
func (l Line) ready(n int, now time.Time) time.Duration {
	if l.Pace.Median <= 0 || l.MaxBuilds <= 0 {
		return 0
	}
	left := make([]time.Duration, l.MaxBuilds)
	for i := range left {
		elapsed := l.Pace.Median / 2 // of a build whose beginning nobody knows
		if i < len(l.Started) {
			elapsed = max(0, now.Sub(l.Started[i]))
		}
		left[i] = l.Pace.left(elapsed)
	}
	begins := time.Duration(0)
	for range n {
		next := slices.Index(left, slices.Min(left))
		begins = left[next]
		left[next] += l.Pace.Median
	}
	return begins + l.Pace.Median
}

// left is how long a build still takes that has been going on for elapsed.
func (p Pace) left(elapsed time.Duration) time.Duration {
	const least = 5 * time.Second
	switch {
	case elapsed+least < p.Median:
		return p.Median - elapsed
	case elapsed+least < p.P90:
		return (p.P90 - elapsed) / 2 // anywhere in between
	}
	return least
}

// retryAfter is when to ask again: more often the nearer it is, and never all at once.
func retryAfter(a Admission, p Pace, spread float64) time.Duration {
	const shortest, longest, unknown = 5 * time.Second, 40 * time.Second, 20 * time.Second
	wait := unknown
	switch {
	case a.Full:
		wait = longest
	case p.Median > 0:
		const parts = 4
		wait = min(longest, max(shortest, (a.ETA-p.Median)/parts))
	}
	if math.IsNaN(spread) {
		spread = 0
	}
	return wait + time.Duration(float64(wait)*min(1, max(0, spread))/2).Truncate(time.Millisecond)
}

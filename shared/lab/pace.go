package lab

import (
	"slices"
	"time"
)

// BuildTime is how long Heat took to make the stack, if the events tell it from beginning to end.
func BuildTime(events []Event) (time.Duration, bool) {
	var began time.Time
	for _, e := range events {
		if !e.Self || e.Action != "CREATE" {
			continue
		}
		switch e.Status {
		case "IN_PROGRESS":
			began = e.Time
		case "COMPLETE":
			return e.Time.Sub(began), !began.IsZero() && !e.Time.Before(began)
		}
	}
	return 0, false
}

// Median is the middle one; zero of none. Unlike a mean it does not move for the one build that met a slow image download.
func Median(times []time.Duration) time.Duration {
	if len(times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(times))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// eta is what is left of the expected time or, if that is over, of what the slow ones take, or, if that is not known or over
// either, what was done so far extended. It goes in
// steps of five seconds and never beyond the time after which Heat gives up; zero: nothing can be said.
func (e Entry) eta(elapsed, expected time.Duration, percent int) time.Duration {
	const (
		grain  = 5 * time.Second
		enough = 20 // percent; before that there is not much to go by
	)
	var left time.Duration
	switch {
	case expected > elapsed:
		left = expected - elapsed
	case expected > 0 && e.Late > elapsed:
		left = e.Late - elapsed
	case percent >= enough && elapsed >= 2*time.Second:
		left = elapsed * time.Duration(100-percent) / time.Duration(percent)
	default:
		return 0
	}
	left = left.Truncate(grain) + grain
	if e.BuildTimeout > 0 {
		left = min(left, e.BuildTimeout-elapsed)
	}
	return left
}

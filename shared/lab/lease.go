package lab

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Lease is until when a lab may live. Its stack's tags hold it, so that whoever can list stacks knows which have had their
// time. The zero value is a lab without a limit, or a stack that does not say.
type Lease struct {
	Until time.Time `json:"until,omitzero"`
	// Extended is how often the learner has extended it. An extension says which one it is, so that two requests that mean
	// the same one are one.
	Extended int `json:"extended,omitempty"`
	// Given is the course staff's page by which more time was given last: see Give.
	Given time.Time `json:"-"`
}

const (
	untilTag    = "until="
	extendedTag = "extended="
	givenTag    = "given="
	// farthest is the year 10000, from which on JSON has no times.
	farthest = 253402300800
)

// LeaseOf reads a stack's tags. Of several values the greatest counts: nobody's lab ends early because of a tag too many.
func LeaseOf(tags []string) Lease {
	return Lease{
		Until: timeIn(tags, untilTag), Given: timeIn(tags, givenTag),
		Extended: int(greatest(tags, extendedTag)),
	}
}

func timeIn(tags []string, prefix string) time.Time {
	seconds := greatest(tags, prefix)
	if seconds <= 0 || seconds >= farthest {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

func greatest(tags []string, prefix string) int64 {
	var most int64
	for _, tag := range tags {
		if text, ok := strings.CutPrefix(tag, prefix); ok {
			if n, err := strconv.ParseInt(text, 10, 64); err == nil {
				most = max(most, n)
			}
		}
	}
	return most
}

// Retag is a stack's tags with this lease in place of theirs.
func (l Lease) Retag(tags []string) []string {
	kept := slices.DeleteFunc(slices.Clone(tags), func(tag string) bool {
		return strings.HasPrefix(tag, untilTag) || strings.HasPrefix(tag, extendedTag) || strings.HasPrefix(tag, givenTag)
	})
	if !l.Until.IsZero() {
		kept = append(kept, untilTag+strconv.FormatInt(l.Until.Unix(), 10), extendedTag+strconv.Itoa(l.Extended))
	}
	if !l.Given.IsZero() {
		kept = append(kept, givenTag+strconv.FormatInt(l.Given.Unix(), 10))
	}
	return kept
}

// merge is the greatest of each: nobody's lab ends early because something was written down in two places.
func (l Lease) merge(other Lease) Lease {
	return Lease{Until: later(l.Until, other.Until), Extended: max(l.Extended, other.Extended), Given: later(l.Given, other.Given)}
}

// covers says that other adds nothing to l.
func (l Lease) covers(other Lease) bool { return l.merge(other) == l }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Lease is the lease of a lab that is launched now, and knows nothing of an earlier one.
func (e Entry) Lease(now time.Time) Lease {
	if e.Lifetime <= 0 {
		return Lease{}
	}
	return Lease{Until: e.closing(now.Add(e.Lifetime).UTC().Truncate(time.Second))}
}

// Renew is the lease after another launch at now, of a lab created at created. Moved says that it is worth writing down:
// each such note is an update of the stack, and a learner who opens the lab twice in ten minutes needs none.
func (l Lease) Renew(e Entry, created, now time.Time) (renewed Lease, moved bool) {
	until := e.capped(created, e.Lease(now).Until)
	if e.Lifetime <= 0 || until.Sub(l.Until) <= e.unnoted() {
		return l, false
	}
	l.Until = until
	return l, true
}

// unnoted is how much later than its lease tells a lab may have been launched: a tenth of its lifetime, and less where a
// lab that is not used is soon put to sleep.
func (e Entry) unnoted() time.Duration {
	const tenth, third = 10, 3
	if e.IdleTimeout > 0 {
		return min(e.Lifetime/tenth, e.IdleTimeout/third)
	}
	return e.Lifetime / tenth
}

// Extend is the lease after one more extension, if there is one to be had: not all are used up, and the maximal age leaves
// something to gain.
func (l Lease) Extend(e Entry, created, now time.Time) (extended Lease, can bool) {
	if e.Extend.By <= 0 || l.Extended >= e.Extend.Times || l.Until.IsZero() {
		return l, false
	}
	longer, can := l.longer(e, e.Extend.By, created, now)
	if can {
		longer.Extended++
	}
	return longer, can
}

// Give is the lease after course staff gave more time, which uses up none of the learner's extensions: one extension, or a
// whole lifetime where the catalogue has none. shown is when their page was drawn: what was given by that page or a later
// one was given already, so that a request sent twice gives once.
func (l Lease) Give(e Entry, created, shown, now time.Time) (given Lease, can, already bool) {
	if !l.Given.IsZero() && !l.Given.Before(shown) {
		return l, true, true
	}
	by := e.Extend.By
	if by <= 0 {
		by = e.Lifetime
	}
	if by <= 0 || l.Until.IsZero() {
		return l, false, false
	}
	given, can = l.longer(e, by, created, now)
	if can {
		given.Given = shown
	}
	return given, can, false
}

// longer moves the end. Of a lab that has had its time, and that nobody took away, it counts from now.
func (l Lease) longer(e Entry, by time.Duration, created, now time.Time) (longer Lease, gained bool) {
	from := l.Until
	if now.After(from) {
		from = now.UTC().Truncate(time.Second)
	}
	until := e.capped(created, from.Add(by))
	if !until.After(l.Until) {
		return l, false
	}
	l.Until = until
	return l, true
}

// capped is the earliest of until, the maximal age after the creation, and the end of the course's use; zero is no limit.
func (e Entry) capped(created, until time.Time) time.Time {
	if e.MaxAge > 0 && !created.IsZero() {
		if last := created.Add(e.MaxAge); until.IsZero() || last.Before(until) {
			until = last
		}
	}
	return e.closing(until)
}

// closing is the earlier of until and the end of the course's use.
func (e Entry) closing(until time.Time) time.Time {
	if !e.Closes.IsZero() && (until.IsZero() || e.Closes.Before(until)) {
		return e.Closes
	}
	return until
}

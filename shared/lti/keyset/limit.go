package keyset

import (
	"crypto/sha256"
	"time"
)

const (
	burst    = 3
	interval = time.Minute
	badFor   = time.Minute
	maxBad   = 256
)

// bucket lets three go at once and then one a minute.
type bucket struct {
	spent int
	since time.Time // when spent was last right
}

func (b *bucket) take(now time.Time) bool {
	if back := int(min(now.Sub(b.since)/interval, burst)); back > 0 {
		b.spent = max(0, b.spent-back)
		b.since = b.since.Add(time.Duration(back) * interval)
	}
	if b.spent == 0 {
		b.since = now
	}
	if b.spent >= burst {
		return false
	}
	b.spent++
	return true
}

// badIDs remembers the ids of keys that do not exist, by hash and oldest first. When there are too many the oldest goes:
// it may be asked for again, as far as the bucket allows.
type badIDs []badID

type badID struct {
	hash  [sha256.Size]byte
	until time.Time
}

func (b *badIDs) add(kid string, now time.Time) {
	if b.has(kid, now) {
		return
	}
	if len(*b) == maxBad {
		*b = append((*b)[:0], (*b)[1:]...)
	}
	*b = append(*b, badID{sha256.Sum256([]byte(kid)), now.Add(badFor)})
}

func (b *badIDs) has(kid string, now time.Time) bool {
	for len(*b) > 0 && !now.Before((*b)[0].until) {
		*b = append((*b)[:0], (*b)[1:]...)
	}
	hash := sha256.Sum256([]byte(kid))
	for _, known := range *b {
		if known.hash == hash {
			return true
		}
	}
	return false
}

package grades

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/openstack"
)

// memory is what one process knows of stacks, by their ids. Nothing depends on it: it saves requests, and bridges the moment
// until Heat shows what it was told.
type memory struct {
	mu     sync.Mutex
	stacks map[string]*known
}

// known is one stack. Its fields belong to whoever has its turn.
type known struct {
	turn  chan struct{}
	users int // guarded by memory.mu, as is used
	used  time.Time

	wait    time.Duration // how long what was sent may take to show: a lab that sleeps does not show it before it wakes
	sent    []delivered
	parked  []parking
	results []lab.Result
	tries   int       // failed ones in a row
	next    time.Time // no try before
}

// delivered is a delivery with how many lower ones were known.
type delivered struct {
	lab.Delivery

	after int
}

// parking is one with the time at which it was noted: its own is that of the result.
type parking struct {
	lab.Parking

	noted time.Time
}

const (
	// visible is how long a signal may take to show: 0.6 s as a rule, under load much longer.
	visible = 10 * time.Second
	// forgotten is when a stack that nobody asked about is dropped; mostStacks bounds them besides.
	forgotten  = 2 * time.Hour
	mostStacks = 20_000
)

func newMemory() *memory { return &memory{stacks: map[string]*known{}} }

// take waits for the caller's turn at a stack; give ends it.
func (m *memory) take(ctx context.Context, id string, now time.Time) (k *known, give func(), err error) {
	m.mu.Lock()
	k = m.stacks[id]
	if k == nil {
		m.tidy(now)
		k = &known{turn: make(chan struct{}, 1)}
		m.stacks[id] = k
	}
	k.users++
	k.used = now
	m.mu.Unlock()
	leave := func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		k.users--
	}
	select {
	case k.turn <- struct{}{}:
		return k, func() { <-k.turn; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, nil, ctx.Err()
	}
}

// tidy makes room, with m.mu held.
func (m *memory) tidy(now time.Time) {
	if len(m.stacks) < mostStacks/2 {
		return
	}
	for id, k := range m.stacks {
		if k.users == 0 && (now.Sub(k.used) > forgotten || len(m.stacks) >= mostStacks) {
			delete(m.stacks, id)
		}
	}
}

// with adds to the lab's signals what was written down a moment ago and may not show yet.
func (k *known) with(s openstack.Stack, sig Written, now time.Time) Written {
	k.wait = visible
	if !Writable(s) {
		k.wait = forgotten
	}
	k.sent = slices.DeleteFunc(k.sent, func(s delivered) bool { return now.Sub(s.At) > k.wait })
	k.parked = slices.DeleteFunc(k.parked, func(p parking) bool { return now.Sub(p.noted) > k.wait })
	k.results = slices.DeleteFunc(k.results, func(r lab.Result) bool { return now.Sub(r.At) > visible })
	for _, sent := range k.sent {
		if !slices.ContainsFunc(sig.Sent, func(s lab.Delivery) bool { return s.Result == sent.Result && !s.At.Before(sent.At) }) {
			sig.Sent = append(slices.DeleteFunc(slices.Clone(sig.Sent), func(s lab.Delivery) bool { return s.Result == sent.Result }), sent.Delivery)
		}
		sig.After[sent.Result] = max(sig.After[sent.Result], sent.after)
	}
	for _, p := range k.parked {
		sig.Parked = append(slices.Clip(sig.Parked), p.Parking)
	}
	for _, result := range k.results {
		if !slices.ContainsFunc(sig.Results, func(r lab.Result) bool { return r.ID == result.ID }) {
			sig.Results = append(slices.Clip(sig.Results), result)
		}
	}
	return sig
}

// fail puts the next try off: 1, 2, 4 … 60 minutes, or for as long as the course site asks.
func (k *known) fail(now time.Time, asked time.Duration) time.Time {
	k.next = now.Add(max(asked, backOff(k.tries)))
	k.tries++
	return k.next
}

func (k *known) succeed() { k.tries, k.next = 0, time.Time{} }

const (
	firstWait   = time.Minute
	longestWait = time.Hour
)

// backOff is the wait after so many failures before.
func backOff(failures int) time.Duration {
	const doublings = 6 // beyond, it is the longest anyway
	return min(firstWait<<min(failures, doublings), longestWait)
}

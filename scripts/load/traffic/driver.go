package traffic

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Pace bounds a load.
type Pace struct {
	Rate        float64 // requests begun a second
	Concurrency int     // under way at once; what is due beyond that is held back
	Learners    int     // so many at most; when all have come, they come again
	// Shares are how often each act comes, by weights; nil for a class at work: many looks at pages, few launches.
	Shares map[Act]int
	// Again is how many of ten launches are by learners who were there before.
	Again int
}

// DefaultPace is a class at work.
func DefaultPace() Pace {
	return Pace{Rate: 20, Concurrency: 64, Learners: 100, Again: 3, Shares: map[Act]int{Launch11: 2, Launch13: 2, Status: 10, Heartbeat: 3, Alarm: 1, Sites: 2}}
}

// Driver sends the load and keeps account of it.
type Driver struct {
	house  *House
	pace   Pace
	client *http.Client
	run    string // in the learners' names: each load has its own
	bag    []Act
	slots  chan struct{}
	flying sync.WaitGroup
	turn   atomic.Int64
	owners sync.Map // of labs, by their addresses

	mu       sync.Mutex
	learners []*learner
	now      *tally
}

// NewDriver makes a load; nothing is sent yet.
func NewDriver(h *House, p Pace) *Driver {
	d := &Driver{
		house: h, pace: p, client: client(p.Concurrency), run: fmt.Sprintf("%08x", rand.Uint32()), //nolint:gosec // no secret
		slots: make(chan struct{}, p.Concurrency), now: newTally(""),
	}
	for _, act := range Acts() {
		if d.can(act) {
			for range p.Shares[act] {
				d.bag = append(d.bag, act)
			}
		}
	}
	return d
}

func (d *Driver) can(act Act) bool {
	switch act {
	case Launch13:
		return d.house.lms != nil
	case Alarm:
		return d.house.cluster != ""
	case Sites:
		return d.house.api != ""
	case Launch11, Status, Heartbeat:
	}
	return true
}

// Phase begins to count anew and gives what was counted before. Requests count where they end.
func (d *Driver) Phase(name string) Report {
	d.mu.Lock()
	before := d.now
	d.now = newTally(name)
	d.mu.Unlock()
	return before.report()
}

// Report is what this phase came to until now.
func (d *Driver) Report() Report { return d.tally().report() }

// Since says when in this phase the first right answer came to a request begun in it, and when the last answer came that was not
// right; zero if there is none.
func (d *Driver) Since() (first, amiss time.Time) {
	t := d.tally()
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.first, t.amiss
}

func (d *Driver) tally() *tally {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *Driver) count(act Act, a Answer, v Verdict) { d.tally().add(act, a, v) }

// Run sends requests at the pace until ctx ends, and waits for those under way: nobody is cut off.
func (d *Driver) Run(ctx context.Context) {
	tick := time.NewTicker(time.Duration(float64(time.Second) / d.pace.Rate))
	defer tick.Stop()
	sending := context.WithoutCancel(ctx)
	for {
		select {
		case <-ctx.Done():
			d.flying.Wait()
			return
		case <-tick.C:
		}
		select {
		case d.slots <- struct{}{}:
		default:
			d.tally().hold()
			continue
		}
		d.flying.Go(func() {
			defer func() { <-d.slots }()
			d.one(sending)
		})
	}
}

// one is the next request: an act by lot, by a learner by lot.
func (d *Driver) one(ctx context.Context) {
	n := int(d.turn.Add(1))
	switch act := d.bag[rand.IntN(len(d.bag))]; act { //nolint:gosec // a lot
	case Launch11, Launch13:
		d.launch(ctx, d.comes(act))
	case Status:
		if l := d.somebody(func(l *learner) bool { t, _, _ := l.known(); return t != "" }); l != nil {
			d.look(ctx, l)
		}
	case Heartbeat:
		if l := d.somebody(func(l *learner) bool { _, ready, _ := l.known(); return ready }); l != nil {
			ticket, _, _ := l.known()
			d.beat(ctx, ticket)
		}
	case Alarm:
		d.alarm(ctx, n)
	case Sites:
		d.sites(ctx, n)
	}
}

// comes is who launches: somebody new as long as there is room, and at times somebody who was there before.
func (d *Driver) comes(act Act) *learner {
	again := rand.IntN(10) < d.pace.Again //nolint:gosec // a lot
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := len(d.learners); n >= d.pace.Learners || again && n > 0 {
		return d.learners[rand.IntN(n)] //nolint:gosec // a lot
	}
	l := &learner{id: fmt.Sprintf("load-%s-%04d", d.run, len(d.learners)), launch: act}
	d.learners = append(d.learners, l)
	return l
}

func (d *Driver) somebody(fits func(*learner) bool) *learner {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.learners)
	if n == 0 {
		return nil
	}
	for i, from := 0, rand.IntN(n); i < min(n, 20); i++ { //nolint:gosec // a lot
		if l := d.learners[(from+i)%n]; fits(l) {
			return l
		}
	}
	return nil
}

func (d *Driver) class() []*learner {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]*learner(nil), d.learners...)
}

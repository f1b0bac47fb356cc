package openstacktest

import (
	"container/heap"
	"strings"
	"time"
)

// clock is a discrete-event clock: work is a timer, and time moves from one to the next.
type clock struct {
	now    time.Time
	timers timers
	seq    int
}

type timer struct {
	at  time.Time
	seq int // keeps timers of one instant in the order they were set
	fn  func()
}

type timers []*timer

func (t *timers) Len() int { return len(*t) }

func (t *timers) Less(i, j int) bool {
	a, b := (*t)[i], (*t)[j]
	if a.at.Equal(b.at) {
		return a.seq < b.seq
	}
	return a.at.Before(b.at)
}

func (t *timers) Swap(i, j int) { (*t)[i], (*t)[j] = (*t)[j], (*t)[i] }

func (t *timers) Push(x any) {
	if v, ok := x.(*timer); ok {
		*t = append(*t, v)
	}
}

func (t *timers) Pop() any {
	old := *t
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*t = old[:len(old)-1]
	return last
}

// after runs fn once the clock is d further, with c.mu held.
func (c *Cloud) after(d time.Duration, fn func()) {
	c.clock.seq++
	heap.Push(&c.clock.timers, &timer{at: c.clock.now.Add(d), seq: c.clock.seq, fn: fn})
}

// runUntil runs every timer that is due by t and sets the clock to t.
func (c *Cloud) runUntil(t time.Time) {
	for len(c.clock.timers) > 0 && !c.clock.timers[0].at.After(t) {
		c.step()
	}
	if t.After(c.clock.now) {
		c.clock.now = t
	}
}

func (c *Cloud) step() {
	next, ok := heap.Pop(&c.clock.timers).(*timer)
	if !ok {
		return
	}
	if next.at.After(c.clock.now) {
		c.clock.now = next.at
	}
	next.fn()
}

// tick brings a wall-clock cloud up to date; a test clock moves by Advance alone.
func (c *Cloud) tick() {
	if c.opts.Wall {
		c.runUntil(time.Now().UTC())
	}
}

// Now is the cloud's time.
func (c *Cloud) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick()
	return c.clock.now
}

// Advance moves the test clock by d and does all the work that falls due.
func (c *Cloud) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runUntil(c.clock.now.Add(d))
}

// Settle advances until no stack is IN_PROGRESS, no load balancer PENDING and no signal on its way and deleted stacks
// are purged. A wait condition
// that nobody signals runs into its timeout.
func (c *Cloud) Settle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.unsettled() && len(c.clock.timers) > 0 {
		c.step()
	}
}

func (c *Cloud) unsettled() bool {
	if c.last != nil && c.last.unsettled() {
		return true // the one found before spares going through ten thousand others
	}
	for _, s := range c.stacks.byID {
		if s.unsettled() {
			c.last = s
			return true
		}
	}
	for _, o := range c.lb.objects {
		if strings.HasPrefix(o.str("provisioning_status"), "PENDING") {
			return true
		}
	}
	return false
}

func (s *stack) unsettled() bool {
	return s.status == inProgress || s.signals > 0 || s.owner == nil && !s.deleted.IsZero() && !s.purged
}

// buildTime is how long a resource of this type takes.
func (c *Cloud) buildTime(typ string) time.Duration {
	if c.opts.Build != nil {
		if d := c.opts.Build(typ); d >= 0 {
			return max(d, time.Millisecond)
		}
	}
	switch typ {
	case "OS::Nova::Server":
		return 2 * time.Second
	case "OS::Octavia::LoadBalancer", "OS::Neutron::LBaaS::LoadBalancer":
		return 1500 * time.Millisecond
	case "OS::Cinder::Volume", "OS::Cinder::VolumeAttachment":
		return 800 * time.Millisecond
	default:
		return 300 * time.Millisecond
	}
}

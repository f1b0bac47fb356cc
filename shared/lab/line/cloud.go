package line

import (
	"context"
	"math"
	"time"
)

// Cloud is one cloud, how much of it may be used, and who counts how much is.
type Cloud struct {
	Capacity  int // labs; 0 = any number
	MaxBuilds int // of them under construction; 0 = any number
	// Count asks the cloud. It is called only where there is a bound.
	Count func(ctx context.Context) (Load, error)
}

// Load is how much of a cloud is in use.
type Load struct {
	Builds int // labs under construction
	Labs   int // that there are
}

const (
	// fresh is how long a count is good for those who wait anyway: between two, the labs that this process begins are added to
	// it. Who may go by it goes by one that is no older than sure, since other processes begin labs as well.
	fresh, sure = 2 * time.Second, 200 * time.Millisecond
	// counting is how long a count may take. Who waits for it is about to build, which takes longer.
	counting = 5 * time.Second
	// building is how long a lab that was begun, and whose end nobody told, is added to what is counted.
	building = time.Minute
)

// site is a cloud with what is known of it.
type site struct {
	Cloud
	load    Load
	err     error
	asked   time.Time // zero: never counted
	waiting chan struct{}
	begun   map[string]*build
}

// build is a lab that this process has begun. A count that was asked for after the cloud had taken the create knows of it.
type build struct {
	since time.Time
	taken int // the tick at which the cloud had it; 0 = not yet
}

func (c Cloud) bounded() bool { return c.Capacity > 0 || c.MaxBuilds > 0 }

// room is how many labs may be begun, and how many there may be, with what was begun since the last count. replicas share
// what is left: none of them sees what the others have begun since.
func (s *site) room(replicas int) (builds, labs int) {
	builds, labs = math.MaxInt, math.MaxInt
	if s.MaxBuilds > 0 {
		builds = share(s.MaxBuilds-s.load.Builds, replicas) - len(s.begun)
	}
	if s.Capacity > 0 {
		labs = share(s.Capacity-s.load.Labs, replicas) - len(s.begun)
	}
	return max(0, builds), max(0, labs)
}

// share is one replica's part of what is left. Where it is less than one for each, each may take one.
func share(left, replicas int) int {
	if left <= 0 {
		return 0
	}
	return max(1, left/max(1, replicas))
}

// refresh counts again if the last count was begun before that. Of several who want that at once one asks, and the others wait for it.
func (l *Line) refresh(ctx context.Context, s *site, oldest time.Time) {
	if !s.bounded() {
		return
	}
	l.mu.Lock()
	if !s.asked.IsZero() && s.asked.After(oldest) {
		l.mu.Unlock()
		return
	}
	if s.waiting != nil {
		waiting := s.waiting
		l.mu.Unlock()
		select {
		case <-waiting:
		case <-ctx.Done():
		}
		return
	}
	s.waiting = make(chan struct{})
	l.tick++
	began, asked := l.tick, l.now()
	l.mu.Unlock()
	// The count is for everybody, so that it does not end with the request that came first.
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), counting)
	load, err := s.Count(limited)
	cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	s.asked, s.err = asked, err
	if err == nil {
		s.load = load
		s.forget(began, asked)
	}
	close(s.waiting)
	s.waiting = nil
}

// forget drops the labs that a count which began at that tick knows of, and those that nobody told the end of.
func (s *site) forget(began int, now time.Time) {
	for who, b := range s.begun {
		if b.taken > 0 && b.taken < began || now.Sub(b.since) > building {
			delete(s.begun, who)
		}
	}
}

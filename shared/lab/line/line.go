package line

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
)

// Line is the line for all labs, whatever cloud they will be in. It is safe for concurrent use.
type Line struct {
	now      function.Clock
	replicas int

	mu    sync.Mutex
	tick  int // orders counts and creates
	sites []*site
	line  map[string]*place
}

// place is one learner's in line.
type place struct {
	since time.Time
	// until is when they are forgotten unless they ask again.
	until time.Time
}

// silence is how long after the time at which they were told to ask again somebody still has their place.
const silence = 30 * time.Second

// New is an empty line before clouds, in order of preference. replicas is how many processes share them.
func New(now function.Clock, replicas int, clouds ...Cloud) *Line {
	l := &Line{now: now, replicas: replicas, line: map[string]*place{}}
	for _, c := range clouds {
		l.sites = append(l.sites, &site{Cloud: c, begun: map[string]*build{}})
	}
	return l
}

// Bounded says whether any cloud has a bound. Without one nobody ever waits, and nothing is counted.
func (l *Line) Bounded() bool {
	return slices.ContainsFunc(l.sites, func(s *site) bool { return s.bounded() })
}

// Turn is the answer to a learner who wants to build.
type Turn struct {
	lab.Admission
	// Clouds are the places of the clouds with room, in order, if they may go. The build counts for the first one until Done.
	Clouds []int

	line *Line
	who  string
}

// Ask is one learner's wish to build: who by the owner's base name, since when they wait by their ticket. Where they may not
// go they are in line, and keep their place by asking again. A Turn that lets them go must be ended by Done.
//
// The error is of a cloud that could not be counted, if no other has room.
func (l *Line) Ask(ctx context.Context, who string, since time.Time, pace lab.Pace) (Turn, error) {
	began := l.now()
	l.join(who, since)
	l.count(ctx, began.Add(-fresh))
	if l.near(who, pace) {
		l.count(ctx, began.Add(-sure)) // does nothing if the count was this request's own
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.decide(who, pace)
}

// join gives who a place in line, or keeps them in theirs.
func (l *Line) join(who string, since time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for other, p := range l.line {
		if now.After(p.until) {
			delete(l.line, other)
		}
	}
	if since.IsZero() || since.After(now) {
		since = now
	}
	p := l.line[who]
	if p == nil {
		p = &place{since: since}
		l.line[who] = p
	}
	if since.Before(p.since) {
		p.since = since
	}
	p.until = now.Add(silence)
}

// count brings what is known of all clouds up to date, at once.
func (l *Line) count(ctx context.Context, oldest time.Time) {
	var all sync.WaitGroup
	for _, s := range l.sites {
		all.Go(func() { l.refresh(ctx, s, oldest) })
	}
	all.Wait()
}

// near says that who may go by what is known.
func (l *Line) near(who string, pace lab.Pace) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	rooms, _ := l.rooms() // decide says what is wrong
	return l.admit(who, rooms, pace).Go
}

// admit is where who is in line.
func (l *Line) admit(who string, rooms []int, pace lab.Pace) lab.Admission {
	since := l.now()
	if p := l.line[who]; p != nil { // a request of the same learner may have been let through meanwhile
		since = p.since
	}
	return l.state(rooms, pace).Admit(lab.Waiter{Who: who, Since: since}, rand.Float64(), l.now()) //nolint:gosec // jitter
}

// decide lets who go or says how long the line before them is.
func (l *Line) decide(who string, pace lab.Pace) (Turn, error) {
	turn := Turn{line: l, who: who}
	if at := l.buildingAt(who); at >= 0 { // the same learner, twice at once: both are one build
		turn.Go, turn.Clouds = true, []int{at}
		delete(l.line, who)
		return turn, nil
	}
	rooms, err := l.rooms()
	p := l.line[who]
	if p == nil { // another request of theirs went ahead, and was done, since this one took its place
		p = &place{since: l.now(), until: l.now().Add(silence)}
		l.line[who] = p
	}
	turn.Admission = l.state(rooms, pace).Admit(lab.Waiter{Who: who, Since: p.since}, rand.Float64(), l.now()) //nolint:gosec // jitter
	if !turn.Go {
		if total(rooms) > 0 {
			err = nil
		}
		p.until = l.now().Add(turn.Retry + silence)
		return turn, err
	}
	turn.Clouds = after(rooms, max(1, turn.Place)-1)
	if len(turn.Clouds) == 0 {
		return turn, fmt.Errorf("no cloud has room for who was let through: %w", err)
	}
	delete(l.line, who)
	l.sites[turn.Clouds[0]].begun[who] = &build{since: l.now()}
	return turn, nil
}

func (l *Line) buildingAt(who string) int {
	return slices.IndexFunc(l.sites, func(s *site) bool {
		b, there := s.begun[who]
		return there && b.taken == 0
	})
}

// rooms is how many more labs each cloud may build now. A cloud that could not be counted has no room; the error says so.
func (l *Line) rooms() ([]int, error) {
	rooms := make([]int, len(l.sites))
	var errs []error
	for i, s := range l.sites {
		if s.bounded() && s.asked.IsZero() {
			errs = append(errs, fmt.Errorf("count the labs of cloud %d: no answer yet", i+1))
			continue
		}
		if s.err != nil {
			errs = append(errs, fmt.Errorf("count the labs of cloud %d: %w", i+1, s.err))
			continue
		}
		builds, labs := s.room(l.replicas)
		rooms[i] = min(builds, labs)
	}
	return rooms, errors.Join(errs...)
}

// state is the line before all clouds as one. What is free now is this process's share; whether there will ever be room is
// for all processes the same.
func (l *Line) state(rooms []int, pace lab.Pace) lab.Line {
	state := lab.Line{Pace: pace}
	for who, p := range l.line {
		state.Waiting = append(state.Waiting, lab.Waiter{Who: who, Since: p.since})
	}
	places := make([]int, len(l.sites))
	for i, s := range l.sites {
		_, places[i] = s.room(1)
		state.Labs += s.load.Labs + len(s.begun)
		state.Builds += s.load.Builds + len(s.begun)
	}
	if free := total(rooms); free < math.MaxInt {
		state.MaxBuilds = max(1, state.Builds+free) // none would be no bound
		state.Builds = state.MaxBuilds - free
	}
	if places := total(places); places < math.MaxInt {
		state.Capacity = max(1, state.Labs+places)
		state.Labs = state.Capacity - places
	}
	return state
}

// total is the sum; math.MaxInt if any is without bound.
func total(rooms []int) int {
	sum := 0
	for _, n := range rooms {
		if n == math.MaxInt {
			return n
		}
		sum += n
	}
	return sum
}

// after are the clouds that have room once so many others have taken theirs, in order.
func after(rooms []int, others int) []int {
	var clouds []int
	for i, n := range rooms {
		if n > others {
			clouds = append(clouds, i)
		}
		if n != math.MaxInt {
			others = max(0, others-n)
		}
	}
	return clouds
}

// Move says that the build is in another cloud, since the one before had no room after all.
func (t Turn) Move(cloud int) {
	l := t.line
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.buildingAt(t.who)
	if at < 0 || at == cloud {
		return
	}
	l.sites[cloud].begun[t.who] = l.sites[at].begun[t.who]
	delete(l.sites[at].begun, t.who)
}

// Done says what became of the build: begun if the cloud has it, or may have it.
func (t Turn) Done(begun bool) {
	l := t.line
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.buildingAt(t.who)
	switch {
	case at < 0:
	case begun:
		l.tick++
		l.sites[at].begun[t.who].taken = l.tick
	default:
		delete(l.sites[at].begun, t.who)
	}
}

// Leave gives up who's place in line.
func (l *Line) Leave(who string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.line, who)
}

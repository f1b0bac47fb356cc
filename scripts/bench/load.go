package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// load is requests to one address over a bounded number of connections.
type load struct {
	address string
	lines   int
	status  int                                // that every answer must have
	next    func(i int) (wire []byte, ok bool) // the i-th request; not ok ends the load
}

// each is every one of them, once.
func each(requests []request) func(int) ([]byte, bool) {
	wires := make([][]byte, len(requests))
	for i, r := range requests {
		wires[i] = r.wire()
	}
	return func(i int) ([]byte, bool) {
		if i >= len(wires) {
			return nil, false
		}
		return wires[i], true
	}
}

// lasting is the same requests in turn, again and again.
func lasting(d time.Duration, requests ...request) func(int) ([]byte, bool) {
	next, until := each(requests), time.Now().Add(d)
	return func(i int) ([]byte, bool) {
		wire, _ := next(i % len(requests))
		return wire, time.Now().Before(until)
	}
}

// run gives how many requests were answered, and in what time.
func (l load) run(ctx context.Context) (answered int, took time.Duration, err error) {
	var asked, done atomic.Int64
	failed := make(chan error, l.lines)
	var all sync.WaitGroup
	begun := time.Now()
	for range l.lines {
		all.Go(func() {
			if err := l.one(ctx, &asked, &done); err != nil {
				failed <- err
			}
		})
	}
	all.Wait()
	took = time.Since(begun)
	select {
	case err = <-failed:
	default:
	}
	return int(done.Load()), took, err
}

// one is one connection's share.
func (l load) one(ctx context.Context, asked, done *atomic.Int64) error {
	line, err := dial(ctx, "tcp", l.address)
	if err != nil {
		return err
	}
	defer line.close()
	for ctx.Err() == nil {
		wire, ok := l.next(int(asked.Add(1) - 1))
		if !ok {
			return nil
		}
		if err := line.expect(wire, l.status); err != nil {
			return err
		}
		done.Add(1)
	}
	return ctx.Err()
}

// rate is requests that come at their time, whether those before them were answered or not: who waits for answers before
// asking again does not see the worst of them.
type rate struct {
	load

	second int // requests in a second
	count  int
}

// run gives how long each request took from the moment it was due.
func (r rate) run(ctx context.Context) ([]time.Duration, error) {
	due := make(chan time.Time, r.count)
	times := make([]time.Duration, r.count)
	failed := make(chan error, r.lines)
	var asked atomic.Int64
	var all sync.WaitGroup
	for range r.lines {
		all.Go(func() {
			if err := r.one(ctx, due, &asked, times); err != nil {
				failed <- err
			}
		})
	}
	r.tell(ctx, due)
	all.Wait()
	select {
	case err := <-failed:
		return nil, err
	default:
		return times, ctx.Err()
	}
}

// tell lets requests fall due.
func (r rate) tell(ctx context.Context, due chan<- time.Time) {
	defer close(due)
	beat := time.NewTicker(time.Second / time.Duration(r.second))
	defer beat.Stop()
	for range r.count {
		select {
		case at := <-beat.C:
			due <- at
		case <-ctx.Done():
			return
		}
	}
}

func (r rate) one(ctx context.Context, due <-chan time.Time, asked *atomic.Int64, times []time.Duration) error {
	line, err := dial(ctx, "tcp", r.address)
	if err != nil {
		return err
	}
	defer line.close()
	for at := range due {
		i := int(asked.Add(1) - 1)
		wire, _ := r.next(i)
		if err := line.expect(wire, r.status); err != nil {
			return err
		}
		times[i] = time.Since(at)
	}
	return nil
}

package keeper

import (
	"context"
	"sync"
)

// together lets those who want to know the same thing at the same time share the asking. Every answer is of an ask that began
// after it was wanted, so nobody is told what was so before: while one ask is under way, all who come wait for one next ask.
// However often somebody presses reload, the cloud is asked once at a time.
//
// Answers are shared: nobody may write to them. The zero value is ready.
type together[K comparable, T any] struct {
	mu   sync.Mutex
	asks map[K]*turns[T]
}

// turns are the ask that is under way, and the one after it if somebody waits for that.
type turns[T any] struct{ now, next *turn[T] }

type turn[T any] struct {
	over   chan struct{}
	value  T
	err    error
	undone bool // whoever asked had no time left, so that the answer says nothing to the others
}

// do asks, or waits for the answer of somebody who asks for the same; shared says which. It gives up when ctx ends.
func (t *together[K, T]) do(ctx context.Context, what K, ask func(context.Context) (T, error)) (value T, shared bool, err error) {
	for {
		mine, before, others := t.join(what)
		if others != nil {
			if done := await(ctx, others.over); !done {
				return value, true, ctx.Err() //nolint:wrapcheck // the caller says what it was doing
			}
			if others.undone {
				continue
			}
			return others.value, true, others.err
		}
		if before != nil && !await(ctx, before.over) {
			t.leave(what, mine)
			return value, false, ctx.Err() //nolint:wrapcheck // as above
		}
		t.ask(ctx, what, mine, ask)
		return mine.value, false, mine.err
	}
}

// join is a turn of the caller's own, and the one that has to be over first, if any; or a turn of others that is yet to begin.
func (t *together[K, T]) join(what K) (mine, before, others *turn[T]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.asks == nil {
		t.asks = map[K]*turns[T]{}
	}
	at := t.asks[what]
	if at == nil {
		mine = &turn[T]{over: make(chan struct{})}
		t.asks[what] = &turns[T]{now: mine}
		return mine, nil, nil
	}
	if at.next == nil {
		at.next = &turn[T]{over: make(chan struct{})}
		return at.next, at.now, nil
	}
	return nil, nil, at.next
}

// ask takes the caller's turn.
func (t *together[K, T]) ask(ctx context.Context, what K, mine *turn[T], ask func(context.Context) (T, error)) {
	t.mu.Lock()
	if at := t.asks[what]; at.next == mine {
		at.now, at.next = mine, nil
	}
	t.mu.Unlock()
	mine.undone = true // if ask panics
	defer t.end(what, mine)
	mine.value, mine.err = ask(ctx)
	mine.undone = ctx.Err() != nil
}

// end is the end of a turn. Whoever has the next one knows by it.
func (t *together[K, T]) end(what K, mine *turn[T]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.asks[what].next == nil {
		delete(t.asks, what)
	}
	close(mine.over)
}

// leave gives a turn up that has not come. Whoever waits for it asks anew.
func (t *together[K, T]) leave(what K, mine *turn[T]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := t.asks[what]
	mine.undone, at.next = true, nil
	close(mine.over)
	select {
	case <-at.now.over:
		delete(t.asks, what)
	default:
	}
}

func await(ctx context.Context, over <-chan struct{}) (done bool) {
	select {
	case <-over:
		return true
	case <-ctx.Done():
		return false
	}
}

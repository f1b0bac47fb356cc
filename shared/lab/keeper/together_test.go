package keeper

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// slow is something to ask that takes a second, and answers with how often it was asked by then.
type slow struct {
	together[string, int64]

	asked atomic.Int64
}

func (s *slow) want(ctx context.Context) (int64, bool, error) {
	return s.do(ctx, "lab", func(context.Context) (int64, error) {
		n := s.asked.Add(1)
		time.Sleep(time.Second)
		return n, nil
	})
}

// Who comes while somebody asks is not told what was so before, but waits for one more ask, all together.
func TestTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s slow
		var all sync.WaitGroup
		var alone atomic.Int64
		for i := range 10 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 100 * time.Millisecond)
				got, shared, err := s.want(t.Context())
				if !shared {
					alone.Add(1)
				}
				want := int64(2)
				if i == 0 {
					want = 1
				}
				if got != want || err != nil {
					t.Errorf("the one of %d00 ms is told %d, %v, want %d", i, got, err, want)
				}
			})
		}
		all.Wait()
		if s.asked.Load() != 2 || alone.Load() != 2 {
			t.Errorf("asked %d times by %d, want 2", s.asked.Load(), alone.Load())
		}
		if _, shared, _ := s.want(t.Context()); shared || s.asked.Load() != 3 || len(s.asks) != 0 {
			t.Errorf("asked %d times, %d left", s.asked.Load(), len(s.asks))
		}
	})
}

// Of different things each is asked by itself.
func TestTogetherOfTwoThings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var both together[string, string]
		var all sync.WaitGroup
		begun := time.Now()
		for _, what := range []string{"a", "b"} {
			all.Go(func() {
				got, shared, err := both.do(t.Context(), what, func(context.Context) (string, error) {
					time.Sleep(time.Second)
					return what, nil
				})
				if got != what || shared || err != nil {
					t.Errorf("%s, %t, %v", got, shared, err)
				}
			})
		}
		all.Wait()
		if took := time.Since(begun); took != time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// An error is everybody's who waited for it, unless it is that the one who asked had no time left.
func TestTogetherInTrouble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		var s together[string, int]
		var asked atomic.Int64
		ask := func(ctx context.Context) (int, error) {
			n := asked.Add(1)
			select {
			case <-ctx.Done():
				return 0, fmt.Errorf("ask: %w", ctx.Err())
			case <-time.After(2 * time.Second):
			}
			if n == 4 {
				return 0, broken
			}
			return int(n), nil
		}
		var all sync.WaitGroup
		one := func(after, patience time.Duration, want int, wrong error) {
			all.Go(func() {
				time.Sleep(after)
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				got, _, err := s.do(ctx, "lab", ask)
				if got != want || !errors.Is(err, wrong) {
					t.Errorf("after %v with %v: %d, %v, want %d, %v", after, patience, got, err, want, wrong)
				}
			})
		}
		hour := time.Hour
		one(0, hour, 1, nil)
		one(1*time.Second, 2*time.Second, 0, context.DeadlineExceeded)                // its turn is from 2 to 3 s: too short
		one(1100*time.Millisecond, hour, 3, nil)                                      // waits for it, and then for one of its own
		one(1200*time.Millisecond, 500*time.Millisecond, 0, context.DeadlineExceeded) // has no time to wait
		one(3500*time.Millisecond, hour, 0, broken)                                   // waits for the third, which ends at 5 s
		one(3600*time.Millisecond, hour, 0, broken)                                   // with it
		one(10*time.Second, hour, 5, nil)
		one(11*time.Second, 500*time.Millisecond, 0, context.DeadlineExceeded) // gives up before its turn
		one(11100*time.Millisecond, 300*time.Millisecond, 0, context.DeadlineExceeded)
		one(11200*time.Millisecond, hour, 6, nil)
		all.Wait()
		if len(s.asks) != 0 {
			t.Errorf("%d left", len(s.asks))
		}
	})
}

// A panic is its own: those who waited ask anew.
func TestTogetherAfterAPanic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s together[string, int]
		var all sync.WaitGroup
		all.Go(func() {
			_, _, _ = s.do(t.Context(), "lab", func(context.Context) (int, error) { time.Sleep(time.Second); return 1, nil })
		})
		all.Go(func() {
			defer func() { _ = recover() }()
			time.Sleep(100 * time.Millisecond)
			_, _, _ = s.do(t.Context(), "lab", func(context.Context) (int, error) { panic("of the second") })
		})
		all.Go(func() {
			time.Sleep(200 * time.Millisecond)
			got, _, err := s.do(t.Context(), "lab", func(context.Context) (int, error) { return 3, nil })
			if got != 3 || err != nil {
				t.Errorf("%d, %v", got, err)
			}
		})
		all.Wait()
		if len(s.asks) != 0 {
			t.Errorf("%d left", len(s.asks))
		}
	})
}

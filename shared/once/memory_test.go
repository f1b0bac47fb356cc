package once_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/once"
)

type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(0, c.at.Load()) }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d)) }

func first(t *testing.T, s once.Store, key string, ttl time.Duration) bool {
	t.Helper()
	ok, err := s.First(t.Context(), key, ttl)
	if err != nil {
		t.Fatalf("First(%q): %v", key, err)
	}
	return ok
}

func TestFirstUntilExpiry(t *testing.T) {
	t.Parallel()
	c := &clock{}
	s := once.Memory(c.now)
	if !first(t, s, "a", 10*time.Minute) {
		t.Error("the first use is not first")
	}
	if !first(t, s, "b", 10*time.Minute) {
		t.Error("another key is not first")
	}
	for range 9 {
		c.advance(time.Minute)
		if first(t, s, "a", 10*time.Minute) {
			t.Fatal("a repeat within its time is first; it must neither be forgotten nor renewed")
		}
	}
	c.advance(time.Minute)
	if !first(t, s, "a", 10*time.Minute) {
		t.Error("after its time a key is still taken")
	}
}

func TestExactlyOneOfManyIsFirst(t *testing.T) {
	t.Parallel()
	s := once.Memory(time.Now)
	var wins atomic.Int64
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if ok, err := s.First(t.Context(), "nonce", time.Minute); err == nil && ok {
				wins.Add(1)
			}
		})
	}
	wg.Wait()
	if wins.Load() != 1 {
		t.Errorf("%d of 100 were first, want 1", wins.Load())
	}
}

func TestFloodDoesNotEvict(t *testing.T) {
	t.Parallel()
	c := &clock{}
	s := once.Memory(c.now)
	first(t, s, "mine", time.Hour)
	for i := range 50_000 {
		c.advance(10 * time.Millisecond)
		first(t, s, fmt.Sprint("flood", i), time.Minute)
	}
	if first(t, s, "mine", time.Hour) {
		t.Error("a flood of others made an old key new")
	}
}

func TestMemoryStaysFlat(t *testing.T) {
	// Not parallel: it reads the heap.
	c := &clock{}
	s := once.Memory(c.now)
	fill := func(round int) uint64 {
		for i := range 10_000 {
			c.advance(30 * time.Millisecond)
			first(t, s, fmt.Sprint(round, "-", i), time.Minute)
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := fill(0)
	var after uint64
	for round := range 10 {
		after = fill(round + 1)
	}
	if after > before+1<<20 {
		t.Errorf("the heap grew from %d to %d bytes over 100,000 expired keys", before, after)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := once.Memory(time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if ok, err := s.First(ctx, "a", time.Minute); ok || !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v, %v", ok, err)
	}
	if ok, err := s.First(t.Context(), "a", 0); ok || err == nil {
		t.Errorf("without a time: %v, %v", ok, err)
	}
}

package keyset_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lti/keyset"
)

func TestC06UnknownKidRefreshesOnce(t *testing.T) {
	t.Parallel()
	clock, p := newClock(), newPlatform(t, public("old", keyA()))
	c := newCache(clock)
	get(t, c, p, "old", keyA())
	p.publish(public("new", keyB())) // without overlap, and the old set is fresh for an hour
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := c.Key(t.Context(), p.URL, "new", "RS256"); err != nil {
				t.Errorf("right after a rotation: %v", err)
			}
		})
	}
	wg.Wait()
	fetches(t, c, 2)
	if err := refuse(t, c, p, "old"); !errors.Is(err, keyset.ErrUnknownKey) {
		t.Errorf("the withdrawn key: %v", err)
	}
}

func TestC06BadKidsAtOnce(t *testing.T) {
	t.Parallel()
	for _, warm := range []bool{false, true} {
		t.Run(fmt.Sprint("warm ", warm), func(t *testing.T) {
			t.Parallel()
			clock, p := newClock(), newPlatform(t, public("good", keyA()))
			c := newCache(clock)
			if warm {
				get(t, c, p, "good", keyA())
			}
			var wg sync.WaitGroup
			for i := range 50 {
				wg.Go(func() {
					if _, err := c.Key(t.Context(), p.URL, fmt.Sprint("bad", i), "RS256"); !errors.Is(err, keyset.ErrUnknownKey) {
						t.Errorf("bad kid %d: %v", i, err)
					}
				})
			}
			wg.Wait()
			if n := p.asked.Load(); n > 4 {
				t.Errorf("50 bad kids made %d fetches, want 4 at most", n)
			}
			get(t, c, p, "good", keyA())
		})
	}
}

func TestC06BadKidsInTurn(t *testing.T) {
	t.Parallel()
	clock, p := newClock(), newPlatform(t, public("good", keyA()))
	c := newCache(clock)
	for i := range 50 {
		refuse(t, c, p, fmt.Sprint("bad", i))
	}
	fetches(t, c, 4) // the first ever, and a burst of three
	clock.advance(time.Minute - time.Nanosecond)
	refuse(t, c, p, "again")
	fetches(t, c, 4)
	clock.advance(time.Nanosecond)
	refuse(t, c, p, "again")
	refuse(t, c, p, "and again")
	fetches(t, c, 5) // one a minute
	clock.advance(time.Minute)
	p.publish(public("new", keyB()))
	get(t, c, p, "new", keyB())
	fetches(t, c, 6)
}

func TestC06BadKidIsRemembered(t *testing.T) {
	t.Parallel()
	clock, p := newClock(), newPlatform(t, public("good", keyA()))
	c := newCache(clock)
	refuse(t, c, p, "bad")
	for range 10 {
		refuse(t, c, p, "bad")
	}
	fetches(t, c, 1)
	clock.advance(time.Minute)
	refuse(t, c, p, "bad")
	fetches(t, c, 2)
}

// A token that came while a fetch was under way may be signed by a key that is newer than what the fetch brings.
func TestC06FetchUnderWayIsTooOldForANewKey(t *testing.T) {
	t.Parallel()
	clock, p := newClock(), newPlatform(t)
	c := newCache(clock)
	started, release := make(chan struct{}), make(chan struct{})
	p.answers(func(w http.ResponseWriter, _ *http.Request) {
		close(started)
		<-release
		w.Write([]byte(`{"keys":[]}`))
	})
	var wg sync.WaitGroup
	wg.Go(func() { refuse(t, c, p, "whatever") })
	<-started
	p.publish(public("new", keyA()))
	wg.Go(func() { get(t, c, p, "new", keyA()) })
	time.Sleep(20 * time.Millisecond) // the second waits for the first fetch now, or will find it ended: both must work
	close(release)
	wg.Wait()
	get(t, c, p, "new", keyA())
}

func TestC06FloodKeepsMemoryFlat(t *testing.T) {
	// Not parallel: it reads the heap.
	clock, p := newClock(), newPlatform(t, public("good", keyA()))
	c := newCache(clock)
	fill := func(round int) uint64 {
		for i := range 2000 {
			clock.advance(time.Millisecond)
			if i%10 == 0 {
				clock.advance(time.Minute)
			}
			refuse(t, c, p, fmt.Sprint(round, "-bad-", i))
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	fill(0)
	before := fill(1)
	var after uint64
	for round := range 4 {
		after = fill(round + 2)
	}
	if after > before+256<<10 {
		t.Errorf("the heap grew from %d to %d bytes over 8,000 bad kids", before, after)
	}
}

func TestC06TakesTheTimeoutAtMost(t *testing.T) {
	t.Parallel()
	clock, p := newClock(), newPlatform(t)
	c := newCache(clock)
	end := make(chan struct{})
	t.Cleanup(func() { close(end) })
	p.answers(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-end:
		case <-r.Context().Done():
		}
	})
	began := time.Now()
	err := refuse(t, c, p, "any")
	if took := time.Since(began); took > 4500*time.Millisecond {
		t.Errorf("a platform that hangs took %v", took)
	}
	if !errors.Is(err, keyset.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a platform that hangs: %v; it must not look like the caller's deadline", err)
	}
	began = time.Now()
	refuse(t, c, p, "any")
	if took := time.Since(began); took > time.Second {
		t.Errorf("the next launch waited %v again", took)
	}
	p.publish(public("good", keyA()))
	clock.advance(5 * time.Second)
	get(t, c, p, "good", keyA())
}

func TestC06StaysOnItsHost(t *testing.T) {
	t.Parallel()
	elsewhere := newPlatform(t, public("good", keyA()))
	for name, test := range map[string]struct {
		to   func(p *platform) string
		good bool
	}{
		"another path":    {func(*platform) string { return "/other" }, true},
		"another host":    {func(*platform) string { return elsewhere.URL }, false},
		"another scheme":  {func(p *platform) string { return "https" + p.URL[len("http"):] }, false},
		"round and round": {func(*platform) string { return "/" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			p.answers(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/other" {
					fmt.Fprintf(w, `{"keys":[%s]}`, encode(public("good", keyA())))
					return
				}
				w.Header().Set("Location", test.to(p))
				w.WriteHeader(http.StatusFound)
			})
			c := newCache(newClock())
			if test.good {
				get(t, c, p, "good", keyA())
			} else if err := refuse(t, c, p, "good"); !errors.Is(err, keyset.ErrUnavailable) {
				t.Errorf("%v", err)
			}
		})
	}
	if elsewhere.asked.Load() != 0 {
		t.Error("the other host was asked")
	}
}

func TestC06RefusesAnswers(t *testing.T) {
	t.Parallel()
	key := string(encode(public("good", keyA())))
	many := key + strings.Repeat(","+key, 50)
	for name, text := range map[string]string{
		"51 keys":         `{"keys":[` + many + `]}`,
		"too large":       `{"keys":[` + key + `]}` + strings.Repeat(" ", 256<<10),
		"no JSON":         "<html>log in</html>",
		"nothing":         "",
		"no keys":         `{}`,
		"keys are null":   `{"keys":null}`,
		"other case":      `{"Keys":[` + key + `]}`,
		"keys twice":      `{"keys":[],"keys":[` + key + `]}`,
		"something after": `{"keys":[` + key + `]} {}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			p.says(text)
			if err := refuse(t, newCache(newClock()), p, "good"); !errors.Is(err, keyset.ErrUnavailable) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestC06CallerWhoLeavesFailsNobody(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	started, release := make(chan struct{}), make(chan struct{})
	p.answers(func(w http.ResponseWriter, _ *http.Request) {
		close(started)
		<-release
		fmt.Fprintf(w, `{"keys":[%s]}`, encode(public("good", keyA())))
	})
	c := newCache(newClock())
	ctx, leave := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := c.Key(ctx, p.URL, "good", "RS256"); !errors.Is(err, context.Canceled) {
			t.Errorf("who left gets %v", err)
		}
	})
	<-started
	wg.Go(func() { get(t, c, p, "good", keyA()) })
	leave()
	close(release)
	wg.Wait()
	fetches(t, c, 1)
}

func TestC07KeptAsLongAsAllowed(t *testing.T) {
	t.Parallel()
	for control, kept := range map[string]time.Duration{
		"":                             time.Hour,
		"public":                       time.Hour,
		"max-age=120":                  2 * time.Minute,
		`private, MAX-AGE="120"`:       2 * time.Minute,
		"max-age=864000":               time.Hour,
		"max-age=1200, max-age=60":     time.Minute,
		"max-age=0":                    time.Second,
		"max-age=soon":                 time.Second,
		"no-store":                     time.Second,
		"no-cache, max-age=600":        time.Second,
		"max-age=600, No-Store":        time.Second,
		"max-age=99999999999999999999": time.Second,
	} {
		t.Run(control, func(t *testing.T) {
			t.Parallel()
			clock, p := newClock(), newPlatform(t, public("good", keyA()))
			p.controls(control)
			c := newCache(clock)
			get(t, c, p, "good", keyA())
			clock.advance(kept - time.Nanosecond)
			get(t, c, p, "good", keyA())
			fetches(t, c, 1)
			clock.advance(time.Nanosecond)
			get(t, c, p, "good", keyA())
			fetches(t, c, 2)
		})
	}
}

func TestC07AgeCounts(t *testing.T) {
	t.Parallel()
	clock, p := newClock(), newPlatform(t)
	p.controls("max-age=600")
	p.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Age", "540")
		fmt.Fprintf(w, `{"keys":[%s]}`, encode(public("good", keyA())))
	})
	c := newCache(clock)
	get(t, c, p, "good", keyA())
	clock.advance(time.Minute)
	get(t, c, p, "good", keyA())
	fetches(t, c, 2)
}

func TestC07WithdrawnKeyDiesWithTheCache(t *testing.T) {
	t.Parallel()
	clock, p := newClock(), newPlatform(t, public("a", keyA()), public("b", keyB()))
	c := newCache(clock)
	get(t, c, p, "a", keyA())
	p.publish(public("b", keyB()))
	clock.advance(time.Hour)
	if err := refuse(t, c, p, "a"); !errors.Is(err, keyset.ErrUnknownKey) {
		t.Errorf("%v", err)
	}
	get(t, c, p, "b", keyB())
}

func TestC07AllKeysWithdrawn(t *testing.T) {
	t.Parallel()
	clock, p := newClock(), newPlatform(t, public("a", keyA()))
	c := newCache(clock)
	get(t, c, p, "a", keyA())
	p.says(`{"keys":[]}`)
	clock.advance(time.Hour)
	if err := refuse(t, c, p, "a"); !errors.Is(err, keyset.ErrUnknownKey) {
		t.Errorf("%v", err)
	}
}

func TestC07KnownKeyOutlivesAnOutage(t *testing.T) {
	t.Parallel()
	clock, p := newClock(), newPlatform(t, public("good", keyA()))
	c := newCache(clock)
	get(t, c, p, "good", keyA())
	p.fails()
	clock.advance(time.Hour)
	get(t, c, p, "good", keyA())
	get(t, c, p, "good", keyA())
	fetches(t, c, 2) // not one for each launch
	if err := refuse(t, c, p, "new"); !errors.Is(err, keyset.ErrUnavailable) {
		t.Errorf("a new key while the platform is down: %v; nobody can say that it does not exist", err)
	}
	clock.advance(23*time.Hour - time.Second)
	get(t, c, p, "good", keyA())
	clock.advance(time.Second)
	if err := refuse(t, c, p, "good"); !errors.Is(err, keyset.ErrUnavailable) {
		t.Errorf("after a day: %v", err)
	}
	p.publish(public("good", keyA()))
	clock.advance(5 * time.Second)
	get(t, c, p, "good", keyA())
}

func TestManyLaunchesShareOneFetch(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, public("good", keyA()))
	p.controls("no-store")
	c := newCache(newClock())
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() { get(t, c, p, "good", keyA()) })
	}
	wg.Wait()
	fetches(t, c, 1)
}

func TestPlatformsAreApart(t *testing.T) {
	t.Parallel()
	clock, p, q := newClock(), newPlatform(t, public("1", keyA())), newPlatform(t, public("1", keyB()))
	c := newCache(clock)
	get(t, c, p, "1", keyA())
	get(t, c, q, "1", keyB())
	for i := range 10 {
		refuse(t, c, p, fmt.Sprint("bad", i))
	}
	q.publish(public("2", keyB()))
	get(t, c, q, "2", keyB())
}

func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	clock, p := newClock(), newPlatform(t, public("good", keyA()))
	c := newCache(clock)
	var wg sync.WaitGroup
	var served atomic.Int64
	for i := range 8 {
		wg.Go(func() {
			for j := range 50 {
				clock.advance(time.Duration(j) * time.Minute)
				switch (i + j) % 4 {
				case 0:
					p.fails()
				case 1:
					p.publish(public("good", keyA()))
				}
				if _, err := c.Key(t.Context(), p.URL, "good", "RS256"); err == nil {
					served.Add(1)
				}
				c.Key(t.Context(), p.URL, fmt.Sprint("bad", i, j), "RS256")
			}
		})
	}
	wg.Wait()
	if served.Load() == 0 {
		t.Error("nobody got the key")
	}
}

func TestOwnClientIsKept(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, public("good", keyA()))
	var used atomic.Bool
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		used.Store(true)
		return http.DefaultTransport.RoundTrip(r)
	})}
	c := keyset.NewCache(keyset.CacheOptions{Client: client})
	get(t, c, p, "good", keyA())
	if !used.Load() || client.CheckRedirect != nil {
		t.Error("the client given was not used, or was changed")
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

package keyset

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// What Key says of a key that it does not give.
var (
	ErrUnknownKey  = errors.New("key is not in the platform's key set")
	ErrUnfit       = errors.New("key is not fit to verify with")
	ErrUnavailable = errors.New("platform's key set is not to be had")
)

const (
	maxLife  = time.Hour
	minLife  = time.Second // also for no-store: those who launch together share one fetch
	maxStale = 24 * time.Hour
	// pause is between a fetch that failed and the next: who hangs must not cost every launch the whole timeout.
	pause = 5 * time.Second
)

// CacheOptions are what a Cache works with.
type CacheOptions struct {
	// Client fetches; nil means one with limits of its own. Its CheckRedirect is not used: a key set stays on its host.
	Client *http.Client
	Now    func() time.Time
}

// Cache holds the key sets of platforms by their addresses. It is safe for concurrent use, starts no work of its own
// and works after nothing: a process that sleeps between requests can have one.
type Cache struct {
	client  *http.Client
	now     func() time.Time
	fetches atomic.Int64

	mu        sync.Mutex
	platforms map[string]*platform
}

// NewCache is an empty cache.
func NewCache(o CacheOptions) *Cache {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Cache{client: guarded(o.Client), now: o.Now, platforms: map[string]*platform{}}
}

// Fetches is how many fetches were begun.
func (c *Cache) Fetches() int64 { return c.fetches.Load() }

// platform is what is known of the key set at one address. The cache's mutex guards it.
type platform struct {
	keys    set
	fetched time.Time // when keys came
	fresh   time.Time // until when they are used without asking
	used    time.Time // when anybody last asked

	failure error     // of the last fetch
	retry   time.Time // after a failure: when the next fetch may be

	flight       chan struct{} // closed when the fetch under way has ended; nil: there is none
	begun, ended int           // numbers of the fetches last begun and last ended

	refreshes bucket
	bad       badIDs
}

// Key is the RSA public key that the key set at url has under kid, fit for alg. The error is one of ErrUnknownKey,
// ErrUnfit and ErrUnavailable, or the context's own.
func (c *Cache) Key(ctx context.Context, url, kid, alg string) (*rsa.PublicKey, error) {
	if kid == "" {
		return nil, fmt.Errorf("%w: the token names no key", ErrUnknownKey)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.platform(url)
	asked := p.begun
	for {
		key, settled, err := p.look(kid, alg, asked, c.now())
		if settled {
			return key, err
		}
		if p.flight == nil {
			c.begin(ctx, url, p)
		}
		if err := c.wait(ctx, p.flight); err != nil {
			return nil, err
		}
	}
}

// look answers from what is known, or says that a fetch has to come first. asked is the number of the last fetch that had
// begun when the caller came: what that one brings may be older than the caller's token, so only a later one can tell
// that a key does not exist.
func (p *platform) look(kid, alg string, asked int, now time.Time) (_ *rsa.PublicKey, settled bool, _ error) {
	if now.Sub(p.fetched) >= maxStale {
		p.keys = nil
	}
	key, err := p.keys.find(kid, alg)
	failing := now.Before(p.retry)
	switch {
	case err == nil && (failing || now.Before(p.fresh)):
		return key, true, nil
	case err == nil || p.keys == nil && !failing:
		return nil, false, nil // nothing fresh: every platform may be asked for that
	case failing:
		// As text: the fetch's own deadline must not look like the caller's.
		return nil, true, fmt.Errorf("%w: %s", ErrUnavailable, p.failure.Error())
	case p.ended > asked && p.failure == nil:
		p.bad.add(kid, now)
		return nil, true, err
	case p.bad.has(kid, now):
		return nil, true, err
	case p.flight == nil && !p.refreshes.take(now):
		return nil, true, fmt.Errorf("%w, and the set was fetched too often of late to look again", err)
	}
	return nil, false, nil
}

// platform is the entry of an address. A new one takes the place of those that nobody asks for any more.
func (c *Cache) platform(url string) *platform {
	now := c.now()
	p := c.platforms[url]
	if p == nil {
		for old, entry := range c.platforms {
			if now.Sub(entry.used) >= maxStale && entry.flight == nil {
				delete(c.platforms, old)
			}
		}
		p = &platform{}
		c.platforms[url] = p
	}
	p.used = now
	return p
}

// begin fetches for everybody who waits: whoever began it may leave without failing the others.
func (c *Cache) begin(ctx context.Context, url string, p *platform) {
	done := make(chan struct{})
	p.flight = done
	p.begun++
	c.fetches.Add(1)
	go func() {
		keys, header, err := fetch(context.WithoutCancel(ctx), c.client, url)
		c.mu.Lock()
		defer c.mu.Unlock()
		defer close(done)
		p.flight, p.ended = nil, p.begun
		now := c.now()
		if p.failure = err; err != nil {
			p.retry = now.Add(pause)
			return
		}
		p.keys, p.fetched, p.fresh, p.retry = keys, now, now.Add(life(header)), time.Time{}
	}()
}

// wait lets others in until the fetch has ended.
func (c *Cache) wait(ctx context.Context, done <-chan struct{}) error {
	c.mu.Unlock()
	defer c.mu.Lock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the platform's key set: %w", context.Cause(ctx))
	}
}

package keyset_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/stackhook/stackhook/shared/lti/keyset"
)

// Keys take long to make: all tests share these.
var (
	keyA   = sync.OnceValue(func() *rsa.PrivateKey { return makeKey(2048) })
	keyB   = sync.OnceValue(func() *rsa.PrivateKey { return makeKey(2048) })
	keyC   = sync.OnceValue(func() *rsa.PrivateKey { return makeKey(3072) })
	small  = sync.OnceValue(func() *rsa.PrivateKey { return makeKey(1024) })
	curved = sync.OnceValue(func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		return key
	})
)

func makeKey(bits int) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return key
}

type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.at.Load()) }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d)) }

// platform serves a key set that tests change.
type platform struct {
	*httptest.Server
	asked atomic.Int64

	mu      sync.Mutex
	answer  http.HandlerFunc
	control string
}

func newPlatform(t *testing.T, keys ...jose.JSONWebKey) *platform {
	t.Helper()
	p := &platform{}
	p.publish(keys...)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		p.mu.Lock()
		answer, control := p.answer, p.control
		p.mu.Unlock()
		if control != "" {
			w.Header().Set("Cache-Control", control)
		}
		answer(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *platform) answers(answer http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

func (p *platform) controls(value string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.control = value
}

func (p *platform) publish(keys ...jose.JSONWebKey) {
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		panic(err)
	}
	p.says(string(text))
}

func (p *platform) says(text string) {
	p.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html") // some platforms do
		w.Write([]byte(text))
	})
}

func (p *platform) fails() {
	p.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
}

func public(kid string, key *rsa.PrivateKey) jose.JSONWebKey {
	return jose.JSONWebKey{Key: &key.PublicKey, KeyID: kid}
}

func newCache(c *clock) *keyset.Cache { return keyset.NewCache(keyset.CacheOptions{Now: c.now}) }

// get fails the test unless the key under kid is want.
func get(t *testing.T, c *keyset.Cache, p *platform, kid string, want *rsa.PrivateKey) {
	t.Helper()
	got, err := c.Key(t.Context(), p.URL, kid, "RS256")
	if err != nil {
		t.Fatalf("key %q: %v", kid, err)
	}
	if !got.Equal(&want.PublicKey) {
		t.Fatalf("key %q is another key", kid)
	}
}

// refuse gives the error of asking for kid, and fails the test if there is none.
func refuse(t *testing.T, c *keyset.Cache, p *platform, kid string) error {
	t.Helper()
	key, err := c.Key(t.Context(), p.URL, kid, "RS256")
	if err == nil || key != nil {
		t.Fatalf("key %q is given: %v, %v", kid, key, err)
	}
	return err
}

func fetches(t *testing.T, c *keyset.Cache, want int64) {
	t.Helper()
	if got := c.Fetches(); got != want {
		t.Fatalf("%d fetches so far, want %d", got, want)
	}
}

func shortE(key *rsa.PrivateKey) (n, e string) {
	return b64(key.N), b64(big.NewInt(int64(key.E)))
}

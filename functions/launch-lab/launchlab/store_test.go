package launchlab_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/launch-lab/launchlab"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/lti/keyset"
	"github.com/stackhook/stackhook/shared/once"
	"github.com/stackhook/stackhook/shared/once/oncetest"
	"github.com/stackhook/stackhook/shared/openstack"
)

// fragile is a store that can be down.
type fragile struct {
	once.Store
	down atomic.Bool
}

func (f *fragile) First(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	if f.down.Load() {
		return false, errors.New("store is down")
	}
	return f.Store.First(ctx, key, ttl)
}

// remade is s with parts of the test's own.
func (s *site13) remade(t *testing.T, change func(*launchlab.Parts)) {
	t.Helper()
	env := environment(s.Cloud, configuration13(s.lms))
	c, err := config.Map(env).Load()
	if err != nil {
		t.Fatal(err)
	}
	cloud, err := openstack.New(openstack.Options{Getenv: func(name string) string { return env[name] }})
	if err != nil {
		t.Fatal(err)
	}
	parts := launchlab.Parts{Clouds: keeper.One(cloud), Seen: once.Memory(time.Now), Keys: keyset.NewCache(keyset.CacheOptions{}), Now: time.Now}
	change(&parts)
	handler, err := launchlab.New(c, parts)
	if err != nil {
		t.Fatal(err)
	}
	s.handler = function.Wrap("launch-lab", logging.New(s.log, "launch-lab"), handler)
}

// waitPage checks that w is the page that tries again by itself, and gives the form that it will post.
func (s *site) waitPage(t *testing.T, w *httptest.ResponseRecorder) url.Values {
	t.Helper()
	problemPage(t, w, http.StatusServiceUnavailable, "lti_unavailable")
	if w.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if len(w.Result().Cookies()) > 0 {
		t.Error("the page sets or clears a cookie")
	}
	if !strings.Contains(w.Body.String(), `id="again"`) || !strings.Contains(w.Body.String(), `action="/launch-lab/launch`) {
		t.Errorf("the page does not try again:\n%s", said(w))
	}
	s.nothingDone(t)
	return hidden(w.Body.String())
}

// A11, R3: without its store nothing is let in, and the same launch holds once the store is back.
func TestR3StoreThatIsDown(t *testing.T) {
	t.Parallel()
	s := start13(t)
	store := &fragile{Store: once.Memory(time.Now)}
	s.remade(t, func(p *launchlab.Parts) { p.Seen = store })
	store.down.Store(true)

	l := launch("u1").With("custom_note", "a b+c&d=ü\"<>;")
	l.URL += "?theme=dark&x=%2B"
	form := s.waitPage(t, s.serve(request(l)))
	b := s.begin(t, s.lms.link("u2"))
	form13 := s.waitPage(t, s.serve(post(s.lms.answer(t, b), b.cookie)))
	bound := s.begin(t, s.lms.link("u3"))
	posted := s.lms.answer(t, bound)
	posted.Set("browser_secret", bound.secret)
	ours := func(form url.Values) *http.Request {
		r := post(form)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		return r
	}
	formBound := s.waitPage(t, s.serve(ours(posted)))
	store.down.Store(false)

	r := ours(form)
	r.URL.RawQuery = "theme=dark&x=%2B"
	labPage(t, s.serve(r))
	labPage(t, s.serve(post(form13, b.cookie)))
	labPage(t, s.serve(ours(formBound)))
}

// The same for a platform whose keys cannot be had.
func TestC07PlatformThatIsDown(t *testing.T) {
	t.Parallel()
	s := start13(t)
	var offset atomic.Int64
	s.remade(t, func(p *launchlab.Parts) {
		p.Keys = keyset.NewCache(keyset.CacheOptions{Now: func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }})
	})
	inner := s.lms.server.Config.Handler
	var down atomic.Bool
	s.lms.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() && r.URL.Path == "/jwks.json" {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		inner.ServeHTTP(w, r)
	})
	down.Store(true)
	b := s.begin(t, s.lms.link("u1"))
	form := s.lms.answer(t, b)
	w := s.serve(post(form, b.cookie))
	s.waitPage(t, w)
	down.Store(false)
	offset.Store(int64(10 * time.Second))
	labPage(t, s.serve(post(form, b.cookie)))
	down.Store(true)
	offset.Store(int64(2 * time.Hour)) // the set is old, the key known: launches go on
	labPage(t, s.launch13(t, s.lms.link("u1")))
}

// cluster is several instances behind one address, each taking its turn.
type cluster struct {
	sites []*site13
	next  atomic.Uint32
}

func (c *cluster) serve(r *http.Request) *httptest.ResponseRecorder {
	return c.sites[int(c.next.Add(1))%len(c.sites)].serve(r)
}

// onRedis is two instances that share their keys and a Redis, and nothing else: under two names of the same server, each
// has connections of its own.
func onRedis(t *testing.T, redis *oncetest.Redis) *cluster {
	t.Helper()
	here := start13(t, stored(redis.Address()))
	there := start13On(t, here.Cloud, here.lms, stored(strings.Replace(redis.Address(), "127.0.0.1", "localhost", 1)))
	return &cluster{sites: []*site13{here, there}}
}

func stored(address string) func(string) string {
	return func(text string) string { return "store: " + address + "\nreplicas: 2\n" + text }
}

// verdicts counts answers by status.
func (c *cluster) verdicts(requests []*http.Request) map[int]int {
	answers := (&site{handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := c.serve(r)
		for name := range got.Header() {
			w.Header().Set(name, got.Header().Get(name))
		}
		w.WriteHeader(got.Code)
	})}).atOnce(requests)
	count := map[int]int{}
	for _, w := range answers {
		if w.Code == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "" {
			count[-1]++
		}
		count[w.Code]++
	}
	return count
}

// Of two hundred posts of one launch over two instances exactly one is let in, in both versions.
func TestReplaysOverTwoInstances(t *testing.T) {
	t.Parallel()
	c := onRedis(t, oncetest.Start(t))
	const n = 200
	legacy := launch("u1")
	b := c.sites[0].begin(t, c.sites[0].lms.link("u2")) // begun on the one, ended on either
	form := c.sites[0].lms.answer(t, b)
	for version, again := range map[string]func() *http.Request{
		"1.1": func() *http.Request { return request(legacy) },
		"1.3": func() *http.Request { return post(form, b.cookie) },
	} {
		requests := []*http.Request{}
		for range n {
			requests = append(requests, again())
		}
		if got := c.verdicts(requests); got[http.StatusOK] != 1 || got[http.StatusConflict] != n-1 {
			t.Errorf("LTI %s: %v, want 1 of 200 let in and 199 replayed", version, got)
		}
	}
	if stacks := len(c.sites[0].Stacks()); stacks != 2 {
		t.Errorf("%d stacks, want 2", stacks)
	}
}

// A Redis that dies while every launch of a class is posted five times at once. Each is let in at most once, those that cannot be
// checked are told to come back, and once the store is there again those who were refused get in.
func TestR3RedisKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	redis := oncetest.Start(t, "--dir", t.TempDir(), "--appendonly", "yes", "--appendfsync", "always")
	c := onRedis(t, redis)
	const learners, posts, before = 60, 5, 30
	class := make([]func() *http.Request, learners)
	for i := range class {
		user := fmt.Sprint("u", i)
		if i%2 == 0 {
			l := launch(user)
			class[i] = func() *http.Request { return request(l) }
			continue
		}
		site := c.sites[i%4/2]
		b := site.begin(t, site.lms.link(user))
		form := site.lms.answer(t, b)
		class[i] = func() *http.Request { return post(form, b.cookie) }
	}
	in := make([]atomic.Int64, learners)
	var answers, refused atomic.Int64
	try := func(list []func() *http.Request, times int) {
		var all sync.WaitGroup
		for n := range len(list) * times {
			i := n % len(list)
			r := list[i]()
			all.Go(func() {
				w := c.serve(r)
				if answers.Add(1) == before {
					redis.Kill()
				}
				switch w.Code {
				case http.StatusOK:
					in[i].Add(1)
				case http.StatusServiceUnavailable:
					refused.Add(1)
					if w.Header().Get("Retry-After") == "" {
						t.Error("503 without Retry-After")
					}
				case http.StatusConflict:
				default:
					t.Errorf("got %d\n%s", w.Code, said(w))
				}
			})
		}
		all.Wait()
	}
	half := class[:learners/2]
	try(half, posts)
	if refused.Load() == 0 {
		t.Error("nothing was on its way when the Redis was killed")
	}
	refused.Store(0)
	try(class, 1) // those that may be in, once more, and as many who are not
	if refused.Load() != learners {
		t.Errorf("%d of %d were told to come back while the store was down", refused.Load(), learners)
	}
	redis.Restart()
	try(class, posts)
	for i := range in {
		// The store may have heard of a launch whose answer it did not live to give: that one is opened anew in the course.
		if got := in[i].Load(); got > 1 || got == 0 && i >= len(half) {
			t.Errorf("launch %d was let in %d times", i, got)
		}
	}
}

package openstack_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
)

const noStacks = `{"stacks": []}`

func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }

// atOnce runs f n times concurrently and returns the errors.
func atOnce(n int, f func() error) []error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = f() })
	}
	all.Wait()
	return errs
}

func TestConcurrentFirstUseLogsInOnce(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.handle("GET /heat/v1/p1/stacks", answers(http.StatusOK, noStacks))
	cloud := p.cloud(t)
	for _, err := range atOnce(50, func() error { _, err := cloud.FindStack(t.Context(), "x"); return err }) {
		wantCode(t, err, openstack.Gone)
	}
	if got := p.loginCount(); got != 1 {
		t.Errorf("logins: got %d, want 1", got)
	}
}

func TestFirstLaunchCalls(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.handle("GET /heat/v1/p1/stacks", answers(http.StatusOK, noStacks))
	p.handle("POST /heat/v1/p1/stacks", answers(http.StatusCreated, `{"stack": {"id": "s1"}}`))
	ctx := counting(t)
	if _, created, err := p.cloud(t).EnsureStack(ctx, openstack.NewStack{Name: "lab"}); err != nil || !created {
		t.Fatalf("ensure: created %t, %v", created, err)
	}
	wantCalls(ctx, t, "keystone POST /auth/tokens", "heat GET /stacks", "heat POST /stacks")
}

func TestRevokedTokenIsReplacedOnce(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.handle("GET /heat/v1/p1/stacks", answers(http.StatusOK, noStacks))
	cloud := p.cloud(t)
	_, err := cloud.FindStack(t.Context(), "x")
	wantCode(t, err, openstack.Gone)
	p.revoke()
	for _, err := range atOnce(30, func() error { _, err := cloud.FindStack(t.Context(), "x"); return err }) {
		wantCode(t, err, openstack.Gone)
	}
	if got := p.loginCount(); got != 2 {
		t.Errorf("logins: got %d, want 2", got)
	}
}

// Heat's API may let a revoked token in that its engine then cannot use: that is a 500 which names the refusal.
func TestTokenRefusedByTheEngine(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	var asked atomic.Int32
	p.HandleFunc("GET /heat/v1/p1/stacks", func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			reply(w, http.StatusInternalServerError, map[string]any{"code": 500, "title": "Internal Server Error", "error": map[string]any{
				"type": "Unauthorized", "message": "Remote error: Unauthorized The request you have made requires authentication. (HTTP 401)",
			}})
			return
		}
		reply(w, http.StatusOK, map[string]any{"stacks": []any{}})
	})
	ctx := counting(t)
	_, err := p.cloud(t).FindStack(ctx, "x")
	wantCode(t, err, openstack.Gone)
	wantCalls(ctx, t, "keystone POST /auth/tokens", "heat GET /stacks", "keystone POST /auth/tokens", "heat GET /stacks")
}

func TestRefusedTwiceIsForbidden(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.HandleFunc("GET /heat/v1/p1/stacks", answers(http.StatusUnauthorized, `{"error": {"code": 401, "message": "no"}}`))
	ctx := counting(t)
	_, err := p.cloud(t).FindStack(ctx, "x")
	wantCode(t, err, openstack.Forbidden)
	wantCalls(ctx, t, "keystone POST /auth/tokens", "heat GET /stacks", "keystone POST /auth/tokens", "heat GET /stacks")
}

func TestFailedLogin(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status int
		code   openstack.Code
	}{
		{http.StatusUnauthorized, openstack.Forbidden},
		{http.StatusForbidden, openstack.Forbidden},
		{http.StatusServiceUnavailable, openstack.Unavailable},
		{http.StatusTooManyRequests, openstack.Unavailable},
		{http.StatusNotFound, openstack.Broken}, // a wrong auth_url, no lab that is gone
		{http.StatusConflict, openstack.Broken},
		{http.StatusMultipleChoices, openstack.Broken},
	}
	for _, tt := range tests {
		t.Run(http.StatusText(tt.status), func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(answers(tt.status, `{"error": {"message": "no"}}`))
			t.Cleanup(server.Close)
			vars := (&peer{url: server.URL}).env()
			_, err := open(t, openstack.Options{Getenv: getenv(vars)}).FindStack(t.Context(), "x")
			wantCode(t, err, tt.code)
			if strings.Contains(fmt.Sprint(err), password) {
				t.Errorf("error tells the password: %v", err)
			}
		})
	}
}

// inProcess serves without sockets, so that a test may run on a fake clock.
type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

func offline(t *testing.T, p *peer) *openstack.Cloud {
	t.Helper()
	p.url = "http://cloud.test"
	p.HandleFunc("POST /v3/auth/tokens", p.logIn)
	p.handle("GET /heat/v1/p1/stacks", answers(http.StatusOK, noStacks))
	return open(t, openstack.Options{Getenv: getenv(p.env()), Transport: inProcess{p}})
}

func TestTokenIsRenewedBeforeItExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &peer{ServeMux: http.NewServeMux(), valid: map[string]bool{}, life: time.Hour}
		cloud := offline(t, p)
		for _, step := range []struct {
			after  time.Duration
			logins int
		}{{0, 1}, {57 * time.Minute, 1}, {2 * time.Minute, 2}, {57 * time.Minute, 2}, {3 * time.Hour, 3}} {
			time.Sleep(step.after)
			if _, err := cloud.FindStack(t.Context(), "x"); openstack.CodeOf(err) != openstack.Gone {
				t.Fatalf("find: %v", err)
			}
			if got := p.loginCount(); got != step.logins {
				t.Errorf("after %s: got %d logins, want %d", step.after, got, step.logins)
			}
		}
	})
}

func TestWaiterTakesOverFromOneWhoGaveUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &peer{ServeMux: http.NewServeMux(), valid: map[string]bool{}, life: time.Hour}
		slow := http.NewServeMux()
		slow.Handle("/", p)
		var first atomic.Bool
		slow.HandleFunc("POST /v3/auth/tokens", func(w http.ResponseWriter, r *http.Request) {
			if first.CompareAndSwap(false, true) {
				<-r.Context().Done() // the first login hangs until its caller gives up
				return
			}
			p.logIn(w, r)
		})
		p.url = "http://cloud.test"
		p.handle("GET /heat/v1/p1/stacks", answers(http.StatusOK, noStacks))
		cloud := open(t, openstack.Options{Getenv: getenv(p.env()), Transport: hanging{slow}})

		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		done := make(chan error, 1)
		go func() { _, err := cloud.FindStack(impatient, "x"); done <- err }()
		synctest.Wait()
		_, err := cloud.FindStack(t.Context(), "x")
		wantCode(t, err, openstack.Gone)
		wantCode(t, <-done, openstack.Unavailable)
		if got := p.loginCount(); got != 1 {
			t.Errorf("logins: got %d, want 1", got)
		}
	})
}

// hanging gives up as a real connection does when the caller's time is over.
type hanging struct{ http.Handler }

func (h hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, _ := inProcess(h).RoundTrip(r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return answer, nil
}

func TestFailedLoginIsSharedByThoseWhoWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logins atomic.Int32
		refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			logins.Add(1)
			time.Sleep(time.Second)
			reply(w, http.StatusUnauthorized, keystoneError(401, "no"))
		})
		vars := (&peer{url: "http://cloud.test"}).env()
		cloud := open(t, openstack.Options{Getenv: getenv(vars), Transport: inProcess{refuse}})
		for _, err := range atOnce(20, func() error { _, err := cloud.Project(t.Context()); return err }) {
			wantCode(t, err, openstack.Forbidden)
		}
		// Twenty tries with a wrong password would lock the account in many a cloud.
		if got := logins.Load(); got != 1 {
			t.Errorf("logins: got %d, want 1", got)
		}
	})
}

func TestHungCloudIsUnavailable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		vars := (&peer{url: "http://cloud.test"}).env()
		cloud := open(t, openstack.Options{Getenv: getenv(vars), Transport: hanging{hang}})
		start := time.Now()
		_, err := cloud.Project(t.Context())
		wantCode(t, err, openstack.Unavailable)
		if got := time.Since(start); got != 15*time.Second {
			t.Errorf("gave up after %s, want 15s", got)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = cloud.Project(short)
		wantCode(t, err, openstack.Unavailable)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("cause: got %v, want the deadline", err)
		}
	})
}

// A service that hangs is given up as soon as one request may take, whether or not its caller has more time.
func TestHungServiceIsUnavailable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &peer{ServeMux: http.NewServeMux(), valid: map[string]bool{}, life: time.Hour, url: "http://cloud.test"}
		p.HandleFunc("POST /v3/auth/tokens", p.logIn)
		p.handle("GET /heat/v1/p1/stacks", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		cloud := open(t, openstack.Options{Getenv: getenv(p.env()), Transport: hanging{p}, Timeout: 3 * time.Second})
		patient, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		_, err := cloud.FindStack(patient, "x")
		wantCode(t, err, openstack.Unavailable)
		if got := time.Since(start); got != 3*time.Second {
			t.Errorf("gave up after %s, want 3s", got)
		}
	})
}

func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.handle("GET /heat/v1/p1/stacks", answers(http.StatusOK, noStacks))
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(p)
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	p.url = server.URL
	cloud := p.cloud(t)
	for range 10 {
		atOnce(32, func() error { _, err := cloud.FindStack(t.Context(), "x"); return err })
	}
	// net/http's two idle connections per host would open some 300.
	if got := opened.Load(); got > 64 {
		t.Errorf("connections: got %d for 320 requests, want at most 64", got)
	}
}

func TestRequestIDIsForwarded(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	var got string
	p.handle("GET /heat/v1/p1/stacks", func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("X-Openstack-Request-Id")
		reply(w, http.StatusOK, map[string]any{"stacks": []any{}})
	})
	_, _ = p.cloud(t).FindStack(counting(t), "x")
	if want := "req-0190c1d2-1111-7222-8333-444455556666"; got != want {
		t.Errorf("request id: got %q, want %q", got, want)
	}
}

func TestPrintingTellsNoSecret(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, p.cloud(t)); strings.Contains(got, password) {
			t.Errorf("%s tells the password: %s", verb, got)
		}
	}
}

func TestAs(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.valid["theirs"] = true
	p.HandleFunc("GET /v3/auth/tokens", func(w http.ResponseWriter, r *http.Request) {
		token := r.Header.Get("X-Subject-Token")
		if token != r.Header.Get("X-Auth-Token") {
			t.Errorf("token asks about another one")
		}
		switch token {
		case "theirs":
			w.Header().Set("X-Subject-Token", token)
			reply(w, http.StatusOK, p.token())
		case "unscoped":
			w.Header().Set("X-Subject-Token", token)
			reply(w, http.StatusOK, map[string]any{"token": map[string]any{}})
		case "gone":
			reply(w, http.StatusNotFound, keystoneError(404, "Could not find token"))
		default:
			reply(w, http.StatusUnauthorized, keystoneError(401, "no"))
		}
	})
	p.handle("GET /heat/v1/p1/stacks", answers(http.StatusOK, noStacks))
	cloud := p.cloud(t)

	ctx := counting(t)
	theirs := cloud.As("theirs")
	id, err := theirs.Project(ctx)
	if err != nil || id != project {
		t.Errorf("project: got %q, %v", id, err)
	}
	_, err = theirs.FindStack(ctx, "x")
	wantCode(t, err, openstack.Gone)
	p.revoke()
	_, err = theirs.FindStack(ctx, "x")
	wantCode(t, err, openstack.Forbidden)
	wantCalls(ctx, t, "keystone GET /auth/tokens", "heat GET /stacks", "heat GET /stacks")
	if got := p.loginCount(); got != 0 {
		t.Errorf("our own credentials logged in %d times", got)
	}
	for _, token := range []string{"", "bad", "gone", "unscoped"} {
		_, err := cloud.As(token).Project(t.Context())
		wantCode(t, err, openstack.Forbidden)
	}
}

func TestBareTokenIsUsedAsItIs(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.valid["t0"] = true
	p.HandleFunc("GET /v3/auth/tokens", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Subject-Token", "t0")
		reply(w, http.StatusOK, p.token())
	})
	cloud := open(t, openstack.Options{Getenv: getenv(map[string]string{"OS_AUTH_URL": p.url, "OS_TOKEN": "t0"})})
	if id, err := cloud.Project(t.Context()); err != nil || id != project {
		t.Errorf("project: got %q, %v", id, err)
	}
}

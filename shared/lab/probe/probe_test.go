package probe_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/probe"
)

// clock is one that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// server answers every request by fn and counts them.
func server(t *testing.T, fn http.HandlerFunc) (url string, hits *atomic.Int32) {
	t.Helper()
	hits = new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		fn(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, hits
}

// listener takes connections, or leaves them waiting, and answers nothing.
func listener(t *testing.T) (host string, port int) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	host, text, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	port, err = strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

var askHTTP = lab.Probe{Kind: lab.ProbeHTTP, Output: "lab_url"}

func at(url string) map[string]any { return map[string]any{"lab_url": url} }

// quick fails the test if ready takes noticeably longer than a request may wait.
func quick(t *testing.T, what string, ready func() bool) bool {
	t.Helper()
	began := time.Now()
	is := ready()
	if took := time.Since(began); took > 2*time.Second { // the budget is 400 ms; the rest is a busy machine
		t.Errorf("%s: took %s", what, took)
	}
	return is
}

func TestHTTPAnswers(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]bool{200: true, 204: true, 302: true, 399: true, 400: false, 401: false, 404: false, 502: false} {
		followed := new(atomic.Bool)
		url, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				followed.Store(true)
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		})
		if got := probe.New(time.Now, true).Ready(t.Context(), askHTTP, at(url)); got != want {
			t.Errorf("%d: ready %t", status, got)
		}
		if followed.Load() {
			t.Errorf("%d: the redirect was followed", status)
		}
	}
}

// TestBodyIsNotRead: a lab that answers without end is ready at once.
func TestBodyIsNotRead(t *testing.T) {
	t.Parallel()
	url, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	})
	p := probe.New(time.Now, true)
	if !quick(t, "endless", func() bool { return p.Ready(t.Context(), askHTTP, at(url)) }) {
		t.Error("not ready")
	}
}

// TestSelfSigned: labs make their certificates themselves.
func TestSelfSigned(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(s.Close)
	if !probe.New(time.Now, true).Ready(t.Context(), askHTTP, at(s.URL)) {
		t.Error("not ready")
	}
}

func TestTCP(t *testing.T) {
	t.Parallel()
	host, port := listener(t)
	ask := lab.Probe{Kind: lab.ProbeTCP, Output: "ip", Port: port}
	if !probe.New(time.Now, true).Ready(t.Context(), ask, map[string]any{"ip": host}) {
		t.Error("not ready")
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ask.Port = closed.Addr().(*net.TCPAddr).Port
	_ = closed.Close()
	if probe.New(time.Now, true).Ready(t.Context(), ask, map[string]any{"ip": host}) {
		t.Error("nobody listens, and it is ready")
	}
}

// TestNothingAsked: a lab without a probe is ready.
func TestNothingAsked(t *testing.T) {
	t.Parallel()
	if !probe.New(time.Now, false).Ready(t.Context(), lab.Probe{}, nil) {
		t.Error("not ready")
	}
}

// TestNeverAnswers: whoever takes the connection and says nothing, and whoever does not even take it, holds up no request.
func TestNeverAnswers(t *testing.T) {
	t.Parallel()
	host, port := listener(t)
	const blackHole = "http://192.0.2.1/" // RFC 5737: nobody is there
	for _, url := range []string{fmt.Sprintf("http://%s:%d/", host, port), blackHole} {
		p := probe.New(time.Now, true)
		for range 3 {
			if quick(t, url, func() bool { return p.Ready(t.Context(), askHTTP, at(url)) }) {
				t.Errorf("%s is ready", url)
			}
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if quick(t, url, func() bool { return p.Ready(gone, askHTTP, at(url)) }) {
			t.Errorf("%s is ready for a request that has ended", url)
		}
	}
}

// TestSlowIsReadyLater: what takes longer than the request's patience is there for the next look, asked once.
func TestSlowIsReadyLater(t *testing.T) {
	t.Parallel()
	answer := make(chan struct{})
	url, hits := server(t, func(http.ResponseWriter, *http.Request) { <-answer })
	c := newClock()
	p := probe.New(c.Now, true)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if p.Ready(t.Context(), askHTTP, at(url)) {
				t.Error("ready before it answered")
			}
		})
	}
	all.Wait()
	close(answer)
	for !p.Ready(t.Context(), askHTTP, at(url)) { // waits for the answer, and no longer than the test may take
		if t.Context().Err() != nil {
			t.Fatal("never ready")
		}
	}
	if n := hits.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

// TestRemembers: a verdict counts for a while, a good one longer.
func TestRemembers(t *testing.T) {
	t.Parallel()
	for good, want := range map[bool]struct {
		kept time.Duration
		over time.Duration
	}{true: {59 * time.Second, 2 * time.Second}, false: {1900 * time.Millisecond, 200 * time.Millisecond}} {
		url, hits := server(t, func(w http.ResponseWriter, _ *http.Request) {
			if !good {
				w.WriteHeader(http.StatusBadGateway)
			}
		})
		c := newClock()
		p := probe.New(c.Now, true)
		ready := func() bool { return p.Ready(t.Context(), askHTTP, at(url)) }
		if ready() != good {
			t.Fatalf("want %t", good)
		}
		c.advance(want.kept)
		if ready() != good || hits.Load() != 1 {
			t.Errorf("after %s: asked %d times", want.kept, hits.Load())
		}
		c.advance(want.over)
		if ready() != good || hits.Load() != 2 {
			t.Errorf("after %s more: asked %d times", want.over, hits.Load())
		}
	}
}

// TestSixtyFourAtOnce: more probes than that are not begun, and what they were about is not ready yet.
func TestSixtyFourAtOnce(t *testing.T) {
	t.Parallel()
	var now, peak atomic.Int32
	answer := make(chan struct{})
	url, hits := server(t, func(http.ResponseWriter, *http.Request) {
		peak.Store(max(peak.Load(), now.Add(1)))
		<-answer
		now.Add(-1)
	})
	p := probe.New(time.Now, true)
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() { p.Ready(t.Context(), askHTTP, at(fmt.Sprintf("%s/%d", url, i))) })
	}
	all.Wait()
	if n := hits.Load(); n > 64 || n == 0 {
		t.Errorf("%d probes at once", n)
	}
	close(answer)
}

// TestHostile: an output that is no plain address of a lab is not ready, and nobody is asked.
func TestHostile(t *testing.T) {
	t.Parallel()
	url, hits := server(t, func(http.ResponseWriter, *http.Request) {})
	host, port := listener(t)
	p := probe.New(time.Now, true)
	for _, value := range []any{
		nil, 7, "", " ", "lab", "//" + url[len("http://"):], "ftp" + url[len("http"):], "file:///etc/passwd", "javascript:alert(1)", "http://",
		"http://user:hunter2@" + url[len("http://"):], "http://[::1", "http://%zz/", "http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/",
		"http://[fe80::1]/", "http://[::ffff:169.254.169.254]/", "http://0.0.0.0/", "http://224.0.0.1/", "http://255.255.255.255/", "http://127.0.0.1:99999/",
		map[string]any{"a": url},
	} {
		if quick(t, fmt.Sprint(value), func() bool { return p.Ready(t.Context(), askHTTP, map[string]any{"lab_url": value}) }) {
			t.Errorf("%v is ready", value)
		}
	}
	tcp := lab.Probe{Kind: lab.ProbeTCP, Output: "ip", Port: port}
	for _, value := range []any{nil, "", "a b", "host:80", "x/../y", host + "\n", "-" + host, "169.254.169.254", []any{host}} {
		if quick(t, fmt.Sprint(value), func() bool { return p.Ready(t.Context(), tcp, map[string]any{"ip": value}) }) {
			t.Errorf("%v is ready", value)
		}
	}
	if p.Ready(t.Context(), lab.Probe{Kind: lab.ProbeTCP, Output: "ip"}, map[string]any{"ip": host}) || p.Ready(t.Context(), lab.Probe{Kind: "icmp", Output: "ip"}, map[string]any{"ip": host}) {
		t.Error("a probe without a port, or of a kind that there is not, is ready")
	}
	if hits.Load() != 0 {
		t.Errorf("asked %d times", hits.Load())
	}
}

// TestLoopbackIsOurs: unless the developer's cloud is on this machine, no lab is.
func TestLoopbackIsOurs(t *testing.T) {
	t.Parallel()
	url, hits := server(t, func(http.ResponseWriter, *http.Request) {})
	if probe.New(time.Now, false).Ready(t.Context(), askHTTP, at(url)) || hits.Load() != 0 {
		t.Error("the function asked its own machine")
	}
}

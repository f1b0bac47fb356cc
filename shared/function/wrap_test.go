package function_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/logging/loggingtest"
)

func handler(h http.HandlerFunc) http.Handler { return h }

func TestOneLinePerRequest(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	r := httptest.NewRequest(http.MethodPut, "/sites/a?token=S3CRET", strings.NewReader("{}"))
	r.Header.Set("X-Request-Id", "caller-id-1")
	a := ask(t, wrap(&log, handler(func(w http.ResponseWriter, r *http.Request) {
		logging.CountCall(r.Context(), "heat POST /stacks")
		logging.Note(r.Context(), "reason", "new")
		function.JSON(w, r, http.StatusAccepted, "ok")
	})), r)
	var line map[string]any
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatalf("want one line of JSON, got %q", log.String())
	}
	for key, want := range map[string]any{
		"level": "info", "function": "test", "request_id": "caller-id-1", "method": "PUT", "path": "/sites/a", "code": float64(202), "calls": float64(1), "reason": "new", "message": "request",
	} {
		if line[key] != want {
			t.Errorf("%s is %v, want %v", key, line[key], want)
		}
	}
	if _, ok := line["ms"]; !ok || strings.Contains(log.String(), "S3CRET") {
		t.Errorf("no time, or the query: %s", log.String())
	}
	if a.Header.Get("X-Request-Id") != "caller-id-1" {
		t.Errorf("the answer's id is %q", a.Header.Get("X-Request-Id"))
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	for id, sane := range map[string]bool{
		"": false, "short": false, "has space in it": false, "line\nbreak1": false, `quote"quote`: false, strings.Repeat("a", 65): false, "7f3c0a9e-1d2b-4c3d": true, "Root_1.67891233-abcdef": true,
	} {
		r := post("{}")
		r.Header["X-Request-Id"] = []string{id}
		got := ask(t, wrap(io.Discard, handler(func(http.ResponseWriter, *http.Request) {})), r).Header.Get("X-Request-Id")
		if (got == id) != sane || len(got) < 8 {
			t.Errorf("%q became %q; want it kept: %v", id, got, sane)
		}
	}
}

func TestPanic(t *testing.T) {
	t.Parallel()
	for name, cause := range map[string]any{"text": "S3CRET", "error": errors.New("S3CRET"), "abort": http.ErrAbortHandler} {
		var log bytes.Buffer
		a := ask(t, wrap(&log, handler(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusOK)
			_, _ = io.WriteString(w, "half an answer")
			panic(cause)
		})), post("{}"))
		if a.Status != 500 || a.Code != "internal" || strings.Contains(a.Text, "S3CRET") || strings.Contains(a.Text, "half") {
			t.Errorf("%s: %d %s", name, a.Status, a.Text)
		}
		if !strings.Contains(log.String(), "handler panicked") || !strings.Contains(log.String(), "wrap_test.go") || !strings.Contains(log.String(), a.Reference) {
			t.Errorf("%s: cause, stack or reference is not in the log: %s", name, log.String())
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	read := handler(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || int64(len(body)) != r.ContentLength {
			t.Errorf("body: %v", err)
		}
		function.JSON(w, r, 200, len(body))
	})
	if a := ask(t, wrap(io.Discard, read), post(strings.Repeat("a", function.MaxBody))); a.Status != 200 {
		t.Errorf("exactly 1 MB is refused: %d", a.Status)
	}
	if a := ask(t, wrap(io.Discard, read), post(strings.Repeat("a", function.MaxBody+1))); a.Status != 413 || a.Code != "too_large" {
		t.Errorf("more than 1 MB: %d %s", a.Status, a.Code)
	}
	broken := httptest.NewRequest(http.MethodPost, "/", io.MultiReader(strings.NewReader("half"), brokenReader{}))
	if a := ask(t, wrap(io.Discard, read), broken); a.Status != 400 || a.Code != "bad_body" {
		t.Errorf("a body cut off: %d %s", a.Status, a.Code)
	}
	wordy := handler(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, function.MaxBody+1)) })
	if a := ask(t, wrap(io.Discard, wordy), post("{}")); a.Status != 500 || a.Code != "internal" {
		t.Errorf("an answer over 1 MB: %d %s", a.Status, a.Code)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestHeaders(t *testing.T) {
	t.Parallel()
	a := ask(t, wrap(io.Discard, handler(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'")
		w.Header().Add("Vary", "A")
		w.Header().Add("Vary", "B")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusTeapot)
		w.WriteHeader(http.StatusOK)
		_, _ = io.WriteString(w, "<!doctype html><p>short and stout")
	})), post("{}"))
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"Content-Security-Policy": "default-src 'self'", "Content-Type": "text/html; charset=utf-8", "Content-Length": "33",
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if a.Status != http.StatusTeapot || len(a.Header.Values("Vary")) != 2 {
		t.Errorf("status %d, Vary %v", a.Status, a.Header.Values("Vary"))
	}
}

func TestTheRoutersOwnAnswersAreProblems(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /there", func(http.ResponseWriter, *http.Request) {})
	a := ask(t, wrap(io.Discard, mux), httptest.NewRequest(http.MethodGet, "/nowhere", nil))
	if a.Status != 404 || a.Code != "not_found" || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("no such path: %d %s %v", a.Status, a.Text, a.Header)
	}
	a = ask(t, wrap(io.Discard, mux), httptest.NewRequest(http.MethodPatch, "/there", nil))
	if a.Status != 405 || a.Code != "method" || a.Header.Get("Allow") != "GET, HEAD" || !strings.Contains(a.Detail, "PATCH") {
		t.Errorf("no such method: %d %s %v", a.Status, a.Text, a.Header)
	}
}

// A redirect would turn an alarm's POST into a GET.
func TestUncleanPathsAreNotRedirected(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/there/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	for path, want := range map[string]int{"//there/": 404, "//": 404, "/a/../there/": 404, "/there//x": 404, "/there/": 418, "/there/x": 418} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.URL.Path = path
		if a := ask(t, wrap(io.Discard, mux), r); a.Status != want {
			t.Errorf("%s: %d, want %d", path, a.Status, want)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := wrap(&log, handler(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	if a := ask(t, h, httptest.NewRequest(http.MethodGet, "/healthz", nil)); a.Status != 200 || a.Text != "test is up\n" {
		t.Errorf("%d %q", a.Status, a.Text)
	}
	if log.Len() > 0 {
		t.Errorf("probes fill the log: %s", log.String())
	}
	if a := ask(t, h, httptest.NewRequest(http.MethodPost, "/healthz", nil)); a.Status != http.StatusTeapot {
		t.Errorf("POST is the function's own: %d", a.Status)
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		patience time.Duration // of the runtime; 0 = none given
		want     time.Duration
	}{
		"of the runtime": {3 * time.Second, 3 * time.Second},
		"our own":        {0, function.MaxTime},
		"the shorter":    {time.Hour, function.MaxTime},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				log := loggingtest.Catch(t)
				finish := make(chan struct{})
				h := wrap(log, handler(func(w http.ResponseWriter, _ *http.Request) {
					<-finish // a handler that looks at no context
					_, _ = io.WriteString(w, "too late")
				}))
				ctx := t.Context()
				if c.patience > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.patience)
					defer cancel()
				}
				begun := time.Now()
				a := soon(t, h, post("{}").WithContext(ctx))
				if took := time.Since(begun); took != c.want {
					t.Errorf("answered after %v, want %v", took, c.want)
				}
				if a.Status != 504 || a.Code != "deadline" || a.Header.Get("Retry-After") == "" {
					t.Errorf("%d %s", a.Status, a.Text)
				}
				close(finish)
				synctest.Wait()
				if strings.Count(log.String(), "\n") != 1 {
					t.Errorf("want one line, got %s", log.String())
				}
			})
		})
	}
}

// soon is the answer as it is flushed, whether the handler has ended or not.
func soon(t *testing.T, h http.Handler, r *http.Request) answered {
	t.Helper()
	w := flushing{httptest.NewRecorder(), make(chan struct{})}
	go h.ServeHTTP(w, r)
	<-w.flushed
	return read(t, w.ResponseRecorder)
}

type flushing struct {
	*httptest.ResponseRecorder

	flushed chan struct{}
}

func (f flushing) Flush() { close(f.flushed) }

// Over HTTP the whole answer arrives at the deadline, too, and the connection, which the late handler still holds, is not asked again.
func TestDeadlineOverHTTP(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		finish := make(chan struct{})
		server := &http.Server{ReadHeaderTimeout: time.Second, Handler: wrap(io.Discard, handler(func(w http.ResponseWriter, _ *http.Request) {
			<-finish
			_, _ = io.WriteString(w, "too late")
		}))}
		pipes := make(pipes)
		go func() { _ = server.Serve(pipes) }()
		client := &http.Client{Transport: &http.Transport{DialContext: pipes.dial}}
		begun := time.Now()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://function/", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		if took := time.Since(begun); took != function.MaxTime || err != nil {
			t.Errorf("read after %v: %v", took, err)
		}
		if response.StatusCode != 504 || !strings.Contains(string(text), `"code":"deadline"`) || !response.Close {
			t.Errorf("%d, closes: %t, %s", response.StatusCode, response.Close, text)
		}
		_ = response.Body.Close()
		close(finish)
		if err := server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// pipes is a listener whose connections are in memory.
type pipes chan net.Conn

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	p <- theirs
	return ours, nil
}

func (p pipes) Accept() (net.Conn, error) {
	conn, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// A sender that hangs up must not stop half of a change.
func TestWorkGoesOnWhenTheCallerHangsUp(t *testing.T) {
	t.Parallel()
	ctx, hangUp := context.WithCancel(t.Context())
	a := ask(t, wrap(io.Discard, handler(func(w http.ResponseWriter, r *http.Request) {
		hangUp()
		if err := r.Context().Err(); err != nil {
			t.Errorf("the request's context ended: %v", err)
		}
		if _, ok := r.Context().Deadline(); !ok {
			t.Error("the request has no deadline")
		}
		function.JSON(w, r, 200, "done")
	})), post("{}").WithContext(ctx))
	if a.Status != 200 {
		t.Errorf("%d", a.Status)
	}
}

// Not parallel: it reads the heap.
func TestManyBadRequestsHoldMemoryFlat(t *testing.T) {
	h := wrap(io.Discard, function.Handle(echo))
	heap := func(requests int) uint64 {
		for range requests {
			if a := ask(t, h, post(`{"name":1}`)); a.Status != 400 {
				t.Fatalf("%d", a.Status)
			}
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap(1_000)
	if after := heap(10_000); after > before+1<<20 {
		t.Errorf("the heap grew from %d to %d bytes over 10,000 refused requests", before, after)
	}
}

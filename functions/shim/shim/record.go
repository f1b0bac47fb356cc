package shim

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stackhook/stackhook/shared/logging"
)

// How much the page remembers, and how far back a repeat is looked for: two open lab pages ask in turn.
const (
	ringSize    = 60
	repeatDepth = 6
)

// request is one request of a function, or several that differ in nothing but the time.
type request struct {
	Number   int       `json:"n"`
	ID       string    `json:"id"`
	At       time.Time `json:"at"`
	Function string    `json:"function"`
	Method   string    `json:"method"`
	// Path never has the query: a signature is a secret.
	Path  string   `json:"path"`
	Code  int      `json:"code"`
	MS    int64    `json:"ms"`
	Calls []string `json:"calls"`
	Times int      `json:"times"`
}

// same says that b repeats a. Only reading is folded: of a change, every single request matters.
func (a request) same(b request) bool {
	return a.Method == http.MethodGet && a.Function == b.Function && a.Method == b.Method && a.Path == b.Path &&
		a.Code == b.Code && slices.Equal(a.Calls, b.Calls)
}

// recorder keeps the latest requests. It is safe for concurrent use.
type recorder struct {
	changed func() // called after every request that may have changed something

	mu     sync.Mutex
	number int
	ring   []request // newest first
}

func (rec *recorder) add(q request) {
	if q.Method != http.MethodGet {
		defer rec.changed()
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	for i := range min(repeatDepth, len(rec.ring)) {
		if old := &rec.ring[i]; old.same(q) {
			old.ID, old.At, old.MS = q.ID, q.At, q.MS
			old.Times++
			return
		}
	}
	rec.number++
	q.Number, q.Times = rec.number, 1
	rec.ring = slices.Insert(rec.ring, 0, q)
	rec.ring = rec.ring[:min(len(rec.ring), ringSize)]
}

func (rec *recorder) list() []request {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return slices.Clone(rec.ring)
}

// record stands between function.Wrap, whose context counts the calls, and the function.
func (rec *recorder) record(function string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		seen := &coder{ResponseWriter: w, code: http.StatusInternalServerError} // Wrap answers a panic so
		defer rec.note(r, seen, function, start)
		next.ServeHTTP(seen, r)
		seen.WriteHeader(http.StatusOK)
	})
}

func (rec *recorder) note(r *http.Request, seen *coder, function string, start time.Time) {
	rec.add(request{
		ID: logging.RequestID(r.Context()), At: start, Function: function, Method: r.Method, Path: public(r.URL.Path),
		Code: seen.code, MS: time.Since(start).Milliseconds(), Calls: logging.Calls(r.Context()),
	})
}

// coder notes the status code, which is that of a failure until there is one.
type coder struct {
	http.ResponseWriter
	code    int
	written bool
}

func (c *coder) WriteHeader(code int) {
	if c.written {
		return
	}
	c.code, c.written = code, true
	c.ResponseWriter.WriteHeader(code)
}

func (c *coder) Write(b []byte) (int, error) {
	c.WriteHeader(http.StatusOK)
	return c.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach what is beneath.
func (c *coder) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// longestPart is the longest part of a path that is shown: names are short, tickets are not.
const longestPart = 48

// public is a path that may be shown.
func public(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if len(p) > longestPart {
			parts[i] = "…"
		}
	}
	return strings.Join(parts, "/")
}

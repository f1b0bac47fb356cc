package function

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/observe"
	"github.com/stackhook/stackhook/shared/trace"
)

const (
	// MaxBody bounds a request and an answer: the smallest bound of the platforms we run on (an AWS load balancer's).
	MaxBody = 1 << 20
	// MaxTime bounds a request where the runtime gives no deadline. Gateways give up after 29 or 30 s.
	MaxTime = 25 * time.Second
	// HealthPath answers probes without asking OpenStack anything.
	HealthPath = "/healthz"
)

// Wrap stands around a whole function. It gives the request its id (the caller's X-Request-Id if it is a sane one), holds
// the body to MaxBody and the time to ctx's deadline or MaxTime, answers a panic with 500, sets the security headers that
// the function did not set itself, answers HealthPath, and logs one line.
//
// The function works on when its caller hangs up: an alarm's sender that loses patience must not stop half of a change.
// When the time is over the caller gets 504, whole and flushed, and what the handler still writes is dropped. ServeHTTP
// returns when the handler does: who cannot wait for that takes the Flush for the end, as net/http's clients do.
//
// What is to be told of every request is told to seen, of which there is one or none.
func Wrap(name string, log zerolog.Logger, h http.Handler, seen ...*observe.Function) http.Handler {
	var watched *observe.Function
	if len(seen) > 0 {
		watched = seen[0]
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == HealthPath && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			secure(w.Header())
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = io.WriteString(w, name+" is up\n") // the prober may have gone
			return
		}
		x := exchange{w: w, id: requestID(r), begun: time.Now(), seen: watched}
		ctx, cancel := bounded(r.Context())
		defer cancel()
		ctx, x.span = watched.Begin(ctx, r.Header)
		x.r = r.WithContext(logging.WithRequest(ctx, traced(ctx, log), x.id))
		x.run(h)
	})
}

// noteProblem is the note that has the code of a problem document.
const noteProblem = "problem"

// traced names the trace in every line of the request.
func traced(ctx context.Context, log zerolog.Logger) zerolog.Logger {
	if id := trace.ID(ctx); id != "" {
		return log.With().Str("trace_id", id).Logger()
	}
	return log
}

// bounded keeps ctx's values and deadline but not its cancellation.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline := time.Now().Add(MaxTime)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	return context.WithDeadline(context.WithoutCancel(ctx), deadline)
}

// exchange is one request on its way to its one answer.
type exchange struct {
	w     http.ResponseWriter
	r     *http.Request
	id    string
	begun time.Time
	seen  *observe.Function
	span  *trace.Span
	late  sync.WaitGroup // the answer of a handler that is late
}

// run answers when the handler has ended or panicked, or else at the deadline. The handler has no goroutine of its own, which would
// begin with an empty stack each time: it is the answer of a handler that is late that has one.
func (x *exchange) run(h http.Handler) {
	x.late.Add(1)
	deadline, _ := x.r.Context().Deadline() // bounded has set one
	late := time.AfterFunc(time.Until(deadline), func() {
		defer x.late.Done()
		x.w.Header().Set("Connection", "close") // the handler still holds it
		x.give(failed(x.r, context.DeadlineExceeded))
		_ = http.NewResponseController(x.w).Flush() // of a writer that cannot, nobody waits for it
	})
	answer := served(h, x.r)
	if !late.Stop() {
		x.late.Wait()
		return
	}
	x.give(answer.explained(x.r))
}

// give sends the answer and tells of it: the metrics before, so that whoever has an answer finds it counted.
func (x *exchange) give(answer *recorder) {
	if answer.body.Len() > MaxBody {
		answer = failed(x.r, fmt.Errorf("answer of %d bytes is over the limit of %d", answer.body.Len(), MaxBody))
	}
	answer.header.Set("X-Request-Id", x.id)
	secure(answer.header)
	took := time.Since(x.begun)
	x.seen.Answered(answer.status, logging.Noted(x.r.Context(), noteProblem), took)
	answer.sendTo(x.w)
	logLine(x.r, answer.status, took)
	answer.tell(x.span, x.r)
	answer.done()
	x.span.End()
}

// served is the handler's answer, or what is wrong with the request or the handler. It is the handler's own until it is given, so
// that a late one disturbs nobody.
func served(h http.Handler, r *http.Request) (answer *recorder) {
	if unclean(r.URL.Path) {
		return failed(r, &Error{
			Code: "not_found", Status: http.StatusNotFound, Public: "There is nothing at this address. Look for a double slash in it.",
		})
	}
	body, err := bodyOf(r)
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return failed(r, tooLarge())
	}
	if err != nil {
		return failed(r, badBody(err))
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body.Bytes())), int64(body.Len())
	defer func() {
		if cause := recover(); cause != nil {
			logging.From(r.Context()).Error().Interface("panic", fmt.Sprint(cause)).Bytes("stack", debug.Stack()).Msg("handler panicked")
			answer = failed(r, fmt.Errorf("handler panicked: %v", cause))
		}
	}()
	answer = newRecorder()
	h.ServeHTTP(answer, r)
	answer.pattern = r.Pattern // of the mux that h is, if it is one
	answer.asked = body
	return answer
}

// believed is as much room as a caller gets for a body that it has only announced. A launch is smaller.
const believed = 16 << 10

// bodyOf reads a body of which the caller has said how long it is in one piece, unless it is a large one.
func bodyOf(r *http.Request) (*bytes.Buffer, error) {
	body := newBody()
	if said := r.ContentLength; said > 0 {
		body.Grow(int(min(said, believed)) + bytes.MinRead) // by which it sees the end
	}
	_, err := body.ReadFrom(http.MaxBytesReader(nil, r.Body, MaxBody))
	return body, err //nolint:wrapcheck // served tells what it is
}

// unclean says that ServeMux would redirect: a POST that follows a redirect may come back as a GET.
func unclean(p string) bool {
	clean := path.Clean(p)
	return p != clean && p != strings.TrimSuffix(clean, "/")+"/"
}

func failed(r *http.Request, err error) *recorder {
	answer := newRecorder()
	Fail(answer, r, err)
	return answer
}

// secured are the headers that keep an answer from being cached, sniffed, framed or leaked by referrer: by their canonical names, and
// with values that all answers share.
var secured = [...]struct {
	name   string
	values []string
}{
	{"Cache-Control", []string{"no-store"}},
	{"Content-Security-Policy", []string{"default-src 'none'; frame-ancestors 'none'"}},
	{"Referrer-Policy", []string{"no-referrer"}},
	{"X-Content-Type-Options", []string{"nosniff"}},
}

// secure fills in those of them that are not there.
func secure(h http.Header) {
	for _, s := range secured {
		if len(h[s.name]) == 0 {
			h[s.name] = s.values
		}
	}
}

// requestID takes the caller's id if it can stand in a log and a header as it is, or makes one.
func requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	sane := len(id) >= 8 && len(id) <= 64
	for _, c := range id {
		sane = sane && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.')
	}
	if sane {
		return id
	}
	return rand.Text()
}

func logLine(r *http.Request, status int, took time.Duration) {
	level := zerolog.InfoLevel
	if status >= http.StatusInternalServerError {
		level = zerolog.ErrorLevel
	}
	path := r.URL.Path
	if len(path) > 256 {
		path = path[:256]
	}
	logging.Line(r.Context(), level).
		Str("method", r.Method).Str("path", path).Int("code", status).Int64("ms", took.Milliseconds()).
		EmbedObject(logging.FactsOf(r.Context())).Msg(logging.Ended)
}

package serve

import (
	"bytes"
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/rs/zerolog"

	"github.com/stackhook/stackhook/shared/function"
)

// respond is the handler's whole answer to a request that did not come over HTTP: when the handler has ended, or has flushed
// an answer to a request whose time is over (function.Wrap). It never panics: platforms show their caller what a function died of.
func respond(h http.Handler, log zerolog.Logger, r *http.Request) *answer {
	whole := make(chan *answer, 2) // a late handler ends after its answer
	a := newAnswer()
	a.flushed = func() { whole <- a }
	go func() {
		defer func() {
			// function.Wrap survives the function's panics; this is for what stands around it.
			if cause := recover(); cause != nil {
				log.Error().Str("panic", fmt.Sprint(cause)).Msg("answering an event panicked")
				b := newAnswer()
				function.Fail(b, r, fmt.Errorf("answer event: panic: %v", cause))
				whole <- b
			}
		}()
		h.ServeHTTP(a, r)
		whole <- a
	}()
	got := <-whole
	if r.Method == http.MethodHead {
		got.body.Reset()
	}
	return got
}

// answer is the http.ResponseWriter that an event's answer is made from.
type answer struct {
	header  http.Header
	status  int
	body    bytes.Buffer
	flushed func()
}

func newAnswer() *answer { return &answer{header: http.Header{}} }

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(text []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(text)
}

// Flush implements http.Flusher.
func (a *answer) Flush() { a.flushed() }

// finished is the status, with the headers that the gateway makes itself taken away.
func (a *answer) finished() int {
	a.WriteHeader(http.StatusOK)
	a.header.Del("Content-Length")
	a.header.Del("Connection")
	a.header.Del("Transfer-Encoding")
	return a.status
}

// text says whether the body can stand in JSON as it is.
func (a *answer) text() bool { return utf8.Valid(a.body.Bytes()) }

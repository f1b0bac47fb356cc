package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/rs/zerolog"

	"github.com/stackhook/stackhook/shared/function"
)

// margin is kept from Lambda's deadline: ctx ends when the platform kills the call, and an answer made then is too late.
const margin = 500 * time.Millisecond

// Invoker answers Lambda events with a handler. It never returns an error and never panics, because the platform would
// show either to the caller, text, stack and all.
type Invoker struct {
	handler http.Handler
	log     zerolog.Logger
}

// Lambda gives the handler a Lambda's form.
func Lambda(h http.Handler, log zerolog.Logger) *Invoker { return &Invoker{h, log} }

// Start serves the platform's calls until the process ends.
func (i *Invoker) Start(ctx context.Context) {
	lambda.StartWithOptions(lambda.Handler(i), lambda.WithContext(ctx))
}

// Invoke implements lambda.Handler: one event in, one answer out, in the form that the event's sender reads.
func (i *Invoker) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	ctx, cancel := early(ctx)
	defer cancel()
	in := decodeEvent(event)
	answer := i.serve(in.request(ctx))
	text, err := json.Marshal(in.answer(answer))
	if err != nil {
		// The types of an answer always encode; this keeps the promise even so.
		i.log.Error().Err(err).Msg("encode answer")
		return []byte(`{"statusCode":500}`), nil
	}
	return text, nil
}

// early ends ctx a margin before the platform does, or at half time when there is less than two margins.
func early(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(margin, time.Until(deadline)/2)))
}

func (i *Invoker) serve(r *http.Request) (answer *answer) {
	defer func() {
		// function.Wrap survives the function's panics; this is for what stands around it.
		if cause := recover(); cause != nil {
			i.log.Error().Str("panic", fmt.Sprint(cause)).Msg("answering an event panicked")
			answer = newAnswer()
			function.Fail(answer, r, fmt.Errorf("answer event: panic: %v", cause))
		}
	}()
	answer = newAnswer()
	i.handler.ServeHTTP(answer, r)
	if r.Method == http.MethodHead {
		answer.body.Reset()
	}
	return answer
}

// answer is the http.ResponseWriter that an event's answer is made from.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
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

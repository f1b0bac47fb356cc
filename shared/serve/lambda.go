package serve

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/rs/zerolog"
)

// margin is kept from a platform's deadline: it kills the call then, and an answer made at that moment is too late.
const margin = 500 * time.Millisecond

// Invoker answers Lambda events with a handler. It never returns an error and never panics, because the platform would
// show either to the caller, text, stack and all.
type Invoker struct {
	handler http.Handler
	log     zerolog.Logger
	// calls is held for reading by each call under way.
	calls sync.RWMutex
}

// Lambda gives the handler a Lambda's form.
func Lambda(h http.Handler, log zerolog.Logger) *Invoker { return &Invoker{handler: h, log: log} }

// sending is how long the library may take to send an answer that it has, which it tells nobody.
const sending = 200 * time.Millisecond

// Start serves the platform's calls until the process is told to end; calls under way get their answers first.
func (i *Invoker) Start(ctx context.Context) {
	_, stop := untilTold(ctx, func() {
		i.log.Info().Msg("stopping")
		i.calls.Lock()
		<-time.After(sending)
		os.Exit(0)
	})
	defer stop()
	i.log.Info().Str("runtime", onLambda).Msg("serving")
	lambda.StartWithOptions(lambda.Handler(i), lambda.WithContext(ctx))
}

// Invoke implements lambda.Handler: one event in, one answer out, in the form that the event's sender reads.
func (i *Invoker) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	i.calls.RLock()
	defer i.calls.RUnlock()
	ctx, cancel := early(ctx)
	defer cancel()
	in := decodeEvent(event)
	answer := respond(i.handler, i.log, in.request(ctx))
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

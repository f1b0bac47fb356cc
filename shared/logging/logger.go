package logging

import (
	"context"
	"io"
	"slices"
	"sync"

	"github.com/rs/zerolog"
)

// Facts gathers what happened during one request. It is safe for concurrent use.
type Facts struct {
	mu    sync.Mutex
	calls []string
	notes []note
	few   [4]note // room for those of most requests
}

type note struct{ key, value string }

type requestKey struct{}

type request struct {
	id    string
	plain zerolog.Logger // that does not name the request
	facts Facts

	once  sync.Once
	named *zerolog.Logger // made when it is first asked for: most requests log no more than their own line
}

func (r *request) logger() *zerolog.Logger {
	r.once.Do(func() {
		named := r.plain.With().Str(requestID, r.id).Logger()
		r.named = &named
	})
	return r.named
}

const requestID = "request_id"

// New is a function's logger. Every line carries the time and the function's name.
func New(w io.Writer, function string) zerolog.Logger {
	return zerolog.New(redactor{w}).With().Timestamp().Str("function", function).Logger()
}

// WithRequest attaches a logger that names the request, and fresh facts.
func WithRequest(ctx context.Context, logger zerolog.Logger, id string) context.Context {
	r := &request{id: id, plain: logger}
	r.facts.notes = r.facts.few[:0]
	return context.WithValue(ctx, requestKey{}, r)
}

func of(ctx context.Context) *request {
	r, _ := ctx.Value(requestKey{}).(*request)
	return r
}

// From is the request's logger, or one that drops everything. It is never nil.
func From(ctx context.Context) *zerolog.Logger {
	if r := of(ctx); r != nil {
		return r.logger()
	}
	nop := zerolog.Nop()
	return &nop
}

// Line begins a line that names the request, as From's would. It is written by its Msg.
func Line(ctx context.Context, level zerolog.Level) *zerolog.Event {
	if r := of(ctx); r != nil {
		return r.plain.WithLevel(level).Str(requestID, r.id) //nolint:zerologlint // the caller ends it
	}
	return nil
}

// RequestID is the request's reference: the answer, the log line and the caller's report share it. Empty without one.
func RequestID(ctx context.Context) string {
	if r := of(ctx); r != nil {
		return r.id
	}
	return ""
}

// CountCall records a call to OpenStack, e.g. "heat POST /stacks". Without facts in ctx it does nothing.
func CountCall(ctx context.Context, name string) {
	if r := of(ctx); r != nil {
		r.facts.mu.Lock()
		defer r.facts.mu.Unlock()
		r.facts.calls = append(r.facts.calls, name)
	}
}

// Calls are the calls counted so far, in order.
func Calls(ctx context.Context) []string {
	if r := of(ctx); r != nil {
		r.facts.mu.Lock()
		defer r.facts.mu.Unlock()
		return slices.Clone(r.facts.calls)
	}
	return nil
}

// Note adds a field to the request's line. The last value of a key wins.
func Note(ctx context.Context, key, value string) {
	r := of(ctx)
	if r == nil {
		return
	}
	r.facts.mu.Lock()
	defer r.facts.mu.Unlock()
	for i := range r.facts.notes {
		if r.facts.notes[i].key == key {
			r.facts.notes[i].value = value
			return
		}
	}
	r.facts.notes = append(r.facts.notes, note{key, value})
}

// Noted is a note's value, empty if there is none.
func Noted(ctx context.Context, key string) string {
	r := of(ctx)
	if r == nil {
		return ""
	}
	r.facts.mu.Lock()
	defer r.facts.mu.Unlock()
	for _, n := range r.facts.notes {
		if n.key == key {
			return n.value
		}
	}
	return ""
}

// Caller is the note that says who asked: it is a part of every audit line.
const Caller = "caller"

// Apart is ctx with facts of its own, for work whose calls would drown the request's line, or that nobody's request asked for.
// Who asked is known there, too.
func Apart(ctx context.Context) context.Context {
	r := of(ctx)
	if r == nil {
		return WithRequest(ctx, zerolog.Nop(), "")
	}
	apart := context.WithValue(ctx, requestKey{}, &request{id: r.id, plain: r.plain})
	Note(apart, Caller, Noted(ctx, Caller))
	return apart
}

type whyKey struct{}

// Because is ctx for work that has a reason: the code of the decision behind it. What is written to the cloud on the way says
// so in its audit line.
func Because(ctx context.Context, why string) context.Context {
	return context.WithValue(ctx, whyKey{}, why)
}

// Why is the reason of what is done with ctx; empty without one.
func Why(ctx context.Context) string {
	why, _ := ctx.Value(whyKey{}).(string)
	return why
}

// FactsOf are the request's facts, or nil without a request.
func FactsOf(ctx context.Context) *Facts {
	if r := of(ctx); r != nil {
		return &r.facts
	}
	return nil
}

// MarshalZerologObject puts everything known about the request on the line that ends it (Event.EmbedObject): the number
// of calls, their names, and the notes.
func (f *Facts) MarshalZerologObject(line *zerolog.Event) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	line.Int("calls", len(f.calls))
	if len(f.calls) > 0 {
		line.Strs("called", f.calls)
	}
	for _, n := range f.notes {
		line.Str(n.key, n.value)
	}
}

package trace

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"sync"
	"time"
)

// The kinds of spans, as OTLP numbers them.
const (
	kindServer = 2
	kindClient = 3
)

// mostSpans bounds what one request may tell: a pass over thousands of labs makes thousands of calls.
const mostSpans = 256

// attribute is a fact of a span: a string or an int.
type attribute struct {
	key   string
	value any
}

// record is a request's trace, as far as this process has a part in it.
type record struct {
	tracer  *Tracer
	id      traceID
	state   string
	sampled bool

	mu      sync.Mutex
	spans   []*Span // ended
	dropped int     // too many
	closed  bool
}

// Span is one part of a request. It belongs to one goroutine until its End. A nil one does nothing.
type Span struct {
	record     *record
	id, parent spanID
	name       string
	kind       int
	begun      time.Time
	took       time.Duration
	attributes []attribute
	failed     bool
}

type spanKey struct{}

// Begin opens the span of a request that came in, and of the trace that the caller's headers name, if they do. Without a
// tracer ctx stays as it is.
func (t *Tracer) Begin(ctx context.Context, h http.Header) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	o, known := originOf(h)
	if !known {
		_, _ = rand.Read(o.trace[:]) // never fails
	}
	r := &record{tracer: t, id: o.trace, state: o.state, sampled: t.sampler.take(o.trace, known, o.sampled)}
	s := r.begin(kindServer, "", o.parent)
	return context.WithValue(ctx, spanKey{}, s), s
}

// Call opens the span of a call that the request of ctx makes. It is nil outside of a traced request.
func Call(ctx context.Context, name string) *Span {
	within, _ := ctx.Value(spanKey{}).(*Span)
	if within == nil {
		return nil
	}
	return within.record.begin(kindClient, name, within.id)
}

// ID is the id of ctx's trace, for logs; empty without one.
func ID(ctx context.Context) string {
	if s, _ := ctx.Value(spanKey{}).(*Span); s != nil {
		return s.record.id.String()
	}
	return ""
}

func (r *record) begin(kind int, name string, parent spanID) *Span {
	s := &Span{record: r, parent: parent, name: name, kind: kind, begun: time.Now()}
	_, _ = rand.Read(s.id[:]) // never fails
	return s
}

// Name says what the span is called: an operation of which there are few, such as "POST /launch".
func (s *Span) Name(name string) {
	if s != nil {
		s.name = name
	}
}

// Text notes a fact. What is empty is left out.
func (s *Span) Text(key, value string) {
	if s != nil && s.record.sampled && value != "" {
		s.attributes = append(s.attributes, attribute{key, strings.ToValidUTF8(value, "\uFFFD")})
	}
}

// Number notes a fact.
func (s *Span) Number(key string, value int) {
	if s != nil && s.record.sampled {
		s.attributes = append(s.attributes, attribute{key, value})
	}
}

// Fail says that the span's part failed, and in a word how.
func (s *Span) Fail(kind string) {
	if s != nil {
		s.failed = true
		s.Text("error.type", kind)
	}
}

// Inject tells whoever is called which trace the call belongs to, also of one that is not told of: they may go by it.
func (s *Span) Inject(h http.Header) {
	if s == nil {
		return
	}
	flags := "-00"
	if s.record.sampled {
		flags = "-01"
	}
	h.Set(headerParent, "00-"+s.record.id.String()+"-"+s.id.String()+flags)
	if s.record.state != "" {
		h.Set(headerState, s.record.state)
	}
}

// End closes the span. The end of the request's own sends all of them; calls that end later are not told of.
func (s *Span) End() {
	if s == nil || !s.record.sampled {
		return
	}
	s.took = time.Since(s.begun)
	r := s.record
	r.mu.Lock()
	switch {
	case r.closed:
		r.mu.Unlock()
		return
	case s.kind == kindServer:
		r.closed = true
		if r.dropped > 0 {
			s.Number("stackhook.spans_dropped", r.dropped)
		}
		r.spans = append(r.spans, s)
	case len(r.spans) >= mostSpans-1:
		r.dropped++
	default:
		r.spans = append(r.spans, s)
	}
	r.mu.Unlock()
	if s.kind == kindServer {
		r.tracer.export(r.spans)
	}
}

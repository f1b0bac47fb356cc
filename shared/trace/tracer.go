package trace

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync"
	"time"
)

const (
	// InlineTime is how long a request waits for the collector where it must send its spans itself.
	InlineTime = 200 * time.Millisecond
	// gather is how long spans wait for others where the process lives on, and sendTime how long one delivery may take.
	gather   = time.Second
	sendTime = 5 * time.Second
	// mostWaiting bounds the spans that wait.
	mostWaiting = 2048
	// rest is how long a collector is left alone that did not take spans.
	rest = 15 * time.Second
)

// Options say whose spans they are and how to send them.
type Options struct {
	Name, Version string // of the function
	// Inline sends each request's spans within the request.
	Inline bool
	// Sent is told how many spans the collector took, and how many were dropped. It may be nil.
	Sent func(taken, dropped int)
	// Failed is told of the first failure of several in a row, once the spans are dropped. It may be nil.
	Failed func(error)
}

// Tracer makes spans and sends them. It is safe for concurrent use, and nil where traces are off.
type Tracer struct {
	Options
	settings
	client *http.Client

	mu      sync.Mutex
	waiting []*Span
	timer   *time.Timer // runs while spans wait
	until   time.Time   // the collector is left alone
	failing bool
	sending sync.WaitGroup
}

// New reads the variables; nil without an error means that traces are off, nil with one that they are off for a fault.
func New(getenv func(string) string, o Options) (*Tracer, error) {
	s, err := read(getenv, o.Name)
	if err != nil || s == nil {
		return nil, err
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 2, IdleConnTimeout: 90 * time.Second}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &Tracer{Options: o, settings: *s, client: client}, nil
}

// export sends a request's spans, or leaves them to be sent in a moment.
func (t *Tracer) export(spans []*Span) {
	if t.Inline {
		t.deliver(spans, InlineTime)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	room := min(mostWaiting-len(t.waiting), len(spans))
	t.waiting = append(t.waiting, spans[:room]...)
	t.count(0, len(spans)-room)
	if t.timer == nil {
		t.sending.Add(1)
		t.timer = time.AfterFunc(gather, t.flush)
	}
}

// flush sends what waits. It runs on a timer that is set again by the next request.
func (t *Tracer) flush() {
	defer t.sending.Done()
	t.mu.Lock()
	spans := t.waiting
	t.waiting, t.timer = nil, nil
	t.mu.Unlock()
	t.deliver(spans, sendTime)
}

// Close sends what waits, as far as ctx lets it. Spans that come later still go their way.
func (t *Tracer) Close(ctx context.Context) {
	if t == nil {
		return
	}
	t.mu.Lock()
	if t.timer != nil && t.timer.Stop() {
		go t.flush()
	}
	t.mu.Unlock()
	done := make(chan struct{})
	go func() { t.sending.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

func (t *Tracer) deliver(spans []*Span, within time.Duration) {
	if len(spans) == 0 {
		return
	}
	t.mu.Lock()
	resting := time.Now().Before(t.until)
	t.mu.Unlock()
	if resting {
		t.count(0, len(spans))
		return
	}
	refused, err := t.post(spans, within)
	t.count(len(spans)-refused, refused)
	t.mu.Lock()
	first := err != nil && !t.failing
	t.failing = err != nil
	if err != nil {
		t.until = time.Now().Add(rest)
	}
	t.mu.Unlock()
	if first && t.Failed != nil {
		t.Failed(err)
	}
}

func (t *Tracer) count(taken, dropped int) {
	if t.Sent != nil && taken+dropped > 0 {
		t.Sent(taken, dropped)
	}
}

// post makes the one request. Nothing is tried twice: a span that is late tells less than the request behind it.
func (t *Tracer) post(spans []*Span, within time.Duration) (refused int, err error) {
	text, err := json.Marshal(t.message(spans))
	if err != nil {
		return len(spans), fmt.Errorf("encode spans: %w", err)
	}
	// Of a request's own time nothing may be left, and its spans are sent all the same.
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.endpoint, bytes.NewReader(text)) //nolint:gosec // the collector is the operator's choice
	if err != nil {
		return len(spans), errors.New("send spans: the collector's address cannot be used")
	}
	maps.Copy(r.Header, t.headers)
	r.Header.Set("Content-Type", "application/json")
	answer, err := t.client.Do(r) //nolint:gosec // as above
	if err != nil {
		return len(spans), fmt.Errorf("send spans: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	const most = 64 << 10
	said, err := io.ReadAll(io.LimitReader(answer.Body, most))
	if answer.StatusCode/100 != 2 {
		return len(spans), fmt.Errorf("send spans: the collector answered %d", answer.StatusCode)
	}
	if err != nil {
		return 0, nil // it took them; what it said besides is lost
	}
	var reply struct {
		PartialSuccess struct {
			RejectedSpans json.Number `json:"rejectedSpans"` // OTLP writes int64 as a string, some collectors as a number
		} `json:"partialSuccess"`
	}
	_ = json.Unmarshal(said, &reply) // a collector that answers something else took them
	n, _ := reply.PartialSuccess.RejectedSpans.Int64()
	return max(0, min(int(n), len(spans))), nil
}

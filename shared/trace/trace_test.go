package trace_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stackhook/stackhook/shared/trace"
)

// collector takes spans and keeps what it was sent. It is no server, so that a busy machine changes nothing.
type collector struct {
	URL    string
	answer http.HandlerFunc

	mu      sync.Mutex
	bodies  []string
	headers []http.Header
	paths   []string
}

func collect(answer http.HandlerFunc) *collector {
	return &collector{URL: "http://collector.invalid", answer: answer}
}

func (c *collector) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	c.mu.Lock()
	c.bodies, c.headers, c.paths = append(c.bodies, string(body)), append(c.headers, r.Header), append(c.paths, r.URL.Path)
	c.mu.Unlock()
	w := httptest.NewRecorder()
	if c.answer != nil {
		c.answer(w, r)
	}
	return w.Result(), err
}

// tracer sends to the collector.
func (c *collector) tracer(t *testing.T, o trace.Options, variables ...string) *trace.Tracer {
	t.Helper()
	tr := tracer(t, o, variables...)
	trace.Through(tr, c)
	return tr
}

func (c *collector) spans(t *testing.T) []span {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []span
	for _, body := range c.bodies {
		var m message
		if err := json.Unmarshal([]byte(body), &m); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		for _, r := range m.ResourceSpans {
			for _, s := range r.ScopeSpans {
				out = append(out, s.Spans...)
			}
		}
	}
	return out
}

// message is OTLP's JSON as a collector reads it.
type message struct {
	ResourceSpans []struct {
		Resource   struct{ Attributes []pair }
		ScopeSpans []struct {
			Scope struct{ Name, Version string }
			Spans []span
		}
	}
}

type span struct {
	TraceID, SpanID, ParentSpanID, TraceState, Name string
	Kind                                            int
	StartTimeUnixNano, EndTimeUnixNano              json.Number
	Attributes                                      []pair
	Status                                          struct{ Code int }
}

type pair struct {
	Key   string
	Value struct {
		StringValue string
		IntValue    json.Number
	}
}

func (s span) get(key string) string {
	for _, p := range s.Attributes {
		if p.Key == key {
			return p.Value.StringValue + p.Value.IntValue.String()
		}
	}
	return ""
}

func tracer(t *testing.T, o trace.Options, variables ...string) *trace.Tracer {
	t.Helper()
	tr, err := trace.New(env(variables...), o)
	if err != nil || tr == nil {
		t.Fatalf("%v, %v", tr, err)
	}
	return tr
}

func env(variables ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(variables); i += 2 {
			if variables[i] == name {
				return variables[i+1]
			}
		}
		return ""
	}
}

const (
	theirTrace  = "4bf92f3577b34da6a3ce929d0e0e4736"
	theirParent = "00-" + theirTrace + "-00f067aa0ba902b7-01"
)

func TestSpansOfARequest(t *testing.T) {
	t.Parallel()
	c := collect(nil)
	tr := c.tracer(t, trace.Options{Name: "launch-lab", Version: "v1", Inline: true},
		"OTEL_EXPORTER_OTLP_ENDPOINT", c.URL+"/", "OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20hunter2,x=y", "OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
	ctx, server := tr.Begin(t.Context(), http.Header{"Traceparent": {theirParent}, "Tracestate": {"a=b"}})
	if trace.ID(ctx) != theirTrace {
		t.Errorf("trace %s", trace.ID(ctx))
	}
	call := trace.Call(ctx, "POST /stacks")
	out := http.Header{}
	call.Inject(out)
	call.Answered(&http.Response{StatusCode: 409}, nil)
	call.End()
	server.Name("POST /launch")
	server.Text("http.route", "/launch")
	server.Number("http.response.status_code", 200)
	server.End()
	late := trace.Call(ctx, "too late")
	late.End()

	spans := c.spans(t)
	if len(spans) != 2 || len(c.bodies) != 1 {
		t.Fatalf("%d spans in %d messages: %q", len(spans), len(c.bodies), c.bodies)
	}
	client, whole := spans[0], spans[1]
	if client.Name != "POST /stacks" || client.Kind != 3 || client.ParentSpanID != whole.SpanID || client.Status.Code != 2 || client.get("error.type") != "409" || client.get("http.response.status_code") != "409" {
		t.Errorf("client span %+v", client)
	}
	if whole.Name != "POST /launch" || whole.Kind != 2 || whole.ParentSpanID != "00f067aa0ba902b7" || whole.TraceID != theirTrace || whole.TraceState != "a=b" || whole.Status.Code != 0 || whole.get("http.route") != "/launch" {
		t.Errorf("server span %+v", whole)
	}
	if whole.StartTimeUnixNano > client.StartTimeUnixNano || whole.EndTimeUnixNano < client.EndTimeUnixNano || len(whole.StartTimeUnixNano) != 19 {
		t.Errorf("times %s to %s, call %s to %s", whole.StartTimeUnixNano, whole.EndTimeUnixNano, client.StartTimeUnixNano, client.EndTimeUnixNano)
	}
	if got, want := out.Get("Traceparent"), "00-"+theirTrace+"-"+client.SpanID+"-01"; got != want || out.Get("Tracestate") != "a=b" {
		t.Errorf("handed on %q %q, want %q", got, out.Get("Tracestate"), want)
	}
	if c.paths[0] != "/v1/traces" || c.headers[0].Get("Authorization") != "Bearer hunter2" || c.headers[0].Get("X") != "y" || c.headers[0].Get("Content-Type") != "application/json" {
		t.Errorf("sent to %s", c.paths[0])
	}
	for _, word := range []string{`"service.name","value":{"stringValue":"launch-lab"}`, `"service.version","value":{"stringValue":"v1"}`, `"deployment.environment"`} {
		if !strings.Contains(c.bodies[0], word) {
			t.Errorf("no %s in %s", word, c.bodies[0])
		}
	}
}

// It counts allocations, so it does not run beside others.
func TestOffCostsNothing(t *testing.T) {
	for name, variables := range map[string][]string{
		"no endpoint": {}, "disabled": {"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318", "OTEL_SDK_DISABLED", "true"}, "none": {"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318", "OTEL_TRACES_EXPORTER", "none"},
	} {
		if tr, err := trace.New(env(variables...), trace.Options{}); tr != nil || err != nil {
			t.Errorf("%s: %v, %v", name, tr, err)
		}
	}
	var off *trace.Tracer
	h := http.Header{"Traceparent": {theirParent}}
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		within, s := off.Begin(ctx, h)
		call := trace.Call(within, "x")
		call.Text("a", "b")
		call.Inject(h)
		call.End()
		s.End()
		if trace.ID(within) != "" {
			t.Error("a trace")
		}
	}); n > 0 {
		t.Errorf("%.0f allocations", n)
	}
	off.Close(ctx)
}

func TestWrongVariables(t *testing.T) {
	t.Parallel()
	for _, variables := range [][]string{
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://hunter2@c"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c", "OTEL_TRACES_EXPORTER", "zipkin"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c", "OTEL_TRACES_SAMPLER", "sometimes"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c", "OTEL_TRACES_SAMPLER", "traceidratio", "OTEL_TRACES_SAMPLER_ARG", "2"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c", "OTEL_TRACES_SAMPLER", "traceidratio", "OTEL_TRACES_SAMPLER_ARG", "NaN"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c", "OTEL_EXPORTER_OTLP_HEADERS", "hunter2"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c", "OTEL_EXPORTER_OTLP_HEADERS", "a=hunter2%0Ax"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c", "OTEL_RESOURCE_ATTRIBUTES", "=hunter2"},
	} {
		tr, err := trace.New(env(variables...), trace.Options{})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v, %v", variables, tr, err)
		}
	}
}

func TestEndpoints(t *testing.T) {
	t.Parallel()
	c := collect(nil)
	for _, variables := range [][]string{
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", c.URL + "/own", "OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1", "OTEL_SERVICE_NAME", "mine"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", c.URL, "OTEL_RESOURCE_ATTRIBUTES", "service.name=mine", "OTEL_EXPORTER_OTLP_HEADERS", "k=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "k=2"},
	} {
		_, s := c.tracer(t, trace.Options{Name: "f", Inline: true}, variables...).Begin(t.Context(), nil)
		s.End()
	}
	if fmt.Sprint(c.paths) != "[/own /v1/traces]" || c.headers[1].Get("K") != "2" {
		t.Errorf("%v %v", c.paths, c.headers)
	}
	for _, body := range c.bodies {
		if strings.Count(body, `"service.name","value":{"stringValue":"mine"}`) != 1 {
			t.Error(body)
		}
	}
}

func TestTraceparent(t *testing.T) {
	t.Parallel()
	tr := tracer(t, trace.Options{}, "OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1", "OTEL_TRACES_SAMPLER", "parentbased_always_off")
	for header, kept := range map[string]bool{
		theirParent: true, strings.TrimSuffix(theirParent, "1") + "0": true,
		"cc" + theirParent[2:] + "-more": true, // a later version may add to it
		"":                               false,
		"cc" + theirParent[2:] + "more":  false,
		theirParent + "-more":            false,
		"ff" + theirParent[2:]:           false,
		strings.ToUpper(theirParent):     false,
		"00-" + strings.Repeat("0", 32) + "-00f067aa0ba902b7-01": false,
		"00-" + theirTrace + "-0000000000000000-01":              false,
		"00-" + theirTrace + "-00f067aa0ba902bx-01":              false,
		"00_" + theirTrace + "_00f067aa0ba902b7_01":              false,
		theirParent[:54]: false,
	} {
		ctx, s := tr.Begin(t.Context(), http.Header{"Traceparent": {header}})
		if got := trace.ID(ctx); (got == theirTrace) != kept || len(got) != 32 {
			t.Errorf("%q: %s", header, got)
		}
		out := http.Header{}
		s.Inject(out)
		if sampled := strings.HasSuffix(out.Get("Traceparent"), "-01"); sampled != (kept && strings.Contains(header, "-01")) {
			t.Errorf("%q became %q", header, out.Get("Traceparent"))
		}
	}
	ctx, _ := tr.Begin(t.Context(), http.Header{"Traceparent": {theirParent, theirParent}})
	if trace.ID(ctx) == theirTrace {
		t.Error("two headers were taken for one")
	}
}

func TestSamplers(t *testing.T) {
	t.Parallel()
	begin := func(parent string, variables ...string) bool {
		tr := tracer(t, trace.Options{}, append(variables, "OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")...)
		_, s := tr.Begin(t.Context(), http.Header{"Traceparent": {parent}})
		out := http.Header{}
		s.Inject(out)
		return strings.HasSuffix(out.Get("Traceparent"), "-01")
	}
	// The low 63 bits of a trace decide: half of the range begins at 8000….
	low, high := "00-4bf92f3577b34da63000000000000000-00f067aa0ba902b7-00", "00-4bf92f3577b34da6f000000000000000-00f067aa0ba902b7-01"
	for i, row := range []struct {
		sampler, arg, parent string
		want                 bool
	}{
		{"", "", low, false},
		{"", "", high, true},
		{"", "", "", true},
		{"always_on", "", low, true},
		{"always_off", "", high, false},
		{"parentbased_always_off", "", "", false},
		{"parentbased_always_on", "", "", true},
		{"traceidratio", "0.5", low, true},
		{"traceidratio", "0.5", high, false},
		{"traceidratio", "0", low, false},
		{"traceidratio", "1", high, true},
		{"traceidratio", "", high, true},
		{"parentbased_traceidratio", "0.5", low, false},
		{"parentbased_traceidratio", "0.5", high, true},
		{"parentbased_traceidratio", "0", "", false},
	} {
		if got := begin(row.parent, "OTEL_TRACES_SAMPLER", row.sampler, "OTEL_TRACES_SAMPLER_ARG", row.arg); got != row.want {
			t.Errorf("row %d, %s %s: %v", i, row.sampler, row.arg, got)
		}
	}
}

// A pass over thousands of labs must not send thousands of spans.
func TestSpansAreBounded(t *testing.T) {
	t.Parallel()
	c := collect(nil)
	ctx, s := c.tracer(t, trace.Options{Inline: true}, "OTEL_EXPORTER_OTLP_ENDPOINT", c.URL).Begin(t.Context(), nil)
	var all sync.WaitGroup
	for range 1000 {
		all.Go(func() { trace.Call(ctx, "GET /stacks").End() })
	}
	all.Wait()
	s.End()
	spans := c.spans(t)
	if len(spans) != 256 || spans[255].get("stackhook.spans_dropped") != "745" {
		t.Errorf("%d spans, %s dropped", len(spans), spans[len(spans)-1].get("stackhook.spans_dropped"))
	}
}

// counts are what a tracer said it did.
type counts struct {
	mu             sync.Mutex
	taken, dropped int
	failures       []error
}

func (c *counts) options(inline bool) trace.Options {
	return trace.Options{
		Name: "f", Inline: inline,
		Sent:   func(taken, dropped int) { c.mu.Lock(); defer c.mu.Unlock(); c.taken += taken; c.dropped += dropped },
		Failed: func(err error) { c.mu.Lock(); defer c.mu.Unlock(); c.failures = append(c.failures, err) },
	}
}

func (c *counts) want(t *testing.T, taken, dropped, failures int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.taken != taken || c.dropped != dropped || len(c.failures) != failures {
		t.Errorf("%d taken, %d dropped, failures %v; want %d, %d, %d", c.taken, c.dropped, c.failures, taken, dropped, failures)
	}
}

// silent never answers, and knows for how long it was waited for.
type silent struct{ asked int }

func (s *silent) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked++
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// A collector that does not answer costs one request 200 ms, and the next ones nothing until it is tried again.
func TestSilentCollectorIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c counts
		tr := tracer(t, c.options(true), "OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.invalid")
		deaf := &silent{}
		trace.Through(tr, deaf)
		one := func() time.Duration {
			_, s := tr.Begin(t.Context(), nil)
			begun := time.Now()
			s.End()
			return time.Since(begun)
		}
		if took := one(); took != trace.InlineTime {
			t.Errorf("the first waited %s", took)
		}
		for range 3 {
			if took := one(); took != 0 {
				t.Errorf("one after it waited %s", took)
			}
		}
		c.want(t, 0, 4, 1)
		time.Sleep(time.Minute)
		if took := one(); took != trace.InlineTime || deaf.asked != 2 {
			t.Errorf("a minute later: %s, asked %d times", took, deaf.asked)
		}
		c.want(t, 0, 5, 1) // it is said once
	})
}

func TestWhatTheCollectorSays(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string][3]int{
		`{}`: {2, 0, 0}, ``: {2, 0, 0}, `no JSON`: {2, 0, 0}, `{"partialSuccess":{"rejectedSpans":"1","errorMessage":"hunter2"}}`: {1, 1, 0}, `{"partialSuccess":{"rejectedSpans":9}}`: {0, 2, 0},
		"503": {0, 2, 1}, "302": {0, 2, 1},
	} {
		var c counts
		at := collect(func(w http.ResponseWriter, _ *http.Request) {
			switch answer {
			case "503":
				w.WriteHeader(503)
			case "302":
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(302)
			default:
				io.WriteString(w, answer)
			}
		})
		ctx, s := at.tracer(t, c.options(true), "OTEL_EXPORTER_OTLP_ENDPOINT", at.URL).Begin(t.Context(), nil)
		trace.Call(ctx, "x").End()
		s.End()
		c.want(t, want[0], want[1], want[2])
		if len(at.paths) != 1 {
			t.Errorf("%q: asked %q", answer, at.paths)
		}
	}
}

// counter takes everything at once.
type counter struct {
	mu       sync.Mutex
	messages int
}

func (c *counter) RoundTrip(*http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.messages++
	return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
}

// A process that lives on does not keep its requests waiting: their spans go together, a second later or at the end.
func TestSpansAreGathered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c counts
		tr := tracer(t, c.options(false), "OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.invalid")
		to := &counter{}
		trace.Through(tr, to)
		requests := func(n int) {
			for range n {
				_, s := tr.Begin(t.Context(), nil)
				s.End()
			}
		}
		requests(10)
		c.want(t, 0, 0, 0)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		c.want(t, 10, 0, 0)
		requests(3000)
		c.want(t, 10, 3000-2048, 0)
		tr.Close(t.Context())
		c.want(t, 10+2048, 3000-2048, 0)
		if to.messages != 2 {
			t.Errorf("%d messages", to.messages)
		}
		tr.Close(t.Context()) // nothing waits
		deaf := &silent{}
		trace.Through(tr, deaf)
		requests(1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		if tr.Close(ctx); time.Since(begun) != time.Second {
			t.Errorf("the end waited %s for a deaf collector", time.Since(begun))
		}
		time.Sleep(time.Minute)
	})
}

func TestTransport(t *testing.T) {
	t.Parallel()
	c := collect(nil)
	var got http.Header
	lms := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = r.Header; w.WriteHeader(404) }))
	defer lms.Close()
	ctx, s := c.tracer(t, trace.Options{Inline: true}, "OTEL_EXPORTER_OTLP_ENDPOINT", c.URL).Begin(t.Context(), nil)
	client := trace.Client(&http.Client{})
	r, err := http.NewRequestWithContext(ctx, "POST", lms.URL+"/learner/hunter2?sourcedid=hunter2", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	s.End()
	spans := c.spans(t)
	if len(spans) != 2 || spans[0].Name != "POST" || spans[0].get("server.address") != "127.0.0.1" || spans[0].get("error.type") != "404" {
		t.Errorf("spans %+v", spans)
	}
	if got.Get("Traceparent") != "00-"+spans[0].TraceID+"-"+spans[0].SpanID+"-01" {
		t.Errorf("the course site was told %q", got.Get("Traceparent"))
	}
	if r.Header.Get("Traceparent") != "" {
		t.Error("the caller's request was changed")
	}
	if strings.Contains(strings.Join(c.bodies, ""), "hunter2") || strings.Contains(strings.Join(c.bodies, ""), "learner") {
		t.Errorf("a span holds a path or a query: %s", c.bodies)
	}
	lms.Close()
	if _, err := client.Do(r.Clone(t.Context())); err == nil {
		t.Error("a closed server answered")
	}
}

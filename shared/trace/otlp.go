package trace

import (
	"strconv"
	"time"
)

// The message is opentelemetry/proto/collector/trace/v1's ExportTraceServiceRequest in OTLP's JSON: names in lowerCamelCase,
// ids in hexadecimal, 64-bit numbers as strings, enumerations as numbers.
type (
	message struct {
		ResourceSpans [1]resourceSpans `json:"resourceSpans"`
	}
	resourceSpans struct {
		Resource   resource      `json:"resource"`
		ScopeSpans [1]scopeSpans `json:"scopeSpans"`
	}
	resource struct {
		Attributes []keyValue `json:"attributes"`
	}
	scopeSpans struct {
		Scope scope      `json:"scope"`
		Spans []spanWire `json:"spans"`
	}
	scope struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
	}
	spanWire struct {
		TraceID    string     `json:"traceId"`
		SpanID     string     `json:"spanId"`
		State      string     `json:"traceState,omitempty"`
		Parent     string     `json:"parentSpanId,omitempty"`
		Flags      uint32     `json:"flags"`
		Name       string     `json:"name"`
		Kind       int        `json:"kind"`
		Start      string     `json:"startTimeUnixNano"`
		End        string     `json:"endTimeUnixNano"`
		Attributes []keyValue `json:"attributes,omitempty"`
		Status     status     `json:"status"`
	}
	status struct {
		Code int `json:"code,omitempty"`
	}
	keyValue struct {
		Key   string `json:"key"`
		Value value  `json:"value"`
	}
	value struct {
		String *string `json:"stringValue,omitempty"`
		Int    string  `json:"intValue,omitempty"`
	}
)

const (
	statusError = 2
	flagSampled = 1
)

func (t *Tracer) message(spans []*Span) message {
	about := append([]attribute{
		{"service.name", t.service}, {"service.version", t.Version}, {"telemetry.sdk.name", "stackhook"}, {"telemetry.sdk.language", "go"},
	}, t.resource...)
	wires := make([]spanWire, len(spans))
	for i, s := range spans {
		wires[i] = s.wire()
	}
	return message{[1]resourceSpans{{
		Resource:   resource{keyValues(about)},
		ScopeSpans: [1]scopeSpans{{Scope: scope{"github.com/stackhook/stackhook/" + t.Name, t.Version}, Spans: wires}},
	}}}
}

func (s *Span) wire() spanWire {
	w := spanWire{
		TraceID: s.record.id.String(), SpanID: s.id.String(), State: s.record.state, Flags: flagSampled, Name: s.name, Kind: s.kind,
		Start: nano(s.begun), End: nano(s.begun.Add(s.took)), Attributes: keyValues(s.attributes),
	}
	if s.parent != (spanID{}) {
		w.Parent = s.parent.String()
	}
	if s.failed {
		w.Status.Code = statusError
	}
	return w
}

func nano(at time.Time) string { return strconv.FormatInt(at.UnixNano(), 10) }

func keyValues(list []attribute) []keyValue {
	out := make([]keyValue, len(list))
	for i, a := range list {
		out[i].Key = a.key
		switch v := a.value.(type) {
		case int:
			out[i].Value.Int = strconv.Itoa(v)
		case string:
			out[i].Value.String = &v
		}
	}
	return out
}

package otlp_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/stackhook/stackhook/shared/trace"
)

// TestCollectorReadsOurSpans: what we send is what the OpenTelemetry Collector's own code reads from it.
func TestCollectorReadsOurSpans(t *testing.T) {
	t.Parallel()
	received := make(chan []byte, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		received <- body
		answer := ptraceotlp.NewExportResponse()
		answer.PartialSuccess().SetRejectedSpans(1)
		text, _ := answer.MarshalJSON()
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text)
	}))
	defer collector.Close()
	taken, dropped := 0, 0
	tracer, err := trace.New(func(name string) string {
		return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL, "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test"}[name]
	}, trace.Options{Name: "launch-lab", Version: "v1", Inline: true, Sent: func(a, b int) { taken, dropped = taken+a, dropped+b }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, server := tracer.Begin(t.Context(), http.Header{
		"Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}, "Tracestate": {"vendor=x"},
	})
	call := trace.Call(ctx, "POST /stacks")
	call.Answered(&http.Response{StatusCode: http.StatusConflict}, nil)
	call.End()
	server.Name("POST /launch")
	server.Text("http.route", `/launch "ü"`)
	server.Number("http.response.status_code", http.StatusOK)
	server.End()

	request := ptraceotlp.NewExportRequest()
	if err := request.UnmarshalJSON(<-received); err != nil {
		t.Fatal(err)
	}
	traces := request.Traces()
	if traces.SpanCount() != 2 || traces.ResourceSpans().Len() != 1 {
		t.Fatalf("%d spans", traces.SpanCount())
	}
	resource := traces.ResourceSpans().At(0)
	for key, want := range map[string]string{"service.name": "launch-lab", "service.version": "v1", "telemetry.sdk.language": "go", "deployment.environment": "test"} {
		if got, _ := resource.Resource().Attributes().Get(key); got.AsString() != want {
			t.Errorf("%s is %q, want %q", key, got.AsString(), want)
		}
	}
	spans := resource.ScopeSpans().At(0).Spans()
	client, whole := spans.At(0), spans.At(1)
	if whole.TraceID().String() != "4bf92f3577b34da6a3ce929d0e0e4736" || whole.ParentSpanID().String() != "00f067aa0ba902b7" || whole.TraceState().AsRaw() != "vendor=x" {
		t.Errorf("%s below %s, %q", whole.TraceID(), whole.ParentSpanID(), whole.TraceState().AsRaw())
	}
	if client.TraceID() != whole.TraceID() || client.ParentSpanID() != whole.SpanID() || client.Kind() != ptrace.SpanKindClient || whole.Kind() != ptrace.SpanKindServer {
		t.Errorf("the call %s is below %s", client.SpanID(), client.ParentSpanID())
	}
	if client.Status().Code() != ptrace.StatusCodeError || whole.Status().Code() != ptrace.StatusCodeUnset {
		t.Errorf("status %s, %s", client.Status().Code(), whole.Status().Code())
	}
	if whole.EndTimestamp() < client.EndTimestamp() || whole.StartTimestamp() > client.StartTimestamp() || whole.StartTimestamp() == 0 {
		t.Errorf("from %s to %s", whole.StartTimestamp(), whole.EndTimestamp())
	}
	if status, _ := whole.Attributes().Get("http.response.status_code"); status.Type() != pcommon.ValueTypeInt || status.Int() != http.StatusOK {
		t.Errorf("status code %s", status.AsString())
	}
	if route, _ := whole.Attributes().Get("http.route"); route.Str() != `/launch "ü"` {
		t.Errorf("route %q", route.Str())
	}
	if taken != 1 || dropped != 1 {
		t.Errorf("%d taken, %d dropped, and the collector refused one of two", taken, dropped)
	}
}

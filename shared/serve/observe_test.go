package serve_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/logging/loggingtest"
	"github.com/stackhook/stackhook/shared/serve"
)

const reader = "api: {tokens: [{name: prometheus, token: metrics-test-token-hunter2-12-abcdefghi, may: [metrics]}]}\n"

// A function counts what became of its configuration's changes, and goes on counting on the new one.
func TestReloadsAreCounted(t *testing.T) {
	t.Parallel()
	r := newReloadable(t, settings("one")+reader, time.Nanosecond)
	scrape := func() string {
		w, q := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/metrics", nil)
		q.Header.Set("Authorization", "Bearer metrics-test-token-hunter2-12-abcdefghi")
		r.h.ServeHTTP(w, q)
		return w.Body.String()
	}
	want := func(lines ...string) {
		t.Helper()
		text := scrape()
		for _, line := range lines {
			if !strings.Contains(text, line+"\n") {
				t.Errorf("missing %s in\n%s", line, text)
			}
		}
	}
	scrape()
	r.write("nonsense: [\n")
	want(`stackhook_reloads_total{function="probe",result="failed"} 1`, `stackhook_configuration_faulty{function="probe"} 1`)
	r.write(settings("two") + reader)
	want(
		`stackhook_reloads_total{function="probe",result="failed"} 1`, `stackhook_reloads_total{function="probe",result="ok"} 1`,
		`stackhook_configuration_faulty{function="probe"} 0`, `stackhook_requests_total{function="probe",class="2xx",problem=""} 2`,
	)
}

// A collector's address that cannot be used leaves traces off, and the function serves.
func TestWrongTraceVariablesStopNothing(t *testing.T) {
	t.Parallel()
	log := loggingtest.Catch(t)
	seen := serve.Observe("f", logging.New(log, "f"), config.Map(map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "hunter2:4317"}).Getenv)
	if seen.Tracer != nil || !strings.Contains(log.String(), "traces are off") {
		t.Errorf("tracer %v, log %s", seen.Tracer, log.String())
	}
	for variable, inline := range map[string]bool{"PORT": false, "AWS_LAMBDA_RUNTIME_API": true, "GATEWAY_INTERFACE": true, "FN_LISTENER": true, "__OW_API_HOST": true} {
		seen := serve.Observe("f", logging.New(log, "f"), config.Map(map[string]string{variable: "1", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}).Getenv)
		if seen.Tracer == nil || seen.Tracer.Inline != inline {
			t.Errorf("%s: %v", variable, seen.Tracer)
		}
	}
}

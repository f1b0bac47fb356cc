package function_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/observe"
	"github.com/stackhook/stackhook/shared/trace"
)

// watch is a function that is watched, with a collector.
func watch(t *testing.T, log io.Writer, h http.Handler) (wrapped http.Handler, page, spans func() string) {
	t.Helper()
	var mu sync.Mutex
	var sent bytes.Buffer
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = io.Copy(&sent, r.Body)
	}))
	t.Cleanup(collector.Close)
	seen := observe.New("test", "v1")
	var err error
	seen.Tracer, err = trace.New(func(name string) string {
		return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL}[name]
	}, trace.Options{Name: "test", Sent: seen.Exported})
	if err != nil {
		t.Fatal(err)
	}
	page = func() string {
		var text strings.Builder
		if _, err := seen.Registry.WriteTo(&text); err != nil {
			t.Error(err)
		}
		return text.String()
	}
	spans = func() string {
		seen.Tracer.Close(t.Context())
		mu.Lock()
		defer mu.Unlock()
		return sent.String()
	}
	return function.Wrap("test", logging.New(log, "test"), h, seen), page, spans
}

// Whatever a request comes to, it is counted once and nothing stays under way.
func TestEveryRequestIsCounted(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /clusters/{cluster}", func(w http.ResponseWriter, r *http.Request) { function.JSON(w, r, http.StatusOK, "ok") })
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("on purpose") })
	mux.HandleFunc("POST /refuse", func(w http.ResponseWriter, r *http.Request) {
		function.Fail(w, r, &function.Error{Code: "busy", Status: http.StatusConflict, Public: "Wait."})
	})
	var log bytes.Buffer
	h, page, spans := watch(t, &log, mux)
	for _, r := range []*http.Request{
		httptest.NewRequest(http.MethodGet, "/clusters/academy?token=hunter2", nil), httptest.NewRequest("HUNTER2", "/panic", nil), httptest.NewRequest(http.MethodPost, "/refuse", strings.NewReader("{}")),
		httptest.NewRequest(http.MethodGet, "/a//hunter2", nil), httptest.NewRequest(http.MethodGet, function.HealthPath, nil),
		httptest.NewRequest(http.MethodPost, "/refuse", strings.NewReader(strings.Repeat("a", function.MaxBody+1))),
	} {
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	text := page()
	for _, line := range []string{
		`stackhook_requests_total{function="test",class="2xx",problem=""} 1`,
		`stackhook_requests_total{function="test",class="4xx",problem="busy"} 1`,
		`stackhook_requests_total{function="test",class="4xx",problem="not_found"} 1`,
		`stackhook_requests_total{function="test",class="4xx",problem="too_large"} 1`,
		`stackhook_requests_total{function="test",class="5xx",problem="internal"} 1`,
		`stackhook_request_seconds_count{function="test"} 5`,
		`stackhook_requests_in_flight{function="test"} 0`,
		`stackhook_build_info{function="test",version="v1"} 1`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("missing %s in\n%s", line, text)
		}
	}
	sent := spans()
	for _, words := range []string{
		`"name":"GET /clusters/{cluster}"`, `"name":"POST /refuse"`, `"name":"_OTHER"`, `"key":"stackhook.problem","value":{"stringValue":"busy"}`,
		`"key":"error.type","value":{"stringValue":"internal"}`, `"status":{"code":2}`, `"key":"stackhook.request_id"`,
	} {
		if !strings.Contains(sent, words) {
			t.Errorf("no span has %s: %s", words, sent)
		}
	}
	for _, word := range []string{"hunter2", "HUNTER2", "academy"} {
		if strings.Contains(sent, word) || strings.Contains(text, word) {
			t.Errorf("%q is told", word)
		}
	}
	if n := strings.Count(log.String(), `"trace_id":"`); n != strings.Count(log.String(), "\n") {
		t.Errorf("%d lines name their trace: %s", n, log.String())
	}
}

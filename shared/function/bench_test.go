package function_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/observe"
	"github.com/stackhook/stackhook/shared/trace"
)

// BenchmarkWrap is what stands around every request: bare, counted, and counted and traced.
func BenchmarkWrap(b *testing.B) {
	traced := observe.New("test", "v1")
	tracer, err := trace.New(func(name string) string {
		return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}[name]
	}, trace.Options{Name: "test", Sent: traced.Exported})
	if err != nil {
		b.Fatal(err)
	}
	traced.Tracer = tracer
	for name, seen := range map[string][]*observe.Function{"bare": nil, "counted": {observe.New("test", "v1")}, "traced": {traced}} {
		b.Run(name, func(b *testing.B) {
			mux := http.NewServeMux()
			mux.HandleFunc("GET /{cluster}", func(w http.ResponseWriter, r *http.Request) { function.JSON(w, r, http.StatusOK, "ok") })
			h := function.Wrap("test", logging.New(io.Discard, "test"), mux, seen...)
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/academy", nil))
			}
		})
	}
}

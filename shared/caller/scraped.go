package caller

import (
	"net/http"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/metrics"
)

// MetricsPath is where every function shows its numbers.
const MetricsPath = "/metrics"

// Scraped is h with GET /metrics in front of it, which shows the registries to the holders of API tokens that may read
// metrics. Without such a token there is nothing at that address but what h has there.
func Scraped(h http.Handler, api config.API, registries ...*metrics.Registry) http.Handler {
	readers := Holders(api, "metrics")
	if len(readers) == 0 {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != MetricsPath || r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.ServeHTTP(w, r)
			return
		}
		if !LetIn(w, r, readers, "metrics") {
			return
		}
		w.Header().Set("Content-Type", metrics.ContentType)
		_, _ = metrics.Write(w, registries...) // the scraper may have gone
	})
}

package metrics

import (
	"net/http"

	"github.com/stackhook/stackhook/shared/caller"
)

// Handler shows the registry to the holders of API tokens that may read metrics.
func (r *Registry) Handler(readers []caller.Credential) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		if !caller.LetIn(w, req, readers, "metrics") {
			return
		}
		w.Header().Set("Content-Type", ContentType)
		_, _ = r.WriteTo(w) // the scraper may have gone
	}
}

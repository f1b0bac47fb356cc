package tendlabs

import (
	"net/http"

	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/function"
)

// only lets one method in, and callers with a token that may. A GET may be a HEAD.
func (t *tending) only(method string, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method && (method != http.MethodGet || r.Method != http.MethodHead) {
			w.Header().Set("Allow", method)
			function.Fail(w, r, &function.Error{
				Code: "method", Status: http.StatusMethodNotAllowed, Public: "Send this request as " + method + ", and without redirects: only POST changes anything.",
			})
			return
		}
		if caller.LetIn(w, r, t.may, "labs") {
			h(w, r)
		}
	}
}

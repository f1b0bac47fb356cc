package function

import (
	"net/http"
	"strings"

	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/trace"
)

// tell notes in the request's span what came of it, in the words of OpenTelemetry's conventions for HTTP. The path is not
// among them: a lab's ticket may be in it. The pattern is.
func (a *recorder) tell(span *trace.Span, r *http.Request) {
	if span == nil {
		return
	}
	method := methodWord(r.Method)
	route := a.pattern[strings.IndexByte(a.pattern, ' ')+1:]
	span.Name(strings.TrimSpace(method + " " + route))
	span.Text("http.request.method", method)
	span.Text("http.route", route)
	span.Number("http.response.status_code", a.status)
	problem := logging.Noted(r.Context(), noteProblem)
	span.Text("stackhook.problem", problem)
	span.Text("stackhook.request_id", logging.RequestID(r.Context()))
	if a.status >= http.StatusInternalServerError {
		span.Fail(problem)
	}
}

// methodWord keeps words of a caller's own out of names.
func methodWord(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "_OTHER"
}

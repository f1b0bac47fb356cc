package trace

import (
	"net/http"
	"strconv"
)

// Transport gives each request that goes through base a span, and tells the other side of the trace. Of the address the span
// has the host alone: paths and queries of others may name people.
func Transport(base http.RoundTripper) http.RoundTripper { return traced{base} }

type traced struct{ base http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t traced) RoundTrip(r *http.Request) (*http.Response, error) {
	span := Call(r.Context(), r.Method)
	if span == nil {
		return t.base.RoundTrip(r)
	}
	r = r.Clone(r.Context())
	span.Inject(r.Header)
	span.Text("http.request.method", r.Method)
	span.Text("server.address", r.URL.Hostname())
	answer, err := t.base.RoundTrip(r)
	span.Answered(answer, err)
	span.End()
	return answer, err
}

// Answered notes what came of a call, as the conventions have it: from 400 on it failed.
func (s *Span) Answered(answer *http.Response, err error) {
	switch {
	case s == nil:
	case err != nil:
		s.Fail("no_answer")
	default:
		s.Number("http.response.status_code", answer.StatusCode)
		if answer.StatusCode >= http.StatusBadRequest {
			s.Fail(strconv.Itoa(answer.StatusCode))
		}
	}
}

// Client is c with a span for each of its requests.
func Client(c *http.Client) *http.Client {
	out := *c
	if out.Transport == nil {
		out.Transport = http.DefaultTransport
	}
	out.Transport = Transport(out.Transport)
	return &out
}

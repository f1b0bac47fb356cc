package trace

import "net/http"

// Through sends a tracer's spans by a transport of the test's.
func Through(t *Tracer, to http.RoundTripper) { t.client.Transport = to }

package openstacktest

import "net/http"

// ServeHTTP answers a request as the listener would: for tests that carry requests themselves, without a connection.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.serve(w, r) }

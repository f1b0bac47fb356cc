package serve

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/cgi" //nolint:gosec // G504 is about Go before 1.6.3

	"github.com/rs/zerolog"
)

// CGI answers the one request of this process (RFC 3875). script is the part of the path that names the program; what
// stands behind it is the function's own.
func CGI(h http.Handler, log zerolog.Logger, script string) error {
	h = mount(h, script)
	err := cgi.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := respond(h, log, r)
		status := a.finished()
		maps.Copy(w.Header(), a.header)
		if a.body.Len() == 0 && a.header.Get("Content-Type") == "" {
			w.Header()["Content-Type"] = nil // or net/http/cgi makes one up
		}
		w.WriteHeader(status)
		_, _ = w.Write(a.body.Bytes()) // the web server may have gone
	}))
	if err != nil {
		return fmt.Errorf("answer as CGI: %w", err)
	}
	return nil
}

package serve

import (
	"net/http"
	"net/url"
	"strings"
)

// mount takes each prefix off the request's path, in order, where the path begins with it as whole segments.
func mount(h http.Handler, prefixes ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u := *r.URL
		for _, prefix := range prefixes {
			stripPrefix(&u, prefix)
		}
		if u.Path == r.URL.Path {
			h.ServeHTTP(w, r)
			return
		}
		below := new(http.Request)
		*below = *r
		below.URL = &u
		h.ServeHTTP(w, below)
	})
}

// stripPrefix makes /prefix/rest into /rest and /prefix into /. Prefixes need no escaping, so that the path and its
// escaped form begin alike; where they do not, the path is left alone.
func stripPrefix(u *url.URL, prefix string) {
	if prefix == "" || prefix == "/" {
		return
	}
	path, ok := without(u.Path, prefix)
	if !ok {
		return
	}
	raw := ""
	if u.RawPath != "" {
		if raw, ok = without(u.RawPath, prefix); !ok {
			return
		}
	}
	u.Path, u.RawPath = path, raw
}

func without(path, prefix string) (string, bool) {
	rest, ok := strings.CutPrefix(path, prefix)
	switch {
	case !ok:
		return "", false
	case rest == "":
		return "/", true
	}
	return rest, rest[0] == '/'
}

package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// Headers of Fn's http-stream contract (https://github.com/fnproject/docs, "Container contract"): the client's own request
// and answer stand in them, and around them is a request that always is POST /call and an answer that always is 200.
const (
	fnIntent   = "Fn-Intent"
	fnCall     = "Fn-Call-Id"
	fnDeadline = "Fn-Deadline"
	fnMethod   = "Fn-Http-Method"
	fnURL      = "Fn-Http-Request-Url"
	fnStatus   = "Fn-Http-Status"
	fnHeader   = "Fn-Http-H-"
)

// fnSocket listens where FN_LISTENER says. Fn calls as soon as the name is there, and as another user: so the socket is
// made under another name, opened to all, and then linked.
func fnSocket(ctx context.Context, where string) (net.Listener, error) {
	path, ok := strings.CutPrefix(where, "unix:")
	if !ok || !filepath.IsAbs(path) {
		return nil, fmt.Errorf("FN_LISTENER is %q; it must be unix: and an absolute path", where)
	}
	hidden := filepath.Join(filepath.Dir(path), "stackhook-"+filepath.Base(path))
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", hidden)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", hidden, err)
	}
	err = errors.Join(os.Chmod(hidden, 0o666), os.Symlink(filepath.Base(hidden), path)) //nolint:gosec // Fn's agent is another user
	if err != nil {
		return nil, errors.Join(fmt.Errorf("show Fn the socket: %w", err), listener.Close())
	}
	return listener, nil
}

// Fn gives the handler the form that Fn calls.
func Fn(h http.Handler, log zerolog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, call *http.Request) {
		ctx, cancel := fnPatience(call.Context(), call.Header.Get(fnDeadline))
		defer cancel()
		a := respond(h, log, fnRequest(ctx, call))
		status := a.finished()
		for name, values := range a.header {
			if name != "Content-Type" {
				name = fnHeader + name
			}
			w.Header()[name] = values
		}
		w.Header().Set(fnStatus, strconv.Itoa(status))
		_, _ = w.Write(a.body.Bytes()) // Fn may have gone
	})
}

// fnPatience ends the call a margin before Fn does.
func fnPatience(ctx context.Context, until string) (context.Context, context.CancelFunc) {
	deadline, err := time.Parse(time.RFC3339, until)
	if err != nil {
		return context.WithCancel(ctx)
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	ctx, sooner := early(ctx)
	return ctx, func() { sooner(); cancel() }
}

// fnRequest is the client's request. A call without the intent of HTTP has a body alone, as POST /.
func fnRequest(ctx context.Context, call *http.Request) *http.Request {
	r := &http.Request{
		Method: http.MethodPost, URL: &url.URL{Path: "/"}, Header: http.Header{}, Body: call.Body, ContentLength: call.ContentLength,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	r = r.WithContext(ctx)
	if kind := call.Header.Get("Content-Type"); kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if call.Header.Get(fnIntent) != "httprequest" {
		return withCall(r, call.Header.Get(fnCall))
	}
	r.Method = call.Header.Get(fnMethod)
	if u, err := url.Parse(call.Header.Get(fnURL)); err == nil {
		r.URL = &url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}
		r.Host = u.Host
	}
	for name, values := range call.Header {
		if name, ok := strings.CutPrefix(name, fnHeader); ok {
			r.Header[name] = values
		}
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
		r.Header.Del("Host")
	}
	r.RequestURI = r.URL.RequestURI()
	return withCall(r, call.Header.Get(fnCall))
}

// withCall makes the platform's id of the call the request's, unless its client sent one.
func withCall(r *http.Request, id string) *http.Request {
	if id != "" && r.Header.Get("X-Request-Id") == "" {
		r.Header.Set("X-Request-Id", id)
	}
	return r
}

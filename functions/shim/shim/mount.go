package shim

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/stackhook/stackhook/functions/deploy-site/deploysite"
	"github.com/stackhook/stackhook/functions/grade-lab/gradelab"
	"github.com/stackhook/stackhook/functions/launch-lab/launchlab"
	"github.com/stackhook/stackhook/functions/scale-cluster/scalecluster"
	"github.com/stackhook/stackhook/functions/tend-labs/tendlabs"
	"github.com/stackhook/stackhook/functions/view-lab/viewlab"
	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/metrics"
	"github.com/stackhook/stackhook/shared/observe"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/serve"
)

type mounted struct {
	name  string
	build serve.Build
}

// functions are all there are, each under its own name.
func functions() []mounted {
	return []mounted{
		{"launch-lab", launchlab.Build},
		{"view-lab", viewlab.Build},
		{"tend-labs", tendlabs.Build},
		{"grade-lab", gradelab.Build},
		{"scale-cluster", scalecluster.Build},
		{"deploy-site", deploysite.Build},
	}
}

// mount puts the functions, the probes and the developer's page on one mux.
func (s *Shim) mount(ctx context.Context, src config.Source, log io.Writer) (http.Handler, error) {
	mux := http.NewServeMux()
	var numbers []*metrics.Registry
	for _, f := range functions() {
		seen := serve.Observe(f.name, logging.New(log, f.name), src.Getenv)
		s.seen, numbers = append(s.seen, seen), append(numbers, seen.Registry)
		h, err := f.build(observe.In(ctx, seen), src)
		if err != nil {
			return nil, fmt.Errorf("build %s: %w", f.name, err)
		}
		prefix := "/" + f.name
		wrapped := function.Wrap(f.name, logging.New(log, f.name), s.requests.record(f.name, caller.Scraped(h, s.cfg.API, seen.Registry)), seen)
		mux.Handle(prefix+"/", http.StripPrefix(prefix, wrapped))
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "shim is up\n") // the prober may have gone
	})
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET "+caller.MetricsPath, caller.Scraped(http.HandlerFunc(nowhere), s.cfg.API, numbers...))
	dev := s.developer(mux)
	for _, pattern := range []string{"GET /{$}", "/dev/", "GET /favicon.ico"} {
		mux.Handle(pattern, dev)
	}
	if s.platform != nil && s.loopback {
		mux.Handle(platformPath+"/", s.platformSide(mux))
	}
	mux.HandleFunc("/", nowhere)
	return below(s.base, mux), nil
}

func nowhere(w http.ResponseWriter, r *http.Request) {
	function.Fail(w, r, &function.Error{Code: "not_found", Status: http.StatusNotFound, Public: "Nothing is at this address. Every function lives under its name, such as /launch-lab/."})
}

// below serves public_url's path as well, for a proxy that leaves it on.
func below(base string, mux *http.ServeMux) http.Handler {
	u, err := url.Parse(base)
	if err != nil || strings.Trim(u.Path, "/") == "" {
		return mux
	}
	outer := http.NewServeMux()
	outer.Handle(u.Path+"/", http.StripPrefix(u.Path, mux))
	outer.Handle("/", mux)
	return outer
}

// ready says whether the cloud lets us in.
func (s *Shim) ready(w http.ResponseWriter, r *http.Request) {
	if _, err := s.cloud.Project(r.Context()); err != nil {
		status, retry := openstack.CodeOf(err).HTTP()
		function.Fail(w, r, &function.Error{
			Code: "cloud_" + string(openstack.CodeOf(err)), Status: max(status, http.StatusServiceUnavailable), RetryAfter: retry,
			Public: "The cloud does not let the shim in. Check OS_CLOUD or the OS_* variables, and that the cloud is up.", Err: err,
		})
		return
	}
	function.JSON(w, r, http.StatusOK, map[string]any{"ready": true, "cloud": s.cloudText()})
}

// local lets a request through that names this machine or the public address as its host. A page elsewhere that makes
// its own name point here (DNS rebinding) does not get in.
func (s *Shim) local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		u, err := url.Parse(s.base)
		if !isLoopback(strings.Trim(host, "[]")) && (err != nil || host != u.Hostname()) {
			function.Fail(w, r, &function.Error{Code: "wrong_host", Status: http.StatusMisdirectedRequest, Public: "The developer's page answers under the shim's own address alone: " + s.base + "/."})
			return
		}
		next.ServeHTTP(w, r)
	})
}

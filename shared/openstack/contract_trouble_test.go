package openstack_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/stackhook/stackhook/shared/openstack"
)

// trouble is a network that spoils the first create of a stack.
type trouble struct {
	net   http.RoundTripper
	spoil func(net http.RoundTripper, r *http.Request) (*http.Response, error)
	done  atomic.Bool
}

func (n *trouble) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/stacks") && n.done.CompareAndSwap(false, true) {
		return n.spoil(n.net, r)
	}
	return n.net.RoundTrip(r)
}

// lost lets the request through and loses its answer.
func lost(net http.RoundTripper, r *http.Request) (*http.Response, error) {
	reply, err := net.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	_ = reply.Body.Close()
	return nil, errors.New("connection reset by peer")
}

// down answers for a proxy that finds nobody behind it.
func down(_ http.RoundTripper, r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusServiceUnavailable, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"text/html"}}, Body: io.NopCloser(strings.NewReader("<h1>503</h1>")),
	}, nil
}

// ensureInTrouble ends with exactly one stack, whichever way the first create goes wrong.
func ensureInTrouble(h *harness, spoil func(http.RoundTripper, *http.Request) (*http.Response, error)) {
	t := h.t
	pool := &http.Transport{}
	t.Cleanup(pool.CloseIdleConnections)
	bad := &trouble{net: pool, spoil: spoil}
	name, tag := fresh(), fresh()
	ref, _, err := h.another(t, bad).EnsureStack(t.Context(), openstack.NewStack{Name: name, Template: tiny, Tags: []string{tag}})
	if err != nil {
		t.Fatalf("ensure: %v", err)
	}
	t.Cleanup(func() { h.remove(ref) })
	if !bad.done.Load() {
		t.Error("nothing was spoiled")
	}
	var there []openstack.StackRef
	for s, err := range h.cloud.Stacks(t.Context(), tag) {
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		there = append(there, s.StackRef)
	}
	if len(there) != 1 || there[0] != ref {
		t.Errorf("stacks %v, want %v alone", there, ref)
	}
}

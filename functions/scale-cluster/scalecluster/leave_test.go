package scalecluster_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

const (
	poolItself = "octavia GET /lbaas/pools/{}"
	balancer   = "octavia GET /lbaas/loadbalancers/{}"
	// leaver is the configured cluster of the tests here.
	leaver     = "leaver"
	hookSecret = "hook-hunter2-hunter2-hunter2-hunt"
)

// leaving is a house with a cluster of n nodes whose entry says how they leave, found already.
func leaving(t *testing.T, n int, drain string, options ...openstacktest.Option) *house {
	t.Helper()
	h := startWith(t, "  "+leaver+": {min: 1, max: 4, cooldown_out: 0s, cooldown_in: 0s, drain: {timeout: 5m, "+drain+"}}\n", options...)
	h.cluster(leaver, n)
	h.post("/leaver/in?dry_run=1", ``, ci())
	h.calls()
	return h
}

// persist gives the cluster's pool session persistence, as its template would.
func (h *house) persist(kind string) {
	h.t.Helper()
	h.cloud.SetPersistence(h.member(leaver, "0").ID, kind)
	h.h = h.process() // one that has not looked yet
	h.calls()
}

func (h *house) pass() reply {
	h.t.Helper()
	return h.post("/leaver/reconcile", ``, ci())
}

// N6: a sticky pool's node is drained in two phases; the pool is looked at once, where the drain begins.
func TestN6Sticky(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"SOURCE_IP", "HTTP_COOKIE", "APP_COOKIE"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			h := leaving(t, 3, "sticky: 2m")
			h.persist(kind)
			h.post("/leaver/in?dry_run=1", ``, ci())
			h.calls()
			h.post("/leaver/in", ``, ci()).want(t, http.StatusAccepted, "draining")
			if got := h.calls(); !slices.Equal(got, []string{read, membersOf, changeOne}) {
				t.Errorf("drain: %v", got)
			}
			if m := h.member(leaver, "0"); m.Weight != 0 || !m.AdminUp || !slices.Contains(m.Tags, "drain-sticky") {
				t.Errorf("phase one: %+v", m)
			}
			h.settle(time.Minute)
			h.pass().want(t, http.StatusOK, "steady")
			h.settle(time.Minute)
			h.calls()
			h.pass().want(t, http.StatusAccepted, "closing")
			if got := h.calls(); !slices.Equal(got, []string{read, membersOf, changeOne}) {
				t.Errorf("phase two: %v", got)
			}
			if m := h.member(leaver, "0"); m.AdminUp || m.Weight != 0 {
				t.Errorf("phase two: %+v", m)
			}
			h.settle(0)
			h.pass().want(t, http.StatusOK, "steady")
			h.settle(3 * time.Minute)
			h.pass().want(t, http.StatusAccepted, "removed")
		})
	}
	t.Run("half of timeout, and back in service", func(t *testing.T) {
		t.Parallel()
		h := leaving(t, 3, "min: 1s")
		h.persist("SOURCE_IP")
		h.post("/leaver/in", ``, ci()).want(t, http.StatusAccepted, "draining")
		if got := h.calls(); !slices.Equal(got, []string{"heat GET /stacks", read, membersOf, poolItself, changeOne}) {
			t.Errorf("the first drain of a process: %v", got)
		}
		h.settle(2*time.Minute + 20*time.Second)
		h.pass().want(t, http.StatusOK, "steady")
		h.settle(10 * time.Second)
		h.pass().want(t, http.StatusAccepted, "closing")
		h.settle(0)
		h.post("/leaver/out", ``, ci()).want(t, http.StatusAccepted, "undrained")
		if m := h.member(leaver, "0"); !m.AdminUp || m.Weight != 1 || h.leaverMarked("0", "drain") {
			t.Errorf("%+v", m)
		}
	})
	t.Run("turned off", func(t *testing.T) {
		t.Parallel()
		h := leaving(t, 3, "sticky: 5m")
		h.persist("SOURCE_IP")
		h.post("/leaver/in", ``, ci()).want(t, http.StatusAccepted, "draining")
		if got := h.calls(); slices.Contains(got, poolItself) {
			t.Errorf("%v", got)
		}
	})
	t.Run("the pool is not to be read", func(t *testing.T) {
		t.Parallel()
		h := leaving(t, 3, "sticky: 2m")
		h.persist("SOURCE_IP")
		h.cloud.Chaos(func(c openstacktest.Call) openstacktest.Fault {
			if c.Name == poolItself {
				return openstacktest.Fault{Status: http.StatusServiceUnavailable}
			}
			return openstacktest.Fault{}
		})
		h.post("/leaver/in", ``, ci()).want(t, http.StatusServiceUnavailable, "unavailable")
		if m := h.member(leaver, "0"); m.Weight != 1 {
			t.Errorf("%+v", m)
		}
	})
}

// leaverMarked says whether a tag of the leaver's node begins so.
func (h *house) leaverMarked(index, prefix string) bool {
	h.t.Helper()
	return slices.ContainsFunc(h.member(leaver, index).Tags, func(tag string) bool { return strings.HasPrefix(tag, prefix) })
}

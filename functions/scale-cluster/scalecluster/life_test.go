package scalecluster_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// F8: Heat owns who is a member. Over a whole life, from growth by drain, phase two and removal to a way back and a repair,
// we make and delete none: of members we change weight, admin state and tags, of stacks parameters, and nothing else.
func TestF8HeatOwnsMembership(t *testing.T) {
	t.Parallel()
	h := leaving(t, 3, "sticky: 2m")
	h.persist("SOURCE_IP")
	lb, _ := h.outputs()["loadbalancer_id"].(string)
	before := h.cloud.Members()
	h.cloud.ResetCalls()
	for _, step := range []struct {
		path, body string
		code       string
		then       time.Duration
	}{
		{"/leaver/out", ``, "scaled", time.Minute},
		{"/leaver/in", ``, "draining", time.Minute},
		{"/leaver/out", ``, "undrained", time.Minute},
		{"/leaver/in", `{"nodes": ["1"]}`, "draining", 2 * time.Minute},
		{"/leaver/reconcile", ``, "closing", 4 * time.Minute},
		{"/leaver/reconcile", ``, "removed", time.Minute},
		{"/leaver/reconcile", ``, "steady", time.Minute},
		{"/leaver/set", `{"to": 2}`, "draining", 10 * time.Minute},
		{"/leaver/reconcile", ``, "removed", time.Minute},
		{"/leaver/sweep?repair=1", ``, "", time.Minute},
	} {
		if r := h.post(step.path, step.body, ci()); r.code() != step.code {
			t.Fatalf("%s: %s", step.path, r.text)
		}
		h.settle(step.then)
	}
	writes := map[string]int{}
	for _, call := range h.cloud.Calls() {
		if call.Method != http.MethodGet && call.Service != "identity" {
			writes[call.Name]++
		}
	}
	if len(writes) != 2 || writes[changeOne] != 5 || writes[update] != 3 {
		t.Errorf("we write %v", writes)
	}
	after := h.cloud.Members()
	for _, m := range after {
		i := slices.IndexFunc(before, func(b openstacktest.Member) bool { return b.ID == m.ID })
		if i >= 0 && (m.Name != before[i].Name || m.Address != before[i].Address || m.PoolID != before[i].PoolID) {
			t.Errorf("%+v became %+v", before[i], m)
		}
		if m.Weight != 1 || !m.AdminUp {
			t.Errorf("%+v", m)
		}
	}
	if len(after) != 2 || lb == "" {
		t.Errorf("%+v", after)
	}
}

// killer lets a process make so many requests to OpenStack, and then no more: the answer to the last is lost, as when the
// process dies.
type killer struct{ left atomic.Int64 }

func (k *killer) choose(c openstacktest.Call) openstacktest.Fault {
	if c.Service == "identity" {
		return openstacktest.Fault{}
	}
	switch left := k.left.Add(-1); {
	case left == 0:
		return openstacktest.Fault{DropReply: true}
	case left < 0:
		return openstacktest.Fault{DropRequest: true}
	}
	return openstacktest.Fault{}
}

const forever = 1 << 40

// cutOff lets n requests to OpenStack pass, has the next one meet drop, and loses all that come after. A request whose answer
// nobody waits for any more may still be under way beside the next.
func cutOff(n int64, drop openstacktest.Fault) func(openstacktest.Call) openstacktest.Fault {
	var seen atomic.Int64
	return func(openstacktest.Call) openstacktest.Fault {
		switch i := seen.Add(1); {
		case i <= n:
			return openstacktest.Fault{}
		case i == n+1:
			return drop
		}
		return openstacktest.Fault{DropRequest: true}
	}
}

// A host that is killed after any of its requests: the next one, asked the same, and the passes that follow bring the cluster
// to the same end, and nobody else is taken away.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	const life = 24 // requests of a life that is not disturbed
	for after := int64(1); after <= life; after++ {
		t.Run(strconv.FormatInt(after, 10), func(t *testing.T) {
			t.Parallel()
			hook := newHook(t)
			h := leaving(t, 4, "sticky: 2m, hook: {url: "+hook.URL+", secret: "+hookSecret+"}")
			hook.now = h.cloud.Now
			h.persist("SOURCE_IP")
			before := h.servers(leaver)
			k := &killer{}
			k.left.Store(after)
			h.cloud.Chaos(k.choose)
			twice := func(path, body string) {
				t.Helper()
				headers := append(ci(), "Idempotency-Key", "one")
				h.post(path, body, headers)
				if k.left.Load() <= 0 {
					k.left.Store(forever)
					h.h = h.process()
					h.settle(0)
					if r := h.post(path, body, headers); r.status >= http.StatusBadRequest {
						t.Errorf("once more: %s", r.text)
					}
				}
				h.settle(0)
			}
			twice("/leaver/in", `{"by": 2}`)
			twice("/leaver/in", `{"by": 2}`) // the load balancer takes one a time
			for range 8 {
				h.settle(time.Minute)
				twice("/leaver/reconcile", ``)
			}
			left := h.servers(leaver)
			if len(left) != 2 || left["2"] != before["2"] || left["3"] != before["3"] || left["2"] == "" {
				t.Errorf("%v became %v", before, left)
			}
			for _, m := range h.cloud.Members() {
				if m.Weight != 1 || !m.AdminUp || slices.ContainsFunc(m.Tags, func(tag string) bool { return strings.HasPrefix(tag, "drain") }) {
					t.Errorf("%+v", m)
				}
			}
			if heard := hook.heard(t); len(heard) < 2 {
				t.Errorf("the hook heard of %v", heard)
			}
			if k.left.Load() > forever/2 != (k.left.Load() > 0) {
				t.Error("nobody was killed")
			}
		})
	}
}

// N2, N5: the same through the function: in part because the load balancer was busy, gone on with by the same request, and
// a way back that its repeat does not undo; from one process and from several at once.
func TestN2SameRequestGoesOn(t *testing.T) {
	t.Parallel()
	h := leaving(t, 4, "min: 10s")
	key := append(ci(), "Idempotency-Key", "deploy-7")
	r := h.post("/leaver/in", `{"by": 2}`, key)
	r.want(t, http.StatusAccepted, "draining")
	if r.body["to"] != 3.0 || !strings.Contains(r.text, "send the same request again") {
		t.Fatalf("%s", r.text)
	}
	if got := h.calls(); !slices.Equal(got, []string{read, membersOf, changeOne, changeOne}) {
		t.Errorf("%v", got)
	}
	if retry, _ := r.body["retry_after"].(float64); retry < 1 || retry > 30 {
		t.Errorf("%s", r.text)
	}
	h.post("/leaver/in?strict=1", `{"by": 2}`, key).want(t, http.StatusConflict, "busy")
	h.settle(0)
	h.calls()
	r = h.post("/leaver/in", `{"by": 2}`, key)
	r.want(t, http.StatusAccepted, "draining")
	if got := h.calls(); r.body["to"] != 2.0 || len(got) != 3 {
		t.Errorf("%v %s", got, r.text)
	}
	h.settle(0)
	for _, host := range []http.Handler{h.h, h.process()} {
		h.sendTo(host, http.MethodPost, "/leaver/in", `{"by": 2}`, key).want(t, http.StatusOK, "duplicate")
	}
	h.post("/leaver/out", ``, ci()).want(t, http.StatusAccepted, "undrained")
	h.settle(time.Minute)
	h.post("/leaver/in", `{"by": 2}`, key).want(t, http.StatusOK, "duplicate")
	h.settle(5 * time.Minute)
	h.pass().want(t, http.StatusAccepted, "removed")
	h.settle(0)
	h.post("/leaver/in", `{"by": 2}`, key).want(t, http.StatusOK, "duplicate")
	if h.count(leaver) != 3 {
		t.Errorf("count %d", h.count(leaver))
	}
}

package scalecluster_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
	"github.com/stackhook/stackhook/shared/metrics"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// N16: a load balancer in ERROR is told from one at work, loudly, and for one request more; nothing is changed, and when it
// was failed over things go on.
func TestN16LoadBalancerInError(t *testing.T) {
	t.Parallel()
	h := leaving(t, 4, "sticky: 2m")
	lb, _ := h.outputs()["loadbalancer_id"].(string)
	h.calls()
	h.cloud.SetLoadBalancerStatus(lb, "PENDING_UPDATE")
	h.post("/leaver/in", ``, ci()).want(t, http.StatusConflict, "busy")
	if got := h.calls(); !slices.Equal(got, []string{read, membersOf, changeOne, balancer}) {
		t.Errorf("%v", got)
	}
	fresh := h.process() // it has read the pool, too, and leaves it to the next request to tell
	h.sendTo(fresh, http.MethodPost, "/leaver/out?dry_run=1", ``, ci())
	h.calls()
	h.sendTo(fresh, http.MethodPost, "/leaver/in", ``, ci()).want(t, http.StatusConflict, "busy")
	if got := h.calls(); !slices.Equal(got, []string{read, membersOf, poolItself, changeOne}) {
		t.Errorf("%v", got)
	}
	h.cloud.SetLoadBalancerStatus(lb, "ERROR")
	in := h.signed(leaver, "in")
	for _, row := range []struct {
		path, body string
		headers    []string
		status     int
	}{
		{"/leaver/in", ``, ci(), http.StatusServiceUnavailable},
		{in, aodh("alarm", 1), nobody(), http.StatusAccepted},
		{in, strings.ReplaceAll(firing(1), `"out"`, `"in"`), nobody(), http.StatusServiceUnavailable},
	} {
		h.calls()
		r := h.post(row.path, row.body, row.headers)
		r.want(t, row.status, "lb_broken")
		if !strings.Contains(r.text, "openstack loadbalancer failover") || r.body["to"] != 4.0 {
			t.Errorf("%s", r.text)
		}
		if got := h.calls(); !slices.Equal(got, []string{read, membersOf, changeOne, balancer}) {
			t.Errorf("%v", got)
		}
	}
	shown := h.send(http.MethodGet, "/metrics", ``, []string{"Authorization", "Bearer " + scrapeToken}).text
	if got := metrics.Read(shown, "stackhook_scale_decisions_total"); !slices.ContainsFunc(got, func(s metrics.Sample) bool {
		return s.Labels["code"] == "lb_broken" && s.Labels["direction"] == "in" && s.Value == 3
	}) {
		t.Errorf("counted %v", got)
	}
	if !strings.Contains(h.log.String(), "only a failover mends it") || !strings.Contains(h.log.String(), lb) {
		t.Error("nobody hears of it")
	}
	h.weighOf("1", 0, lb)
	r := h.post("/leaver/sweep?repair=1", ``, ci())
	if r.status != http.StatusOK || !strings.Contains(r.text, "failover") || r.body["repaired"] != nil {
		t.Errorf("%s", r.text)
	}
	h.cloud.SetLoadBalancerStatus(lb, "PENDING_UPDATE")
	if r := h.post("/leaver/sweep?repair=1", ``, ci()); !strings.Contains(r.text, "at work") {
		t.Errorf("%s", r.text)
	}
	// A failed update would fail again, so it is not sent; nodes are not read for it.
	h.cloud.SetLoadBalancerStatus(lb, "ERROR")
	h.cloud.SetStackState(leaver, "UPDATE", "FAILED", "why")
	h.calls()
	h.pass().want(t, http.StatusServiceUnavailable, "lb_broken")
	if got := h.calls(); !slices.Equal(got, []string{read, balancer}) {
		t.Errorf("%v", got)
	}
	h.cloud.SetLoadBalancerStatus(lb, "ACTIVE")
	h.pass().want(t, http.StatusAccepted, "repaired")
	if got := h.calls(); !slices.Equal(got, []string{read, balancer, update, read}) {
		t.Errorf("%v", got)
	}
	h.settle(0)
	h.post("/leaver/sweep?repair=1", ``, ci())
	h.settle(0)
	h.post("/leaver/in", ``, ci()).want(t, http.StatusAccepted, "draining")
	h.settle(2 * time.Minute)
	h.cloud.SetLoadBalancerStatus(lb, "ERROR")
	// N16: no phase two can be had then, and the deadline ends the drain all the same.
	h.pass().want(t, http.StatusOK, "steady")
	h.settle(3 * time.Minute)
	h.pass().want(t, http.StatusAccepted, "removed")
}

// weighOf gives a node's member a weight by hand, whatever the load balancer's state, which is put back.
func (h *house) weighOf(index string, weight int, lb string) {
	h.t.Helper()
	id := h.member(leaver, index).ID
	pool, _ := h.outputs()["pool_id"].(string)
	h.cloud.SetLoadBalancerStatus(lb, "ACTIVE")
	h.settle(0)
	if err := h.client().ChangeMember(h.t.Context(), pool, id, openstack.MemberChange{Weight: &weight}); err != nil {
		h.t.Fatal(err)
	}
	h.settle(0)
	h.cloud.SetLoadBalancerStatus(lb, "ERROR")
}

// outputs are those of the leaver's stack.
func (h *house) outputs() map[string]any {
	h.t.Helper()
	cloud := h.client()
	found, err := cloud.FindStack(h.t.Context(), leaver)
	if err != nil {
		h.t.Fatal(err)
	}
	s, err := cloud.Stack(h.t.Context(), found.StackRef)
	if err != nil {
		h.t.Fatal(err)
	}
	return s.Outputs
}

// N16: a stack of one's own need not name its load balancer; its pool does.
func TestN16BalancerOfAPool(t *testing.T) {
	t.Parallel()
	h := start(t)
	template, err := heattemplates.Load("cluster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.client().CreateStack(t.Context(), openstack.NewStack{
		Name: gentle, Template: strings.Replace(template.Text, "  loadbalancer_id:", "  something_else:", 1), Files: template.Files,
		Parameters: map[string]any{"image": "debian-12", "flavor": "m1.small", "app_count": 3, "app_max": 4},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.settle(0)
	h.post("/gentle/in?dry_run=1", ``, ci()).want(t, http.StatusOK, "draining")
	pool, err := h.client().Pool(t.Context(), h.cloud.Members()[0].PoolID)
	if err != nil {
		t.Fatal(err)
	}
	for state, code := range map[string]string{"ERROR": "lb_broken", "PENDING_UPDATE": "busy"} {
		h.cloud.SetLoadBalancerStatus(pool.LoadBalancer, state)
		h.calls()
		if r := h.post("/gentle/in", ``, ci()); r.code() != code {
			t.Errorf("%s: %s", state, r.text)
		}
		if got := h.calls(); !slices.Equal(got, []string{read, membersOf, changeOne, poolItself, balancer}) {
			t.Errorf("%v", got)
		}
	}
	// Who cannot tell comes again.
	h.cloud.SetLoadBalancerStatus(pool.LoadBalancer, "ERROR")
	for _, unread := range []string{poolItself, balancer} {
		h.cloud.Chaos(func(c openstacktest.Call) openstacktest.Fault {
			if c.Name == unread {
				return openstacktest.Fault{Status: http.StatusServiceUnavailable}
			}
			return openstacktest.Fault{}
		})
		h.post("/gentle/in", ``, ci()).want(t, http.StatusConflict, "busy")
	}
	h.cloud.Chaos(nil)
	h.cloud.SetLoadBalancerStatus(pool.LoadBalancer, "ACTIVE")
	h.cloud.SetStackState(gentle, "UPDATE", "FAILED", "why")
	h.calls()
	h.post("/gentle/reconcile", ``, ci()).want(t, http.StatusAccepted, "repaired")
	if got := h.calls(); !slices.Equal(got, []string{read, update, read}) {
		t.Errorf("%v", got)
	}
}

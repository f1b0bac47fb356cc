package scalecluster_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// F21: every decision is counted by direction and code, those that change nothing too, and the cluster's size is shown.
func TestF21Metrics(t *testing.T) {
	t.Parallel()
	h := start4(t)
	scrape := []string{"Authorization", "Bearer " + scrapeToken}
	h.post("/gentle/out", aodh("alarm", 1), ci()).want(t, http.StatusOK, "at_max")
	h.post("/gentle/out", aodh("ok", 2), ci()).want(t, http.StatusOK, "not_alarm")
	h.post("/gentle/in?dry_run=1", `{"by": 1}`, ci()).want(t, http.StatusOK, "draining")
	h.post("/gentle/in", `{"by": 1}`, ci()).want(t, http.StatusAccepted, "draining")
	h.settle(0)
	h.post("/gentle/in", aodh("alarm", 3), ci()).want(t, http.StatusAccepted, "draining")
	h.cloud.Inject(openstacktest.Fault{Service: "heat", Status: http.StatusServiceUnavailable, Times: 9})
	h.post("/gentle/out", `{"by": 1}`, ci()).want(t, http.StatusServiceUnavailable, "unavailable")
	text := h.send(http.MethodGet, "/metrics", ``, scrape).text
	for _, line := range []string{
		`stackhook_scale_decisions_total{direction="out",code="at_max"} 1`,
		`stackhook_scale_decisions_total{direction="out",code="not_alarm"} 1`,
		`stackhook_scale_decisions_total{direction="in",code="draining"} 2`,
		`stackhook_scale_nodes_total{direction="in",code="draining"} 2`,
		`stackhook_scale_faults_total{code="unavailable"} 1`,
		`stackhook_cluster_nodes{cluster="gentle"} 4`,
		`stackhook_cluster_min{cluster="gentle"} 1`,
		`stackhook_cluster_max{cluster="gentle"} 4`,
		`stackhook_cluster_stopped{cluster="gentle"} 0`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("missing %s in\n%s", line, text)
		}
	}
	for _, headers := range [][]string{nobody(), ci(), {"X-Auth-Token", "hunter2"}} {
		h.send(http.MethodGet, "/metrics", ``, headers).want(t, http.StatusUnauthorized, "unauthorized")
	}
}

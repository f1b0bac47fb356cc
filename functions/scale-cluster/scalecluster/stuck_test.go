package scalecluster_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/config"
)

// N16: Heat's engine died in the middle of a removal. The alarm's own calls find that out, as nothing else does, and have
// the removal made, of the same node; until then they say that the cluster is busy.
func TestN16EngineDied(t *testing.T) {
	t.Parallel()
	h := start4(t)
	h.post("/gentle/in", ``, ci()).want(t, http.StatusAccepted, "draining")
	h.settle(5 * time.Minute)
	h.post("/gentle/reconcile", ``, ci()).want(t, http.StatusAccepted, "removed")
	h.settle(0)
	removal := func() string { s, _ := h.cloud.Stack(gentle); return s.Parameters["app_removal"] }
	before := removal()
	h.cloud.SetStackState(gentle, "UPDATE", "IN_PROGRESS", "")
	h.post("/gentle/reconcile", ``, ci()).want(t, http.StatusOK, "busy")
	h.cloud.Advance(66 * time.Minute)
	if r := h.post("/gentle/out", aodh("alarm", 1), ci()); !strings.Contains(r.text, `"code":"repaired"`) || r.status != http.StatusAccepted {
		t.Fatalf("%d %s", r.status, r.text)
	}
	h.settle(0)
	if after := removal(); before == "[]" || after != before || h.count(gentle) != 3 {
		t.Errorf("removal was %s and is %s, count %d", before, after, h.count(gentle))
	}
	if got := h.servers(gentle); len(got) != 3 || got["0"] != "" {
		t.Errorf("servers %v", got)
	}
}

// A cluster that only its stack describes is healed as well, and so late that no living engine is disturbed.
func TestN16EngineDiedWithoutAnEntry(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster("plain", 2, "stackhook")
	h.cloud.SetStackState("plain", "UPDATE", "IN_PROGRESS", "")
	h.cloud.Advance(50 * time.Minute)
	if r := h.post("/plain/out", aodh("alarm", 1), ci()); strings.Contains(r.text, "repaired") {
		t.Fatalf("while an engine may still be at it: %s", r.text)
	}
	h.cloud.Advance(16 * time.Minute)
	if r := h.post("/plain/out", aodh("alarm", 2), ci()); !strings.Contains(r.text, `"code":"repaired"`) {
		t.Fatalf("%d %s", r.status, r.text)
	}
	h.settle(0)
	h.cloud.SetStackState("plain", "UPDATE", "IN_PROGRESS", "")
	h.cloud.Advance(66 * time.Minute)
	if r := h.post("/reconcile", ``, ci()); !strings.Contains(r.text, `"repaired"`) {
		t.Errorf("the timer's pass over all: %s", r.text)
	}
	cfg, err := config.Map(map[string]string{"STACKHOOK_CONFIG": configText}).Load()
	if err != nil || cfg.Clusters["academy"].StuckTimeout != cluster.DefaultStuck {
		t.Errorf("the default of an entry: %s, %v", cfg.Clusters["academy"].StuckTimeout, err)
	}
}

package scalecluster_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
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

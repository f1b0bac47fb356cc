package scalecluster_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// writes are the requests that change anything: a preview does not.
func writes(calls []string) []string {
	return slices.DeleteFunc(calls, func(c string) bool {
		return strings.Contains(c, " GET ") || c == preview
	})
}

func (r reply) plan() map[string]any {
	p, _ := r.body["plan"].(map[string]any)
	return p
}

// N11: a dry run writes nothing, says what would be written, and what OpenStack would do then, for one request more.
func TestN11Preview(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(alone, 3, "stackhook")
	h.post("/alone/out?dry_run=1", ``, ci())
	h.breakNode(alone, "2")
	for _, row := range []struct {
		path, body string
		code       string
		parameters string
		victims    []any
		calls      []string
	}{
		{"/alone/out?dry_run=1", ``, "scaled", "map[app_count:4 app_removal:[]]", nil, []string{read, preview}},
		{"/alone/in?dry_run=1", ``, "scaled", "map[app_count:2 app_removal:[2]]", []any{"2"}, []string{read, membersOf, preview}},
		{"/alone/set?dry_run=1", `{"to": 1}`, "scaled", "map[app_count:1 app_removal:[2 0]]", []any{"2", "0"}, []string{read, membersOf, preview}},
		{"/alone/replace?dry_run=1", ``, "replaced", "map[app_count:3 app_removal:[2]]", []any{"2"}, []string{read, membersOf, preview}},
		{"/alone/set?dry_run=1", `{"to": 3}`, "unchanged", "<nil>", nil, []string{read}},
		{"/alone/reconcile?dry_run=1", ``, "steady", "<nil>", nil, []string{read, membersOf, lookKept}},
	} {
		h.calls()
		r := h.post(row.path, row.body, ci())
		r.want(t, http.StatusOK, row.code)
		if got := h.calls(); !slices.Equal(got, row.calls) {
			t.Errorf("%s: %v", row.path, got)
		}
		if got := fmt.Sprint(r.plan()["parameters"]); got != row.parameters {
			t.Errorf("%s: %s: %s", row.path, got, r.text)
		}
		if victims, _ := r.body["victims"].([]any); !slices.Equal(victims, row.victims) || r.body["dry_run"] != true {
			t.Errorf("%s: %s", row.path, r.text)
		}
		changes, _ := r.plan()["changes"].(map[string]any)
		if updated, _ := changes["updated"].([]any); slices.Contains(updated, any("nodes")) != (row.parameters != "<nil>") {
			t.Errorf("%s: %s", row.path, r.text)
		}
		if strings.Contains(r.text, "scale_state") {
			t.Errorf("%s: the memory is nobody's to read here", row.path)
		}
	}
	h.cloud.Inject(openstacktest.Fault{Service: "heat", PathPattern: "*/preview", Status: http.StatusServiceUnavailable})
	h.post("/alone/out?dry_run=1", ``, ci()).want(t, http.StatusOK, "scaled")
	if s, _ := h.cloud.Stack(alone); s.State != "CREATE_COMPLETE" {
		t.Errorf("the stack is %s", s.State)
	}
}

// N11: everything that holds a request back is named, and what would be done without.
func TestN11BlockedBy(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster("careful", 3, "paused")
	h.post("/careful/set", `{"to": 4}`, ci()).want(t, http.StatusAccepted, "scaled")
	h.settle(time.Minute)
	h.cloud.SetMemberStatus(h.member("careful", "3").ID, "OFFLINE")
	h.calls()
	r := h.post("/careful/in?dry_run=1", aodh("alarm", 1), ci())
	r.want(t, http.StatusOK, "paused")
	blocks, _ := r.plan()["blocked_by"].([]any)
	var codes []string
	for _, b := range blocks {
		block, _ := b.(map[string]any)
		codes = append(codes, fmt.Sprint(block["code"]))
		if block["reason"] == "" {
			t.Errorf("%v", block)
		}
	}
	if !slices.Equal(codes, []string{"paused", "not_ready", "stabilizing"}) {
		t.Errorf("%v: %s", codes, r.text)
	}
	otherwise, _ := r.plan()["otherwise"].(map[string]any)
	if otherwise["code"] != "scaled" {
		t.Errorf("%s", r.text)
	}
	if got := writes(h.calls()); len(got) > 0 {
		t.Errorf("a dry run wrote %v", got)
	}
}

// N11: neither a drain, nor what is due, nor what is kept is written in a dry run, nor is a request kept.
func TestN11WritesNothing(t *testing.T) {
	t.Parallel()
	h := start4(t)
	r := h.post("/gentle/in?dry_run=1", ``, ci())
	r.want(t, http.StatusOK, "draining")
	members, _ := r.plan()["members"].([]any)
	if len(members) != 1 || !strings.Contains(fmt.Sprint(members[0]), "node:0") || !strings.Contains(fmt.Sprint(members[0]), "weight:0") {
		t.Errorf("%s", r.text)
	}
	if got := h.calls(); !slices.Equal(got, []string{read, membersOf}) {
		t.Errorf("%v", got)
	}
	h.post("/gentle/in", ``, ci()).want(t, http.StatusAccepted, "draining")
	h.settle(5 * time.Minute)
	h.calls()
	r = h.post("/gentle/reconcile?dry_run=1", ``, ci())
	r.want(t, http.StatusOK, "removed")
	if got := h.calls(); !slices.Equal(got, []string{read, membersOf, preview}) || fmt.Sprint(r.plan()["parameters"]) != "map[app_count:3 app_removal:[0]]" {
		t.Errorf("%v: %s", got, r.text)
	}
	h.post("/gentle/reconcile", ``, ci()).want(t, http.StatusAccepted, "removed")
	h.calls()
	h.post("/gentle/set?dry_run=1", `{"to": 4}`, ci()).want(t, http.StatusConflict, "busy")
	h.post("/gentle/set", `{"to": 4}`, ci()).want(t, http.StatusAccepted, "kept")
	h.settle(0)
	h.calls()
	h.post("/gentle/reconcile?dry_run=1", ``, ci()).want(t, http.StatusOK, "scaled")
	if got := writes(h.calls()); len(got) > 0 || h.count(gentle) != 3 {
		t.Errorf("a dry run wrote %v, count %d", got, h.count(gentle))
	}
	h.post("/gentle/reconcile", ``, ci()).want(t, http.StatusAccepted, "scaled")
}

// Row 7.1.10 of the sites: a dry run names the node that would go; the only one in service is not taken, and none while a node is
// being made, which is when it may hold the lock of the migrations.
func TestN11PlanOfAShrinkingAndRow7110(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(alone, 2, "stackhook")
	h.breakNode(alone, "1")
	h.calls()
	r := h.post("/alone/in?dry_run=1", `{}`, ci())
	r.want(t, http.StatusOK, "scaled")
	if victims, _ := r.body["victims"].([]any); !slices.Equal(victims, []any{"1"}) {
		t.Errorf("%s", r.text)
	}
	for _, path := range []string{"/alone/in?dry_run=1", "/alone/in"} {
		r = h.post(path, `{"nodes": ["0"]}`, ci())
		r.want(t, http.StatusOK, "unhealthy")
		if plan := r.plan()["parameters"]; plan != nil {
			t.Errorf("%s would write %v", path, plan)
		}
	}
	if got := writes(h.calls()); len(got) > 0 {
		t.Errorf("wrote %v", got)
	}
	h.post("/alone/out", `{}`, ci()).want(t, http.StatusAccepted, "scaled")
	h.calls()
	h.post("/alone/in", `{}`, ci()).want(t, http.StatusAccepted, "kept")
	if got := h.calls(); slices.Contains(got, update) {
		t.Errorf("%v", got)
	}
}

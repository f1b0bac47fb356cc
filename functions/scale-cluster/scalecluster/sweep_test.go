package scalecluster_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/openstack"
)

const serversOf = "nova GET /servers/detail"

// N15: a sweep names what does not fit together and changes nothing; a repair does what a program may, twice is once, and
// the passes that follow build what is gone.
func TestN15Sweep(t *testing.T) {
	t.Parallel()
	h := start4(t)
	before := h.servers(gentle)
	h.post("/gentle/sweep", ``, ci()).want(t, http.StatusOK, "")
	if got := h.calls(); !slices.Equal(got, []string{read, membersOf, serversOf}) {
		t.Errorf("a sweep asks %v", got)
	}
	h.cloud.DeleteServer(before["2"])
	h.weigh("1", 0)
	for _, path := range []string{"/gentle/sweep", "/gentle/sweep"} {
		r := h.post(path, ``, ci())
		if kinds(r) != "1 out_of_service, 2 node_without_server" || r.body["checked"] != nil || r.body["repaired"] != nil {
			t.Fatalf("%s: %s", path, r.text)
		}
	}
	if h.member(gentle, "1").Weight != 0 {
		t.Error("a sweep without repair changes a member")
	}
	r := h.post("/gentle/sweep?repair=1", ``, ci())
	if r.body["checked"] != true || fmt.Sprint(r.body["repaired"]) != "[1]" || h.member(gentle, "1").Weight != 1 {
		t.Fatalf("repair: %s", r.text)
	}
	h.post("/gentle/sweep?repair=1", ``, ci()).want(t, http.StatusOK, "")
	h.settle(0)
	h.post("/gentle/reconcile", ``, ci()).want(t, http.StatusAccepted, "repaired")
	h.settle(0)
	after := h.servers(gentle)
	if len(after) != 4 || after["2"] == before["2"] || after["0"] != before["0"] {
		t.Errorf("%v became %v", before, after)
	}
	if r := h.post("/gentle/sweep", ``, ci()); kinds(r) != "" {
		t.Errorf("after the repair: %s", r.text)
	}
	for _, headers := range [][]string{nobody(), {"Authorization", "Bearer " + otherToken}} {
		h.post("/gentle/sweep?repair=1", ``, headers).want(t, http.StatusUnauthorized, "unauthorized")
	}
	h.send(http.MethodGet, "/gentle/sweep?repair=1", ``, ci()).want(t, http.StatusMethodNotAllowed, "method")
}

// kinds are the strays of an answer.
func kinds(r reply) string {
	list, _ := r.body["strays"].([]any)
	out := make([]string, len(list))
	for i, item := range list {
		stray, _ := item.(map[string]any)
		out[i] = fmt.Sprint(stray["node"], " ", stray["kind"])
	}
	return strings.Join(out, ", ")
}

// weigh gives a node's member a weight, as an operator would.
func (h *house) weigh(index string, weight int) {
	h.t.Helper()
	cloud := h.client()
	found, err := cloud.FindStack(h.t.Context(), gentle)
	if err != nil {
		h.t.Fatal(err)
	}
	s, err := cloud.Stack(h.t.Context(), found.StackRef)
	if err != nil {
		h.t.Fatal(err)
	}
	pool, _ := s.Outputs["pool_id"].(string)
	if err := cloud.ChangeMember(h.t.Context(), pool, h.member(gentle, index).ID, openstack.MemberChange{Weight: &weight}); err != nil {
		h.t.Fatal(err)
	}
	h.settle(0)
}

package scalecluster_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
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
	h.change("1", openstack.MemberChange{Weight: new(int)})
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
		node, _ := stray["node"].(string) // a stranger has none
		out[i] = strings.TrimSpace(fmt.Sprint(node, " ", stray["kind"]))
	}
	return strings.Join(out, ", ")
}

// N15: each way in which they come apart is named, what is as it should be is not, and a repair does about it what it may.
func TestN15EachStray(t *testing.T) {
	t.Parallel()
	none, off := 0, false
	for name, row := range map[string]struct {
		spoil func(h *house)
		want  string
		mends string // nodes that get their weight back, or check
	}{
		"in order":                {func(*house) {}, "", ""},
		"broken, and known to be": {func(h *house) { h.cloud.SetMemberStatus(h.member(gentle, "1").ID, "ERROR") }, "", ""},
		"being drained":           {func(h *house) { h.post("/gentle/in", ``, ci()); h.settle(0) }, "", ""},
		"weight 0 on purpose":     {func(h *house) { h.change("1", openstack.MemberChange{Weight: &none, Tags: &[]string{"protect"}}) }, "", ""},
		"OpenStack is at work": {func(h *house) {
			h.cloud.DeleteServer(h.servers(gentle)["1"])
			h.post("/gentle/replace", `{"nodes": ["2"]}`, ci())
		}, "", ""},
		"a node without server": {func(h *house) { h.cloud.DeleteServer(h.servers(gentle)["1"]) }, "1 node_without_server", "check"},
		"a node without member": {func(h *house) { h.rewritePool(h.member(gentle, "1").Address, "") }, "1 node_without_member", "check"},
		"a member without node": {func(h *house) { h.rewritePool("", "10.90.0.250") }, "member_without_node", ""},
		"weight 0":              {func(h *house) { h.change("1", openstack.MemberChange{Weight: &none}) }, "1 out_of_service", "1"},
		"switched off":          {func(h *house) { h.change("1", openstack.MemberChange{AdminUp: &off}) }, "1 out_of_service", "1"},
		"half of a drain": {func(h *house) {
			h.change("1", openstack.MemberChange{Weight: &none, Tags: &[]string{"drain-weight=7"}})
		}, "1 out_of_service", "1"},
		"several": {func(h *house) {
			h.rewritePool(h.member(gentle, "3").Address, "10.90.0.250")
			h.cloud.DeleteServer(h.servers(gentle)["2"])
			h.change("0", openstack.MemberChange{Weight: &none})
		}, "0 out_of_service, 2 node_without_server, 3 node_without_member, member_without_node", "0 check"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start4(t)
			row.spoil(h)
			if r := h.post("/gentle/sweep", ``, ci()); kinds(r) != row.want {
				t.Errorf("%s", r.text)
			}
			r := h.post("/gentle/sweep?repair=1", ``, ci())
			mended, _ := r.body["repaired"].([]any)
			mends := strings.Trim(fmt.Sprint(mended), "[]")
			if r.body["checked"] == true {
				mends = strings.TrimSpace(mends + " check")
			}
			if mends != row.mends {
				t.Errorf("mended %q, want %q: %s", mends, row.mends, r.text)
			}
		})
	}
}

// change writes to a node's member, as an operator would.
func (h *house) change(index string, change openstack.MemberChange) {
	h.t.Helper()
	m := h.member(gentle, index)
	if err := h.same().ChangeMember(h.t.Context(), h.poolOf(m.ID), m.ID, change); err != nil {
		h.t.Fatal(err)
	}
	h.settle(0)
}

func (h *house) poolOf(member string) string {
	h.t.Helper()
	all := h.cloud.Members()
	return all[slices.IndexFunc(all, func(m openstacktest.Member) bool { return m.ID == member })].PoolID
}

// rewritePool leaves one address out of the pool and puts another in, as an operator's batch would; empty is none.
func (h *house) rewritePool(out, in string) {
	h.t.Helper()
	all := h.cloud.Members()
	list := []map[string]any{}
	for _, m := range all {
		if m.Address != out {
			list = append(list, map[string]any{"address": m.Address, "protocol_port": 80})
		}
	}
	if in != "" {
		list = append(list, map[string]any{"address": in, "protocol_port": 80})
	}
	body, err := json.Marshal(map[string]any{"members": list})
	if err != nil {
		h.t.Fatal(err)
	}
	address := h.cloud.URL() + "/octavia/v2.0/lbaas/pools/" + all[0].PoolID + "/members"
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodPut, address, bytes.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("X-Auth-Token", h.cloud.Token())
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusAccepted {
		h.t.Fatalf("the pool's members: %s", answer.Status)
	}
	h.settle(0)
}

package scalecluster_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

const (
	flavorsOf = "nova GET /flavors/detail"
	membersOf = "octavia GET /lbaas/pools/{}/members"
	changeOne = "octavia PUT /lbaas/pools/{}/members/{}"
	preview   = "heat PATCH /stacks/{}/{}/preview"
	// keepOne stores a request for later, lookKept looks for such.
	keepOne  = "heat POST /stacks/{}/{}/resources/{}/signal"
	lookKept = "heat GET /stacks/{}/{}/resources/{}/metadata"
	// longEnough is past every cooldown.
	longEnough = 20 * time.Minute
)

// fault is every request to a service answered so.
func fault(service string, status int) openstacktest.Fault {
	return openstacktest.Fault{Service: service, Status: status}
}

// servers are the cluster's nodes, by the index in the group.
func (h *house) servers(name string) map[string]string {
	h.t.Helper()
	cloud := h.client()
	ref, err := cloud.FindStack(h.t.Context(), name)
	if err != nil {
		h.t.Fatal(err)
	}
	s, err := cloud.Stack(h.t.Context(), ref.StackRef)
	if err != nil {
		h.t.Fatal(err)
	}
	out := map[string]string{}
	nodes, _ := s.Outputs["nodes"].(map[string]any)
	for index, value := range nodes {
		parts, _ := value.(map[string]any)
		out[index], _ = parts["server"].(string)
	}
	h.cloud.ResetCalls()
	return out
}

// member is the pool member of a node.
func (h *house) member(name, index string) openstack.Member {
	h.t.Helper()
	cloud := h.client()
	ref, err := cloud.FindStack(h.t.Context(), name)
	if err != nil {
		h.t.Fatal(err)
	}
	s, err := cloud.Stack(h.t.Context(), ref.StackRef)
	if err != nil {
		h.t.Fatal(err)
	}
	pool, _ := s.Outputs["pool_id"].(string)
	nodes, _ := s.Outputs["nodes"].(map[string]any)
	parts, _ := nodes[index].(map[string]any)
	members, err := cloud.Members(h.t.Context(), pool)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, m := range members {
		if m.ID == parts["member"] {
			h.cloud.ResetCalls()
			return m
		}
	}
	h.t.Fatalf("node %s of %s has no member", index, name)
	return openstack.Member{}
}

// tag puts tags on the pool member of a node.
func (h *house) tag(name, index string, tags ...string) {
	h.t.Helper()
	m := h.member(name, index)
	pool := h.cloud.Members()[0].PoolID
	if err := h.client().ChangeMember(h.t.Context(), pool, m.ID, openstack.MemberChange{Tags: &tags}); err != nil {
		h.t.Fatal(err)
	}
	h.settle(0)
	h.cloud.ResetCalls()
}

// F5, F6, F19: the node that goes is the one that was chosen, for four requests.
func TestF5ChosenNodesGo(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		prepare  func(h *house)
		path     string
		body     func(h *house) string
		want     []string // that stay
		victims  []any
		requests []string
	}{
		"F5 the oldest": {func(*house) {}, "/alone/in", func(*house) string { return `` }, []string{"1", "2", "3"}, []any{"0"}, []string{read, membersOf, update, read}},
		"F5 the broken one": {
			func(h *house) { h.cloud.SetMemberStatus(h.member(alone, "2").ID, "ERROR") },
			"/alone/in", func(*house) string { return `` },
			[]string{"0", "1", "3"},
			[]any{"2"},
			[]string{read, membersOf, update, read},
		},
		"F19 not the protected one": {
			func(h *house) { h.tag(alone, "0", "protect") },
			"/alone/in", func(*house) string { return `{"by": 2}` },
			[]string{"0", "3"},
			[]any{"1", "2"},
			[]string{read, membersOf, update, read},
		},
		"F6 the one that is named": {
			func(*house) {}, "/alone/in",
			func(h *house) string { return `{"nodes": ["` + h.servers(alone)["2"] + `"]}` },
			[]string{"0", "1", "3"},
			[]any{"2"},
			[]string{read, membersOf, update, read},
		},
		"F6 two by a size": {func(*house) {}, "/alone/set", func(*house) string { return `{"to": 2}` }, []string{"2", "3"}, []any{"0", "1"}, []string{read, membersOf, update, read}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t)
			h.cluster(alone, 4, "stackhook")
			row.prepare(h)
			before := h.servers(alone)
			body := row.body(h)
			h.post("/alone/out?dry_run=1", ``, ci()) // the stack is found once in a process's life
			h.calls()
			dry := h.post(row.path+"?dry_run=1", body, ci())
			if got := h.calls(); !slices.Equal(got, []string{read, membersOf, preview}) {
				t.Errorf("N11: a dry run made %v", got)
			}
			r := h.post(row.path, body, ci())
			r.want(t, http.StatusAccepted, "scaled")
			for _, answer := range []reply{dry, r} {
				if victims, _ := answer.body["victims"].([]any); !slices.Equal(victims, row.victims) {
					t.Errorf("victims %v, want %v", victims, row.victims)
				}
			}
			if got := h.calls(); !slices.Equal(got, row.requests) {
				t.Errorf("requests %v", got)
			}
			h.settle(0)
			after := h.servers(alone)
			if len(after) != len(row.want) || h.count(alone) != len(row.want) {
				t.Errorf("%d nodes, count %d", len(after), h.count(alone))
			}
			for _, index := range row.want {
				if after[index] == "" || after[index] != before[index] {
					t.Errorf("node %s: server %q, was %q", index, after[index], before[index])
				}
			}
		})
	}
}

// F6, F19: a name that is wrong removes nobody else, and says so.
func TestF6WrongNames(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(alone, 3, "stackhook")
	h.tag(alone, "1", "protect")
	h.post("/alone/in", `{"nodes": ["9"]}`, ci()).want(t, http.StatusUnprocessableEntity, "unknown_node")
	h.post("/alone/in", `{"nodes": ["0", "nobody"]}`, ci()).want(t, http.StatusUnprocessableEntity, "unknown_node")
	h.post("/alone/in", `{"nodes": ["1"]}`, ci()).want(t, http.StatusUnprocessableEntity, "protected")
	h.post("/alone/out", `{"nodes": ["1"]}`, ci()).want(t, http.StatusBadRequest, "nodes_not_in")
	if got := h.calls(); slices.Contains(got, update) || h.count(alone) != 3 {
		t.Errorf("%v, count %d", got, h.count(alone))
	}
}

// F18: a tag on the stack holds alarms back, and not a person who says a size.
func TestF18PausedByTag(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(alone, 2, "stackhook", "paused-out")
	r := h.post(h.signed(alone, "out"), aodh("alarm", 1), nobody())
	r.want(t, http.StatusOK, "paused")
	h.post("/alone/out?strict=1", ``, ci()).want(t, http.StatusUnprocessableEntity, "paused")
	h.post("/alone/set", `{"to": 3}`, ci()).want(t, http.StatusAccepted, "scaled")
	h.settle(longEnough)
	h.post(h.signed(alone, "in"), aodh("alarm", 2), nobody()).want(t, http.StatusAccepted, "scaled")
	h.settle(longEnough)
	h.post("/alone/out?force=1", ``, ci()).want(t, http.StatusAccepted, "scaled")
}

// A pool that somebody took away is not a cluster that is gone.
func TestPoolIsGone(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(alone, 2, "stackhook")
	h.cloud.Inject(fault("octavia", http.StatusNotFound))
	r := h.post("/alone/in", ``, ci())
	if r.status != http.StatusBadGateway || h.count(alone) != 2 {
		t.Errorf("%d %s", r.status, r.text)
	}
	h.post(h.signed(alone, "in"), aodh("alarm", 1), nobody()).want(t, http.StatusAccepted, "unavailable")
}

// Every refusal a person gets holds what an answer holds, the last decisions too.
func TestRefusalsCarryTheDecision(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(alone, 1, "stackhook")
	first := h.post("/alone/out", ``, ci())
	if list, _ := first.body["decisions"].([]any); len(list) != 1 {
		t.Errorf("%s", first.text)
	}
	busy := h.post("/alone/out?strict=1", ``, ci())
	busy.want(t, http.StatusConflict, "busy")
	list, _ := busy.body["decisions"].([]any)
	if len(list) != 1 || busy.body["asked"] != 3.0 || busy.body["applied"] != false || busy.body["retry_after"] != 30.0 || busy.body["detail"] != busy.body["reason"] || busy.body["status"] != 409.0 {
		t.Errorf("%s", busy.text)
	}
	if !strings.Contains(h.log.String(), `"problem":"busy"`) {
		t.Error("the log does not tell the problem")
	}
}

// F10: where the nodes are is read from the stack.
func TestZonesAreRead(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(alone, 2, "stackhook")
	r := h.send(http.MethodGet, "/alone?nodes=1", ``, ci())
	list, _ := r.body["list"].([]any)
	if len(list) != 2 {
		t.Fatalf("%s", r.text)
	}
	for _, item := range list {
		node, _ := item.(map[string]any)
		if node["zone"] != "nova" || node["server"] == "" || node["health"] != "ONLINE" {
			t.Errorf("%v", node)
		}
	}
}

// N10: growing stops at the quota, for four requests, and shrinking does not ask for it.
func TestN10Quota(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster("bounded", 2)
	h.cloud.SetServerQuota(3)
	h.post("/bounded/out?dry_run=1", ``, ci())
	h.calls()
	h.post("/bounded/out?dry_run=1", `{"by": 3}`, ci()).want(t, http.StatusOK, "capped")
	h.calls()
	r := h.post("/bounded/out", `{"by": 3}`, ci())
	r.want(t, http.StatusAccepted, "capped")
	if r.body["to"] != 3.0 || !strings.Contains(r.text, "room for 1 more") {
		t.Errorf("%s", r.text)
	}
	if got := h.calls(); !slices.Equal(got, []string{read, "nova GET /limits", update, read}) {
		t.Errorf("%v", got)
	}
	h.settle(longEnough)
	h.post(h.signed("bounded", "out"), aodh("alarm", 1), nobody()).want(t, http.StatusOK, "no_quota")
	h.calls()
	h.post("/bounded/in", ``, ci()).want(t, http.StatusAccepted, "scaled")
	if got := h.calls(); !slices.Equal(got, []string{read, membersOf, update, read}) {
		t.Errorf("%v", got)
	}
	h.settle(longEnough)
	h.cloud.SetServerQuota(-1)
	h.post("/bounded/out", `{"by": 5}`, ci()).want(t, http.StatusAccepted, "scaled")
}

// N10: of all quotas of Nova the one counts that leaves the fewest nodes of the cluster's flavor, and the answer names it.
func TestN10QuotaOfCoresAndMemory(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		limit func(q *openstacktest.Quota) // for two nodes of 1 core and 2 GiB
		code  string
		to    float64
		says  string
	}{
		"cores for one more":         {func(q *openstacktest.Quota) { q.Cores = 3 }, "capped", 3, "quota of cores has room for 1 more"},
		"memory for one and a half":  {func(q *openstacktest.Quota) { q.RAM = 7 << 10 }, "capped", 3, "quota of memory has room for 1 more"},
		"the least of three":         {func(q *openstacktest.Quota) { q.Servers, q.Cores, q.RAM = 6, 4, 12<<10 }, "capped", 4, "quota of cores has room for 2 more"},
		"memory for half of another": {func(q *openstacktest.Quota) { q.RAM = 5 << 10 }, "no_quota", 2, "quota of memory has no room"},
		"enough of all":              {func(q *openstacktest.Quota) { q.Servers, q.Cores, q.RAM = 5, 5, 10<<10 }, "scaled", 5, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t)
			h.cluster("bounded", 2)
			quota := openstacktest.NoQuota()
			row.limit(&quota)
			h.cloud.SetQuota(quota)
			dry := h.post("/bounded/out?dry_run=1", `{"by": 3}`, ci())
			if got := h.calls(); !slices.Contains(got, flavorsOf) || dry.code() != row.code {
				t.Errorf("%v, %s", got, dry.text)
			}
			r := h.post("/bounded/out", `{"by": 3}`, ci())
			if got := h.calls(); len(got) > 4 || slices.Contains(got, flavorsOf) {
				t.Errorf("asked %v: a flavor is asked for once", got)
			}
			if r.code() != row.code || r.body["to"] != row.to || !strings.Contains(r.text, row.says) {
				t.Errorf("%s", r.text)
			}
			h.settle(longEnough)
			if s, _ := h.cloud.Stack("bounded"); strings.HasSuffix(s.State, "FAILED") || h.count("bounded") != int(row.to) {
				t.Errorf("%s: %s", s.State, s.Reason)
			}
		})
	}
}

// N10: where flavors are not to be had, servers alone count.
func TestN10QuotaWithoutFlavors(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster("bounded", 2)
	quota := openstacktest.NoQuota()
	quota.Servers, quota.Cores = 4, 3
	h.cloud.SetQuota(quota)
	h.cloud.Inject(openstacktest.Fault{Service: "nova", PathPattern: "/flavors/detail", Status: http.StatusForbidden})
	r := h.post("/bounded/out?dry_run=1", `{"by": 3}`, ci())
	r.want(t, http.StatusOK, "capped")
	if r.body["to"] != 4.0 || !strings.Contains(r.text, "quota of servers") || !strings.Contains(h.log.String(), "only the quota of servers counts") {
		t.Errorf("%s", r.text)
	}
}

package scalecluster_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// unhealthy is what Aodh sends of a load balancer's broken members.
func unhealthy(ids ...string) string {
	return `{"alarm_name":"lb","alarm_id":"lb","severity":"low","previous":"ok","current":"alarm","reason":"Transition to alarm due to unhealthy members",` +
		`"reason_data":{"type":"loadbalancer_member_health","count":1,"most_recent":{"id":"x","operating_status":"ERROR"},"pool_id":"p","stack_id":"s","asg_id":"g",` +
		`"unhealthy_members":[{"id":"` + strings.Join(ids, `","operating_status":"ERROR"},{"id":"`) + `","operating_status":"ERROR"}]}}`
}

// breakNode has the pool give up a node's member, and says which it is.
func (h *house) breakNode(name, index string) string {
	h.t.Helper()
	id := h.member(name, index).ID
	h.cloud.SetMemberStatus(id, "ERROR")
	return id
}

// F12: the broken member that the alarm names is made anew by one update of the same count, for four requests, by whichever address,
// and whoever says so again changes nothing.
func TestF12MemberHealthAlarm(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		path    func(h *house) string
		headers []string
	}{
		"a signed address": {func(h *house) string { return h.signed(alone, "replace") }, nobody()},
		"auto":             {func(*house) string { return "/alone/auto" }, ci()},
		"replace":          {func(*house) string { return "/alone/replace" }, ci()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t)
			h.cluster(alone, 3, "stackhook")
			id := h.breakNode(alone, "1")
			before := h.servers(alone)
			h.post("/alone/replace?dry_run=1", ``, ci())
			h.calls()
			r := h.post(row.path(h), unhealthy("gone-long-ago", id), row.headers)
			r.want(t, http.StatusAccepted, "replaced")
			if victims, _ := r.body["victims"].([]any); !slices.Equal(victims, []any{"1"}) || r.body["from"] != 3.0 || r.body["to"] != 3.0 {
				t.Errorf("%s", r.text)
			}
			if got := h.calls(); !slices.Equal(got, []string{read, membersOf, update, read}) {
				t.Errorf("%v", got)
			}
			h.post(row.path(h), unhealthy("gone-long-ago", id), row.headers).want(t, http.StatusOK, "duplicate")
			h.settle(0)
			after := h.servers(alone)
			if len(after) != 3 || after["1"] != "" || after["3"] == "" || after["0"] != before["0"] || after["2"] != before["2"] || h.count(alone) != 3 {
				t.Errorf("%v became %v, count %d", before, after, h.count(alone))
			}
			h.settle(longEnough)
			h.post(row.path(h), unhealthy(id), row.headers).want(t, http.StatusOK, "unchanged")
			h.post("/alone/reconcile", ``, ci()).want(t, http.StatusOK, "steady") // N17: the others are all there
			if m := h.memory(alone); m.Halt != "" || len(m.Ring) != 1 || m.Ring[0].Op != "replace" || m.Ring[0].From != m.Ring[0].To {
				t.Errorf("%+v", m)
			}
		})
	}
}

// F12: what an alarm says is looked at again, one goes at a time, and it waits as a growth does.
func TestF12Waits(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		prepare func(h *house)
		cluster string
		tags    []string
		code    string
	}{
		"well again":      {func(*house) {}, alone, nil, "unchanged"},
		"paused":          {func(h *house) { h.breakNode(alone, "1") }, alone, []string{"paused-in"}, "paused"},
		"protected":       {func(h *house) { h.tag(alone, "1", "protect"); h.breakNode(alone, "1") }, alone, nil, "unchanged"},
		"too many broken": {func(h *house) { h.breakNode(guarded, "1"); h.breakNode(guarded, "2") }, guarded, nil, "unhealthy"},
		"a growth before it": {func(h *house) {
			h.post("/alone/set", `{"to": 4}`, ci())
			h.settle(0)
			h.breakNode(alone, "1")
		}, alone, nil, "cooldown"},
		"another one before it": {func(h *house) {
			h.breakNode(alone, "0")
			h.post("/alone/replace", ``, ci())
			h.settle(0)
			h.breakNode(alone, "1")
		}, alone, nil, "cooldown"},
		"one that failed before it": {func(h *house) {
			h.breakNode(alone, "0")
			h.cloud.FailServer("server", 1)
			h.post("/alone/replace", ``, ci())
			h.settle(4 * time.Minute)
			h.cloud.ClearFaults()
			h.breakNode(alone, "1")
		}, alone, nil, "back_off"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t)
			h.cluster(row.cluster, 3, append([]string{"stackhook"}, row.tags...)...)
			id := h.member(row.cluster, "1").ID
			row.prepare(h)
			h.calls()
			r := h.post("/"+row.cluster+"/replace", unhealthy(id), ci())
			r.want(t, http.StatusOK, row.code)
			if got := h.calls(); slices.Contains(got, update) {
				t.Errorf("%v", got)
			}
		})
	}
}

// F12, N8: people name one node, or none for the worst; a node in service goes only if enough others are.
func TestF12People(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(alone, 2, "stackhook")
	server := h.servers(alone)["0"]
	h.post("/alone/replace", ``, ci()).want(t, http.StatusOK, "unchanged")
	h.post("/alone/replace", `{"nodes": ["9"]}`, ci()).want(t, http.StatusUnprocessableEntity, "unknown_node")
	h.post("/alone/replace", `{"nodes": ["0", "1"]}`, ci()).want(t, http.StatusBadRequest, "one_at_a_time")
	h.post("/alone/replace", `{"by": 1}`, ci()).want(t, http.StatusBadRequest, "one_at_a_time")
	h.post("/alone/out", `{"nodes": ["0"]}`, ci()).want(t, http.StatusBadRequest, "nodes_not_in")
	h.post("/alone/out", `{"direction": "replace"}`, ci()).want(t, http.StatusBadRequest, "directions_differ")
	h.post(h.signed(alone, "replace"), `{"nodes": ["0"]}`, nobody()).want(t, http.StatusForbidden, "alarms_only")
	h.post(h.signed(alone, "out")[:len("/alone/")]+"replace"+h.signed(alone, "out")[len("/alone/out"):], aodh("alarm", 1), nobody()).want(t, http.StatusUnauthorized, "unauthorized")
	h.post("/alone/auto", `{"direction": "replace", "nodes": ["`+server+`"]}`, ci()).want(t, http.StatusAccepted, "replaced")
	h.settle(longEnough)
	if got := h.servers(alone); got["0"] != "" || len(got) != 2 {
		t.Errorf("%v", got)
	}
	h.post("/alone/set", `{"to": 1}`, ci()).want(t, http.StatusAccepted, "scaled")
	h.settle(longEnough)
	h.post("/alone/replace", `{"nodes": ["2"]}`, ci()).want(t, http.StatusOK, "unhealthy")
	h.post("/alone/replace?strict=1", `{"nodes": ["2"]}`, ci()).want(t, http.StatusUnprocessableEntity, "unhealthy")
	h.breakNode(alone, "2")
	h.post("/alone/replace", ``, ci()).want(t, http.StatusAccepted, "replaced")
	h.settle(0)
	if got := h.servers(alone); len(got) != 1 || got["2"] != "" {
		t.Errorf("%v", got)
	}
}

// F12: an alert names its node by a label, and one that wants a size as well has it first.
func TestF12Alert(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(alone, 2, "stackhook")
	h.breakNode(alone, "1")
	address := h.member(alone, "1").Address
	h.post("/alone/auto", strings.Replace(firing(1), `"scale":"out"`, `"scale":"replace","scale_node":"`+address+`"`, 1), ci()).want(t, http.StatusAccepted, "replaced")
	h.settle(longEnough)
	both := strings.Replace(firing(2), `"alerts":[`, `"alerts":[{"status":"firing","labels":{"scale":"replace","scale_node":"0"},"annotations":{},"startsAt":"x","fingerprint":"g"},`, 1)
	h.post("/alone/auto", both, ci()).want(t, http.StatusAccepted, "scaled")
	if h.count(alone) != 3 {
		t.Errorf("count %d", h.count(alone))
	}
}

// F12: equal alarms at once, from one process and from ten, and alarms of two broken members, make one node anew.
func TestF12Race(t *testing.T) {
	t.Parallel()
	for _, processes := range []int{1, 10} {
		h := start(t)
		h.cluster(alone, 4, "stackhook")
		one, two := h.breakNode(alone, "1"), h.breakNode(alone, "2")
		to := make([]http.Handler, processes)
		for i := range to {
			to[i] = h.process()
		}
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				r := h.sendTo(to[i%processes], http.MethodPost, h.signed(alone, "replace"), unhealthy(one, two), nobody())
				if r.status != http.StatusOK && r.status != http.StatusAccepted {
					t.Errorf("%d %s", r.status, r.text)
				}
			})
		}
		wg.Wait()
		h.settle(time.Second)
		if got := h.servers(alone); len(got) != 4 || got["1"] != "" || got["2"] == "" || got["5"] != "" {
			t.Errorf("%d processes: %v", processes, got)
		}
	}
}

// F12: cut off before or after any request, the host tries again, and one node is made anew.
func TestF12CutOffAnywhere(t *testing.T) {
	t.Parallel()
	for name, drop := range map[string]openstacktest.Fault{"before": {DropRequest: true}, "after": {DropReply: true}} {
		for n := range int64(5) {
			t.Run(name+" request "+strconv.FormatInt(n+1, 10), func(t *testing.T) {
				t.Parallel()
				h := start(t)
				h.cluster(alone, 3, "stackhook")
				id := h.breakNode(alone, "1")
				h.cloud.Chaos(cutOff(n, drop))
				h.post("/alone/replace", unhealthy(id), ci())
				h.cloud.Chaos(nil)
				h.post("/alone/replace", unhealthy(id), ci())
				h.settle(longEnough)
				h.post("/alone/replace", unhealthy(id), ci()).want(t, http.StatusOK, "unchanged")
				if got := h.servers(alone); len(got) != 3 || got["1"] != "" || got["3"] == "" || got["4"] != "" {
					t.Errorf("%v", got)
				}
			})
		}
	}
}

// F12, N10: there must be room for the new node beside the old one.
func TestF12Quota(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster("bounded", 2)
	h.breakNode("bounded", "0")
	h.cloud.SetServerQuota(2)
	h.post("/bounded/replace", ``, ci()).want(t, http.StatusOK, "no_quota")
	h.cloud.SetServerQuota(3)
	h.post("/bounded/replace", ``, ci()).want(t, http.StatusAccepted, "replaced")
}

package scalecluster_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// passes are the codes of a round's report, by cluster, without the configured clusters that have no stack.
func passes(r reply) map[string]string {
	out := map[string]string{}
	list, _ := r.body["passes"].([]any)
	for _, item := range list {
		row, _ := item.(map[string]any)
		if row["code"] != "gone" {
			out[fmt.Sprint(row["cluster"])] = fmt.Sprint(row["code"])
		}
	}
	return out
}

// wantPasses checks a round's report as a whole.
func (r reply) wantPasses(t *testing.T, status int, want ...string) {
	t.Helper()
	got := passes(r)
	for i := 0; i+1 < len(want); i += 2 {
		if got[want[i]] != want[i+1] {
			t.Errorf("cluster %s: %q, want %q", want[i], got[want[i]], want[i+1])
		}
	}
	if r.status != status || len(got) != len(want)/2 {
		t.Errorf("got %d with %v, want %d: %s", r.status, got, status, r.text)
	}
}

// stack makes a stack that is no cluster.
func (h *house) stack(name string, tags ...string) {
	h.t.Helper()
	_, err := h.client().CreateStack(h.t.Context(), openstack.NewStack{
		Name: name, Tags: tags, Template: "heat_template_version: 2018-08-31\nresources: {r: {type: OS::Heat::RandomString}}\n",
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// A round gives every cluster its pass, those of the configuration and those of our tag, and reads no lab.
func TestReconcileAll(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(gentle, 3)
	h.cluster(app, 1)
	for _, name := range []string{"site-a", "site-b", "site-c"} {
		h.cluster(name, 1, "stackhook", "site")
	}
	h.cluster("theirs", 1)
	h.stack("lab-0123456789abcdef01", "stackhook", "lab=web", "owner=lab-0123456789abcdef01")
	h.stack("warm-web-01234567", "stackhook", "warm=web")
	h.stack("something", "stackhook")
	h.cloud.Settle()
	h.post("/gentle/in", ``, ci()).want(t, http.StatusAccepted, "draining")
	h.settle(5 * time.Minute)
	h.cloud.SetStackState("site-b", "SUSPEND", "COMPLETE", "")
	h.post("/site-c/out", ``, ci()).want(t, http.StatusAccepted, "scaled")
	h.calls()
	dry := h.post("/reconcile?dry_run=1", ``, ci())
	dry.wantPasses(t, http.StatusOK, gentle, "removed", "academy", "steady", "site-a", "steady", "site-b", "not_scalable", "site-c", "busy")
	for _, c := range h.cloud.Calls() {
		if strings.Contains(c.Path, "/lab-") || strings.Contains(c.Path, "/warm-") {
			t.Errorf("a lab was read: %s", c.Path)
		}
	}
	if calls := h.calls(); slices.Contains(calls, update) || h.count(gentle) != 3 {
		t.Errorf("a dry run made %v", calls)
	}
	before := len(h.log.String())
	r := h.post("/reconcile", `{"message": "whatever"}`, ci())
	r.wantPasses(t, http.StatusAccepted, gentle, "removed", "academy", "steady", "site-a", "steady", "site-b", "not_scalable", "site-c", "busy")
	calls := h.calls()
	// One list; a read for each cluster but the busy one, and members for those that may change; the update and its look.
	// Configured clusters without a stack are looked for each time; what is no cluster has been read by the dry run.
	finds := len(slices.DeleteFunc(slices.Clone(calls), func(c string) bool { return c != find })) - 1
	if rest := len(calls) - finds; finds != 7 || rest != 1+4+3+2 {
		t.Errorf("%d looks for a name, %d other calls: %v", finds, rest, calls)
	}
	if r.body["clusters"] != 12.0 || r.body["left"] != 0.0 || r.body["calls"] != float64(len(calls)) {
		t.Errorf("%d calls: %s", len(calls), r.text)
	}
	// What is worth reading comes first.
	list, _ := r.body["passes"].([]any)
	if last, _ := list[len(list)-1].(map[string]any); last["code"] != "steady" {
		t.Errorf("%s", r.text)
	}
	for _, line := range []string{`"cluster":"gentle","decision":"removed","applied":true,"from":2,"to":2`, `"cluster":"site-a","decision":"steady"`} {
		if !strings.Contains(h.log.String()[before:], line) {
			t.Errorf("F21: no line has %s: %s", line, h.log.String()[before:])
		}
	}
	h.settle(0)
	h.post("/reconcile", ``, ci()).wantPasses(t, http.StatusOK, gentle, "steady", "academy", "steady", "site-a", "steady", "site-b", "not_scalable", "site-c", "steady")
	if h.count(gentle) != 2 {
		t.Errorf("count %d", h.count(gentle))
	}
}

// A round is for API tokens alone, and is never a GET.
func TestReconcileAllIsGuarded(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.post("/reconcile", ``, nobody()).want(t, http.StatusUnauthorized, "unauthorized")
	h.post("/reconcile", ``, theAlarm()).want(t, http.StatusUnauthorized, "unauthorized")
	h.post("/reconcile", ``, []string{"Authorization", "Bearer " + otherToken}).want(t, http.StatusUnauthorized, "unauthorized")
	h.post("/reconcile", ``, []string{"X-Auth-Token", h.cloud.Token()}).want(t, http.StatusForbidden, "forbidden")
	h.send(http.MethodGet, "/reconcile", ``, ci()).want(t, http.StatusMethodNotAllowed, "method")
	h.post("/reconcile?dry_run=maybe", ``, ci()).want(t, http.StatusBadRequest, "bad_option")
	if calls := h.calls(); len(calls) > 0 {
		t.Errorf("asked the cloud: %v", calls)
	}
}

// What befalls one cluster befalls no other, and a list that fails leaves the configuration's clusters.
func TestReconcileAllIsolatesFaults(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(gentle, 1)
	for _, name := range []string{"site-a", "site-b", "site-c"} {
		h.cluster(name, 1, "stackhook", "site")
	}
	h.cloud.Inject(openstacktest.Fault{Service: "heat", Method: http.MethodGet, PathPattern: "/stacks/site-b/*", Status: http.StatusServiceUnavailable})
	h.post("/reconcile", ``, ci()).wantPasses(t, http.StatusOK, gentle, "steady", "site-a", "steady", "site-b", "unavailable", "site-c", "steady")
	h.cloud.ClearFaults()
	h.cloud.Inject(openstacktest.Fault{Service: "heat", Method: http.MethodGet, PathPattern: "/stacks/site-b/*", DropRequest: true})
	h.post("/reconcile", ``, ci()).wantPasses(t, http.StatusOK, gentle, "steady", "site-a", "steady", "site-b", "unavailable", "site-c", "steady")
	h.cloud.ClearFaults()
	// Whoever lists is told no; whoever looks for a name is not.
	h.cloud.Chaos(func(c openstacktest.Call) openstacktest.Fault {
		if c.Name == find && strings.Contains(c.Query, "tags_any") {
			return openstacktest.Fault{Status: http.StatusServiceUnavailable}
		}
		return openstacktest.Fault{}
	})
	r := h.post("/reconcile", ``, ci())
	r.wantPasses(t, http.StatusOK, gentle, "steady")
	if r.body["error"] != "unavailable" {
		t.Errorf("%s", r.text)
	}
	h.cloud.Chaos(nil)
	h.post("/reconcile", ``, ci()).wantPasses(t, http.StatusOK, gentle, "steady", "site-a", "steady", "site-b", "steady", "site-c", "steady")
}

// faulty breaks off what asks for one stack.
type faulty struct{ stack string }

func (f faulty) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.Path, "/stacks/"+f.stack+"/") {
		panic("a fault of our own")
	}
	return http.DefaultTransport.RoundTrip(r)
}

// A fault of our own that breaks off one pass is in the log and in its row, and nowhere else; the next pass has its turn.
func TestReconcileAllSurvivesAPanic(t *testing.T) {
	t.Parallel()
	h := start(t)
	for _, name := range []string{"site-a", "site-b", "site-c"} {
		h.cluster(name, 1, "stackhook", "site")
	}
	h.h = h.through(faulty{"site-b"})
	for range 2 {
		r := h.post("/reconcile", ``, ci())
		r.wantPasses(t, http.StatusOK, "site-a", "steady", "site-b", "internal", "site-c", "steady")
		if strings.Contains(r.text, "fault of our own") || !strings.Contains(h.log.String(), "fault of our own") {
			t.Errorf("%s", r.text)
		}
	}
}

// What a round has no time for it says, and the next one begins there: after a few rounds every cluster had its pass.
func TestReconcileAllGoesOn(t *testing.T) {
	t.Parallel()
	h := start(t)
	var names []string
	for i := range 40 {
		names = append(names, fmt.Sprintf("site-%02d", i))
		h.small(names[i], "")
	}
	h.cloud.Settle()
	h.post("/reconcile?dry_run=1", ``, ci()) // logs in
	// Five waves of eight take five times as long as one, and there is time for less than four.
	const wave = 50 * time.Millisecond
	h.cloud.Inject(openstacktest.Fault{Service: "heat", PathPattern: "/stacks/*/*", Latency: wave})
	reached, cut := map[string]bool{}, 0
	for round := 0; len(reached) < len(names); round++ {
		if round == 100 {
			t.Fatalf("after %d rounds %d of %d were reached", round, len(reached), len(names))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second+3*wave)
		r := h.round(ctx)
		cancel()
		left := 0
		for name, code := range passes(r) {
			switch {
			case code == "not_reached":
				left++
			case strings.HasPrefix(name, "site-"):
				reached[name] = true
			}
		}
		if r.body["left"] != float64(left) && left > 0 {
			t.Fatalf("%d left: %s", left, r.text)
		}
		if left > 0 {
			cut++
		}
	}
	if cut == 0 {
		t.Error("no round was cut off")
	}
}

// round posts to /reconcile with a deadline.
func (h *house) round(ctx context.Context) reply {
	h.t.Helper()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/reconcile", nil)
	r.Header.Set("Authorization", "Bearer "+ciToken)
	return h.do(h.h, r)
}

// smallCluster has what a pass looks at, and no machines: a thousand of them are made in no time.
const smallCluster = `
heat_template_version: 2018-08-31
parameters:
  app_count: {type: number, default: 2}
  app_removal: {type: json, default: []}
  scale_state: {type: string, default: ""}
  app_min: {type: number, default: 1}
  app_max: {type: number, default: 4}
  pool: {type: string, default: ""}
resources:
  v: {type: OS::Heat::Value, properties: {value: {get_param: app_count}}}
outputs:
  pool_id: {value: {get_param: pool}}
  nodes: {value: {"0": {server: s0, address: 10.0.0.1, member: m0}, "1": {server: s1, address: 10.0.0.2, member: m1}}}
`

// small makes a cluster of that kind, whose nodes are in that pool.
func (h *house) small(name, pool string) {
	h.t.Helper()
	_, err := h.same().CreateStack(h.t.Context(), openstack.NewStack{
		Name: name, Template: smallCluster, Tags: []string{"stackhook", "site"}, Parameters: map[string]any{"pool": pool},
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// A thousand clusters: one request for each two hundred, two for each cluster, and never more than eight at once. A process
// that does not know yet whether something is kept in them looks once, which is a third.
func TestReconcileThousand(t *testing.T) {
	t.Parallel()
	const clusters = 1000
	h := thousand(t, clusters)
	gauge := &gauge{}
	h.h = h.through(gauge)
	for n, each := range []int{3, 2} {
		h.calls()
		r := h.round(t.Context())
		calls := h.calls()
		counts, _ := r.body["counts"].(map[string]any)
		if r.status != http.StatusOK || counts["steady"] != float64(clusters+1) || r.body["left"] != 0.0 {
			t.Errorf("%d: %v, %v left", r.status, counts, r.body["left"])
		}
		// The last page is full, so one list more; the eight configured clusters that are not there are looked for; and the
		// first time the one configured cluster's pool is read.
		if want := clusters/200 + 1 + each*(clusters+1) + 8 + 1 - n; len(calls) != want {
			t.Errorf("%d calls, want %d", len(calls), want)
		}
	}
	if most := gauge.most(); most < 2 || most > 8 {
		t.Errorf("%d requests at once", most)
	}
}

// thousand is a house with so many clusters, and the one whose pool they share.
func thousand(tb testing.TB, clusters int) *house {
	tb.Helper()
	h := start(tb)
	h.cluster(gentle, 1)
	pool := h.cloud.Members()[0].PoolID
	for i := range clusters {
		h.small(fmt.Sprintf("site-%04d", i), pool)
	}
	h.cloud.Settle()
	return h
}

// A round over a thousand clusters that need nothing: what it asks for, how long it takes, and what it holds in memory.
func BenchmarkReconcileThousand(b *testing.B) {
	for _, latency := range []time.Duration{0, 50 * time.Millisecond} {
		b.Run(latency.String(), func(b *testing.B) {
			h := thousand(b, 1000)
			h.round(b.Context()) // logs in
			h.calls()
			h.cloud.Inject(openstacktest.Fault{Latency: latency})
			before := heap()
			var calls, rounds, bytes int
			left := 0.0
			for b.Loop() {
				r := h.round(b.Context())
				n, _ := r.body["left"].(float64) // a slow machine may not come to all in 20 s
				left += n
				calls, rounds, bytes = calls+len(h.calls()), rounds+1, len(r.text)
			}
			b.ReportMetric(left/float64(rounds), "left/op")
			b.ReportMetric(float64(calls)/float64(rounds), "calls/op")
			b.ReportMetric(float64(bytes), "answer-bytes")
			b.ReportMetric(max(0, float64(heap())-float64(before))/1024, "kept-KiB")
		})
	}
}

// heap is what is in use.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// gauge counts requests under way.
type gauge struct {
	mu        sync.Mutex
	now, high int
}

func (g *gauge) RoundTrip(r *http.Request) (*http.Response, error) {
	g.add(1)
	defer g.add(-1)
	return http.DefaultTransport.RoundTrip(r)
}

func (g *gauge) add(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now += n
	g.high = max(g.high, g.now)
}

func (g *gauge) most() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.high
}

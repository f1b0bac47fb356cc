package scalecluster_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
	"github.com/stackhook/stackhook/shared/metrics"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

const (
	poolItself = "octavia GET /lbaas/pools/{}"
	balancer   = "octavia GET /lbaas/loadbalancers/{}"
	// leaver is the configured cluster of the tests here.
	leaver     = "leaver"
	hookSecret = "hook-hunter2-hunter2-hunter2-hunt"
)

// leaving is a house with a cluster of n nodes whose entry says how they leave, found already.
func leaving(t *testing.T, n int, drain string, options ...openstacktest.Option) *house {
	t.Helper()
	h := startWith(t, "  "+leaver+": {min: 1, max: 4, cooldown_out: 0s, cooldown_in: 0s, drain: {timeout: 5m, "+drain+"}}\n", options...)
	h.cluster(leaver, n)
	h.post("/leaver/in?dry_run=1", ``, ci())
	h.calls()
	return h
}

// persist gives the cluster's pool session persistence, as its template would.
func (h *house) persist(kind string) {
	h.t.Helper()
	h.cloud.SetPersistence(h.member(leaver, "0").ID, kind)
	h.h = h.process() // one that has not looked yet
	h.calls()
}

func (h *house) pass() reply {
	h.t.Helper()
	return h.post("/leaver/reconcile", ``, ci())
}

// N6: a sticky pool's node is drained in two phases; the pool is looked at once, where the drain begins.
func TestN6Sticky(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"SOURCE_IP", "HTTP_COOKIE", "APP_COOKIE"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			h := leaving(t, 3, "sticky: 2m")
			h.persist(kind)
			h.post("/leaver/in?dry_run=1", ``, ci())
			h.calls()
			h.post("/leaver/in", ``, ci()).want(t, http.StatusAccepted, "draining")
			if got := h.calls(); !slices.Equal(got, []string{read, membersOf, changeOne}) {
				t.Errorf("drain: %v", got)
			}
			if m := h.member(leaver, "0"); m.Weight != 0 || !m.AdminUp || !slices.Contains(m.Tags, "drain-sticky") {
				t.Errorf("phase one: %+v", m)
			}
			h.settle(time.Minute)
			h.pass().want(t, http.StatusOK, "steady")
			h.settle(time.Minute)
			h.calls()
			h.pass().want(t, http.StatusAccepted, "closing")
			if got := h.calls(); !slices.Equal(got, []string{read, membersOf, changeOne}) {
				t.Errorf("phase two: %v", got)
			}
			if m := h.member(leaver, "0"); m.AdminUp || m.Weight != 0 {
				t.Errorf("phase two: %+v", m)
			}
			h.settle(0)
			h.pass().want(t, http.StatusOK, "steady")
			h.settle(3 * time.Minute)
			h.pass().want(t, http.StatusAccepted, "removed")
		})
	}
	t.Run("half of timeout, and back in service", func(t *testing.T) {
		t.Parallel()
		h := leaving(t, 3, "min: 1s")
		h.persist("SOURCE_IP")
		h.post("/leaver/in", ``, ci()).want(t, http.StatusAccepted, "draining")
		if got := h.calls(); !slices.Equal(got, []string{"heat GET /stacks", read, membersOf, poolItself, changeOne}) {
			t.Errorf("the first drain of a process: %v", got)
		}
		h.settle(2*time.Minute + 20*time.Second)
		h.pass().want(t, http.StatusOK, "steady")
		h.settle(10 * time.Second)
		h.pass().want(t, http.StatusAccepted, "closing")
		h.settle(0)
		h.post("/leaver/out", ``, ci()).want(t, http.StatusAccepted, "undrained")
		if m := h.member(leaver, "0"); !m.AdminUp || m.Weight != 1 || h.marked2("0", "drain") {
			t.Errorf("%+v", m)
		}
	})
	t.Run("turned off", func(t *testing.T) {
		t.Parallel()
		h := leaving(t, 3, "sticky: 5m")
		h.persist("SOURCE_IP")
		h.post("/leaver/in", ``, ci()).want(t, http.StatusAccepted, "draining")
		if got := h.calls(); slices.Contains(got, poolItself) {
			t.Errorf("%v", got)
		}
	})
	t.Run("the pool is not to be read", func(t *testing.T) {
		t.Parallel()
		h := leaving(t, 3, "sticky: 2m")
		h.persist("SOURCE_IP")
		h.cloud.Chaos(func(c openstacktest.Call) openstacktest.Fault {
			if c.Name == poolItself {
				return openstacktest.Fault{Status: http.StatusServiceUnavailable}
			}
			return openstacktest.Fault{}
		})
		h.post("/leaver/in", ``, ci()).want(t, http.StatusServiceUnavailable, "unavailable")
		if m := h.member(leaver, "0"); m.Weight != 1 {
			t.Errorf("%+v", m)
		}
	})
}

// marked2 says whether a tag of the leaver's node begins so.
func (h *house) marked2(index, prefix string) bool {
	h.t.Helper()
	return slices.ContainsFunc(h.member(leaver, index).Tags, func(tag string) bool { return strings.HasPrefix(tag, prefix) })
}

// lbMetrics is a PROMETHEUS listener.
type lbMetrics struct {
	*httptest.Server
	mu     sync.Mutex
	text   string
	status int
	hits   int
}

func newMetrics(t *testing.T) *lbMetrics {
	t.Helper()
	m := &lbMetrics{status: http.StatusOK}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.hits++
		w.WriteHeader(m.status)
		fmt.Fprint(w, m.text)
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *lbMetrics) say(status int, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.status, m.text, m.hits = status, text, 0
}

func (m *lbMetrics) asked() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.hits
}

// F7: a node without sessions is removed before its time; whatever is wrong with the numbers, time decides, and the answer
// says so.
func TestF7SessionsEndADrain(t *testing.T) {
	t.Parallel()
	lb := newMetrics(t)
	h := leaving(t, 3, "min: 10s, sessions_url: "+lb.URL+"/metrics")
	lb.say(http.StatusOK, "")
	h.pass().want(t, http.StatusOK, "steady")
	h.post("/leaver/in", ``, ci()).want(t, http.StatusAccepted, "draining")
	member := h.member(leaver, "0").ID
	h.pass().want(t, http.StatusOK, "steady")
	if lb.asked() != 0 {
		t.Error("asked for sessions that did not matter")
	}
	h.settle(10 * time.Second)
	line := func(value string) string {
		return `octavia_member_current_sessions{pool="p:l1",member="` + member + `"} 0` + "\n" +
			`octavia_member_current_sessions{pool="p:l2",member="` + member + `"} ` + value + "\n"
	}
	for name, row := range map[string]struct {
		status int
		text   string
		known  bool
	}{
		"some left":      {http.StatusOK, line("3"), true},
		"no number":      {http.StatusOK, line("NaN"), false},
		"not the metric": {http.StatusOK, "octavia_member_status{member=\"" + member + "\"} 0\n", false},
		"not now":        {http.StatusBadGateway, line("0"), false},
		"elsewhere":      {http.StatusFound, line("0"), false},
		"too much":       {http.StatusOK, line("0") + strings.Repeat("#\n", 5<<20), false},
	} {
		lb.say(row.status, row.text)
		r := h.pass()
		r.want(t, http.StatusOK, "steady")
		if got := !strings.Contains(r.text, "time alone"); got != row.known || lb.asked() != 1 {
			t.Errorf("%s: asked %d times: %s", name, lb.asked(), r.text)
		}
	}
	lb.say(http.StatusOK, line("0"))
	h.post("/leaver/reconcile?dry_run=1", ``, ci()).want(t, http.StatusOK, "removed")
	h.calls()
	r := h.pass()
	r.want(t, http.StatusAccepted, "removed")
	if !strings.Contains(r.text, "no sessions left") {
		t.Errorf("%s", r.text)
	}
	if got := h.calls(); !slices.Equal(got, []string{read, membersOf, update, read}) {
		t.Errorf("%v", got)
	}
	if strings.Contains(h.log.String(), lb.URL) {
		t.Error("the log has the address")
	}
}

// A listener that is not there, or never ends, holds a drain up no longer than its time.
func TestF7SessionsNotToBeHad(t *testing.T) {
	t.Parallel()
	lb := newMetrics(t)
	lb.Close()
	h := leaving(t, 3, "min: 10s, sessions_url: "+lb.URL+"/metrics")
	h.post("/leaver/in", ``, ci()).want(t, http.StatusAccepted, "draining")
	h.settle(time.Minute)
	r := h.pass()
	r.want(t, http.StatusOK, "steady")
	if !strings.Contains(r.text, "time alone") || !strings.Contains(h.log.String(), "time alone ends the drain") {
		t.Errorf("%s\n%s", r.text, h.log)
	}
	h.settle(4 * time.Minute)
	h.pass().want(t, http.StatusAccepted, "removed")
}

// hookServer is an operator's: it checks signatures and answers what it is told.
type hookServer struct {
	*httptest.Server
	mu     sync.Mutex
	now    func() time.Time
	status int
	bodies []map[string]any
	wrong  []string
}

func newHook(t *testing.T) *hookServer {
	t.Helper()
	k := &hookServer{status: http.StatusNoContent}
	k.Server = httptest.NewServer(k)
	t.Cleanup(k.Close)
	return k
}

func (k *hookServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	stamp := r.Header.Get("X-Stackhook-Timestamp")
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write([]byte(stamp + "." + string(body)))
	if r.Header.Get("X-Stackhook-Signature") != "sha256="+hex.EncodeToString(mac.Sum(nil)) || stamp != strconv.FormatInt(k.now().Unix(), 10) || r.Method != http.MethodPost {
		k.wrong = append(k.wrong, fmt.Sprint(r.Method, r.Header))
	}
	var about map[string]any
	if json.Unmarshal(body, &about) != nil {
		k.wrong = append(k.wrong, string(body))
	}
	k.bodies = append(k.bodies, about)
	if k.status == http.StatusFound {
		w.Header().Set("Location", "/agreed")
	}
	w.WriteHeader(k.status)
}

func (k *hookServer) answer(status int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.status = status
}

// heard are the requests since the last look.
func (k *hookServer) heard(t *testing.T) []map[string]any {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.wrong) > 0 {
		t.Errorf("wrongly signed: %v", k.wrong)
	}
	out := k.bodies
	k.bodies = nil
	return out
}

// hooked is a house with a cluster of four that has a hook.
func hooked(t *testing.T) (*house, *hookServer) {
	t.Helper()
	k := newHook(t)
	h := leaving(t, 4, "hook: {url: "+k.URL+"/leaves, secret: "+hookSecret+", timeout: 1s, deadline: 2m}")
	k.now = h.cloud.Now
	return h, k
}

// F11: the hook is asked, signed, when a node's time is over and not before; without its word the node stays until the hook's
// deadline, and then goes without.
func TestF11TerminateHook(t *testing.T) {
	t.Parallel()
	h, k := hooked(t)
	server, since := h.servers(leaver)["0"], h.cloud.Now().UTC()
	h.post("/leaver/in", ``, ci()).want(t, http.StatusAccepted, "draining")
	h.settle(4 * time.Minute)
	h.pass().want(t, http.StatusOK, "steady")
	if got := k.heard(t); got != nil {
		t.Errorf("asked before the time: %v", got)
	}
	h.settle(time.Minute)
	h.post("/leaver/reconcile?dry_run=1", ``, ci()).want(t, http.StatusOK, "removed")
	if got := k.heard(t); got != nil {
		t.Errorf("N11: a dry run asks: %v", got)
	}
	var ids []any
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusFound, http.StatusForbidden} {
		k.answer(status)
		h.calls()
		r := h.pass()
		r.want(t, http.StatusOK, "waiting")
		if r.body["retry_after"] == nil || strings.Contains(r.text, "leaves") {
			t.Errorf("%s", r.text)
		}
		if got := h.calls(); !slices.Equal(got, []string{read, membersOf}) {
			t.Errorf("%d: %v", status, got)
		}
		heard := k.heard(t)
		if len(heard) != 1 {
			t.Fatalf("%d: asked %v", status, heard)
		}
		ids = append(ids, heard[0]["id"])
		delete(heard[0], "id")
		address := h.member(leaver, "0").Address
		want := map[string]any{
			"cluster": leaver, "stack": leaver, "node": "0", "server": server, "address": address,
			"since": since.Format(time.RFC3339), "deadline": since.Add(7 * time.Minute).Format(time.RFC3339),
		}
		if fmt.Sprint(heard[0]) != fmt.Sprint(want) {
			t.Errorf("told %v, want %v", heard[0], want)
		}
	}
	if ids[0] == "" || ids[0] == nil || ids[0] != ids[1] || ids[1] != ids[2] {
		t.Errorf("the same question has other ids: %v", ids)
	}
	k.answer(http.StatusAccepted)
	h.calls()
	h.pass().want(t, http.StatusAccepted, "removed")
	if got := h.calls(); !slices.Equal(got, []string{read, membersOf, update, read}) {
		t.Errorf("%v", got)
	}
	k.heard(t)
	h.settle(0)
	if got := h.servers(leaver); len(got) != 3 || got["0"] != "" {
		t.Errorf("%v", got)
	}
	// One that never answers holds a node no longer than its deadline.
	k.Close()
	h.post("/leaver/in", ``, ci()).want(t, http.StatusAccepted, "draining")
	h.settle(6*time.Minute + 50*time.Second)
	h.pass().want(t, http.StatusOK, "waiting")
	h.settle(10 * time.Second)
	r := h.pass()
	r.want(t, http.StatusAccepted, "removed")
	if !strings.Contains(r.text, "had not agreed") || strings.Contains(h.log.String(), k.URL) {
		t.Errorf("%s", r.text)
	}
}

// F11: the update after the hook's word is lost: it is asked once more, and the node goes once.
func TestF11AtLeastOnce(t *testing.T) {
	t.Parallel()
	h, k := hooked(t)
	h.post("/leaver/set", `{"to": 2}`, ci()).want(t, http.StatusAccepted, "draining")
	h.settle(5 * time.Minute)
	h.post("/leaver/set", `{"to": 2}`, ci()).want(t, http.StatusAccepted, "draining") // the load balancer took one a time
	h.settle(5 * time.Minute)
	h.cloud.Inject(openstacktest.Fault{Service: "heat", Method: http.MethodPatch, LostUpdate: true, Times: 1})
	h.pass().want(t, http.StatusOK, "lost")
	if got := k.heard(t); len(got) != 2 {
		t.Errorf("asked %v", got)
	}
	together := func() {
		var wg sync.WaitGroup
		hosts := []http.Handler{h.process(), h.process(), h.h}
		for i := range 6 {
			wg.Go(func() {
				if r := h.sendTo(hosts[i%3], http.MethodPost, "/leaver/reconcile", ``, ci()); r.status != http.StatusOK && r.status != http.StatusAccepted {
					t.Errorf("%d %s", r.status, r.text)
				}
			})
		}
		wg.Wait()
	}
	together()
	if got := k.heard(t); len(got) < 2 {
		t.Errorf("asked %v", got)
	}
	h.settle(0)
	h.pass()
	h.settle(0)
	if got := h.servers(leaver); len(got) != 2 || got["2"] == "" || got["3"] == "" {
		t.Errorf("%v", got)
	}
}

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

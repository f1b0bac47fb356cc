package scalecluster_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// raceRounds is on the fake cloud; package cluster races its decisions a thousand times without one. A thousand here:
// go test ./functions/scale-cluster/scalecluster -run TwoHostsRace -race.rounds 1000.
var raceRounds = flag.Int("race.rounds", 40, "how many rounds two hosts race")

// Two hosts ask at the same time for this and that, and some updates are lost: the bounds hold, the floor stays in
// service, nobody goes whom no answer named, and no request costs more than its budget.
func TestTwoHostsRace(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ budget, low, high int }{gentle: {4, 1, 4}, leased: {8, 1, 4}, floor: {4, 2, 12}, leaver: {4, 1, 4}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(3, uint64(len(name))))
			// A token that ends on the way costs each host one request more, and is not what this is about.
			options := []openstacktest.Option{openstacktest.PatchWindow(2 * time.Millisecond), openstacktest.TokenLife(30 * 24 * time.Hour)}
			var h *house
			if name == leaver {
				h = moody(t, options...)
			} else {
				h = start(t, options...)
				h.cluster(name, 3)
			}
			hosts := []http.Handler{h.process(), h.process()}
			for _, host := range hosts {
				h.sendTo(host, http.MethodPost, "/"+name+"/in?dry_run=1", ``, ci())
			}
			h.calls()
			named := map[string]bool{} // some are drained in one round and go in another
			for round := range *raceRounds {
				before := h.servers(name)
				if random.IntN(3) == 0 {
					h.cloud.Inject(openstacktest.Fault{Service: "heat", Method: http.MethodPatch, LostUpdate: true, Times: 1})
				}
				replies := h.atOnce(random, hosts, name, round)
				calls := h.calls()
				h.cloud.ClearFaults()
				h.settle(time.Duration(random.IntN(7)) * time.Minute)
				for _, r := range replies {
					maps.Copy(named, r.victims())
				}
				after := h.servers(name)
				for index := range before {
					if after[index] == "" && !named[index] {
						t.Fatalf("round %d: node %s went, and nobody said so: %s, %s", round, index, replies[0].text, replies[1].text)
					}
				}
				if n := h.count(name); n < row.low || n > row.high || n != len(after) || h.serving() < row.low || len(calls) > 2*row.budget {
					t.Fatalf("round %d: count %d, %d nodes, %d in service, %d requests: %v", round, n, len(after), h.serving(), len(calls), calls)
				}
			}
		})
	}
}

// moody is a house with the leaver cluster of three, sticky, whose hook agrees every other time, and whose load balancer
// counts no sessions every third.
func moody(t *testing.T, options ...openstacktest.Option) *house {
	t.Helper()
	var n atomic.Int64
	var it atomic.Pointer[house]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch i := n.Add(1); {
		case r.Method == http.MethodPost && i%2 == 0:
			w.WriteHeader(http.StatusConflict)
		case r.Method == http.MethodGet && i%3 == 0:
			for _, m := range it.Load().cloud.Members() {
				fmt.Fprintf(w, "octavia_member_current_sessions{member=%q} 0\n", m.ID)
			}
		}
	}))
	t.Cleanup(server.Close)
	h := leaving(t, 3, "sticky: 2m, min: 1m, sessions_url: "+server.URL+", hook: {url: "+server.URL+", secret: "+hookSecret+", deadline: 1m}", options...)
	h.persist("SOURCE_IP")
	it.Store(h)
	return h
}

// atOnce sends one request to each host.
func (h *house) atOnce(random *rand.Rand, hosts []http.Handler, name string, round int) []reply {
	h.t.Helper()
	replies := make([]reply, len(hosts))
	var wg sync.WaitGroup
	for i, host := range hosts {
		path, body, headers := "/"+name+"/reconcile", ``, ci()
		switch random.IntN(5) {
		case 0, 1:
			path, body, headers = h.signed(name, "out"), aodh("alarm", round), nobody()
		case 2, 3:
			path, body, headers = h.signed(name, "in"), aodh("alarm", -round), nobody()
		}
		wg.Go(func() { replies[i] = h.sendTo(host, http.MethodPost, path, body, headers) })
	}
	wg.Wait()
	for _, r := range replies {
		if r.status != http.StatusOK && r.status != http.StatusAccepted {
			h.t.Fatalf("%d %s", r.status, r.text)
		}
	}
	return replies
}

// victims are those of the answer and of its pass.
func (r reply) victims() map[string]bool {
	out := map[string]bool{}
	pass, _ := r.body["pass"].(map[string]any)
	for _, part := range []map[string]any{r.body, pass} {
		list, _ := part["victims"].([]any)
		for _, v := range list {
			out[fmt.Sprint(v)] = true
		}
	}
	return out
}

// serving is how many members get traffic.
func (h *house) serving() int {
	return len(slices.DeleteFunc(h.cloud.Members(), func(m openstacktest.Member) bool { return m.Weight == 0 || !m.AdminUp }))
}

// together sends twenty requests at once, spread over some hosts.
func (h *house) together(hosts []http.Handler, request func(n int) (path, body string)) []reply {
	h.t.Helper()
	replies := make([]reply, 20)
	var wg sync.WaitGroup
	for i := range replies {
		path, body := request(i)
		wg.Go(func() { replies[i] = h.sendTo(hosts[i%len(hosts)], http.MethodPost, path, body, ci()) })
	}
	wg.Wait()
	return replies
}

// hosts are so many processes.
func (h *house) hosts(n int) []http.Handler {
	h.t.Helper()
	out := make([]http.Handler, n)
	for i := range out {
		out[i] = h.process()
	}
	return out
}

// Twenty equal webhooks at once are one step and one update: in one process, and in twenty with a lease.
func TestTwentyEqualAreOneUpdate(t *testing.T) {
	t.Parallel()
	for name, processes := range map[string]int{floor: 1, leased: 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t)
			h.cluster(name, 2)
			hosts := h.hosts(processes)
			for _, verb := range []string{"out", "in"} {
				before := h.count(name)
				h.calls()
				replies := h.together(hosts, func(int) (string, string) { return "/" + name + "/" + verb, aodh("alarm", 1) })
				calls := h.calls()
				applied := slices.DeleteFunc(slices.Clone(replies), func(r reply) bool { return r.body["applied"] != true })
				updates := slices.DeleteFunc(slices.Clone(calls), func(c string) bool { return c != update })
				step := h.count(name) - before
				if len(applied) != 1 || len(updates) != 1 || step*step != 1 {
					t.Errorf("%s: %d applied, %d updates, %d to %d", verb, len(applied), len(updates), before, h.count(name))
				}
				h.settle(longEnough)
			}
		})
	}
}

// Of twenty different webhooks at once, in and out, bounds and blast radius hold: one step is made of all, no larger than
// one may be, and after the storm the size is one that somebody was told.
func TestTwentyDifferentHoldTheBounds(t *testing.T) {
	t.Parallel()
	for _, processes := range []int{1, 20} {
		t.Run(strconv.Itoa(processes), func(t *testing.T) {
			t.Parallel()
			h := start(t)
			h.cluster(guarded, 6) // at most a quarter goes, and three steps an hour
			hosts := h.hosts(processes)
			steps := 0
			for round := range 6 {
				before := h.count(guarded)
				replies := h.together(hosts, func(n int) (string, string) {
					if n%2 == 0 {
						return "/guarded/out", aodh("alarm", 100*round+n)
					}
					return "/guarded/in", aodh("alarm", 100*round+n)
				})
				h.cloud.Settle()
				after, told := h.count(guarded), map[float64]bool{float64(before): true}
				for _, r := range replies {
					if to, ok := r.body["to"].(float64); ok {
						told[to] = true
					}
					if r.status != http.StatusOK && r.status != http.StatusAccepted {
						t.Errorf("%d %s", r.status, r.text)
					}
				}
				if after > before+1 || after < before-1 || after < 1 || after > 12 || !told[float64(after)] || len(h.servers(guarded)) != after || h.serving() < 6-3 {
					t.Errorf("round %d: %d to %d, %d in service, told %v", round, before, after, h.serving(), told)
				}
				if after != before {
					steps++
				}
				h.cloud.Advance(time.Minute)
			}
			if steps > 3 || steps == 0 {
				t.Errorf("%d steps in six minutes", steps)
			}
		})
	}
}

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

// Package cluster races its decisions a thousand times without a cloud; a thousand rounds on the fake one: make chaos-scaling.
var (
	raceRounds = flag.Int("race.rounds", 10, "how many rounds two hosts race for, with each kind of cluster")
	raceSeed   = flag.Uint64("race.seed", 1, "seed of the first round")
)

// pairsOfRound is how many times in a round two requests race: what one leaves behind is what the next one finds.
const pairsOfRound = 5

// raced is a kind of cluster with what must hold of it: requests for one answer, and nodes in service and in all.
type raced struct {
	name              string
	budget, low, high int
}

// Two hosts ask at the same time for this and that, and some updates are lost: the bounds hold, the floor stays in
// service, nobody goes whom no answer named, and no request costs more than its budget. Each round is of a seed of its own.
func TestTwoHostsRace(t *testing.T) {
	t.Parallel()
	for _, kind := range []raced{{gentle, 5, 1, 4}, {leased, 8, 1, 4}, {floor, 5, 2, 12}, {leaver, 5, 1, 4}} {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			for n := 0; n < *raceRounds && !t.Failed(); n++ {
				seed := *raceSeed + uint64(n)
				t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { kind.race(t, seed) }) // what it held is given back with it
			}
		})
	}
}

func (k raced) race(t *testing.T, seed uint64) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("again: go test ./functions/scale-cluster/scalecluster -run 'TwoHostsRace/%s' -race.seed %d -race.rounds 1", k.name, seed)
		}
	}()
	random := rand.New(rand.NewPCG(seed, uint64(len(k.name))))
	h, hosts := k.start(t)
	named := map[string]bool{} // some are drained by one pair and go in another
	for pair := range pairsOfRound {
		before := h.servers(k.name)
		if random.IntN(3) == 0 {
			h.cloud.Inject(openstacktest.Fault{Service: "heat", Method: http.MethodPatch, LostUpdate: true, Times: 1})
		}
		replies := h.atOnce(random, hosts, k.name, pair)
		calls := h.calls()
		h.cloud.ClearFaults()
		h.settle(time.Duration(random.IntN(7)) * time.Minute)
		for _, r := range replies {
			maps.Copy(named, r.victims())
		}
		after := h.servers(k.name)
		for index := range before {
			if after[index] == "" && !named[index] {
				t.Fatalf("pair %d: node %s went, and nobody said so: %s, %s", pair, index, replies[0].text, replies[1].text)
			}
		}
		if n := h.count(k.name); n < k.low || n > k.high || n != len(after) || h.serving() < k.low || len(calls) > 2*k.budget {
			t.Fatalf("pair %d: count %d, %d nodes, %d in service, %d requests: %v", pair, n, len(after), h.serving(), len(calls), calls)
		}
	}
}

// start is a cluster of three, and two hosts that have found it.
func (k raced) start(t *testing.T) (*house, []http.Handler) {
	t.Helper()
	// A token that ends on the way costs each host one request more, and is not what this is about.
	options := []openstacktest.Option{openstacktest.PatchWindow(2 * time.Millisecond), openstacktest.TokenLife(30 * 24 * time.Hour)}
	var h *house
	if k.name == leaver {
		h = moody(t, options...)
	} else {
		h = start(t, options...)
		h.cluster(k.name, 3)
	}
	hosts := []http.Handler{h.process(), h.process()}
	for _, host := range hosts {
		h.sendTo(host, http.MethodPost, "/"+k.name+"/in?dry_run=1", ``, ci())
	}
	h.calls()
	return h, hosts
}

// Who sends an update, and finds that another host made the same meanwhile, does nothing besides: there is no request left.
func TestLateUpdateIsTheLastRequest(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		path            string
		requests, count int // of both hosts; from 3
	}{"an alarm": {"/floor/out", 6, 4}, "a pass": {"/floor/reconcile", 10, 5}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := updating(t, floor, 2)
			h.post("/floor/set", `{"to": 5}`, ci()).want(t, http.StatusAccepted, "kept")
			h.settle(time.Second)
			late, early := h.process(), h.process()
			for _, host := range []http.Handler{late, early} {
				h.sendTo(host, http.MethodPost, "/floor/out?dry_run=1", ``, ci())
			}
			h.calls()
			var overtaken sync.Once
			h.cloud.Chaos(func(c openstacktest.Call) (f openstacktest.Fault) {
				if c.Name == update {
					overtaken.Do(func() {
						h.cloud.Chaos(nil)
						h.sendTo(early, http.MethodPost, row.path, aodh("alarm", 2), ci())
						f.LostUpdate = true
					})
				}
				return f
			})
			r := h.sendTo(late, http.MethodPost, row.path, aodh("alarm", 2), ci())
			if calls := h.calls(); len(calls) != row.requests || calls[len(calls)-1] != read {
				t.Errorf("%v: %s", calls, r.text)
			}
			h.settle(0)
			if h.count(floor) != row.count {
				t.Errorf("count %d: %s", h.count(floor), r.text)
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
func (h *house) atOnce(random *rand.Rand, hosts []http.Handler, name string, pair int) []reply {
	h.t.Helper()
	replies := make([]reply, len(hosts))
	var wg sync.WaitGroup
	for i, host := range hosts {
		path, body, headers := "/"+name+"/reconcile", ``, ci()
		switch random.IntN(5) {
		case 0, 1:
			path, body, headers = h.signed(name, "out"), aodh("alarm", pair), nobody()
		case 2, 3:
			path, body, headers = h.signed(name, "in"), aodh("alarm", -pair), nobody()
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

package cluster_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
)

// world is a model of one cluster: Heat's group in mode append, which drops some updates after a 202, and a pool.
type world struct {
	t       *testing.T
	random  *rand.Rand
	now     time.Time
	state   cluster.State
	skipped map[string]bool // names that Heat uses no more
	ready   time.Time       // when Heat is done
	// chosen are the nodes that an update named, or that a drain did.
	chosen map[string]bool
	log    []string
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 7))
	s := known(complete(2+random.IntN(3)), func(nodes []cluster.Node) {
		for i := range nodes {
			nodes[i].Tags = []string{}
		}
	})
	s.Min, s.Max, s.CooldownOut, s.CooldownIn = 1+random.IntN(2), 5, time.Minute, 2*time.Minute
	if seed%2 == 0 {
		s.Policy.Drain = time.Minute
	}
	if seed%4 == 0 {
		s.Policy.Sticky, s.Sticky = 30*time.Second, true
	}
	if seed%6 == 0 {
		s.Policy.Hook, s.Policy.HookDeadline = true, time.Minute
	}
	if seed%10 == 0 {
		s.Policy.Sessions, s.Policy.DrainMin = true, 10*time.Second
	}
	return &world{t: t, random: random, now: start(), state: s, skipped: map[string]bool{}, chosen: map[string]bool{}}
}

// read is what a host sees now. It keeps nothing that the world changes.
func (w *world) read() cluster.State {
	s := w.state
	s.Nodes = slices.Clone(s.Nodes)
	return s
}

// host is one request, from its read to its write: other hosts may come between.
type host struct {
	seen     cluster.State
	decision cluster.Decision
	request  cluster.Request
}

func (w *world) host(n int) host {
	h := host{seen: w.read(), request: cluster.Request{Token: strconv.Itoa(n), Key: fmt.Sprint("key", w.random.IntN(4)), KeyLife: time.Minute, By: 1 + w.random.IntN(2)}}
	switch w.random.IntN(5) {
	case 0, 1:
		h.request.Op = cluster.OpOut
		h.decision = cluster.Decide(h.seen, h.request, w.now)
	case 2, 3:
		h.request.Op = cluster.OpIn
		h.decision = cluster.Decide(h.seen, h.request, w.now)
	default:
		h.request.Key = ""
		h.pass(w)
	}
	w.log = append(w.log, fmt.Sprintf("%s host %s: %s %s to %d %v", w.now.Format("04:05"), h.request.Token, h.decision.Op, h.decision.Code, h.decision.To, h.decision.Victims))
	return h
}

// pass is a request for what is due: it looks at sessions, and asks the hook, as it has to.
func (h *host) pass(w *world) {
	if h.seen.NeedsSessions(w.now) {
		h.seen.Sessions = map[string]int{}
		for _, n := range h.seen.Nodes {
			h.seen.Sessions[n.Member] = w.random.IntN(2)
		}
	}
	h.decision = cluster.Reconcile(h.seen, h.request, w.now)
	if len(h.decision.Ask) == 0 {
		return
	}
	h.seen.Agreed = map[string]bool{}
	for _, a := range h.decision.Ask {
		h.seen.Agreed[a.Node] = w.random.IntN(2) == 0
	}
	h.decision = cluster.Reconcile(h.seen, h.request, w.now)
	for _, n := range h.seen.Nodes {
		end, leaving := h.seen.Leaves(n)
		if leaving && slices.Contains(h.decision.Victims, n.Name) && !h.seen.Agreed[n.Name] && w.now.Before(end.Add(h.seen.Policy.HookDeadline)) {
			w.fail("node " + n.Name + " goes before its hook agreed")
		}
	}
}

// write makes a decision true, or loses it. Heat takes an update at any time, and a later one replaces an earlier.
func (w *world) write(h host) {
	d := h.decision
	if len(d.Members) > 0 {
		if w.random.IntN(3) == 0 { // the load balancer is busy after the first, or the host dies
			d.Members = d.Members[:1]
		}
		for i, v := range d.Victims {
			w.chosen[v] = w.chosen[v] || i < len(d.Members)
		}
		health := w.state.Nodes
		w.state = write(w.state, d)
		for i := range health { // what the monitor says is not the request's to say
			if health[i].Health == "ERROR" {
				w.state.Nodes[i].Health = "ERROR"
			}
		}
		return
	}
	if d.Patch == nil {
		return
	}
	if w.random.IntN(4) == 0 {
		w.log = append(w.log, "lost: "+h.request.Token)
		if got := cluster.Verify(d, h.request.Token, h.seen.Memory, w.state); got.Applied {
			w.fail("a lost update reads as applied")
		}
		return
	}
	for _, v := range d.Patch.Removal {
		w.chosen[v], w.skipped[v] = true, true
	}
	w.state.Count = d.Patch.Count
	w.state.Memory, _ = cluster.Remember(d.Patch.State)
	w.state.Action, w.state.Status = "UPDATE", "IN_PROGRESS"
	w.ready = w.now.Add(20 * time.Second)
	if got := cluster.Verify(d, h.request.Token, h.seen.Memory, w.state); !got.Applied {
		w.fail("an update that was made reads as " + string(got.Code))
	}
}

// heat finishes an update: the lowest names that are not used up make the group.
func (w *world) heat() {
	if w.state.Status != "IN_PROGRESS" || w.now.Before(w.ready) {
		return
	}
	w.state.Status = "COMPLETE"
	var nodes []cluster.Node
	for i := 0; len(nodes) < w.state.Count; i++ {
		name := strconv.Itoa(i)
		if w.skipped[name] {
			continue
		}
		n := cluster.Node{Name: name, Server: "server-" + name, Member: "member-" + name, Health: "ONLINE", Weight: 1, AdminUp: true, Tags: []string{}}
		if at := slices.IndexFunc(w.state.Nodes, func(have cluster.Node) bool { return have.Name == name }); at >= 0 {
			n = w.state.Nodes[at]
		}
		nodes = append(nodes, n)
	}
	for _, had := range w.state.Nodes {
		gone := !slices.ContainsFunc(nodes, func(n cluster.Node) bool { return n.Name == had.Name })
		if gone && !w.chosen[had.Name] {
			w.fail("node " + had.Name + " went, and nobody chose it")
		}
	}
	w.state.Nodes = nodes
}

func (w *world) check() {
	inService := 0
	for _, n := range w.state.Nodes {
		if n.Weight > 0 && n.AdminUp && !w.skipped[n.Name] {
			inService++
		}
	}
	switch {
	case w.state.Count > w.state.Max:
		w.fail(fmt.Sprintf("%d nodes, more than %d", w.state.Count, w.state.Max))
	case w.state.Count < w.state.Min:
		w.fail(fmt.Sprintf("%d nodes, fewer than %d", w.state.Count, w.state.Min))
	case inService < w.state.Min:
		w.fail(fmt.Sprintf("%d in service, fewer than %d", inService, w.state.Min))
	}
}

func (w *world) fail(why string) {
	w.t.Helper()
	for _, line := range w.log {
		w.t.Log(line)
	}
	w.t.Fatal(why)
}

// Two hosts decide on the same cluster, a thousand times forty requests, and a quarter of the updates is lost: never are
// there more nodes than the bound, never fewer than the floor are in service, and nobody goes who was not chosen.
func TestTwoHostsRace(t *testing.T) {
	t.Parallel()
	made := map[cluster.Code]int{}
	for seed := range uint64(1000) {
		w := newWorld(t, seed)
		for n := range 20 {
			w.now = w.now.Add(time.Duration(w.random.IntN(90)) * time.Second)
			w.heat()
			one, two := w.host(2*n), w.host(2*n+1)
			if w.random.IntN(2) == 0 {
				one, two = two, one
			}
			w.write(one)
			w.check()
			w.write(two)
			w.check()
			made[one.decision.Code]++
			made[two.decision.Code]++
		}
	}
	for _, code := range []cluster.Code{cluster.Scaled, cluster.Draining, cluster.Undrained, cluster.Closing, cluster.Waiting, cluster.Removed, cluster.Duplicate, cluster.Cooldown, cluster.Busy} {
		if made[code] < 50 {
			t.Errorf("only %d times %s: %v", made[code], code, made)
		}
	}
}

package cluster_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
)

const phaseOne = 2 * time.Minute

// sticky is a cluster whose pool keeps clients at their members, with one node on its way out since the start.
func sticky(n int) cluster.State {
	s := drained(n)
	s.Policy.Sticky, s.Sticky = phaseOne, true
	return write(s, cluster.Decide(s, keyed(less(1), "k"), start()))
}

// N6: weight 0 leaves a sticky pool's clients where they are; after phase one the member is taken out as a whole, at the
// deadline it is removed, and until then it can be had back.
func TestN6TwoPhases(t *testing.T) {
	t.Parallel()
	s := sticky(3)
	if !slices.Contains(s.Nodes[0].Tags, "drain-sticky") || !s.Nodes[0].AdminUp || s.Nodes[0].Weight != 0 {
		t.Fatalf("phase one: %+v", s.Nodes[0])
	}
	s.Sticky = false // it is read where a drain begins, and remembered on the member
	if d := cluster.Reconcile(s, pass(), start().Add(phaseOne-time.Second)); d.Code != cluster.Steady || d.RetryAfter != time.Second {
		t.Errorf("before phase two: %+v", d)
	}
	closing := start().Add(phaseOne)
	dry := pass()
	dry.DryRun = true
	if d := cluster.Reconcile(s, dry, closing); d.Code != cluster.Closing || d.Members != nil {
		t.Errorf("N11: %+v", d)
	}
	d := cluster.Reconcile(s, pass(), closing)
	if d.Code != cluster.Closing || d.Patch != nil || len(d.Members) != 1 || !d.Members[0].Down || d.Members[0].Weight != 0 || d.From != 2 || d.To != 2 {
		t.Fatalf("phase two: %+v", d)
	}
	if got := d.Changed(1, false); !got.Applied || got.To != 2 {
		t.Errorf("written: %+v", got)
	}
	if got := d.Changed(0, true); got.Code != cluster.Busy {
		t.Errorf("busy: %+v", got)
	}
	s = write(s, d)
	if again := cluster.Reconcile(s, pass(), closing.Add(time.Second)); again.Code != cluster.Steady {
		t.Errorf("phase two again: %+v", again)
	}
	if got := cluster.Decide(s, keyed(less(1), "k"), closing.Add(-phaseOne)); got.Code != cluster.Duplicate {
		t.Errorf("N2: %+v", got)
	}
	back := write(s, cluster.Decide(s, out(1), closing.Add(time.Second)))
	if n := back.Nodes[0]; !n.AdminUp || n.Weight != 1 || slices.ContainsFunc(n.Tags, func(tag string) bool { return strings.HasPrefix(tag, "drain") }) {
		t.Errorf("N5: %+v", n)
	}
	if d := cluster.Reconcile(s, pass(), start().Add(drainTime)); d.Code != cluster.Removed || !slices.Equal(d.Patch.Removal, []string{"0"}) {
		t.Errorf("at the deadline: %+v", d)
	}
}

// N6: what has no second phase, and what has none any more.
func TestN6OnePhase(t *testing.T) {
	t.Parallel()
	plain := drained(3)
	plain.Policy.Sticky = phaseOne
	plain = write(plain, cluster.Decide(plain, less(1), start()))
	whole := sticky(3)
	whole.Nodes[0].AdminUp = false // a provider without weights
	off := sticky(3)
	off.Policy.Sticky = drainTime
	none := sticky(3)
	none.Policy.Sticky = 0
	for name, s := range map[string]cluster.State{"no persistence": plain, "down already": whole, "turned off": off, "not set": none} {
		if d := cluster.Reconcile(s, pass(), start().Add(drainTime-time.Second)); d.Code != cluster.Steady || d.RetryAfter != time.Second {
			t.Errorf("%s: %+v", name, d)
		}
		// N16: a drain that no pass was there for is finished all the same.
		if d := cluster.Reconcile(s, pass(), start().Add(time.Hour)); d.Code != cluster.Removed {
			t.Errorf("%s, late: %+v", name, d)
		}
	}
}

// F7: a node without sessions goes before its time, but not before the least; what is not known is waited for.
func TestF7Sessions(t *testing.T) {
	t.Parallel()
	const least = 30 * time.Second
	one := drained(3)
	one.Policy.Sessions, one.Policy.DrainMin = true, least
	one = write(one, cluster.Decide(one, less(1), start()))
	shut := sticky(3)
	shut.Policy.Sessions, shut.Policy.DrainMin = true, least
	open := shut
	shut = write(shut, cluster.Reconcile(shut, pass(), start().Add(phaseOne)))
	for name, row := range map[string]struct {
		state    cluster.State
		sessions map[string]int
		after    time.Duration
		asks     bool
		code     cluster.Code
		words    string
	}{
		"none left":                    {one, map[string]int{"member-0": 0}, least, true, cluster.Removed, "no sessions left"},
		"too young":                    {one, map[string]int{"member-0": 0}, least - time.Second, false, cluster.Steady, "should be."},
		"some left":                    {one, map[string]int{"member-0": 2}, least, true, cluster.Steady, "should be."},
		"not to be had":                {one, map[string]int{}, least, true, cluster.Steady, "time alone"},
		"of others alone":              {one, map[string]int{"member-1": 0}, least, true, cluster.Steady, "time alone"},
		"some left at the deadline":    {one, map[string]int{"member-0": 2}, drainTime, false, cluster.Removed, "time to finish,"},
		"sticky, known clients come":   {open, map[string]int{"member-0": 0}, phaseOne - time.Second, false, cluster.Steady, "should be."},
		"sticky, phase two, too young": {shut, map[string]int{"member-0": 0}, phaseOne + least - time.Second, false, cluster.Steady, "should be."},
		"sticky, phase two":            {shut, map[string]int{"member-0": 0}, phaseOne + least, true, cluster.Removed, "no sessions left"},
	} {
		now := start().Add(row.after)
		if row.state.NeedsSessions(now) != row.asks {
			t.Errorf("%s: asks %v", name, !row.asks)
		}
		row.state.Sessions = row.sessions
		d := cluster.Reconcile(row.state, pass(), now)
		if d.Code != row.code || !strings.Contains(d.Reason, row.words) || row.state.NeedsSessions(now) {
			t.Errorf("%s: %+v", name, d)
		}
	}
	// Two that are due, one by time and one by its sessions, go in one update.
	two := drained(4)
	two.Policy.Sessions, two.Policy.DrainMin = true, least
	two = write(two, cluster.Decide(two, less(1), start()))
	two = write(two, cluster.Decide(two, forced(less(1)), start().Add(time.Minute)))
	two.Sessions = map[string]int{"member-0": 5, "member-1": 0}
	if d := cluster.Reconcile(two, pass(), start().Add(drainTime)); d.Code != cluster.Removed || len(d.Victims) != 2 || d.Patch.Count != 2 {
		t.Errorf("together: %+v", d)
	}
}

// F11: nobody is removed before the hook was asked; it is asked until it agrees or its deadline is past.
func TestF11Hook(t *testing.T) {
	t.Parallel()
	s := drained(4)
	s.Policy.Hook, s.Policy.HookDeadline = true, time.Minute
	s.Nodes[0].Address = "10.0.0.5"
	s = write(s, cluster.Decide(s, less(2), start()))
	if d := cluster.Reconcile(s, pass(), start().Add(drainTime-time.Second)); d.Code != cluster.Steady || len(d.Ask) > 0 {
		t.Errorf("asked before the time: %+v", d)
	}
	end := start().Add(drainTime)
	for _, now := range []time.Time{end, end.Add(time.Hour)} { // a late pass asks, too
		d := cluster.Reconcile(s, pass(), now)
		if d.Code != cluster.Waiting || d.Patch != nil || len(d.Ask) != 2 || d.RetryAfter == 0 {
			t.Fatalf("%+v", d)
		}
		i := slices.IndexFunc(d.Ask, func(a cluster.Ask) bool { return a.Node == "0" })
		if want := (cluster.Ask{Node: "0", Server: "server-0", Address: "10.0.0.5", Since: start(), Deadline: end.Add(time.Minute)}); i < 0 || d.Ask[i] != want {
			t.Errorf("%+v", d.Ask)
		}
	}
	for name, row := range map[string]struct {
		agreed  map[string]bool
		after   time.Duration
		code    cluster.Code
		removal []string
		words   string
	}{
		"nobody agreed":      {map[string]bool{}, 0, cluster.Waiting, nil, "2026-11-22T10:06:00Z"},
		"one agreed":         {map[string]bool{"1": true}, 0, cluster.Removed, []string{"1"}, "is removed."},
		"both agreed":        {map[string]bool{"0": true, "1": true}, 0, cluster.Removed, []string{"0", "1"}, "is removed."},
		"before the end":     {map[string]bool{"0": false, "1": false}, time.Minute - time.Second, cluster.Waiting, nil, "asked again"},
		"the deadline":       {map[string]bool{"0": false, "1": false}, time.Minute, cluster.Removed, []string{"0", "1"}, "had not agreed"},
		"the deadline, both": {map[string]bool{"0": true, "1": true}, time.Minute, cluster.Removed, []string{"0", "1"}, "is removed."},
	} {
		s := s
		s.Agreed = row.agreed
		d := cluster.Reconcile(s, pass(), end.Add(row.after))
		if d.Code != row.code || len(d.Ask) > 0 || !strings.HasSuffix(strings.TrimSuffix(d.Reason, "."), strings.TrimSuffix(row.words, ".")) && !strings.Contains(d.Reason, row.words) {
			t.Errorf("%s: %+v", name, d)
			continue
		}
		if late := strings.Contains(d.Reason, "had not agreed"); late != (name == "the deadline") {
			t.Errorf("%s: %s", name, d.Reason)
		}
		slices.Sort(d.Victims)
		if !slices.Equal(d.Victims, row.removal) || (d.Patch != nil) != (row.removal != nil) {
			t.Errorf("%s: %+v", name, d)
		}
	}
	dry := pass()
	dry.DryRun = true
	if d := cluster.Reconcile(s, dry, end); d.Code != cluster.Removed || d.Patch != nil || len(d.Ask) > 0 {
		t.Errorf("N11: a dry run asks nobody: %+v", d)
	}
	dead := s
	dead.Nodes = slices.Clone(s.Nodes)
	dead.Nodes[0].Server, dead.Nodes[1].Server = "", ""
	if d := cluster.Reconcile(dead, pass(), start().Add(time.Minute)); d.Code != cluster.Removed || len(d.Ask) > 0 || strings.Contains(d.Reason, "agreed") {
		t.Errorf("there is nothing to ask about: %+v", d)
	}
}

// F11, N6: while one node waits for its hook, another one's second phase begins.
func TestF11HookHoldsNobodyElse(t *testing.T) {
	t.Parallel()
	s := sticky(4)
	s.Policy.Hook, s.Policy.HookDeadline = true, time.Hour
	s = write(s, cluster.Decide(s, forced(less(1)), start().Add(phaseOne)))
	s.Nodes[0].AdminUp = false
	s.Agreed = map[string]bool{"0": false}
	d := cluster.Reconcile(s, pass(), start().Add(drainTime))
	if d.Code != cluster.Closing || len(d.Members) != 1 || d.Members[0].Node != "1" {
		t.Errorf("%+v", d)
	}
}

// N16: a load balancer in ERROR is told from one at work, by a change of members as well as by a failed update.
func TestN16BrokenBalancer(t *testing.T) {
	t.Parallel()
	for _, d := range []cluster.Decision{
		cluster.Decide(drained(4), less(2), start()),
		cluster.Reconcile(sticky(3), pass(), start().Add(phaseOne)),
	} {
		got := d.Broken()
		if got.Code != cluster.LBBroken || got.Applied || got.To != got.From || got.Members != nil || got.Victims != nil ||
			got.RetryAfter == 0 || !strings.Contains(got.Reason, "failover") {
			t.Errorf("%+v", got)
		}
	}
	s := in(complete(2), "UPDATE", "FAILED")
	s.BalancerBroken = true
	if d := cluster.Reconcile(s, pass(), start()); d.Code != cluster.LBBroken || d.Patch != nil {
		t.Errorf("%+v", d)
	}
	s.Status = "COMPLETE"
	if d := cluster.Reconcile(s, pass(), start()); d.Code != cluster.Steady {
		t.Errorf("%+v", d)
	}
}

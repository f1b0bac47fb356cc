package cluster_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
)

const drainTime = 5 * time.Minute

// drained is a known cluster whose nodes leave by a drain, and its members, as a load balancer with tags has them.
func drained(n int) cluster.State {
	s := known(complete(n), func(nodes []cluster.Node) {
		for i := range nodes {
			nodes[i].Tags = []string{"mine"}
		}
	})
	s.Policy.Drain = drainTime
	return s
}

// write puts a decision's changes into the state, as the load balancer would.
func write(s cluster.State, d cluster.Decision) cluster.State {
	s.Nodes = slices.Clone(s.Nodes)
	for _, change := range d.Members {
		for i := range s.Nodes {
			if s.Nodes[i].Member == change.Member {
				s.Nodes[i].Weight, s.Nodes[i].AdminUp, s.Nodes[i].Tags = change.Weight, !change.Down, change.Tags
				switch s.Nodes[i].Health = "ONLINE"; {
				case change.Down:
					s.Nodes[i].Health = "OFFLINE"
				case change.Weight == 0:
					s.Nodes[i].Health = "DRAINING"
				}
			}
		}
	}
	return s
}

func keyed(r cluster.Request, key string) cluster.Request {
	r.Key, r.KeyLife = key, time.Minute
	return r
}

func pass() cluster.Request { return cluster.Request{Token: "p", Who: "timer"} }

// F7: a node gets weight 0 and marks, and its stack is not touched; when its time is over it is removed by name, and
// only then.
func TestF7DrainThenRemove(t *testing.T) {
	t.Parallel()
	s := drained(3)
	s.Nodes[0].Weight = 7
	d := cluster.Decide(s, keyed(less(1), "k"), start())
	if d.Code != cluster.Draining || d.Patch != nil || d.From != 3 || d.To != 2 || d.RetryAfter != drainTime || !slices.Equal(d.Victims, []string{"0"}) || len(d.Members) != 1 {
		t.Fatalf("%+v", d)
	}
	change := d.Members[0]
	if change.Weight != 0 || change.Member != "member-0" || !slices.Contains(change.Tags, "mine") ||
		!slices.Contains(change.Tags, "drain-weight=7") || !slices.Contains(change.Tags, "drain-since="+strconv.FormatInt(start().Unix(), 10)) {
		t.Errorf("%+v", change)
	}
	dry := keyed(less(1), "k")
	dry.DryRun = true
	if d := cluster.Decide(s, dry, start()); d.Code != cluster.Draining || len(d.Members) != 0 {
		t.Errorf("N11: a dry run would write %+v", d.Members)
	}
	s = write(s, d)
	slices.Reverse(s.Nodes[0].Tags) // a set has no order
	for _, row := range []struct {
		request cluster.Request
		later   time.Duration
		code    cluster.Code
	}{
		{keyed(less(1), "k"), 0, cluster.Duplicate},
		{keyed(less(1), "other"), 9 * time.Minute, cluster.Cooldown}, // from the drain, which no memory tells of
		{named("0"), time.Hour, cluster.Unchanged},
		{set(2), 0, cluster.Unchanged},
	} {
		if got := cluster.Decide(s, row.request, start().Add(row.later)); got.Code != row.code || got.From != 2 {
			t.Errorf("%+v after %s: %+v", row.request, row.later, got)
		}
	}
	if d := cluster.Reconcile(s, pass(), start().Add(drainTime-time.Second)); d.Code != cluster.Steady || d.Patch != nil || d.RetryAfter != time.Second {
		t.Errorf("before the time: %+v", d)
	}
	d = cluster.Reconcile(s, pass(), start().Add(drainTime))
	if d.Code != cluster.Removed || d.Patch == nil || d.Patch.Count != 2 || !slices.Equal(d.Patch.Removal, []string{"0"}) {
		t.Fatalf("after the time: %+v", d)
	}
	if m, _ := cluster.Remember(d.Patch.State); m.In == 0 || !slices.Equal(m.Kept, []string{"1", "2"}) {
		t.Errorf("memory %+v", m)
	}
}

// N2: when a drained node is gone, so is the mark on it; the notification that drained it is still the same one, and takes
// nobody else away before its time.
func TestN2DrainedOnce(t *testing.T) {
	t.Parallel()
	s := drained(4)
	s.CooldownIn = 0
	long := less(2)
	long.Key, long.KeyLife = "k", time.Hour
	s = write(s, cluster.Decide(s, long, start()))
	end := start().Add(drainTime)
	removal := cluster.Reconcile(s, pass(), end)
	if removal.Code != cluster.Removed || removal.Patch == nil || len(removal.Victims) != 2 {
		t.Fatalf("%+v", removal)
	}
	memory, ok := cluster.Remember(removal.Patch.State)
	if !ok || len(memory.Seen) != 1 {
		t.Fatalf("memory %+v", memory)
	}
	s.Memory, s.Count = memory, removal.Patch.Count
	s.Nodes = slices.DeleteFunc(slices.Clone(s.Nodes), func(n cluster.Node) bool { return slices.Contains(removal.Victims, n.Name) })
	for later, code := range map[time.Duration]cluster.Code{drainTime: cluster.Duplicate, time.Hour - time.Second: cluster.Duplicate, time.Hour: cluster.Draining} {
		if d := cluster.Decide(s, long, start().Add(later)); d.Code != code {
			t.Errorf("after %s: %+v", later, d)
		}
	}
	other := long
	other.Key = "l"
	if d := cluster.Decide(s, other, end); d.Code != cluster.Draining {
		t.Errorf("another notification: %+v", d)
	}
	// A drain that nobody can repeat, or whose notification is old, leaves nothing to remember.
	for _, r := range []cluster.Request{less(1), keyed(less(1), "k")} {
		s := drained(4)
		d := cluster.Reconcile(write(s, cluster.Decide(s, r, start())), pass(), end)
		if memory, ok := cluster.Remember(d.Patch.State); !ok || len(memory.Seen) != 0 {
			t.Errorf("memory %+v", memory)
		}
	}
}

// N5: what is on its way out comes back before anything is built, with the weight it had, and once for one notification.
func TestN5UndrainBeforeBoot(t *testing.T) {
	t.Parallel()
	s := drained(4)
	s.Nodes[0].Weight = 7
	s = write(s, cluster.Decide(s, less(1), start()))
	s = write(s, cluster.Decide(s, forced(less(1)), start().Add(time.Second)))
	at := start().Add(time.Minute)
	d := cluster.Decide(s, keyed(out(1), "k"), at)
	if d.Code != cluster.Undrained || d.Patch != nil || d.From != 2 || d.To != 3 || len(d.Members) != 1 || d.Members[0].Node != "1" {
		t.Fatalf("the last one drained comes back first: %+v", d)
	}
	s = write(s, d)
	if s.Nodes[1].Weight != 1 || slices.ContainsFunc(s.Nodes[1].Tags, func(tag string) bool { return strings.HasPrefix(tag, "drain") }) {
		t.Errorf("%+v", s.Nodes[1])
	}
	if again := cluster.Decide(s, keyed(out(1), "k"), at); again.Code != cluster.Duplicate {
		t.Errorf("N2: %+v", again)
	}
	if soon := cluster.Decide(s, keyed(out(1), "l"), at.Add(time.Minute)); soon.Code != cluster.Cooldown {
		t.Errorf("%+v", soon)
	}
	d = cluster.Decide(s, out(3), at.Add(time.Hour))
	if d.Code != cluster.Undrained || d.To != 4 || len(d.Members) != 1 || d.Members[0].Weight != 7 {
		t.Fatalf("%+v", d)
	}
	s = write(s, d)
	if d := cluster.Decide(s, out(1), at.Add(2*time.Hour)); d.Code != cluster.AtMax {
		t.Errorf("%+v", d)
	}
}

// What a drain leaves alone, and what it does not wait for.
func TestF7DrainRules(t *testing.T) {
	t.Parallel()
	one := func(f func(n []cluster.Node)) cluster.State {
		s := drained(4)
		f(s.Nodes)
		return s
	}
	marks := []string{"drain=x", "drain-since=1", "drain-weight=1"}
	for name, row := range map[string]struct {
		state   cluster.State
		request cluster.Request
		code    cluster.Code
		from    int
		removal []string // of the patch; nil for none
		victims []string
	}{
		"broken ones go at once":                {one(broken(2)), less(1), cluster.Scaled, 4, []string{"2"}, []string{"2"}},
		"broken ones go at once, the rest wait": {one(broken(2)), less(2), cluster.Capped, 4, []string{"2"}, []string{"2"}},
		"two":                                   {one(func([]cluster.Node) {}), less(2), cluster.Draining, 4, nil, []string{"0", "1"}},
		"a size":                                {one(func([]cluster.Node) {}), set(1), cluster.Draining, 4, nil, []string{"0", "1", "2"}},
		"LBaaSv2 has no tags":                   {one(func(n []cluster.Node) { n[0].Tags, n[1].Tags, n[2].Tags, n[3].Tags = nil, nil, nil, nil }), less(1), cluster.Scaled, 4, []string{"0"}, []string{"0"}},
		"a weight put back by hand":             {one(func(n []cluster.Node) { n[0].Tags = marks }), less(1), cluster.Draining, 4, nil, []string{"0"}},
		"weight 0 by hand is no drain":          {one(func(n []cluster.Node) { n[3].Weight = 0 }), less(1), cluster.Scaled, 4, []string{"3"}, []string{"3"}},
		"one on its way out is not counted":     {one(func(n []cluster.Node) { n[3].Tags, n[3].Weight = marks, 0 }), less(1), cluster.Draining, 3, nil, []string{"0"}},
		"out of service as a whole":             {one(func(n []cluster.Node) { n[3].Tags, n[3].AdminUp = marks, false }), less(1), cluster.Draining, 3, nil, []string{"0"}},
		"N8 the last in service stay": {
			one(func(n []cluster.Node) {
				n[0].Tags, n[0].Weight, n[1].Tags, n[1].Weight = marks, 0, marks, 0
				n[2].Health = "OFFLINE"
			}),
			less(1), cluster.Scaled, 2,
			[]string{"2"},
			[]string{"2"},
		},
	} {
		d := cluster.Decide(row.state, row.request, start())
		if d.Code != row.code || d.From != row.from || !slices.Equal(d.Victims, row.victims) || (d.Patch == nil) != (row.removal == nil) {
			t.Errorf("%s: %+v", name, d)
			continue
		}
		if d.Patch != nil && (!slices.Equal(d.Patch.Removal, row.removal) || d.Patch.Count != row.state.Count-len(row.removal)) {
			t.Errorf("%s: %+v", name, d.Patch)
		}
	}
}

// A busy load balancer takes only some of the changes.
func TestChanged(t *testing.T) {
	t.Parallel()
	d := cluster.Decide(drained(4), less(2), start())
	if got := d.Changed(2, false); !got.Applied || got.To != 2 || got.Code != cluster.Draining {
		t.Errorf("%+v", got)
	}
	if got := d.Changed(1, true); !got.Applied || got.To != 3 || !slices.Equal(got.Victims, []string{"0"}) {
		t.Errorf("%+v", got)
	}
	if got := d.Changed(0, true); got.Applied || got.To != 4 || got.Code != cluster.Busy || got.Victims != nil {
		t.Errorf("%+v", got)
	}
}

// Each row is one thing that a pass finds.
func TestReconcile(t *testing.T) {
	t.Parallel()
	exam := cluster.Schedule{Name: "exam", Start: cron(t, "0 9 * * *", ""), Length: 2 * time.Hour, Min: 3}
	scheduled := func(s cluster.State) cluster.State {
		s.Policy.Schedules = []cluster.Schedule{exam}
		return s
	}
	removed := func(kept ...string) cluster.State {
		s := drained(2)
		s.Memory = cluster.Memory{}.Record(cluster.OpPass, 3, 2, cluster.Removed, "", "x", start().Add(-time.Hour))
		s.Memory.Kept = kept
		return s
	}
	halted := drained(2)
	halted.Memory = cluster.Memory{Gen: 1, Token: "x", Halt: "why"}
	dead := drained(3)
	dead = write(dead, cluster.Decide(dead, less(1), start()))
	dead.Nodes[0].Server = ""
	leaving := drained(3)
	leaving = write(leaving, cluster.Decide(leaving, less(1), start().Add(-time.Hour)))
	for name, row := range map[string]struct {
		state cluster.State
		code  cluster.Code
		count int // of the patch; -1 for none
		retry time.Duration
	}{
		"nothing":                                {drained(3), cluster.Steady, -1, 0},
		"nodes not known":                        {complete(3), cluster.Steady, -1, 0},
		"Heat at work":                           {in(leaving, "UPDATE", "IN_PROGRESS"), cluster.Busy, -1, 30 * time.Second},
		"suspended":                              {in(leaving, "SUSPEND", "COMPLETE"), cluster.NotScalable, -1, 0},
		"N16 a drain that is over":               {leaving, cluster.Removed, 2, 0},
		"N16 a drained node without a server":    {dead, cluster.Removed, 2, 0},
		"N16 a failed update":                    {in(complete(2), "UPDATE", "FAILED"), cluster.Repaired, 2, 0},
		"N16 a failed update of just now":        {failed(0, time.Minute), cluster.BackOff, -1, 4 * time.Minute},
		"N16 a failed update, the third time":    {failed(3, 5*time.Minute), cluster.BackOff, -1, 15 * time.Minute},
		"N16 a failed creation":                  {in(complete(2), "CREATE", "FAILED"), cluster.Repaired, 2, 0},
		"N12 below a schedule's bound":           {scheduled(complete(1)), cluster.Scaled, 3, 0},
		"N12 no room for it":                     {room(scheduled(complete(1)), 0), cluster.NoQuota, -1, 0},
		"N12 room for one":                       {room(scheduled(complete(1)), 1), cluster.Scaled, 2, 0},
		"N12, N5 below, with one on its way out": {scheduled(leaving), cluster.Undrained, -1, 0},
		"N12 paused":                             {paused(scheduled(complete(1)), cluster.Pause{All: true}), cluster.Paused, -1, 0},
		"N17 the right ones went":                {removed("0", "1"), cluster.Steady, -1, 0},
		"N17 another one went":                   {removed("0", "2"), cluster.WrongVictim, 2, 0},
		"N17 stopped":                            {halted, cluster.Halted, -1, 0},
		"above the upper bound is left":          {complete(9), cluster.Steady, -1, 0},
	} {
		d := cluster.Reconcile(row.state, pass(), start())
		if d.Code != row.code || d.RetryAfter != row.retry || !strings.HasSuffix(d.Reason, ".") || (d.Patch != nil) != (row.count >= 0) {
			t.Errorf("%s: %+v", name, d)
			continue
		}
		if d.Patch != nil && d.Patch.Count != row.count {
			t.Errorf("%s: %+v", name, d.Patch)
		}
		dry := pass()
		dry.DryRun = true
		if d := cluster.Reconcile(row.state, dry, start()); d.Code != row.code || d.Patch != nil || d.Members != nil {
			t.Errorf("N11 %s: a dry run would write %+v", name, d)
		}
	}
}

// N16: what could not be made twice is made under another name, because what hinders it may stay with the first; what a
// removal was to leave is still looked for.
func TestN16GivesUpWhatCannotBeMade(t *testing.T) {
	t.Parallel()
	s := failed(0, time.Hour)
	if d := cluster.Reconcile(s, pass(), start()); d.Victims != nil || d.NeedsNodes(s.Policy) {
		t.Errorf("the first time: %+v", d)
	}
	s.Memory.Fails = 1
	if d := cluster.Reconcile(s, pass(), start()); d.Code != cluster.Repaired || !d.NeedsNodes(s.Policy) {
		t.Errorf("the second time, nodes not known: %+v", d)
	}
	whole := drained(3)
	s.Nodes, s.Count, s.Removal = whole.Nodes, 3, []string{"7"}
	s.Memory.To, s.Memory.Kept = 3, []string{"0", "1", "2"}
	if d := cluster.Reconcile(s, pass(), start()); d.Victims != nil || !slices.Equal(d.Patch.Removal, []string{"7"}) {
		t.Errorf("the second time, all have servers: %+v %+v", d, d.Patch)
	}
	s.Nodes[1].Server = ""
	d := cluster.Reconcile(s, pass(), start())
	if d.Code != cluster.Repaired || !slices.Equal(d.Victims, []string{"1"}) || d.Patch.Count != 3 || !slices.Equal(d.Patch.Removal, []string{"1", "7"}) {
		t.Errorf("the second time: %+v %+v", d, d.Patch)
	}
	if m, _ := cluster.Remember(d.Patch.State); !slices.Equal(m.Kept, []string{"0", "2"}) || m.Fails != 2 {
		t.Errorf("remembered: %+v", m)
	}
}

// N16: a person need not wait until a failure has earned its next try; a cluster that was stopped stays so.
func TestN16RepairedByForce(t *testing.T) {
	t.Parallel()
	forced := pass()
	forced.Force = true
	s := failed(3, time.Minute)
	if d := cluster.Reconcile(s, forced, start()); d.Code != cluster.Repaired || d.Patch == nil || d.Patch.Count != s.Count {
		t.Errorf("%+v", d)
	}
	s.Memory.Halt = "why"
	if d := cluster.Reconcile(s, forced, start()); d.Code != cluster.Halted || d.Patch != nil {
		t.Errorf("%+v", d)
	}
}

// N17: after a wrong removal alarms are not obeyed until a person decides.
func TestN17Halt(t *testing.T) {
	t.Parallel()
	s := drained(2)
	s.Memory = cluster.Memory{}.Record(cluster.OpPass, 3, 2, cluster.Removed, "", "x", start().Add(-time.Hour))
	s.Memory.Kept = []string{"0", "2"}
	d := cluster.Reconcile(s, pass(), start())
	s.Memory, _ = cluster.Remember(d.Patch.State)
	if s.Memory.Halt == "" || !strings.Contains(d.Reason, "among them 2") {
		t.Fatalf("%+v %q", s.Memory, d.Reason)
	}
	later := start().Add(24 * time.Hour)
	for _, r := range []cluster.Request{out(1), less(1)} {
		if d := cluster.Decide(s, r, later); d.Code != cluster.Halted || d.Patch != nil {
			t.Errorf("%+v", d)
		}
	}
	if d := cluster.Reconcile(s, pass(), later); d.Code != cluster.Halted || d.Patch != nil {
		t.Errorf("%+v", d)
	}
	d = cluster.Decide(s, set(3), later)
	if m, _ := cluster.Remember(d.Patch.State); d.Code != cluster.Scaled || m.Halt != "" {
		t.Errorf("%+v", d)
	}
}

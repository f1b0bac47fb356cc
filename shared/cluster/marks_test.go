package cluster_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
)

// long is a request for by fewer nodes that is the same one for an hour.
func long(key string, by int) cluster.Request {
	r := less(by)
	r.Key, r.KeyLife = key, time.Hour
	return r
}

// hasty is a cluster without cooldowns.
func hasty(n int) cluster.State {
	s := drained(n)
	s.CooldownIn, s.CooldownOut, s.Max = 0, 0, 9
	return s
}

// some writes only so many of a decision's changes, as a busy load balancer lets us, or a host that dies.
func some(s cluster.State, d cluster.Decision, n int) cluster.State {
	d.Members = d.Members[:n]
	return write(s, d)
}

// N2, N5: a notification that drained a node which was taken back does not drain again, for as long as it is the same.
func TestN2UndrainedIsRemembered(t *testing.T) {
	t.Parallel()
	s := hasty(4)
	s = write(s, cluster.Decide(s, long("in", 1), start()))
	up := out(1)
	up.Key, up.KeyLife = "out", time.Hour
	at := start().Add(time.Minute)
	s = write(s, cluster.Decide(s, up, at))
	if s.Nodes[0].Weight != 1 || !slices.Contains(s.Nodes[0].Tags, "mine") {
		t.Fatalf("%+v", s.Nodes[0])
	}
	for later, code := range map[time.Duration]cluster.Code{0: cluster.Duplicate, time.Hour - 2*time.Second: cluster.Duplicate, time.Hour: cluster.Draining} {
		if d := cluster.Decide(s, long("in", 1), start().Add(later)); d.Code != code {
			t.Errorf("in, after %s: %+v", later, d)
		}
	}
	if d := cluster.Decide(s, up, at.Add(time.Minute)); d.Code != cluster.Duplicate {
		t.Errorf("out: %+v", d)
	}
	// Drained once more by another: all three are known.
	s = write(s, cluster.Decide(s, long("other", 1), at.Add(time.Minute)))
	if s.Nodes[0].Weight != 0 {
		t.Fatalf("%+v", s.Nodes)
	}
	for _, r := range []cluster.Request{long("in", 1), up, long("other", 1)} {
		if d := cluster.Decide(s, r, at.Add(2*time.Minute)); d.Code != cluster.Duplicate {
			t.Errorf("%s: %+v", r.Key, d)
		}
	}
	// And when the node is gone, the memory knows them.
	end := at.Add(time.Minute + drainTime)
	d := cluster.Reconcile(s, pass(), end)
	if d.Code != cluster.Removed {
		t.Fatalf("%+v", d)
	}
	s.Memory, _ = cluster.Remember(d.Patch.State)
	s.Count, s.Nodes = d.Patch.Count, s.Nodes[1:]
	for _, r := range []cluster.Request{long("in", 1), up, long("other", 1)} {
		if d := cluster.Decide(s, r, end); d.Code != cluster.Duplicate {
			t.Errorf("%s, when the node is gone: %+v", r.Key, d)
		}
	}
}

// N2: a person who gives a node its weight back has not asked for its drain to be repeated.
func TestN2WeightByHand(t *testing.T) {
	t.Parallel()
	s := hasty(4)
	s = write(s, cluster.Decide(s, long("in", 1), start()))
	s.Nodes[0].Weight, s.Nodes[0].Health = 1, "ONLINE"
	if d := cluster.Decide(s, long("in", 1), start().Add(time.Minute)); d.Code != cluster.Duplicate {
		t.Errorf("%+v", d)
	}
	if d := cluster.Decide(s, long("next", 1), start().Add(time.Minute)); d.Code != cluster.Draining {
		t.Errorf("%+v", d)
	}
}

// The tags of a member stay few, whatever is done to it.
func TestMarksAreBounded(t *testing.T) {
	t.Parallel()
	s := hasty(2)
	s.Min = 1
	for i := range 40 {
		now := start().Add(time.Duration(i) * time.Second)
		r := long(fmt.Sprint("key", i), 1)
		if i%2 == 1 {
			r.Op = cluster.OpOut
		}
		s = write(s, cluster.Decide(s, r, now))
		for _, n := range s.Nodes {
			if len(n.Tags) > 9 || !slices.Contains(n.Tags, "mine") {
				t.Fatalf("round %d: %v", i, n.Tags)
			}
			for _, tag := range n.Tags {
				if len(tag) > 80 || strings.Contains(tag, ",") {
					t.Errorf("tag %q", tag)
				}
			}
		}
	}
}

// N2: of several nodes the load balancer took only the first: the same request sent again goes on with the rest, as often as
// it takes, and not a node further.
func TestN2PartIsContinued(t *testing.T) {
	t.Parallel()
	s := hasty(6)
	s.CooldownIn = 10 * time.Minute // it has nothing to wait for but others
	s.Policy.Window, s.Policy.HealthyPercent = 0, 50
	r := long("k", 3)
	first := cluster.Decide(s, r, start())
	if part := first.Changed(1, true); !part.Applied || part.To != 5 || part.RetryAfter == 0 || part.RetryAfter >= drainTime || !strings.Contains(part.Reason, "again") {
		t.Errorf("%+v", part)
	}
	s = some(s, first, 1)
	if d := cluster.Decide(s, long("l", 3), start().Add(time.Second)); d.Code != cluster.Cooldown {
		t.Errorf("another request: %+v", d)
	}
	second := cluster.Decide(s, r, start().Add(5*time.Second))
	if second.Code != cluster.Draining || !slices.Equal(second.Victims, []string{"1", "2"}) || second.From != 5 || second.To != 3 {
		t.Fatalf("the rest: %+v", second)
	}
	s = some(s, second, 1)
	third := cluster.Decide(s, r, start().Add(10*time.Second))
	if third.Code != cluster.Draining || !slices.Equal(third.Victims, []string{"2"}) {
		t.Fatalf("the last: %+v", third)
	}
	s = write(s, third)
	for _, later := range []time.Duration{10 * time.Second, time.Hour - time.Second} {
		if d := cluster.Decide(s, r, start().Add(later)); d.Code != cluster.Duplicate {
			t.Errorf("after %s: %+v", later, d)
		}
	}
	// Its life is that of its first try, for all of its nodes.
	if d := cluster.Decide(s, r, start().Add(time.Hour)); d.Code == cluster.Duplicate || d.From != 3 {
		t.Errorf("a new life: %+v", d)
	}
}

// N2: two hosts that drained for one request a moment apart count for it until the later mark is old.
func TestN2MarksOfTwoHosts(t *testing.T) {
	t.Parallel()
	s := hasty(5)
	r := long("k", 2)
	s = some(s, cluster.Decide(s, r, start()), 1)
	late := hasty(5) // the other host does not see the first one's node
	late.Nodes, late.Min = late.Nodes[1:3], 0
	s = some(s, cluster.Decide(late, r, start().Add(time.Second)), 1)
	if s.Nodes[0].Weight+s.Nodes[1].Weight != 0 || s.Nodes[2].Weight != 1 {
		t.Fatalf("%+v", s.Nodes)
	}
	for _, later := range []time.Duration{time.Minute, time.Hour} {
		if d := cluster.Decide(s, r, start().Add(later)); d.Code != cluster.Duplicate {
			t.Errorf("after %s: %+v", later, d)
		}
	}
	if d := cluster.Decide(s, r, start().Add(time.Hour+time.Second)); d.Code != cluster.Draining || len(d.Members) != 2 {
		t.Errorf("%+v", d)
	}
}

// What ends a request that was carried out in part.
func TestN2PartIsNotContinued(t *testing.T) {
	t.Parallel()
	r := long("k", 2)
	part := hasty(6)
	part = some(part, cluster.Decide(part, r, start()), 1)
	at := start().Add(time.Minute)
	back := write(part, cluster.Decide(part, out(1), at))
	gone := part
	removal := cluster.Reconcile(part, pass(), start().Add(drainTime))
	gone.Memory, _ = cluster.Remember(removal.Patch.State)
	gone.Count, gone.Nodes = removal.Patch.Count, part.Nodes[1:]
	held := part
	held.Pause.In = true
	sick := part
	sick.Policy.HealthyPercent = 90
	sick.Nodes = slices.Clone(part.Nodes)
	sick.Nodes[4].Health, sick.Nodes[5].Health = "OFFLINE", "OFFLINE"
	rival := part
	rival.Rival = true
	wish := part
	wish.Policy.Window, wish.Wanted = 10*time.Minute, at
	low := part
	low.Min = 5
	for name, row := range map[string]struct {
		state cluster.State
		code  cluster.Code
	}{
		"somebody wanted more since":   {back, cluster.Duplicate},
		"its first node is gone":       {gone, cluster.Duplicate},
		"paused":                       {held, cluster.Paused},
		"F13 too few are in service":   {sick, cluster.Unhealthy},
		"F15 more is wanted now":       {rival, cluster.Stabilizing},
		"F4 more was wanted since":     {wish, cluster.Stabilizing},
		"the bound is reached already": {low, cluster.AtMin},
	} {
		if d := cluster.Decide(row.state, r, at.Add(time.Second)); d.Code != row.code || d.Members != nil || d.Patch != nil {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// N2, F6: named nodes are gone on with by name.
func TestN2PartOfNamedNodes(t *testing.T) {
	t.Parallel()
	s := hasty(5)
	r := named("3", "1")
	r.Key, r.KeyLife = "k", time.Hour
	first := cluster.Decide(s, r, start())
	if len(first.Members) != 2 {
		t.Fatalf("%+v", first)
	}
	s = some(s, first, 1)
	second := cluster.Decide(s, r, start().Add(time.Second))
	if second.Code != cluster.Draining || len(second.Members) != 1 || second.Members[0].Node == first.Members[0].Node {
		t.Fatalf("%+v", second)
	}
	s = write(s, second)
	if d := cluster.Decide(s, r, start().Add(2*time.Second)); d.Code != cluster.Duplicate {
		t.Errorf("%+v", d)
	}
}

// N5: taking back is gone on with, too.
func TestN5PartIsContinued(t *testing.T) {
	t.Parallel()
	s := hasty(5)
	s.CooldownOut = time.Hour
	s = write(s, cluster.Decide(s, long("in", 3), start()))
	up := out(2)
	up.Key, up.KeyLife = "out", time.Hour
	at := start().Add(time.Minute)
	first := cluster.Decide(s, up, at)
	if first.Code != cluster.Undrained || len(first.Members) != 2 {
		t.Fatalf("%+v", first)
	}
	s = some(s, first, 1)
	second := cluster.Decide(s, up, at.Add(time.Second))
	if second.Code != cluster.Undrained || len(second.Members) != 1 || second.From != 3 || second.To != 4 {
		t.Fatalf("%+v", second)
	}
	s = write(s, second)
	if d := cluster.Decide(s, up, at.Add(2*time.Second)); d.Code != cluster.Duplicate {
		t.Errorf("%+v", d)
	}
	if d := cluster.Decide(s, long("in", 3), at.Add(2*time.Second)); d.Code != cluster.Duplicate {
		t.Errorf("N2: %+v", d)
	}
}

package cluster_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
)

// F19: a protected node is never a victim: whoever asks, however, broken or not, and also when it is protected on its way out.
func TestF19Protected(t *testing.T) {
	t.Parallel()
	guarded := func(s cluster.State, names ...int) cluster.State {
		s.Nodes = slices.Clone(s.Nodes)
		for _, i := range names {
			s.Nodes[i].Tags = append(slices.Clone(s.Nodes[i].Tags), "protect")
		}
		return s
	}
	all := guarded(drained(4), 0, 1, 2, 3)
	ill := guarded(drained(4), 0)
	ill.Nodes[0].Health = "ERROR"
	plain := guarded(known(complete(4), func([]cluster.Node) {}), 0)
	for name, row := range map[string]struct {
		state   cluster.State
		request cluster.Request
		code    cluster.Code
		victims []string
	}{
		"an alarm":             {guarded(drained(4), 0), less(1), cluster.Draining, []string{"1"}},
		"a size":               {guarded(drained(4), 0, 3), set(1), cluster.Draining, []string{"1", "2"}},
		"force":                {guarded(drained(4), 0), forced(less(3)), cluster.Draining, []string{"1", "2", "3"}},
		"broken":               {ill, less(1), cluster.Draining, []string{"1"}},
		"without a drain":      {plain, less(1), cluster.Scaled, []string{"1"}},
		"named":                {guarded(drained(4), 2), named("2"), cluster.Protected, nil},
		"named with another":   {guarded(drained(4), 2), named("1", "2"), cluster.Protected, nil},
		"named, and force":     {guarded(drained(4), 2), forced(named("2")), cluster.Protected, nil},
		"all of them":          {all, less(1), cluster.Protected, nil},
		"all of them, a size":  {all, set(1), cluster.Protected, nil},
		"all of them, a force": {all, forced(less(2)), cluster.Protected, nil},
	} {
		d := cluster.Decide(row.state, row.request, start())
		if d.Code != row.code || !slices.Equal(d.Victims, row.victims) || row.victims == nil && (d.Patch != nil || d.Members != nil) {
			t.Errorf("%s: %+v", name, d)
		}
	}
	s := drained(4)
	s.Policy.Sticky, s.Sticky = phaseOne, true
	s = guarded(write(s, cluster.Decide(s, less(1), start())), 0)
	for _, later := range []time.Duration{phaseOne, drainTime, 24 * time.Hour} {
		if d := cluster.Reconcile(s, pass(), start().Add(later)); d.Code != cluster.Steady || !strings.Contains(d.Reason, "protected") || d.RetryAfter != 0 {
			t.Errorf("on its way out, after %s: %+v", later, d)
		}
	}
	if _, leaves := s.Leaves(s.Nodes[0]); leaves {
		t.Error("it is said to leave")
	}
	if d := cluster.Decide(s, out(1), start().Add(time.Hour)); d.Code != cluster.Undrained || !slices.Contains(d.Members[0].Tags, "protect") {
		t.Errorf("back: %+v", d)
	}
	idle := guarded(drained(2), 0)
	idle.Nodes[0].Weight = 0
	if members, _ := idle.Mend(); len(members) > 0 || len(idle.Strays()) > 0 {
		t.Errorf("N15: out of service on purpose: %+v", members)
	}
}

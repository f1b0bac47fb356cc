package cluster_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
)

// stuck is a cluster whose update, which was to leave it with count nodes, has been IN_PROGRESS for so long.
func stuck(s cluster.State, since time.Duration) cluster.State {
	s = in(s, "UPDATE", "IN_PROGRESS")
	s.Since, s.Policy.Stuck = start().Add(-since), 10*time.Minute
	return s
}

// N16: an update whose engine died is sent again once it is older than any update may be, and not before.
func TestN16UpdateThatNobodyEnds(t *testing.T) {
	t.Parallel()
	never := stuck(complete(3), 24*time.Hour)
	never.Policy.Stuck = 0
	unknown := stuck(complete(3), 0)
	unknown.Since = time.Time{}
	for name, row := range map[string]struct {
		state cluster.State
		code  cluster.Code
	}{
		"young":                 {stuck(complete(3), 10*time.Minute), cluster.Busy},
		"old":                   {stuck(complete(3), 10*time.Minute+time.Second), cluster.Repaired},
		"old, but that is fine": {never, cluster.Busy},
		"of unknown age":        {unknown, cluster.Busy},
		"old, suspending":       {in(stuck(complete(3), time.Hour), "SUSPEND", "IN_PROGRESS"), cluster.NotScalable},
		"old, being deleted":    {in(stuck(complete(3), time.Hour), "DELETE", "IN_PROGRESS"), cluster.NotScalable},
		"old and over":          {in(stuck(complete(3), time.Hour), "UPDATE", "COMPLETE"), cluster.Steady},
	} {
		d := cluster.Reconcile(row.state, pass(), start())
		if d.Code != row.code || (d.Patch != nil) != (row.code == cluster.Repaired) {
			t.Errorf("%s: %+v", name, d)
		}
		if d.Patch != nil && d.Patch.Count != 3 {
			t.Errorf("%s: %+v", name, d.Patch)
		}
		if d := cluster.Decide(row.state, out(1), start()); row.state.Status == "IN_PROGRESS" && d.Patch != nil {
			t.Errorf("%s: an alarm wrote %+v", name, d)
		}
	}
}

// N17: an update that is sent again names the nodes that the first one was to remove, as Heat may not have come to that
// and would take the newest ones; and what was to stay is looked for afterwards.
func TestN17RepairNamesTheVictimsAgain(t *testing.T) {
	t.Parallel()
	removal := complete(2)
	removal.Memory = cluster.Memory{}.Record(cluster.OpPass, 3, 2, cluster.Removed, "", "x", start().Add(-time.Hour))
	removal.Memory.Kept = []string{"1", "2"}
	removal.Removal = []string{"0"}
	for name, s := range map[string]cluster.State{"stuck": stuck(removal, time.Hour), "failed": in(removal, "UPDATE", "FAILED")} {
		d := cluster.Reconcile(s, pass(), start())
		if d.Code != cluster.Repaired || !slices.Equal(d.Patch.Removal, []string{"0"}) {
			t.Fatalf("%s: %+v", name, d)
		}
		if m, _ := cluster.Remember(d.Patch.State); !slices.Equal(m.Kept, []string{"1", "2"}) {
			t.Errorf("%s: what is to stay: %v", name, m.Kept)
		}
	}
	if d := cluster.Decide(in(removal, "UPDATE", "FAILED"), set(4), start()); !slices.Equal(d.Patch.Removal, []string{"0"}) {
		t.Errorf("a step after a failed removal: %+v", d.Patch)
	}
	if d := cluster.Decide(removal, set(4), start()); len(d.Patch.Removal) != 0 {
		t.Errorf("a step after a removal that was made: %+v", d.Patch)
	}
}

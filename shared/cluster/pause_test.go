package cluster_test

import (
	"slices"
	"testing"

	"github.com/stackhook/stackhook/shared/cluster"
)

// F18: a pause writes tags alone, of which it keeps the others, and says by reading them whether it was made.
func TestPauseDecide(t *testing.T) {
	t.Parallel()
	all, inward := cluster.Pause{All: true}, cluster.Pause{In: true}
	for name, row := range map[string]struct {
		op   cluster.Op
		has  []string
		what cluster.Pause
		code cluster.Code
		want []string
	}{
		"pause all":             {cluster.OpPause, []string{"a"}, all, cluster.Paused, []string{"a", "paused"}},
		"pause in besides":      {cluster.OpPause, []string{"paused-out", "a"}, inward, cluster.Paused, []string{"a", "paused-in", "paused-out"}},
		"pause again":           {cluster.OpPause, []string{"paused-in"}, inward, cluster.Unchanged, nil},
		"resume the only":       {cluster.OpResume, []string{"paused-in"}, inward, cluster.Resumed, []string{}},
		"resume one of two":     {cluster.OpResume, []string{"paused", "a", "paused-in"}, inward, cluster.Resumed, []string{"a", "paused"}},
		"resume all":            {cluster.OpResume, []string{"paused", "paused-out", "a"}, all, cluster.Resumed, []string{"a"}},
		"resume what is not":    {cluster.OpResume, []string{"paused-out"}, inward, cluster.Unchanged, nil},
		"a tag that looks like": {cluster.OpPause, []string{"paused-in-may", "unpaused"}, inward, cluster.Paused, []string{"paused-in-may", "unpaused", "paused-in"}},
	} {
		s := complete(3)
		s.Tags, s.Pause = row.has, cluster.PauseOf(row.has)
		r := cluster.Request{Op: row.op, Pause: row.what, Token: "t", Who: "ann"}
		d := cluster.SetPause(s, r, start())
		if d.Code != row.code || d.From != 3 || d.To != 3 || (d.Patch != nil) != (row.want != nil) {
			t.Fatalf("%s: %+v", name, d)
		}
		if d.Patch == nil {
			continue
		}
		if !slices.Equal(d.Patch.Tags, row.want) || d.Patch.Tags == nil || d.Patch.State != "" || d.Patch.Count != 0 || d.Patch.Removal != nil {
			t.Errorf("%s: more than tags, or others: %+v", name, d.Patch)
		}
		after := in(s, "UPDATE", "IN_PROGRESS")
		after.Tags, after.Pause = d.Patch.Tags, cluster.PauseOf(d.Patch.Tags)
		if got := d.VerifyTags(after); !got.Applied || got.Code != row.code {
			t.Errorf("%s: %+v", name, got)
		}
		if got := cluster.SetPause(in(after, "UPDATE", "COMPLETE"), r, start()); got.Code != cluster.Unchanged {
			t.Errorf("%s: sent twice: %s", name, got.Code)
		}
		if got := d.VerifyTags(in(s, "UPDATE", "IN_PROGRESS")); got.Applied || got.Code != cluster.Superseded {
			t.Errorf("%s: %+v", name, got)
		}
		if got := d.VerifyTags(s); got.Applied || got.Code != cluster.Lost {
			t.Errorf("%s: %+v", name, got)
		}
		r.DryRun = true
		if dry := cluster.SetPause(s, r, start()); dry.Patch != nil || dry.Code != row.code {
			t.Errorf("%s, dry: %+v", name, dry)
		}
	}
	for _, row := range []struct {
		action, status string
		code           cluster.Code
	}{{"UPDATE", "IN_PROGRESS", cluster.Busy}, {"SUSPEND", "COMPLETE", cluster.NotScalable}, {"DELETE", "IN_PROGRESS", cluster.NotScalable}, {"UPDATE", "FAILED", cluster.Paused}} {
		if d := cluster.SetPause(in(complete(3), row.action, row.status), cluster.Request{Op: cluster.OpPause, Pause: all}, start()); d.Code != row.code {
			t.Errorf("%s: %s", row.action, d.Code)
		}
	}
}

// N11: everything in the way is named once, in the order in which it is met, and the end is what would be done.
func TestN11Explain(t *testing.T) {
	t.Parallel()
	s := known(after(complete(0), 1, 0), nil)
	s.Status, s.Pause.All, s.Memory.Halt, s.Policy.StepsPerHour, s.Policy.HealthyPercent, s.Policy.Window = "IN_PROGRESS", true, "why", 1, 90, life
	s.Nodes[1].Health = "ERROR"
	s.Policy.Ready = life
	blocks, d := cluster.Explain(s, less(1), start(), cluster.Decide)
	var codes []cluster.Code
	for _, b := range blocks {
		codes = append(codes, b.Code)
		if b.Reason == "" {
			t.Errorf("%s has no reason", b.Code)
		}
	}
	want := []cluster.Code{cluster.Busy, cluster.Paused, cluster.Halted, cluster.Cooldown, cluster.RateLimited, cluster.NotReady, cluster.Stabilizing, cluster.Unhealthy}
	if !slices.Equal(codes, want) || d.Code != cluster.Scaled || d.Patch != nil || !slices.Equal(d.Victims, []string{"1"}) {
		t.Errorf("%v, then %+v", codes, d)
	}
	if s.Status != "IN_PROGRESS" || !s.Pause.All {
		t.Error("explaining changed what was explained")
	}
	if blocks, d := cluster.Explain(complete(4), out(1), start(), cluster.Decide); len(blocks) > 0 || d.Code != cluster.AtMax {
		t.Errorf("%v, %s", blocks, d.Code)
	}
}

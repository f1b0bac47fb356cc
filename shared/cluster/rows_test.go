package cluster_test

import (
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
)

func percent(op cluster.Op, share, least int) cluster.Request {
	return cluster.Request{Op: op, Percent: &share, MinStep: least, Token: "t"}
}

// F1: a part of the cluster is what Heat's own policy makes of it, as measured there, but for 0 percent with a least step,
// from which Heat makes a step in.
func TestF1HeatsVectors(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		size  int
		op    cluster.Op
		share int
		least int
		to    int
	}{
		{3, cluster.OpOut, 50, 0, 4},
		{3, cluster.OpOut, 10, 0, 4},
		{3, cluster.OpIn, 10, 0, 2},
		{3, cluster.OpIn, 50, 0, 2},
		{5, cluster.OpOut, 30, 0, 6},
		{5, cluster.OpIn, 30, 0, 4},
		{5, cluster.OpOut, 30, 2, 7},
		{5, cluster.OpIn, 10, 2, 3},
		{5, cluster.OpOut, 0, 2, 5},
		{5, cluster.OpIn, 0, 2, 5},
		{5, cluster.OpOut, 0, 0, 5},
		{10, cluster.OpOut, 99, 0, 19},
		{10, cluster.OpIn, 1000, 0, 0},
		{0, cluster.OpOut, 50, 2, 2},
		{0, cluster.OpOut, 50, 0, 0},
	} {
		s := complete(row.size)
		s.Min, s.Max = 0, 100
		d := cluster.Decide(s, percent(row.op, row.share, row.least), start())
		want := cluster.Scaled
		if row.to == row.size {
			want = cluster.Unchanged
		}
		if d.To != row.to || d.Code != want || (d.Patch != nil) != (row.to != row.size) {
			t.Errorf("%d, %s %d %%, at least %d: %+v", row.size, row.op, row.share, row.least, d)
		}
	}
}

// F1: a part is bounded as any step is, and a delta and an exact size go beside it.
func TestF1Bounds(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		state   cluster.State
		request cluster.Request
		code    cluster.Code
		to      int
	}{
		"delta":                {complete(2), out(2), cluster.Scaled, 4},
		"exact":                {complete(2), set(3), cluster.Scaled, 3},
		"percent":              {complete(2), percent(cluster.OpOut, 100, 0), cluster.Scaled, 4},
		"percent, bounded":     {complete(3), percent(cluster.OpOut, 100, 0), cluster.Capped, 4},
		"percent, at bound":    {complete(4), percent(cluster.OpOut, 100, 0), cluster.AtMax, 4},
		"percent of max_step":  {with(10, cluster.Policy{MaxStep: 2}), percent(cluster.OpOut, 50, 0), cluster.Capped, 12},
		"percent, at the low":  {complete(1), percent(cluster.OpIn, 100, 0), cluster.AtMin, 1},
		"percent before value": {with(10, steps()), value(percent(cluster.OpOut, 20, 0), 140), cluster.Scaled, 12},
	} {
		if d := cluster.Decide(row.state, row.request, start()); d.Code != row.code || d.To != row.to {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// F2: strict has the whole step or nothing, and says what would have been.
func TestF2Strict(t *testing.T) {
	t.Parallel()
	strict := func(r cluster.Request) cluster.Request {
		r.Strict = true
		return r
	}
	for name, row := range map[string]struct {
		state   cluster.State
		request cluster.Request
		code    cluster.Code
		to      int
	}{
		"all of it":           {complete(2), strict(out(2)), cluster.Scaled, 4},
		"more than there may": {complete(3), strict(out(5)), cluster.Capped, 3},
		"as set":              {complete(3), strict(set(9)), cluster.Capped, 3},
		"less than must":      {complete(3), strict(less(5)), cluster.Capped, 3},
		"protected":           {known(complete(4), protect(0, 1, 2)), strict(less(2)), cluster.Capped, 4},
		"at the bound":        {complete(4), strict(out(1)), cluster.AtMax, 4},
		"not strict":          {complete(3), out(5), cluster.Capped, 4},
	} {
		d := cluster.Decide(row.state, row.request, start())
		if d.Code != row.code || d.To != row.to || (d.Patch != nil) != (row.to != row.state.Count) || d.To == d.From && len(d.Victims) > 0 {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// F3: a cooldown counts from when Heat was last seen at work on the change, or else from when it was sent.
func TestF3CooldownFromTheEnd(t *testing.T) {
	t.Parallel()
	const minute = time.Minute
	worked := func(s cluster.State, ago time.Duration) cluster.State {
		s.Worked = start().Add(-ago)
		return s
	}
	for name, row := range map[string]struct {
		state   cluster.State
		request cluster.Request
		code    cluster.Code
		retry   time.Duration
	}{
		"grown 5 minutes ago":                   {after(complete(0), 1, 5*minute), out(1), cluster.Scaled, 0},
		"at work until 2 minutes ago":           {worked(after(complete(0), 1, 5*minute), 2*minute), out(1), cluster.Cooldown, minute},
		"in, at work until 2 minutes ago":       {worked(after(complete(0), 1, 11*minute), 2*minute), less(1), cluster.Cooldown, 8 * minute},
		"shrunk, at work until 2 minutes ago":   {worked(after(complete(0), 3, 11*minute), 2*minute), less(1), cluster.Cooldown, 8 * minute},
		"out, a shrinking is no growth":         {worked(after(complete(0), 3, 5*minute), 2*minute), out(1), cluster.Scaled, 0},
		"at work before the change":             {worked(after(complete(0), 1, 2*minute), 9*minute), out(1), cluster.Cooldown, minute},
		"never scaled, at work on other things": {worked(complete(2), 0), out(1), cluster.Scaled, 0},
	} {
		if d := cluster.Decide(row.state, row.request, start()); d.Code != row.code || d.RetryAfter != row.retry {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// F15: out and in at once: in is dropped, with its reason, although no window is set. A person's size is not.
func TestF15OutWins(t *testing.T) {
	t.Parallel()
	s := complete(3)
	s.Rival = true
	for name, row := range map[string]struct {
		request cluster.Request
		code    cluster.Code
	}{
		"in": {less(1), cluster.Stabilizing}, "out": {out(1), cluster.Scaled}, "set": {set(2), cluster.Scaled}, "forced": {forced(less(1)), cluster.Scaled},
	} {
		if d := cluster.Decide(s, row.request, start()); d.Code != row.code || (d.Patch == nil) != (row.code == cluster.Stabilizing) {
			t.Errorf("%s: %+v", name, d)
		}
	}
	s.Rival = false
	if d := cluster.Decide(s, less(1), start()); d.Code != cluster.Scaled {
		t.Errorf("in alone: %+v", d)
	}
}

// N7: only what the last growth made is waited for; a node that was broken before holds nothing up.
func TestN7OnlyTheNewNodes(t *testing.T) {
	t.Parallel()
	s := grown(time.Minute, 10*time.Minute)
	s.Nodes[0].Health, s.Nodes[1].Health = "ERROR", "ONLINE"
	if d := cluster.Decide(s, out(1), start()); d.Code != cluster.Scaled {
		t.Errorf("an old node is broken: %+v", d)
	}
	s.Nodes = s.Nodes[:1]
	if d := cluster.Decide(s, out(1), start()); d.Code != cluster.NotReady {
		t.Errorf("the new node is not there: %+v", d)
	}
	// One that is on its way out again is not waited for.
	s = grown(time.Minute, 10*time.Minute)
	s.Policy.Drain = time.Minute
	s.Nodes[0].Tags, s.Nodes[1].Tags, s.Nodes[1].Weight = []string{}, []string{"drain=x", "drain-weight=1"}, 0
	if d := cluster.Decide(s, out(1), start()); d.Code != cluster.Undrained {
		t.Errorf("the new node is on its way out: %+v", d)
	}
}

// N7: nodes that never come into service count as a growth that failed: each makes the wait longer, and one that works
// forgets them.
func TestN7BackOff(t *testing.T) {
	t.Parallel()
	const ready = 10 * time.Minute
	s, now := complete(1), start()
	s.CooldownOut, s.Max, s.Policy.Ready = 0, 20, ready
	for i, pause := range []time.Duration{0, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute, 30 * time.Minute} {
		if i > 0 {
			s = known(s, broken(s.Count-1))
			if d := cluster.Decide(s, out(1), now.Add(ready-time.Second)); d.Code != cluster.NotReady {
				t.Fatalf("growth %d, while it may: %+v", i, d)
			}
			now = now.Add(ready)
			if d := cluster.Decide(s, out(1), now); d.Code != cluster.BackOff || d.RetryAfter != pause {
				t.Fatalf("growth %d: %+v", i, d)
			}
		}
		now = now.Add(pause)
		d := cluster.Decide(s, out(1), now)
		if d.Patch == nil {
			t.Fatalf("growth %d and its wait: %+v", i, d)
		}
		s.Memory, _ = cluster.Remember(d.Patch.State)
		s.Count = d.To
	}
	s = known(s, nil)
	if m, _ := cluster.Remember(cluster.Decide(s, out(1), now).Patch.State); m.Fails != 0 {
		t.Errorf("%d failures remembered after a success", m.Fails)
	}
}

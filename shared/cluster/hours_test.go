package cluster_test

import (
	"math"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
)

// sized is a cluster of now n nodes that got from one size to the next so many hours ago.
func sized(n, limit int, now time.Time, ring ...cluster.Entry) cluster.State {
	s := with(n, cluster.Policy{NodeHours: limit})
	for i := range ring {
		ring[i].At = now.Add(-time.Duration(ring[i].At) * time.Hour).Unix()
	}
	s.Memory = cluster.Memory{Gen: max(1, len(ring)), Token: "t", To: n, Ring: ring}
	return s
}

func TestN20NodeHours(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		state cluster.State
		used  float64
	}{
		"never changed":                {sized(3, 0, now), 72},
		"grown at noon":                {sized(4, 0, now, cluster.Entry{At: 6, From: 2, To: 4}), 18*2 + 6*4},
		"grown and shrunk":             {sized(1, 0, now, cluster.Entry{At: 10, From: 1, To: 6}, cluster.Entry{At: 4, From: 6, To: 1}), 14 + 6*6 + 4},
		"changed before the day":       {sized(5, 0, now, cluster.Entry{At: 30, From: 1, To: 9}, cluster.Entry{At: 25, From: 9, To: 5}), 120},
		"changed by somebody else":     {sized(2, 0, now, cluster.Entry{At: 12, From: 4, To: 3}), 12*4 + 12*2},
		"an entry of the time to be":   {sized(2, 0, now, cluster.Entry{At: -1, From: 8, To: 2}), 24 * 8},
		"two entries in the same time": {sized(2, 0, now, cluster.Entry{At: 12, From: 4, To: 8}, cluster.Entry{At: 12, From: 8, To: 2}), 12*4 + 12*2},
	} {
		got := c.state.Hours(now)
		if math.Abs(got.Used-c.used) > 0.01 || math.Abs(got.Used+got.Saved-20*24) > 0.01 {
			t.Errorf("%s: %+v, want %v used of %d", name, got, c.used, 20*24)
		}
	}
}

// An alarm grows the cluster up to the last hour of its budget, and not beyond; people may, and shrinking always may.
func TestN20Budget(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	state := func(limit int) cluster.State { return sized(3, limit, now) } // 72 node-hours
	for name, c := range map[string]struct {
		state   cluster.State
		request cluster.Request
		code    cluster.Code
	}{
		"left":           {state(73), out(1), cluster.Scaled},
		"used up":        {state(72), out(1), cluster.OverBudget},
		"no bound":       {state(0), out(1), cluster.Scaled},
		"a person's set": {state(72), cluster.Request{Op: cluster.OpSet, To: 5, Token: "x"}, cluster.Scaled},
		"force":          {state(72), cluster.Request{Op: cluster.OpOut, Force: true, Token: "x"}, cluster.Scaled},
		"shrinking":      {state(72), less(1), cluster.Scaled},
	} {
		got := cluster.Decide(c.state, c.request, now)
		if got.Code != c.code || (c.code == cluster.OverBudget) != (got.Patch == nil) {
			t.Errorf("%s: %s %s", name, got.Code, got.Reason)
		}
	}
	if got := cluster.Decide(state(72), out(1), now); got.RetryAfter != time.Hour || got.To != 3 {
		t.Errorf("a held growth: %+v", got)
	}
}

package cluster_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
)

// F12: which node is made anew, and what holds it back.
func TestF12Decide(t *testing.T) {
	t.Parallel()
	broken := func(names ...string) cluster.State {
		s := known(complete(4), func(nodes []cluster.Node) {
			for i := range nodes {
				nodes[i].Tags = []string{}
				if slices.Contains(names, nodes[i].Name) {
					nodes[i].Health = "ERROR"
				}
			}
		})
		s.Policy.HealthyPercent = 50
		return s
	}
	with := func(s cluster.State, change func(*cluster.State)) cluster.State {
		change(&s)
		return s
	}
	alarm := func(nodes ...string) cluster.Request {
		return cluster.Request{Op: cluster.OpReplace, Nodes: nodes, Token: "t"}
	}
	person := func(nodes ...string) cluster.Request {
		r := alarm(nodes...)
		r.Person = true
		return r
	}
	swapped := func(ago time.Duration, op cluster.Op) func(*cluster.State) {
		return func(s *cluster.State) {
			s.Memory = cluster.Memory{}.Record(op, s.Count, s.Count, cluster.Replaced, "x", "before", start().Add(-ago))
			s.Memory.Swap = start().Add(-ago).Unix()
		}
	}
	leaving := with(broken("1"), func(s *cluster.State) {
		s.Policy.Drain = time.Hour
		s.Nodes[1].Weight, s.Nodes[1].Tags = 0, []string{"drain=x", "drain-since=1", "drain-weight=1"}
	})
	for name, row := range map[string]struct {
		state   cluster.State
		request cluster.Request
		code    cluster.Code
		victim  string
	}{
		"the broken one":              {broken("2"), alarm(), cluster.Replaced, "2"},
		"the one that is named":       {broken("1", "2"), alarm("2"), cluster.Replaced, "2"},
		"by its member":               {broken("1", "2"), alarm("gone", "member-2"), cluster.Replaced, "2"},
		"one of several":              {broken("1", "2"), alarm("member-2", "member-1"), cluster.Replaced, "1"},
		"named, and well":             {broken("2"), alarm("1"), cluster.Unchanged, ""},
		"named, and gone":             {broken("2"), alarm("9"), cluster.Unchanged, ""},
		"none is broken":              {broken(), alarm(), cluster.Unchanged, ""},
		"without a server":            {with(broken(), func(s *cluster.State) { s.Nodes[3].Server = "" }), alarm(), cluster.Replaced, "3"},
		"on its way out":              {leaving, alarm(), cluster.Unchanged, ""},
		"protected":                   {with(broken("2"), func(s *cluster.State) { s.Nodes[2].Tags = []string{"protect"} }), alarm(), cluster.Unchanged, ""},
		"a person names a well one":   {broken(), person("1"), cluster.Replaced, "1"},
		"a person names one gone":     {broken(), person("9"), cluster.UnknownNode, ""},
		"a person names a protected":  {with(broken(), func(s *cluster.State) { s.Nodes[1].Tags = []string{"protect"} }), person("1"), cluster.Protected, ""},
		"N8 the last ones in service": {with(broken("2"), func(s *cluster.State) { s.Min = 3 }), person("1"), cluster.Unhealthy, ""},
		"N8 broken ones may go":       {with(broken("2"), func(s *cluster.State) { s.Min = 4 }), alarm(), cluster.Replaced, "2"},
		"F13 half is enough":          {broken("1", "2"), alarm(), cluster.Replaced, "1"},
		"F13 too many broken":         {broken("1", "2", "3"), alarm(), cluster.Unhealthy, ""},
		"F13 a person decides":        {broken("1", "2", "3"), person(), cluster.Replaced, "1"},
		"paused":                      {with(broken("2"), func(s *cluster.State) { s.Pause.Out = true }), alarm(), cluster.Paused, ""},
		"halted":                      {with(broken("2"), func(s *cluster.State) { s.Memory.Halt = "why" }), alarm(), cluster.Halted, ""},
		"paused, forced":              {with(broken("2"), func(s *cluster.State) { s.Pause.All = true }), forced(person()), cluster.Replaced, "2"},
		"one before it":               {with(broken("2"), swapped(2*time.Minute, cluster.OpReplace)), alarm(), cluster.Cooldown, ""},
		"one long before it":          {with(broken("2"), swapped(4*time.Minute, cluster.OpReplace)), alarm(), cluster.Replaced, "2"},
		"one that failed":             {in(with(broken("2"), swapped(4*time.Minute, cluster.OpReplace)), "UPDATE", "FAILED"), alarm(), cluster.BackOff, ""},
		"one that failed long ago":    {in(with(broken("2"), swapped(6*time.Minute, cluster.OpReplace)), "UPDATE", "FAILED"), alarm(), cluster.Replaced, "2"},
		"too often": {with(broken("2"), func(s *cluster.State) {
			swapped(10*time.Minute, cluster.OpReplace)(s)
			s.Policy.StepsPerHour = 1
		}), alarm(), cluster.RateLimited, ""},
		"no room": {with(broken("2"), func(s *cluster.State) { s.Room = &cluster.Room{} }), alarm(), cluster.NoQuota, ""},
		"busy":    {in(broken("2"), "UPDATE", "IN_PROGRESS"), alarm(), cluster.Busy, ""},
		"asleep":  {in(broken("2"), "SUSPEND", "COMPLETE"), alarm(), cluster.NotScalable, ""},
		"unknown": {complete(4), alarm(), cluster.Unchanged, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cluster.Decide(row.state, row.request, start())
			if d.Code != row.code || d.From != d.To && row.code != cluster.Busy {
				t.Fatalf("%+v", d)
			}
			if row.victim == "" {
				if d.Patch != nil || d.Victims != nil || !d.NeedsNodes(row.state.Policy) && row.code != cluster.Busy && row.code != cluster.NotScalable {
					t.Errorf("%+v", d)
				}
				return
			}
			if !slices.Equal(d.Patch.Removal, []string{row.victim}) || d.Patch.Count != 4 || d.Idle() {
				t.Errorf("%+v", d.Patch)
			}
			m, _ := cluster.Remember(d.Patch.State)
			if m.From != 4 || m.To != 4 || m.Swap != start().Unix() || len(m.Kept) != 3 || slices.Contains(m.Kept, row.victim) || m.Out != 0 || m.In != 0 {
				t.Errorf("%+v", m)
			}
			row.request.DryRun = true
			if dry := cluster.Decide(row.state, row.request, start()); dry.Patch != nil || dry.Code != row.code {
				t.Errorf("dry: %+v", dry)
			}
		})
	}
}

// F12: a replacement is not a size: it leaves what was kept for one as it is.
func TestF12LeavesKeptSizes(t *testing.T) {
	t.Parallel()
	s := known(updated(3), func(nodes []cluster.Node) { nodes[1].Health = "ERROR" })
	kept := out(1).Intent("a", life, after1(1))
	d := cluster.Decide(s, cluster.Request{Op: cluster.OpReplace, Token: "t"}, after1(5))
	s.Memory, _ = cluster.Remember(d.Patch.State)
	if _, ok := s.Pending([]cluster.Intent{kept}, after1(10)); !ok {
		t.Error("a size was forgotten over a node")
	}
}

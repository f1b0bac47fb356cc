package cluster_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
)

// scaling is a cluster of three whose group is an AutoScalingGroup: + before a node's name is a mark of ours that may be of somebody
// at work, - one that is not, ! another failure.
func scaling(members ...string) cluster.State {
	list := []cluster.GroupMember{}
	for _, text := range members {
		m := cluster.GroupMember{Name: strings.TrimLeft(text, "+-!"), Failed: len(text) > 1}
		switch text[0] {
		case '+':
			m.Marked = start().Add(-time.Minute)
		case '-':
			m.Marked = start().Add(-2 * time.Minute)
		}
		list = append(list, m)
	}
	s := known(complete(3), nil)
	return s.Grouped(list)
}

// Before an update the marks are made to be on its own victims and on nobody else: by whom and when they were set does not
// matter, unless somebody may be about to send the update that they are for.
func TestMarksAreAbsolute(t *testing.T) {
	t.Parallel()
	named := func(r cluster.Request, nodes ...string) cluster.Request {
		r.Nodes, r.Person = nodes, true
		return r
	}
	dry := less(1)
	dry.DryRun = true
	pause := cluster.Request{Op: cluster.OpPause, Pause: cluster.Pause{All: true}}
	failed := func(s cluster.State) cluster.State { return in(s, "UPDATE", "FAILED") }
	for name, row := range map[string]struct {
		state   cluster.State
		decide  func(cluster.State, cluster.Request, time.Time) cluster.Decision
		request cluster.Request
		code    cluster.Code
		want    string // + to be set, - to be taken back
	}{
		"its victim is marked":                            {scaling("0", "1", "2"), cluster.Decide, named(less(1), "1"), cluster.Scaled, "+1"},
		"a dry run marks nobody":                          {scaling("0", "1", "2"), cluster.Decide, dry, cluster.Scaled, ""},
		"it is marked already":                            {scaling("0", "+1", "2"), cluster.Decide, named(less(1), "1"), cluster.Scaled, ""},
		"it was marked long ago":                          {scaling("0", "-1", "2"), cluster.Decide, named(less(1), "1"), cluster.Scaled, ""},
		"another is, long ago":                            {scaling("-0", "1", "2"), cluster.Decide, named(less(1), "1"), cluster.Scaled, "-0 +1"},
		"another is, just now":                            {scaling("0", "1", "+2"), cluster.Decide, named(less(1), "1"), cluster.Busy, ""},
		"another failed":                                  {scaling("0", "1", "!2"), cluster.Decide, named(less(1), "1"), cluster.Unhealthy, ""},
		"it failed itself":                                {scaling("0", "!1", "2"), cluster.Decide, named(less(1), "1"), cluster.Scaled, "+1"},
		"another failed, and nobody goes":                 {scaling("0", "1", "!2"), cluster.Decide, set(4), cluster.Scaled, ""},
		"another failed, and is made anew with it":        {scaling("0", "1", "!2"), cluster.Decide, named(cluster.Request{Op: cluster.OpReplace}, "1"), cluster.Replaced, "+1"},
		"one that the stack does not put out goes first":  {scaling("0", "1", "2", "!3"), cluster.Decide, set(2), cluster.Scaled, "+3"},
		"a growth takes back":                             {scaling("-0", "1", "2"), cluster.Decide, set(4), cluster.Scaled, "-0"},
		"a growth waits":                                  {scaling("+0", "1", "2"), cluster.Decide, set(4), cluster.Busy, ""},
		"a growth after a removal that failed":            {failed(scaling("+0", "1", "2")), cluster.Decide, set(4), cluster.Scaled, ""},
		"a pause takes back":                              {scaling("-0", "1", "2"), cluster.SetPause, pause, cluster.Paused, "-0"},
		"a pause waits":                                   {scaling("+0", "1", "2"), cluster.SetPause, pause, cluster.Busy, ""},
		"a pause after a removal that failed":             {failed(scaling("-0", "1", "2")), cluster.SetPause, pause, cluster.Paused, ""},
		"a pass takes back":                               {scaling("-0", "1", "-2"), cluster.Reconcile, pass(), cluster.Repaired, "-0 -2"},
		"a pass leaves what may be of somebody at work":   {scaling("+0", "1", "2"), cluster.Reconcile, pass(), cluster.Steady, ""},
		"a pass leaves what others marked":                {scaling("!0", "1", "2"), cluster.Reconcile, pass(), cluster.Steady, ""},
		"a pass repeats a removal that failed":            {failed(scaling("-0", "1", "2")), cluster.Reconcile, forced(pass()), cluster.Repaired, ""},
		"a pass while an update runs":                     {in(scaling("-0", "1", "2"), "UPDATE", "IN_PROGRESS"), cluster.Reconcile, pass(), cluster.Busy, ""},
		"a ResourceGroup has no marks":                    {known(complete(3), nil), cluster.Decide, named(less(1), "1"), cluster.Scaled, ""},
		"an AutoScalingGroup of none, as far as is known": {scaling(), cluster.Decide, set(2), cluster.Scaled, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := row.decide(row.state, row.request, start())
			var got []string
			for _, m := range d.Marks {
				got = append(got, map[bool]string{true: "+", false: "-"}[m.Unhealthy]+m.Node)
			}
			if d.Code != row.code || strings.Join(got, " ") != row.want {
				t.Errorf("%s %v, want %s %s: %s", d.Code, got, row.code, row.want, d.Reason)
			}
			if d.Code == cluster.Busy && (d.Patch != nil || d.Victims != nil) {
				t.Errorf("%+v", d)
			}
			if says := strings.Contains(d.Reason, "AutoScalingGroup"); says != (d.Patch != nil && len(d.Victims) > 0 && row.state.Group != nil) {
				t.Errorf("says %v: %s", says, d.Reason)
			}
		})
	}
}

// Where names say nothing of it, nodes are as old as their servers; one without is the newest.
func TestVictimsByTheirServersAge(t *testing.T) {
	t.Parallel()
	nodes := healthy(4)
	for i := range nodes {
		nodes[i].Name = fmt.Sprintf("%c", 'a'+(i+2)%4)
		nodes[i].Born = start().Add(time.Duration(i) * time.Minute)
	}
	for newest, want := range map[bool][]string{false: {"c", "d"}, true: {"b", "a"}} {
		if got := names(cluster.Victims(nodes, 2, newest)); !slices.Equal(got, want) {
			t.Errorf("newest first %v: %v, want %v", newest, got, want)
		}
	}
	// Of three that grew to four, the newest is waited for, and no other.
	s := complete(4)
	s.Memory = cluster.Memory{}.Record(cluster.OpOut, 3, 4, cluster.Scaled, "test", "before", start().Add(-time.Minute))
	s.CooldownOut, s.Max, s.Policy.Ready = 0, 9, time.Hour
	for i, code := range []cluster.Code{cluster.Scaled, cluster.Scaled, cluster.Scaled, cluster.NotReady} {
		s.Nodes = slices.Clone(nodes)
		s.Nodes[i].Health = "ERROR"
		if d := cluster.Decide(s, out(1), start()); d.Code != code {
			t.Errorf("%s is broken: %s, want %s", s.Nodes[i].Name, d.Code, code)
		}
	}
}

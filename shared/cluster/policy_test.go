package cluster_test

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
)

// with is a quiet cluster of n nodes, none of them known, under a policy.
func with(n int, p cluster.Policy) cluster.State {
	s := complete(n)
	s.Max, s.Policy = 20, p
	return s
}

// healthy are n nodes in service.
func healthy(n int) []cluster.Node {
	var out []cluster.Node
	for i := range n {
		name := strconv.Itoa(i)
		out = append(out, cluster.Node{
			Name: name, Server: "server-" + name, Address: "10.0.0.1" + name, Member: "member-" + name, Health: "ONLINE", Weight: 1, AdminUp: true,
		})
	}
	return out
}

// known is the state with its nodes known, changed by f.
func known(s cluster.State, f func(nodes []cluster.Node)) cluster.State {
	s.Nodes = healthy(s.Count)
	if f != nil {
		f(s.Nodes)
	}
	return s
}

func broken(names ...int) func([]cluster.Node) {
	return func(nodes []cluster.Node) {
		for _, i := range names {
			nodes[i].Health = "ERROR"
		}
	}
}

func value(r cluster.Request, v float64) cluster.Request {
	r.Value = &v
	return r
}

func room(s cluster.State, n int) cluster.State {
	s.Room = &cluster.Room{Nodes: n, Quota: "cores"}
	return s
}

func paused(s cluster.State, p cluster.Pause) cluster.State {
	s.Pause = p
	return s
}

// failed is a cluster whose last growth, so long ago, ended in UPDATE_FAILED, after so many before it.
func failed(fails int, ago time.Duration) cluster.State {
	s := in(after(complete(0), 1, ago), "UPDATE", "FAILED")
	s.Memory.Fails = fails
	s.CooldownOut = 0
	return s
}

// wanted is a cluster of three that was asked for more so long ago, in vain.
func wanted(ago time.Duration) cluster.State {
	s := with(3, cluster.Policy{Window: 5 * time.Minute})
	s.Wanted = start().Add(-ago)
	return s
}

// changed is a cluster of ten with a change every ten minutes of the last n times ten.
func changed(n, perHour int) cluster.State {
	s := with(10, cluster.Policy{StepsPerHour: perHour})
	s.CooldownOut, s.CooldownIn = 0, 0
	for i := n; i > 0; i-- {
		s.Memory = s.Memory.Record(cluster.OpOut, 10, 10, cluster.Scaled, "", "x", start().Add(-time.Duration(i)*10*time.Minute))
	}
	return s
}

// grown is a known cluster of two, grown so long ago, whose newest node is not in service.
func grown(ago, ready time.Duration) cluster.State {
	s := known(after(complete(0), 1, ago), func(n []cluster.Node) { n[1].Health = "OFFLINE" })
	s.CooldownOut, s.CooldownIn, s.Policy.Ready, s.Min = 0, 0, ready, 0
	return s
}

func steps() cluster.Policy {
	return cluster.Policy{
		StepsOut: []cluster.Step{{At: 130, By: 3}, {At: 80, By: 1}, {At: 90, By: 2}}, StepsIn: []cluster.Step{{At: 20, By: 1}, {At: 5, By: 2}},
	}
}

// Each row is one rule of research: what it lets through and what it holds back.
func TestPolicies(t *testing.T) {
	t.Parallel()
	share := cluster.Policy{HealthyPercent: 60}
	for name, row := range map[string]struct {
		state   cluster.State
		request cluster.Request
		code    cluster.Code
		to      int
		retry   time.Duration
	}{
		"N13 value 81":                           {with(5, steps()), value(out(0), 81), cluster.Scaled, 6, 0},
		"N13 value 95":                           {with(5, steps()), value(out(0), 95), cluster.Scaled, 7, 0},
		"N13 value 140":                          {with(5, steps()), value(out(0), 140), cluster.Scaled, 8, 0},
		"N13 value below all steps":              {with(5, steps()), value(out(0), 10), cluster.Scaled, 6, 0},
		"N13 no value":                           {with(5, steps()), out(0), cluster.Scaled, 6, 0},
		"N13 a step named outweighs the value":   {with(5, steps()), value(out(1), 140), cluster.Scaled, 6, 0},
		"N13 in, value 15":                       {with(5, steps()), value(less(0), 15), cluster.Scaled, 4, 0},
		"N13 in, value 5":                        {with(5, steps()), value(less(0), 5), cluster.Scaled, 3, 0},
		"N13 in, value 50":                       {with(5, steps()), value(less(0), 50), cluster.Scaled, 4, 0},
		"N13 bounded":                            {complete(4), value(out(0), 140), cluster.AtMax, 4, 0},
		"N9 step":                                {with(5, cluster.Policy{MaxStep: 2}), out(9), cluster.Capped, 7, 0},
		"N9 step in":                             {with(9, cluster.Policy{MaxStep: 2}), less(5), cluster.Capped, 7, 0},
		"N9 percent":                             {with(10, cluster.Policy{MaxInPercent: 25}), less(5), cluster.Capped, 8, 0},
		"N9 percent, at least one":               {with(3, cluster.Policy{MaxInPercent: 10}), less(2), cluster.Capped, 2, 0},
		"N9 percent, not for a person's size":    {with(10, cluster.Policy{MaxInPercent: 25, MaxStep: 1}), set(2), cluster.Scaled, 2, 0},
		"N9 three an hour, two so far":           {changed(2, 3), out(1), cluster.Scaled, 11, 0},
		"N9 three an hour, three so far":         {changed(3, 3), out(1), cluster.RateLimited, 10, 30 * time.Minute},
		"N9 three an hour, five so far":          {changed(5, 3), less(1), cluster.RateLimited, 10, 30 * time.Minute},
		"N9 three an hour, forced":               {changed(3, 3), forced(out(1)), cluster.Scaled, 11, 0},
		"N10 room for one of three":              {room(with(5, cluster.Policy{}), 1), out(3), cluster.Capped, 6, 0},
		"N10 room for all":                       {room(with(5, cluster.Policy{}), 3), out(3), cluster.Scaled, 8, 0},
		"N10 room without bounds":                {room(with(5, cluster.Policy{}), math.MaxInt), out(3), cluster.Scaled, 8, 0},
		"N10 no room":                            {room(with(5, cluster.Policy{}), 0), out(3), cluster.NoQuota, 5, 0},
		"N10 no room, forced":                    {room(with(5, cluster.Policy{}), -2), forced(out(3)), cluster.NoQuota, 5, 0},
		"N10 no room, in":                        {room(with(5, cluster.Policy{}), 0), less(1), cluster.Scaled, 4, 0},
		"F4 wanted a minute ago":                 {wanted(time.Minute), less(1), cluster.Stabilizing, 3, 4 * time.Minute},
		"F4 wanted five minutes ago":             {wanted(5 * time.Minute), less(1), cluster.Scaled, 2, 0},
		"F4 wanted a minute ago, out":            {wanted(time.Minute), out(1), cluster.Scaled, 4, 0},
		"F4 wanted a minute ago, set":            {wanted(time.Minute), set(2), cluster.Scaled, 2, 0},
		"F14 failed just now":                    {failed(0, 0), out(1), cluster.BackOff, 2, 5 * time.Minute},
		"F14 failed five minutes ago":            {failed(0, 5*time.Minute), out(1), cluster.Scaled, 3, 0},
		"F14 failed twice":                       {failed(1, 5*time.Minute), out(1), cluster.BackOff, 2, 5 * time.Minute},
		"F14 failed often":                       {failed(60, 5*time.Minute), out(1), cluster.BackOff, 2, 25 * time.Minute},
		"F14 failed, a person decides":           {failed(1, 0), forced(out(1)), cluster.Scaled, 3, 0},
		"F18 paused":                             {paused(complete(2), cluster.Pause{All: true}), out(1), cluster.Paused, 2, 0},
		"F18 paused, in":                         {paused(complete(2), cluster.Pause{All: true}), less(1), cluster.Paused, 2, 0},
		"F18 out paused":                         {paused(complete(2), cluster.Pause{Out: true}), out(1), cluster.Paused, 2, 0},
		"F18 out paused, in":                     {paused(complete(2), cluster.Pause{Out: true}), less(1), cluster.Scaled, 1, 0},
		"F18 in paused":                          {paused(complete(2), cluster.Pause{In: true}), less(1), cluster.Paused, 2, 0},
		"F18 paused, a person's size":            {paused(complete(2), cluster.Pause{All: true}), set(3), cluster.Scaled, 3, 0},
		"N7 new node not in service, out":        {grown(time.Minute, 10*time.Minute), out(1), cluster.NotReady, 2, 30 * time.Second},
		"N7 new node not in service, in":         {grown(time.Minute, 10*time.Minute), less(1), cluster.NotReady, 2, 30 * time.Second},
		"N7 for too long, out":                   {grown(10*time.Minute, 10*time.Minute), out(1), cluster.BackOff, 2, 5 * time.Minute},
		"N7 for too long, in":                    {grown(10*time.Minute, 10*time.Minute), less(1), cluster.Scaled, 1, 0},
		"N7 and after the back-off":              {grown(15*time.Minute, 10*time.Minute), out(1), cluster.Scaled, 3, 0},
		"N7 no gate":                             {grown(time.Minute, 0), out(1), cluster.Scaled, 3, 0},
		"F13 three of five in service":           {known(with(5, share), broken(0, 1)), less(1), cluster.Scaled, 4, 0},
		"F13 two of five in service":             {known(with(5, share), broken(0, 1, 2)), less(1), cluster.Unhealthy, 5, 30 * time.Second},
		"F13 two of five in service, out":        {known(with(5, share), broken(0, 1, 2)), out(1), cluster.Scaled, 6, 0},
		"F13 nodes not known":                    {with(5, share), less(1), cluster.Scaled, 4, 0},
		"F20 a grant's upper bound":              {complete(2), granted(out(3), 0, 3), cluster.Capped, 3, 0},
		"F20 at a grant's upper bound":           {complete(3), granted(out(1), 0, 3), cluster.AtMax, 3, 0},
		"F20 a grant never widens":               {complete(4), granted(out(1), 0, 9), cluster.AtMax, 4, 0},
		"F20 a grant's lower bound":              {complete(3), granted(less(1), 3, 0), cluster.AtMin, 3, 0},
		"F20 a grant below the cluster's own":    {complete(3), granted(less(3), 0, 2), cluster.Capped, 1, 0},
		"F20 a grant never turns a wish around":  {complete(3), granted(out(1), 0, 2), cluster.AtMax, 3, 0},
		"F6 a node that is not there":            {known(complete(3), nil), named("7"), cluster.UnknownNode, 3, 0},
		"F6 a node of a cluster that is unknown": {complete(3), named("1"), cluster.UnknownNode, 3, 0},
		"F19 a protected node, by name":          {known(complete(3), protect(1)), named("server-1"), cluster.Protected, 3, 0},
		"F19 all protected":                      {known(complete(3), protect(0, 1, 2)), less(1), cluster.Protected, 3, 0},
		"F19 all but one protected":              {known(complete(4), protect(0, 1, 2)), less(2), cluster.Capped, 3, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cluster.Decide(row.state, row.request, start())
			if d.Code != row.code || d.To != row.to || d.RetryAfter != row.retry || !strings.HasSuffix(d.Reason, ".") {
				t.Errorf("got %+v", d)
			}
			if changes := d.To != d.From; changes != (d.Patch != nil) || changes && d.Patch.Count != d.To {
				t.Errorf("patch %+v", d.Patch)
			}
		})
	}
}

func granted(r cluster.Request, low, high int) cluster.Request {
	r.Min, r.Max = low, high
	return r
}

func named(names ...string) cluster.Request {
	return cluster.Request{Op: cluster.OpIn, Nodes: names, Token: "t"}
}

func protect(names ...int) func([]cluster.Node) {
	return func(nodes []cluster.Node) {
		for _, i := range names {
			nodes[i].Tags = append(nodes[i].Tags, "protect")
		}
	}
}

// F14: each failed growth doubles the wait, and one that worked forgets them.
func TestF14BackOffIsRemembered(t *testing.T) {
	t.Parallel()
	s, now := complete(1), start()
	s.CooldownOut, s.Max = 0, 20
	for i, pause := range []time.Duration{0, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute, 30 * time.Minute} {
		if i > 0 {
			if d := cluster.Decide(s, out(1), now); d.Code != cluster.BackOff || d.RetryAfter != pause {
				t.Fatalf("after failure %d: %+v", i, d)
			}
		}
		now = now.Add(pause)
		d := cluster.Decide(s, out(1), now)
		if d.Patch == nil {
			t.Fatalf("after failure %d and its wait: %+v", i, d)
		}
		s.Memory, _ = cluster.Remember(d.Patch.State)
		s = in(s, "UPDATE", "FAILED")
		s.Count = d.To
	}
	s = in(s, "UPDATE", "COMPLETE")
	d := cluster.Decide(s, out(1), now)
	if m, _ := cluster.Remember(d.Patch.State); m.Fails != 0 {
		t.Errorf("%d failures remembered after a success", m.Fails)
	}
}

// N14: every answer carries the last decisions, its own among them once it is made.
func TestN14AnswersCarryTheRing(t *testing.T) {
	t.Parallel()
	s := after(complete(0), 1, time.Hour)
	if d := cluster.Decide(s, out(1), start()); len(d.Ring) != 2 || d.Ring[1].To != 3 {
		t.Errorf("made: %+v", d.Ring)
	}
	s.Max = 2
	if d := cluster.Decide(s, out(1), start()); len(d.Ring) != 1 || d.Code != cluster.AtMax {
		t.Errorf("refused: %+v", d.Ring)
	}
}

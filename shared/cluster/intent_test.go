package cluster_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
)

const life = 10 * time.Minute

// updated is a cluster whose last update began now, and is over.
func updated(n int) cluster.State {
	s := in(complete(n), "UPDATE", "COMPLETE")
	s.Updated, s.Policy.Keep, s.CooldownOut, s.CooldownIn = start(), life, 0, 0
	return s
}

func ask(op cluster.Op, to int, person bool) cluster.Request {
	return cluster.Request{Op: op, To: to, Person: person, Who: "who", Token: "t"}
}

func after1(n int) time.Time { return start().Add(time.Duration(n) * time.Second) }

// N4: which requests are kept, and of which stacks.
func TestN4Keepable(t *testing.T) {
	t.Parallel()
	busy := in(updated(2), "UPDATE", "IN_PROGRESS")
	with := func(r cluster.Request, change func(*cluster.Request)) cluster.Request {
		change(&r)
		return r
	}
	drained := known(updated(2), func(nodes []cluster.Node) {
		nodes[0].Weight, nodes[0].Tags = 0, []string{"drain=x", fmt.Sprint("drain-since=", start().Unix()), "drain-weight=1"}
		nodes[1].Tags = []string{}
	})
	drained.Policy.Drain = time.Hour
	none := busy
	none.Policy.Keep = 0
	for name, row := range map[string]struct {
		state   cluster.State
		request cluster.Request
		code    cluster.Code
		want    bool
	}{
		"updating":                  {busy, out(1), cluster.Busy, true},
		"looking what is gone":      {in(updated(2), "CHECK", "IN_PROGRESS"), out(1), cluster.Busy, true},
		"a size":                    {busy, set(3), cluster.Busy, true},
		"a node":                    {busy, ask(cluster.OpReplace, 0, true), cluster.Busy, true},
		"a pass":                    {busy, ask(cluster.OpPass, 0, false), cluster.Busy, false},
		"a pause":                   {busy, ask(cluster.OpPause, 0, true), cluster.Busy, false},
		"refused":                   {busy, out(1), cluster.Cooldown, false},
		"superseded":                {busy, out(1), cluster.Superseded, false},
		"lost":                      {busy, out(1), cluster.Lost, false},
		"dry":                       {busy, with(out(1), func(r *cluster.Request) { r.DryRun = true }), cluster.Busy, false},
		"now or never":              {busy, with(out(1), func(r *cluster.Request) { r.Strict = true }), cluster.Busy, false},
		"kept already":              {busy, with(out(1), func(r *cluster.Request) { r.Kept = start() }), cluster.Busy, false},
		"being created":             {in(updated(2), "CREATE", "IN_PROGRESS"), out(1), cluster.Busy, false},
		"being resumed":             {in(updated(2), "RESUME", "IN_PROGRESS"), out(1), cluster.Busy, false},
		"suspended":                 {in(updated(2), "SUSPEND", "COMPLETE"), out(1), cluster.Busy, false},
		"being deleted":             {in(updated(2), "DELETE", "IN_PROGRESS"), out(1), cluster.Busy, false},
		"the load balancer at work": {drained, out(1), cluster.Busy, true},
		"another writer was faster": {updated(2), out(1), cluster.Busy, false},
		"nothing is kept":           {none, out(1), cluster.Busy, false},
	} {
		if got := (cluster.Decision{Code: row.code}).Keepable(row.state, row.request, start()); got != row.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// N4: a request comes out as it was put in, and what is no intent is none.
func TestN4IntentReads(t *testing.T) {
	t.Parallel()
	value := 81.5
	r := cluster.Request{
		Op: cluster.OpOut, By: 2, Value: &value, Nodes: []string{"1"}, Min: 1, Max: 3, Key: "event", KeyLife: 24 * time.Hour, Who: "aodh busy", Person: true, Force: true,
	}
	text := r.Intent("id", life, start()).String()
	i, ok := cluster.ReadIntent(text)
	if !ok || len(text) > 400 {
		t.Fatalf("%v %s", ok, text)
	}
	got := i.Request(after1(60))
	if got.Op != r.Op || got.By != 2 || *got.Value != value || !slices.Equal(got.Nodes, r.Nodes) || got.Min != 1 || got.Max != 3 || got.Key != "event" ||
		got.KeyLife != 24*time.Hour-time.Minute || got.Who != r.Who || !got.Person || !got.Force || !got.Kept.Equal(start()) {
		t.Errorf("%+v", got)
	}
	r.KeyLife = 30 * time.Second // shorter than it is kept: then its own name has to do
	if got := r.Intent("id", life, start()).Request(after1(60)); got.Key == "event" || got.KeyLife != 9*time.Minute {
		t.Errorf("%+v", got)
	}
	for _, bad := range []string{"", "null", "{", "[]", `{"id":"x"}`, `{"id":"","at":1,"op":"out"}`, `{"id":"x","at":0,"op":"out"}`, `{"id":"x","at":1,"op":""}`, `{"id":1}`} {
		if _, ok := cluster.ReadIntent(bad); ok {
			t.Errorf("%s is an intent", bad)
		}
	}
}

// N4: what is made of several.
func TestN4Pending(t *testing.T) {
	t.Parallel()
	kept := func(id string, second int, op cluster.Op, person bool) cluster.Intent {
		return ask(op, 3, person).Intent(id, life, after1(second))
	}
	repeat := cluster.Request{Op: cluster.OpOut, Repeats: true}.Intent("r", life, after1(1))
	asked, heard := updated(2), updated(2)
	asked.Memory.Heard, asked.Memory.Asked = after1(2).UnixMilli(), after1(2).UnixMilli()
	heard.Memory.Heard = after1(2).UnixMilli()
	drained := known(updated(2), func(nodes []cluster.Node) {
		nodes[0].Weight, nodes[0].Tags = 0, []string{"drain=x", fmt.Sprint("drain-since=", after1(2).Unix()), "drain-weight=1"}
		nodes[1].Tags = []string{}
	})
	drained.Policy.Drain = time.Hour
	for name, row := range map[string]struct {
		state cluster.State
		all   []cluster.Intent
		at    time.Time
		want  string
	}{
		"none":                                {updated(2), nil, after1(5), ""},
		"one":                                 {updated(2), []cluster.Intent{kept("a", 1, cluster.OpOut, false)}, after1(5), "a"},
		"the newest":                          {updated(2), []cluster.Intent{kept("b", 2, cluster.OpIn, false), kept("a", 1, cluster.OpOut, false)}, after1(5), "b"},
		"F15 at one time the one for more":    {updated(2), []cluster.Intent{kept("a", 1, cluster.OpIn, false), kept("b", 1, cluster.OpOut, false)}, after1(5), "b"},
		"a person before a newer alarm":       {updated(2), []cluster.Intent{kept("b", 2, cluster.OpOut, false), kept("a", 1, cluster.OpSet, true)}, after1(5), "a"},
		"the newest of two persons":           {updated(2), []cluster.Intent{kept("a", 1, cluster.OpSet, true), kept("b", 2, cluster.OpSet, true)}, after1(5), "b"},
		"nobody wants it any more":            {updated(2), []cluster.Intent{kept("a", 1, cluster.OpSet, true)}, after1(601), ""},
		"just still":                          {updated(2), []cluster.Intent{kept("a", 1, cluster.OpSet, true)}, after1(600), "a"},
		"an alarm that repeats, soon":         {updated(2), []cluster.Intent{repeat}, after1(120), "r"},
		"an alarm that repeats, later":        {updated(2), []cluster.Intent{repeat}, after1(121), ""},
		"the memory is past it":               {asked, []cluster.Intent{kept("a", 1, cluster.OpSet, true), kept("b", 2, cluster.OpOut, false)}, after1(5), ""},
		"the memory is not":                   {asked, []cluster.Intent{kept("a", 3, cluster.OpOut, false)}, after1(5), "a"},
		"an alarm's end is not a person's":    {heard, []cluster.Intent{kept("a", 1, cluster.OpSet, true)}, after1(5), "a"},
		"a drain after it":                    {drained, []cluster.Intent{kept("a", 1, cluster.OpIn, false)}, after1(5), ""},
		"a drain before it":                   {drained, []cluster.Intent{kept("a", 3, cluster.OpIn, false)}, after1(5), "a"},
		"a drain in the same second":          {drained, []cluster.Intent{kept("a", 2, cluster.OpIn, false)}, after1(5), "a"},
		"written off":                         {updated(2), []cluster.Intent{kept("a", 1, cluster.OpOut, false), kept("a", 1, cluster.OpOut, false).Settled("z")}, after1(5), ""},
		"written off before":                  {updated(2), []cluster.Intent{kept("b", 2, cluster.OpOut, false), kept("a", 1, cluster.OpOut, false).Settled("z")}, after1(5), "b"},
		"an alarm's is written off":           {updated(2), []cluster.Intent{kept("a", 1, cluster.OpSet, true), kept("b", 2, cluster.OpOut, false).Settled("z")}, after1(5), "a"},
		"a person's is, and alarms before":    {updated(2), []cluster.Intent{kept("a", 1, cluster.OpOut, false), kept("b", 2, cluster.OpSet, true).Settled("z")}, after1(5), ""},
		"a node beside a size":                {updated(2), []cluster.Intent{kept("a", 1, cluster.OpOut, false), kept("b", 2, cluster.OpReplace, false)}, after1(5), "a"},
		"a node when the size is settled":     {asked, []cluster.Intent{kept("a", 1, cluster.OpOut, false), kept("b", 1, cluster.OpReplace, false)}, after1(5), "b"},
		"a size when the node is written off": {updated(2), []cluster.Intent{kept("a", 1, cluster.OpOut, false), kept("b", 2, cluster.OpReplace, true).Settled("z")}, after1(5), "a"},
	} {
		got, ok := row.state.Pending(row.all, row.at)
		slices.Reverse(row.all)
		other, _ := row.state.Pending(row.all, row.at)
		if got.ID != row.want || ok != (row.want != "") || other.ID != got.ID {
			t.Errorf("%s: %q %v, the other way round %q", name, got.ID, ok, other.ID)
		}
	}
}

// N4: once it is made, by an update or by a drain, nothing that was kept is made again, whether its key lives on or not.
func TestN4MadeOnce(t *testing.T) {
	t.Parallel()
	for _, keyLife := range []time.Duration{0, 30 * time.Second, 24 * time.Hour} {
		for _, drains := range []bool{false, true} {
			for _, person := range []bool{false, true} {
				for _, op := range []cluster.Op{cluster.OpIn, cluster.OpReplace} {
					madeOnce(t, cluster.Request{Op: op, By: 1, KeyLife: keyLife, Person: person}, drains)
				}
			}
		}
	}
}

// madeOnce keeps the request three times, with a key if that lives, makes it, and looks whether any is left.
func madeOnce(t *testing.T, r cluster.Request, drains bool) {
	t.Helper()
	s := known(updated(4), func(nodes []cluster.Node) {
		for i := range nodes {
			nodes[i].Tags = []string{}
		}
		if r.Op == cluster.OpReplace {
			nodes[1].Health = "ERROR"
		}
	})
	if drains {
		s.Policy.Drain = 5 * time.Minute
	}
	if r.KeyLife > 0 {
		r.Key = "key"
	}
	all := []cluster.Intent{r.Intent("b", life, after1(2)), r.Intent("c", life, after1(3)), r.Intent("a", life, after1(1))}
	i, _ := s.Pending(all, after1(60))
	again := i.Request(after1(60))
	again.Token = "t"
	d := cluster.Decide(s, again, after1(60))
	marks := drains && r.Op == cluster.OpIn
	if marks != (len(d.Members) == 1) || marks == (d.Patch != nil) {
		t.Fatalf("%+v", d)
	}
	if marks {
		s = write(s, d)
	} else {
		s.Memory, _ = cluster.Remember(d.Patch.State)
		s.Count = d.Patch.Count
		s.Nodes = slices.DeleteFunc(s.Nodes, func(n cluster.Node) bool { return slices.Contains(d.Patch.Removal, n.Name) })
	}
	for minute := range 12 {
		if left, ok := s.Pending(all, after1(60*(minute+1))); ok {
			t.Errorf("%+v, drains %v: %s is left after %d minutes", r, drains, left.ID, minute)
		}
	}
}

// N4: a drain replaces what alarms had asked for before it, and a person's drain what persons had: while the node leaves, when it is
// gone, and when it is back in service. What is kept after it is pending.
func TestN4DrainReplacesWhatWasKept(t *testing.T) {
	t.Parallel()
	begun := start().Add(2 * time.Second)
	kept := func(person bool, at time.Time) cluster.Intent {
		return ask(cluster.OpSet, 4, person).Intent(at.String(), life, at)
	}
	for _, person := range []bool{false, true} {
		leave, back := less(1), forced(out(1))
		leave.Person, back.Person = person, person
		s := drained(4)
		leaving := write(s, cluster.Decide(s, leave, begun))
		removal := cluster.Reconcile(leaving, pass(), begun.Add(drainTime))
		gone := leaving
		gone.Nodes = slices.DeleteFunc(slices.Clone(gone.Nodes), func(n cluster.Node) bool { return slices.Contains(removal.Victims, n.Name) })
		gone.Count = removal.Patch.Count
		gone.Memory, _ = cluster.Remember(removal.Patch.State)
		inService := write(leaving, cluster.Decide(leaving, back, begun.Add(time.Second)))
		for name, state := range map[string]cluster.State{"leaving": leaving, "gone": gone, "back": inService} {
			at := begun.Add(drainTime)
			if _, ok := state.Pending([]cluster.Intent{kept(false, start())}, at); ok {
				t.Errorf("%s by a person %v: an alarm's from before is pending", name, person)
			}
			if _, ok := state.Pending([]cluster.Intent{kept(true, start())}, at); ok == person {
				t.Errorf("%s by a person %v: a person's from before is pending: %v", name, person, ok)
			}
			for _, who := range []bool{false, true} {
				if _, ok := state.Pending([]cluster.Intent{kept(who, begun.Add(2*time.Second))}, at); !ok {
					t.Errorf("%s by a person %v: what came after it is not pending", name, person)
				}
			}
		}
	}
}

// N2, N4: a notification that comes again when its kept request was made is known, by an update's memory and by a drain's marks, as
// long as it names the same.
func TestN4MadeIsKnownByBothNames(t *testing.T) {
	t.Parallel()
	for op, s := range map[cluster.Op]cluster.State{cluster.OpOut: drained(2), cluster.OpIn: drained(4)} {
		again := cluster.Request{Op: op, By: 1, Key: "k", KeyLife: 2 * time.Minute, Token: "t"}
		made := again.Intent("a", life, start()).Request(start().Add(time.Minute))
		made.Token = "m"
		d := cluster.Decide(s, made, start().Add(time.Minute))
		if s = write(s, d); d.Patch != nil {
			s.Memory, _ = cluster.Remember(d.Patch.State)
			s.Count = d.Patch.Count
		}
		if first := cluster.Decide(s, again, start().Add(2*time.Minute-time.Second)); first.Code != cluster.Duplicate {
			t.Errorf("%s: %+v, then %+v", op, d, first)
		}
		if other := cluster.Decide(s, again, start().Add(2*time.Minute)); other.Code == cluster.Duplicate {
			t.Errorf("%s: a repeat is taken for a duplicate: %+v", op, other)
		}
	}
}

// N4: a person who asks for what there is already ends what they had asked for before; nothing else needs to be said.
func TestN4Outdated(t *testing.T) {
	t.Parallel()
	mine, alarms := ask(cluster.OpSet, 3, true).Intent("a", life, after1(1)), out(1).Intent("b", life, after1(1))
	s := updated(2)
	for name, row := range map[string]struct {
		all  []cluster.Intent
		at   time.Time
		want bool
	}{
		"mine":             {[]cluster.Intent{mine}, after1(5), true},
		"an alarm's":       {[]cluster.Intent{alarms}, after1(5), false},
		"over":             {[]cluster.Intent{mine}, after1(601), false},
		"written off":      {[]cluster.Intent{mine, mine.Settled("z")}, after1(5), false},
		"for a node":       {[]cluster.Intent{ask(cluster.OpReplace, 0, true).Intent("c", life, after1(1))}, after1(5), false},
		"newer than asked": {[]cluster.Intent{mine}, start(), false},
	} {
		if got := s.Outdated(row.all, row.at); got != row.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if !s.MayKeep(start().Add(69*time.Minute)) || s.MayKeep(start().Add(71*time.Minute)) {
		t.Error("an update is an hour long at most, and what is kept lives for ten minutes after")
	}
}

// N4: what people read of it.
func TestN4Words(t *testing.T) {
	t.Parallel()
	i := ask(cluster.OpSet, 3, true).Intent("a", life, start())
	for code, want := range map[cluster.Code]string{cluster.Busy: "still being made. The request is kept"} {
		d := cluster.Decision{Code: code}.Keep(i)
		if d.Code != cluster.Kept || !strings.Contains(d.Reason, want) || !strings.HasSuffix(d.Reason, "until 10:10:00 UTC.") {
			t.Errorf("%+v", d)
		}
	}
	d := cluster.Decision{Code: cluster.Cooldown, Reason: "Too soon.", RetryAfter: time.Minute}.Since(i, after1(90))
	if d.Reason != "Asked for 1m30s ago by who, and kept since: Too soon." || !d.Waits() {
		t.Errorf("%+v", d)
	}
	for who, want := range map[*cluster.Intent]bool{{Op: cluster.OpIn}: true, {Op: cluster.OpOut}: false, {Op: cluster.OpIn, Person: true}: false} {
		if d.GivesUp(*who) != want || !(cluster.Decision{Code: cluster.AtMax}).GivesUp(*who) || (cluster.Decision{Code: cluster.Superseded}).GivesUp(*who) {
			t.Errorf("%+v", who)
		}
	}
	if with := (cluster.Decision{Code: cluster.Steady, Reason: "All well.", RetryAfter: time.Hour}).With(d); with.RetryAfter != time.Minute || with.Code != cluster.Steady || !strings.HasPrefix(with.Reason, "All well. Asked") {
		t.Errorf("%+v", with)
	}
}

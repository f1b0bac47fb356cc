package cluster_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
)

func start() time.Time { return time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC) }

// complete is a quiet cluster of n nodes between 1 and 4.
func complete(n int) cluster.State {
	return cluster.State{
		Count: n, Min: 1, Max: 4, CooldownOut: 3 * time.Minute, CooldownIn: 10 * time.Minute, Action: "CREATE", Status: "COMPLETE",
	}
}

func in(s cluster.State, action, status string) cluster.State {
	s.Action, s.Status = action, status
	return s
}

// after is a cluster of two nodes whose last change was so long ago.
func after(s cluster.State, from int, ago time.Duration) cluster.State {
	const to = 2
	s.Memory = cluster.Memory{}.Record(cluster.OpOut, from, to, cluster.Scaled, "test", "before", start().Add(-ago))
	s.Count = to
	return s
}

func out(by int) cluster.Request { return cluster.Request{Op: cluster.OpOut, By: by, Token: "t"} }
func less(by int) cluster.Request {
	return cluster.Request{Op: cluster.OpIn, By: by, Token: "t"}
}
func set(to int) cluster.Request { return cluster.Request{Op: cluster.OpSet, To: to, Token: "t"} }
func forced(r cluster.Request) cluster.Request {
	r.Force = true
	return r
}

func TestDecide(t *testing.T) {
	t.Parallel()
	const minute = time.Minute
	for name, row := range map[string]struct {
		state   cluster.State
		request cluster.Request
		code    cluster.Code
		asked   int
		to      int
		retry   time.Duration
	}{
		"one more":                     {complete(1), out(0), cluster.Scaled, 2, 2, 0},
		"two more":                     {complete(1), out(2), cluster.Scaled, 3, 3, 0},
		"more than there may be":       {complete(3), out(5), cluster.Capped, 8, 4, 0},
		"as many as numbers hold":      {complete(3), out(1 << 62), cluster.Capped, 3 + 1<<31 - 1, 4, 0},
		"at the upper bound":           {complete(4), out(1), cluster.AtMax, 5, 4, 0},
		"one less":                     {complete(3), less(1), cluster.Scaled, 2, 2, 0},
		"less than there must be":      {complete(2), less(5), cluster.Capped, 0, 1, 0},
		"at the lower bound":           {complete(1), less(1), cluster.AtMin, 0, 1, 0},
		"above the bound, out":         {complete(6), out(1), cluster.AtMax, 7, 6, 0},
		"above the bound, in":          {complete(6), less(1), cluster.Capped, 5, 4, 0},
		"below the bound, in":          {complete(0), less(1), cluster.AtMin, 0, 0, 0},
		"below the bound, out":         {complete(0), out(1), cluster.Scaled, 1, 1, 0},
		"set":                          {complete(1), set(3), cluster.Scaled, 3, 3, 0},
		"set to what it is":            {complete(3), set(3), cluster.Unchanged, 3, 3, 0},
		"set too high":                 {complete(1), set(9), cluster.Capped, 9, 4, 0},
		"set too high, at the bound":   {complete(4), set(9), cluster.AtMax, 9, 4, 0},
		"set too low, at the bound":    {complete(1), set(0), cluster.AtMin, 0, 1, 0},
		"being made":                   {in(complete(1), "CREATE", "IN_PROGRESS"), out(1), cluster.Busy, 2, 1, 30 * time.Second},
		"being changed, at the bound":  {in(complete(4), "UPDATE", "IN_PROGRESS"), out(1), cluster.Busy, 5, 4, 30 * time.Second},
		"failed: an update repairs it": {in(complete(1), "UPDATE", "FAILED"), out(1), cluster.Scaled, 2, 2, 0},
		"checked":                      {in(complete(1), "CHECK", "FAILED"), out(1), cluster.Scaled, 2, 2, 0},
		"resumed":                      {in(complete(1), "RESUME", "COMPLETE"), out(1), cluster.Scaled, 2, 2, 0},
		"suspended":                    {in(complete(1), "SUSPEND", "COMPLETE"), out(1), cluster.NotScalable, 2, 1, 0},
		"resume failed":                {in(complete(1), "RESUME", "FAILED"), out(1), cluster.NotScalable, 2, 1, 0},
		"being deleted":                {in(complete(1), "DELETE", "IN_PROGRESS"), out(1), cluster.NotScalable, 2, 1, 0},
		"grown a minute ago, out":      {after(complete(0), 1, minute), out(1), cluster.Cooldown, 3, 2, 2 * minute},
		"grown 3 minutes ago, out":     {after(complete(0), 1, 3*minute), out(1), cluster.Scaled, 3, 3, 0},
		"grown 3 minutes ago, in":      {after(complete(0), 1, 3*minute), less(1), cluster.Cooldown, 1, 2, 7 * minute},
		"grown 10 minutes ago, in":     {after(complete(0), 1, 10*minute), less(1), cluster.Scaled, 1, 1, 0},
		"shrunk just now, out":         {after(complete(0), 3, 0), out(1), cluster.Scaled, 3, 3, 0},
		"shrunk just now, in":          {after(complete(0), 3, 0), less(1), cluster.Cooldown, 1, 2, 10 * minute},
		"grown just now, forced":       {after(complete(0), 1, 0), forced(less(1)), cluster.Scaled, 1, 1, 0},
		"grown just now, set":          {after(complete(0), 1, 0), set(1), cluster.Scaled, 1, 1, 0},
		"busy, forced":                 {in(complete(1), "UPDATE", "IN_PROGRESS"), forced(out(1)), cluster.Busy, 2, 1, 30 * time.Second},
		"at the bound, forced":         {complete(4), forced(out(1)), cluster.AtMax, 5, 4, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cluster.Decide(row.state, row.request, start())
			if d.Code != row.code || d.Asked != row.asked || d.To != row.to || d.RetryAfter != row.retry || d.From != row.state.Count {
				t.Errorf("got %+v", d)
			}
			if d.Reason == "" || !strings.HasSuffix(d.Reason, ".") || d.Applied {
				t.Errorf("reason %q, applied %v", d.Reason, d.Applied)
			}
			changes := row.code == cluster.Scaled || row.code == cluster.Capped
			if changes != (d.Patch != nil) {
				t.Fatalf("patch %+v", d.Patch)
			}
			if changes {
				checkPatch(t, d, row.to)
			}
		})
	}
}

// A patch is one whole decision: count, removal list and memory, all absolute.
func checkPatch(t *testing.T, d cluster.Decision, to int) {
	t.Helper()
	if d.Patch.Count != to || d.Patch.Removal == nil {
		t.Errorf("patch %+v", d.Patch)
	}
	m, ok := cluster.Remember(d.Patch.State)
	if !ok || m.Token != "t" || m.To != to || m.From != d.From || m.Gen < 1 {
		t.Errorf("memory %+v", m)
	}
}

// Equal requests for an equal cluster write the same, but for the token: whichever of two racers wins, it is one step.
func TestRacersWriteTheSame(t *testing.T) {
	t.Parallel()
	one, two := out(1), out(1)
	two.Token = "u"
	a, b := cluster.Decide(complete(1), one, start()), cluster.Decide(complete(1), two, start())
	if a.Patch.Count != b.Patch.Count || strings.ReplaceAll(b.Patch.State, `"u"`, `"t"`) != a.Patch.State {
		t.Errorf("%+v and %+v", a.Patch, b.Patch)
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	t.Parallel()
	r := out(1)
	r.DryRun = true
	if d := cluster.Decide(complete(1), r, start()); d.Patch != nil || d.Code != cluster.Scaled || d.To != 2 || !d.DryRun {
		t.Errorf("%+v", d)
	}
}

// A notification is acted on once, while it is the same one; a repeat after its life is a new wish.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	r := out(1)
	r.Key, r.KeyLife = "alarm 1", 30*time.Second
	s := complete(1)
	s.CooldownOut = 0
	d := cluster.Decide(s, r, start())
	s.Count = d.Patch.Count
	s.Memory, _ = cluster.Remember(d.Patch.State)
	for _, row := range []struct {
		key   string
		state cluster.State
		later time.Duration
		code  cluster.Code
	}{
		{"alarm 1", s, 0, cluster.Duplicate},
		{"alarm 1", in(s, "UPDATE", "IN_PROGRESS"), time.Second, cluster.Duplicate},
		{"alarm 1", s, 29 * time.Second, cluster.Duplicate},
		{"alarm 1", s, 30 * time.Second, cluster.Scaled},
		{"alarm 2", s, 0, cluster.Scaled},
		{"", s, 0, cluster.Scaled},
	} {
		r.Key = row.key
		if got := cluster.Decide(row.state, r, start().Add(row.later)); got.Code != row.code {
			t.Errorf("%q after %s: %s, want %s", row.key, row.later, got.Code, row.code)
		}
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	before := after(complete(0), 1, time.Hour)
	d := cluster.Decide(before, out(1), start())
	read := func(token string, count int) cluster.State {
		s := before
		s.Count = count
		s.Memory.Token = token
		return s
	}
	for _, row := range []struct {
		after   cluster.State
		code    cluster.Code
		applied bool
		to      int
	}{
		{read("t", 3), cluster.Scaled, true, 3},
		{read("other", 1), cluster.Superseded, false, 1},
		{read("before", 2), cluster.Lost, false, 2},
	} {
		got := cluster.Verify(d, "t", before.Memory, row.after)
		if got.Code != row.code || got.Applied != row.applied || got.To != row.to || got.Reason == "" {
			t.Errorf("%s: got %+v", row.after.Memory.Token, got)
		}
	}
	for _, code := range []cluster.Code{cluster.Busy, cluster.NotScalable} {
		if got := d.Refuse(code, before.Memory); got.Code != code || got.Patch != nil || got.To != 2 || got.Applied {
			t.Errorf("refused: %+v", got)
		}
	}
}

// What is no memory is forgotten: Heat resets parameters when an operator updates the stack with a template.
func TestRememberForgets(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "null", "{}", "[]", `{"gen":1`, `{"gen":0,"token":"t"}`, `{"gen":1,"token":""}`, `{"gen":"1","token":"t"}`,
		`{"gen":1,"token":"` + strings.Repeat("x", 5000) + `"}`,
	} {
		m, ok := cluster.Remember(text)
		if ok || m.Gen != 0 || m.Token != "" {
			t.Errorf("Remember(%.40s) = %+v %v", text, m, ok)
		}
		s := complete(1)
		s.Memory = m
		if d := cluster.Decide(s, out(1), start()); d.Code != cluster.Scaled {
			t.Errorf("with %.40s: %s", text, d.Code)
		}
	}
}

// The memory stays small whatever is put into it, and keeps the newest.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	s := complete(1)
	s.Max, s.CooldownOut = 1000, 0
	for i := range 100 {
		r := out(1)
		r.Key, r.KeyLife, r.Who, r.Token = fmt.Sprint("key", i), 24*time.Hour, strings.Repeat("ö\"", 100), fmt.Sprint("token", i)
		d := cluster.Decide(s, r, start().Add(time.Duration(i)*time.Second))
		if len(d.Patch.State) >= 4096 {
			t.Fatalf("%d bytes", len(d.Patch.State))
		}
		m, ok := cluster.Remember(d.Patch.State)
		if !ok || m.Gen != i+1 || len(m.Ring) > 16 || len(m.Seen) > 16 {
			t.Fatalf("%+v", m)
		}
		if last := m.Ring[len(m.Ring)-1]; last.To != i+2 {
			t.Fatalf("newest entry %+v", last)
		}
		s.Count, s.Memory = d.Patch.Count, m
	}
	if len(s.Memory.Seen) != 16 {
		t.Errorf("%d keys", len(s.Memory.Seen))
	}
	huge := cluster.Memory{Gen: 1, Token: strings.Repeat("x", 9000), By: strings.Repeat("y", 9000)}
	if n := len(huge.String()); n >= 4096 {
		t.Errorf("huge memory has %d bytes", n)
	}
}

// A change by other means leaves no hole in the history.
func TestChangesFromOutsideAreRecorded(t *testing.T) {
	t.Parallel()
	s := after(complete(0), 1, time.Hour)
	s.Count = 3
	m, _ := cluster.Remember(cluster.Decide(s, out(1), start()).Patch.State)
	if n := len(m.Ring); n != 3 || m.Ring[1].Op != cluster.OpOutside || m.Ring[1].From != 2 || m.Ring[1].To != 3 {
		t.Errorf("%+v", m.Ring)
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	if out, in := complete(1).Next(start()); out != nil || in != nil {
		t.Errorf("never scaled: %v %v", out, in)
	}
	out, in := after(complete(0), 1, time.Minute).Next(start())
	if out == nil || !out.Equal(start().Add(2*time.Minute)) || in == nil || !in.Equal(start().Add(9*time.Minute)) {
		t.Errorf("%v %v", out, in)
	}
}

package lab_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
)

func TestWindows(t *testing.T) {
	t.Parallel()
	h := func(n int) time.Time { return created.Add(time.Duration(n) * time.Hour) }
	e := entry
	e.Windows = []lab.Window{
		{Tenant: "t", Context: "c", Start: h(30), End: h(34)},
		{Tenant: "t", Context: "c", Start: h(1), End: h(3)},
		{Tenant: "t", Context: "c", Start: h(3), End: h(4)}, // meets the one before
		{Tenant: "t", Context: "c", Start: h(9), End: h(8)}, // never open
		{Tenant: "t", Context: "from", Start: h(5)},
		{Tenant: "t", Context: "to", End: h(5)},
	}
	for _, c := range []struct {
		context string
		at      int
		open    bool
		opens   time.Time
		ends    time.Time
	}{
		{"c", 0, false, h(1), time.Time{}},
		{"c", 1, true, time.Time{}, h(4)},
		{"c", 3, true, time.Time{}, h(4)},
		{"c", 4, false, h(30), h(4)},
		{"c", 33, true, time.Time{}, h(34)},
		{"c", 34, false, time.Time{}, h(34)},
		{"from", 4, false, h(5), time.Time{}},
		{"from", 500, true, time.Time{}, time.Time{}},
		{"to", -500, true, time.Time{}, h(5)},
		{"to", 5, false, time.Time{}, h(5)},
		{"other", 2, false, time.Time{}, time.Time{}},
	} {
		if got := e.Window("t", c.context, h(c.at)); got.Open != c.open || !got.Opens.Equal(c.opens) || !got.Ends.Equal(c.ends) {
			t.Errorf("%s at %d: %+v", c.context, c.at, got)
		}
	}
	if got := entry.Window("t", "c", created); !got.Open || !got.Ends.IsZero() {
		t.Errorf("without windows: %+v", got)
	}
	here := e.In("t", "c", h(2))
	if lease := here.Lease(h(2)); !lease.Until.Equal(h(4)) {
		t.Errorf("a launch in the window lives until %s", lease.Until)
	}
	if lease := e.In("t", "c", h(0)).Lease(h(0)); !lease.Until.Equal(h(4)) {
		t.Errorf("a lab made ahead lives until %s", lease.Until)
	}
	if _, can := (lab.Lease{Until: h(4)}).Extend(func() lab.Entry { here.Extend = lab.Extend{By: time.Hour, Times: 3}; return here }(), h(2), h(3)); can {
		t.Error("extended beyond the window")
	}
	s := lab.Closed(e.Window("t", "c", h(4)))
	if s.State != lab.Gone || s.Reason != lab.LabClosed || !s.OpensAt.Equal(h(30)) || !s.ClosesAt.Equal(h(4)) || len(s.Actions) > 0 || s.Poll != (lab.Poll{}) {
		t.Errorf("%+v", s)
	}
}

// The time a lab was up, from Heat's own events.
func TestBudget(t *testing.T) {
	t.Parallel()
	life := []lab.Event{
		event(0, "lab-1", "CREATE_IN_PROGRESS"), event(50, "web", "CREATE_COMPLETE"), event(60, "lab-1", "CREATE_COMPLETE"),
		event(100, "lab-1", "UPDATE_IN_PROGRESS"), event(110, "lab-1", "UPDATE_COMPLETE"), event(200, "handle", "SIGNAL_COMPLETE"),
		event(660, "lab-1", "SUSPEND_IN_PROGRESS"), event(700, "lab-1", "SUSPEND_COMPLETE"),
		event(1000, "lab-1", "RESUME_IN_PROGRESS"), event(1100, "lab-1", "RESUME_COMPLETE"),
	}
	second := func(n int) time.Time { return created.Add(time.Duration(n) * time.Second) }
	for name, c := range map[string]struct {
		events     []lab.Event
		since, now int
		want       time.Duration
	}{
		"being built":       {life[:2], 0, 50, 0},
		"up":                {life[:6], 0, 260, 200 * time.Second},
		"asleep":            {life[:8], 0, 5000, 600 * time.Second},
		"up again":          {life, 0, 1200, 700 * time.Second},
		"since it is mine":  {life, 360, 1200, 400 * time.Second},
		"since after sleep": {life, 1150, 1200, 50 * time.Second},
		"since later":       {life, 5000, 1200, 0},
		"leaving":           {append(slices.Clip(life), event(1200, "lab-1", "DELETE_IN_PROGRESS")), 0, 9000, 700 * time.Second},
		"never came up":     {[]lab.Event{event(0, "lab-1", "CREATE_IN_PROGRESS"), event(60, "lab-1", "CREATE_FAILED")}, 0, 900, 0},
		"did not wake":      {append(life[:8:8], event(800, "lab-1", "RESUME_FAILED")), 0, 900, 600 * time.Second},
		"no events":         {nil, 0, 900, 0},
	} {
		if got := lab.Used(c.events, second(c.since), second(c.now)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	e := entry
	e.Budget = lab.Budget{Time: time.Hour, Per: 24 * time.Hour, Block: true}
	for used, want := range map[time.Duration]lab.Allowance{
		0: {Of: time.Hour, Left: time.Hour}, 59 * time.Minute: {Of: time.Hour, Left: time.Minute}, time.Hour: {Of: time.Hour, Over: true, Block: true}, 2 * time.Hour: {Of: time.Hour, Over: true, Block: true},
	} {
		if got, limited := e.Allowance(used, time.Time{}); !limited || got != want {
			t.Errorf("after %s: %+v", used, got)
		}
	}
	if _, limited := entry.Allowance(time.Hour, time.Time{}); limited {
		t.Error("limited without a budget")
	}
	warn := e
	warn.Budget.Block = false
	if got, _ := warn.Allowance(2*time.Hour, created); got.Block || !got.Over || !got.Renews.Equal(created) {
		t.Errorf("only warned: %+v", got)
	}
	if s := lab.Spent(lab.Allowance{Renews: created}); s.Reason != lab.BudgetSpent || s.Allowance == nil || len(s.Actions) > 0 {
		t.Errorf("%+v", s)
	}
}

// What was spent by labs that are gone counts on, until the budget begins anew.
func TestBudgetOutlivesTheLab(t *testing.T) {
	t.Parallel()
	e := entry
	e.Budget = lab.Budget{Time: time.Hour, Per: 24 * time.Hour}
	period := created.Add(20 * time.Hour)
	gone := note(owner.SpentNote(40*time.Minute, period), "CREATE_COMPLETE", 0)
	if home := lab.Gather([]lab.Held{gone}, e, created.Add(time.Hour)); home.Spent != 40*time.Minute || !home.Period.Equal(period) {
		t.Errorf("%+v", home)
	}
	up := own(1, "CREATE_COMPLETE", time.Hour, lab.SpentTags(45*time.Minute, period)...)
	home := lab.Gather([]lab.Held{gone, up}, e, created.Add(2*time.Hour))
	if used := home.UsedBy(e, []lab.Event{event(3600, "lab-1", "CREATE_IN_PROGRESS"), event(3660, "lab-1", "CREATE_COMPLETE")}, created.Add(time.Hour+11*time.Minute)); used != 55*time.Minute {
		t.Errorf("used %s", used)
	}
	if home := lab.Gather([]lab.Held{gone, up}, e, period); home.Spent != 0 {
		t.Errorf("anew: %+v", home)
	}
	first := lab.Gather([]lab.Held{own(0, "CREATE_COMPLETE", 0)}, e, created.Add(30*time.Hour))
	if !first.Period.Equal(created.Add(48 * time.Hour)) {
		t.Errorf("the second period of a lab ends at %s", first.Period)
	}
	if home := lab.Gather([]lab.Held{gone, up}, entry, created); home.Spent != 0 || !home.Period.IsZero() {
		t.Errorf("without a budget: %+v", home)
	}
}

func TestScore(t *testing.T) {
	t.Parallel()
	checks := []lab.Check{{Name: "page", Weight: 1}, {Name: "tls", Weight: 3}}
	result := func(check string, score float64, second int) lab.Result {
		return lab.Result{Check: check, Score: score, Passed: score == 1, At: created.Add(time.Duration(second) * time.Second), Message: check}
	}
	for name, c := range map[string]struct {
		results []lab.Result
		want    float64
		known   bool
	}{
		"none":              {nil, 0, false},
		"of no check":       {[]lab.Result{result("poem", 1, 0)}, 0, false},
		"failed":            {[]lab.Result{result("page", 0, 0)}, 0, true},
		"one of two":        {[]lab.Result{result("tls", 1, 0)}, 0.75, true},
		"in part":           {[]lab.Result{result("tls", 0.5, 0), result("page", 1, 0)}, 0.625, true},
		"the best is kept":  {[]lab.Result{result("tls", 1, 0), result("tls", 0, 1)}, 0.75, true},
		"more than all":     {[]lab.Result{result("tls", 7, 0), result("page", 1, 0)}, 1, true},
		"less than nothing": {[]lab.Result{result("tls", -7, 0)}, 0, true},
		"no number":         {[]lab.Result{result("tls", math.NaN(), 0)}, 0, false},
	} {
		if got, known := lab.Score(c.results, checks); got != c.want || known != c.known {
			t.Errorf("%s: %v, %v", name, got, known)
		}
	}
	if got, known := lab.Score([]lab.Result{result("page", 1, 0)}, []lab.Check{{Name: "page"}}); got != 1 || !known {
		t.Errorf("without a weight: %v", got)
	}
	hint := lab.Standing([]lab.Result{{Check: "tls", Score: 0.5, Message: "newer", At: created.Add(time.Second)}, {Check: "tls", Score: 1, Passed: true, Message: "older", At: created}}, checks)
	if hint[0].Reported || hint[1].Message != "newer" || !hint[1].Passed || hint[1].Score != 1 {
		t.Errorf("%+v", hint)
	}
	for score, want := range map[float64]string{0: "0.0", 1: "1.0", 0.5: "0.5", 1.0 / 3: "0.3333", 1e-9: "0.0", 1 + 1e-9: "1.0", -1e-9: "0.0", 0.99999: "1.0", math.Copysign(0, -1): "0.0"} {
		if got, ok := lab.FormatScore(score); !ok || got != want {
			t.Errorf("%v: %q, %v", score, got, ok)
		}
	}
	for _, score := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1.5, -0.5} {
		if got, ok := lab.FormatScore(score); ok {
			t.Errorf("%v: %q", score, got)
		}
	}
}

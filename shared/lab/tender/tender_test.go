package tender_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/pool"
	"github.com/stackhook/stackhook/shared/lab/tender"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// A lab in use is read once for each time that it may have become idle, however often a pass comes by.
func TestActiveLabCostsOneReadAnIdleTime(t *testing.T) {
	t.Parallel()
	f := open(t, 1)
	ref := f.lab(t, 0, "web", "u1")
	reads := 0
	for minute := range 180 {
		if minute%4 == 0 {
			f.signal(t, 0, ref, lab.PageID(f.now()), map[string]any{"at": f.now().Unix()})
		}
		report, calls := f.pass(t)
		wantDone(t, report)
		reads += len(calls) - 1
		f.advance(time.Minute)
	}
	if reads < 3 || reads > 6 {
		t.Errorf("%d reads in three hours", reads)
	}
	f.reborn()
	report, _ := f.pass(t)
	wantDone(t, report)
}

// A dry run says what a pass would do, and does nothing.
func TestDryRunChangesNothing(t *testing.T) {
	t.Parallel()
	f := open(t, 1, func(p *tender.Parts) { p.Catalogue = withWarm(catalogue(), 2) })
	f.lab(t, 0, "web", "u1")
	f.advance(9 * time.Hour)
	f.fakes[0].ResetCalls()
	dry := f.Pass(t.Context(), tender.Options{DryRun: true})
	if got := writes(f.calls()); len(got) > 0 {
		t.Errorf("a dry run wrote: %q", got)
	}
	if !dry.DryRun || dry.Counts["delete"] != 1 || dry.Counts["build_ready"] != 2 || dry.Changes[0].Result != "would_do" {
		t.Errorf("%+v", dry)
	}
	report, _ := f.pass(t)
	if fmt.Sprint(report.Counts) != fmt.Sprint(dry.Counts) {
		t.Errorf("done %v, foretold %v", report.Counts, dry.Counts)
	}
}

// Doubles, also in two clouds, and what a reset left over are found from the lists, and only the stack that counts stays.
func TestOneLabPerLearner(t *testing.T) {
	t.Parallel()
	f := open(t, 2)
	first := f.lab(t, 0, "web", "twice")
	f.advance(time.Second)
	second := f.lab(t, 1, "web", "twice")
	old := f.lab(t, 0, "web", "reset")
	f.advance(5 * time.Minute)
	renewed := f.lab(t, 0, "web", "reset", lab.TagGen+"1")
	f.lab(t, 1, "web", "single")
	report, calls := f.pass(t)
	wantDone(t, report, "delete_spare "+second.Name)
	wantCalls(t, writes(calls), remove)
	wantState(t, f, 0, first, "CREATE_COMPLETE")
	f.advance(40 * time.Minute)
	for _, ref := range []openstack.StackRef{first, renewed} {
		f.signal(t, 0, ref, lab.PageID(f.now()), map[string]any{"at": f.now().Unix()})
	}
	f.pass(t)
	wantState(t, f, 0, old, "SUSPEND_IN_PROGRESS") // kept, but not awake
	f.advance(50 * time.Minute)
	report, _ = f.pass(t)
	if report.Counts["delete_previous"] != 1 {
		t.Errorf("%+v", report)
	}
	f.fakes[0].Settle()
	wantState(t, f, 0, old, "gone")
	wantState(t, f, 0, renewed, "SUSPEND_COMPLETE")
}

// Two hosts whose timers fire at once do what one would have done.
func TestTwoPassesAtOnceDoNoHarm(t *testing.T) {
	t.Parallel()
	f := open(t, 2, func(p *tender.Parts) { p.Catalogue = withWarm(catalogue(), 3) })
	ended, idle := []openstack.StackRef{}, []openstack.StackRef{}
	for i := range 10 {
		ended = append(ended, f.lab(t, i%2, "web", fmt.Sprintf("ended%d", i)))
	}
	f.advance(8*time.Hour - unnoted)
	for i := range 10 {
		idle = append(idle, f.lab(t, i%2, "web", fmt.Sprintf("idle%d", i)))
		f.lab(t, (i+1)%2, "web", fmt.Sprintf("idle%d", i)) // and a double each
	}
	f.advance(45 * time.Minute)
	other := tender.New(f.parts)
	var both sync.WaitGroup
	for _, host := range []*tender.Tender{f.Tender, other} {
		both.Go(func() { host.Pass(context.Background(), tender.Options{}) })
	}
	both.Wait()
	for _, fake := range f.fakes {
		fake.Settle()
	}
	f.pass(t)
	for _, fake := range f.fakes {
		fake.Settle()
	}
	for i, ref := range ended {
		wantState(t, f, i%2, ref, "gone")
	}
	for i, ref := range idle {
		wantState(t, f, i%2, ref, "SUSPEND_COMPLETE")
	}
	warm := 0
	for i, fake := range f.fakes {
		for _, s := range fake.Stacks() {
			if s.State == "SUSPEND_FAILED" {
				t.Errorf("%s failed", s.Name)
			}
			if lab.Tagged(s.Tags, lab.TagWarm) != "" {
				warm++
				if i != 0 {
					t.Errorf("%s is not in the first cloud", s.Name)
				}
			}
		}
	}
	if warm != 3 {
		t.Errorf("%d ready-made labs, want 3", warm)
	}
}

// A pass that is cut off leaves the rest to the next, which begins elsewhere: every lab's turn comes. No more changes are
// sent than the pace allows, and no more at once than is configured.
func TestCutOffPassGoesOn(t *testing.T) {
	t.Parallel()
	const labs, perPass, parallel = 30, 8, 3
	watched := &crowd{}
	f := open(t, 1, func(p *tender.Parts) {
		p.Tend.Parallel = parallel
		watched.Cloud = p.Sites[0].Cloud
		p.Sites[0].Cloud = watched
		p.Ticks = func(int) (<-chan time.Time, func()) {
			few := make(chan time.Time, perPass)
			for range perPass {
				few <- time.Time{}
			}
			return few, func() {}
		}
	})
	for i := range labs {
		f.lab(t, 0, "web", strconv.Itoa(i))
	}
	f.advance(9 * time.Hour)
	deleted := 0
	for deleted < labs {
		ctx, cancel := context.WithTimeout(t.Context(), 5300*time.Millisecond) // of which 5 s are for the last answers
		f.fakes[0].ResetCalls()
		report := f.Pass(ctx, tender.Options{})
		cancel()
		n := len(writes(f.calls()))
		if n == 0 || n > perPass || report.Left != labs-deleted-n || report.Counts["delete"] != n {
			t.Fatalf("%d deletes after %d, report %+v", n, deleted, report)
		}
		deleted += n
		f.fakes[0].Settle()
	}
	if most := watched.most.Load(); most < 2 || most > parallel {
		t.Errorf("%d deletes at once, want up to %d", most, parallel)
	}
}

// A list that takes too long is cut off in time to do what is due of the labs that it has shown.
func TestListThatTakesTooLong(t *testing.T) {
	t.Parallel()
	f := open(t, 1, func(p *tender.Parts) { p.Catalogue = tireless() })
	class(t, f, 450, 5, 0)
	f.advance(90 * time.Minute)
	f.fakes[0].Inject(openstacktest.Fault{Service: "heat", Method: http.MethodGet, PathPattern: "/stacks", Latency: 700 * time.Millisecond, Times: 2})
	ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second) // of which 5 s are for the last answers
	defer cancel()
	report := f.Pass(ctx, tender.Options{})
	if c := report.Clouds[0]; !c.Cut || c.Stacks == 0 || c.Stacks > 400 || c.Error != "" {
		t.Errorf("%+v", c)
	}
	if report.Counts["delete"] == 0 || report.Failed > 0 {
		t.Errorf("%+v", report)
	}
	f.settle()
	rest, _ := f.pass(t)
	if n := report.Counts["delete"] + rest.Counts["delete"]; n != 5 || rest.Clouds[0].Cut {
		t.Errorf("%d deletes, %+v", n, rest.Clouds)
	}
}

// crowd counts how many deletes are under way at once.
type crowd struct {
	tender.Cloud
	now, most atomic.Int64
}

func (c *crowd) DeleteStack(ctx context.Context, ref openstack.StackRef) error {
	n := c.now.Add(1)
	defer c.now.Add(-1)
	for {
		if most := c.most.Load(); n <= most || c.most.CompareAndSwap(most, n) {
			break
		}
	}
	return c.Cloud.DeleteStack(ctx, ref)
}

// The order of a pass is another each time, and no lab is always last.
func TestOrderRotates(t *testing.T) {
	t.Parallel()
	f := open(t, 1)
	for i := range 12 {
		f.lab(t, 0, "web", strconv.Itoa(i))
	}
	f.advance(9 * time.Hour)
	f.fakes[0].Inject(openstacktest.Fault{Service: "heat", Method: http.MethodDelete, Status: http.StatusInternalServerError})
	f.parts.Tend.Parallel = 1
	firsts := map[string]bool{}
	for range 12 {
		f.reborn() // a process that remembers nothing
		report, _ := f.pass(t)
		if report.Failed != 12 || len(report.Changes) != 12 {
			t.Fatalf("%+v", report)
		}
		firsts[report.Changes[0].Name] = true
		f.advance(time.Minute)
	}
	if len(firsts) < 4 {
		t.Errorf("only %d labs were ever first", len(firsts))
	}
}

func withWarm(s shelves, n int) shelves {
	e := s["web"]
	e.Warm = n
	s["web"] = e
	return s
}

// The shelf is filled, claimed labs are let go to their owners, what nobody took is removed, and claims are given back.
func TestReadyMadeLabs(t *testing.T) {
	t.Parallel()
	stock := withWarm(catalogue(), 3)
	f := open(t, 1, func(p *tender.Parts) { p.Catalogue = stock })
	report, calls := f.pass(t)
	if report.Counts["build_ready"] != 3 || len(writes(calls)) != 3 {
		t.Fatalf("%+v", report)
	}
	f.fakes[0].Settle()
	_, calls = f.pass(t)
	wantCalls(t, calls, list, "nova GET /os-keypairs")
	var warm []openstack.Stack
	for s, err := range f.clients[0].StacksWhere(t.Context(), openstack.StackFilter{Tags: []string{lab.TagWarm + "web"}}) {
		if err != nil {
			t.Fatal(err)
		}
		warm = append(warm, s)
	}
	o := owner("web", "u1")
	taken, outcome, err := pool.Claim(t.Context(), f.clients[0], o, warm[:1], stock["web"].Lease(f.now()).Retag(o.Tags()), nil, f.now)
	if err != nil || outcome != pool.Taken {
		t.Fatal(outcome, err)
	}
	// Another learner claims, and dies before the lab is theirs.
	dead := f.clients[0].CreateKeyPair(t.Context(), pool.ClaimName(warm[1].ID), fmt.Sprintf("ssh-ed25519 AAAA lab-0123456789abcdef01 token %d", f.now().Unix()))
	if dead != nil {
		t.Fatal(dead)
	}
	f.advance(4 * time.Minute)
	report, _ = f.pass(t)
	if report.Counts["build_ready"] != 2 || len(report.Counts) != 1 { // neither counts any more, and nothing is deleted
		t.Errorf("%+v", report.Counts)
	}
	f.advance(2 * time.Minute)
	report, _ = f.pass(t)
	wantDone(t, report, "delete_claim "+pool.ClaimName(taken.ID))
	f.advance(5 * time.Minute)
	report, _ = f.pass(t)
	wantDone(t, report, "delete_claimless "+warm[1].Name)
	f.fakes[0].Settle()
	report, _ = f.pass(t)
	wantDone(t, report, "delete_claim "+pool.ClaimName(warm[1].ID))
	if left := f.fakes[0].KeyPairs(); len(left) > 0 {
		t.Errorf("claims left: %q", left)
	}
	wantState(t, f, 0, taken, "UPDATE_COMPLETE")
	// The template changes: what was made of the old one goes, and never to a learner.
	e := stock["web"]
	e.Revision = "beefbeef"
	stock["web"] = e
	report, _ = f.pass(t)
	if report.Counts["retire"]+report.Counts["delete_retired"]+report.Counts[string(lab.TendRetire)] == 0 {
		t.Errorf("nothing was retired: %+v", report.Counts)
	}
	f.fakes[0].Settle()
	wantState(t, f, 0, taken, "UPDATE_COMPLETE")
}

// Ready-made labs are not begun beyond what the cloud may build at once, nor beyond its capacity.
func TestReadyMadeLabsLeaveRoom(t *testing.T) {
	t.Parallel()
	f := open(t, 1, func(p *tender.Parts) {
		p.Catalogue = withWarm(catalogue(), 9)
		p.Sites[0].MaxBuilds, p.Sites[0].Capacity = 4, 6
	})
	f.lab(t, 0, "web", "u1")
	report, _ := f.pass(t)
	if report.Counts["build_ready"] != 4 || report.Left != 5 {
		t.Errorf("%+v", report)
	}
	f.fakes[0].Settle()
	report, _ = f.pass(t)
	if report.Counts["build_ready"] != 1 || report.Left != 4 {
		t.Errorf("%+v", report)
	}
}

// graders is what the grades were asked to do.
type graders struct {
	mu    sync.Mutex
	asked []string
	fails bool
}

func (g *graders) note(what string, s openstack.Stack) (string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s.Outputs == nil && lab.Tagged(s.Tags, lab.TagKind) == "" {
		return "", errors.New("read without outputs")
	}
	g.asked = append(g.asked, what+" "+s.Name)
	if g.fails {
		return "", &openstack.Error{Code: openstack.Unavailable, Op: "keep the grade"}
	}
	return what, nil
}

func (g *graders) Deliver(_ context.Context, _ tender.Cloud, s openstack.Stack) (string, error) {
	return g.note("deliver", s)
}

func (g *graders) Sleep(_ context.Context, _ tender.Cloud, s openstack.Stack) (string, error) {
	return g.note("sleep", s)
}

func (g *graders) Leave(_ context.Context, _ tender.Cloud, s openstack.Stack) (string, error) {
	return g.note("leave", s)
}

func (g *graders) Outbox(_ context.Context, _ tender.Cloud, s openstack.Stack) (string, error) {
	return g.note("outbox", s)
}

// No grade gets lost: a lab's are sent, or kept, before it sleeps and before it goes; what was kept is tried again. A lab
// whose grade cannot be kept stays a while, and not for ever.
func TestGradesAreSavedFirst(t *testing.T) {
	t.Parallel()
	g := &graders{}
	f := open(t, 1, func(p *tender.Parts) { p.Grades = g })
	ref := f.lab(t, 0, "graded", "u1")
	f.advance(33*time.Minute + unnoted)
	f.pass(t)
	want := []string{"deliver " + ref.Name, "sleep " + ref.Name}
	if !slices.Equal(g.asked, want) {
		t.Errorf("asked %q, want %q", g.asked, want)
	}
	f.fakes[0].Settle()
	wantState(t, f, 0, ref, "SUSPEND_COMPLETE")
	g.asked, g.fails = nil, true
	f.advance(7*time.Hour + 25*time.Minute)
	report, calls := f.pass(t)
	if report.Failed == 0 || slices.Contains(calls, remove) {
		t.Errorf("deleted with a grade that is not kept: %+v", report)
	}
	f.advance(46 * time.Minute)
	f.pass(t)
	f.fakes[0].Settle()
	wantState(t, f, 0, ref, "gone")
	g.asked, g.fails = nil, false
	note := owner("graded", "u1").Note(lab.NoteGrade, "")
	f.stack(t, 0, note.Name, tiny, note.Tags...)
	f.fakes[0].Settle()
	f.pass(t)
	f.advance(time.Minute)
	f.pass(t) // not at every tick
	if !slices.Equal(g.asked, []string{"outbox " + note.Name}) {
		t.Errorf("asked %q", g.asked)
	}
}

// A lab with volumes is woken before it is deleted, since it cannot be deleted asleep.
func TestVolumesAreWokenFirst(t *testing.T) {
	t.Parallel()
	volumes := catalogue()
	e := volumes["web"]
	e.Attached = true
	volumes["web"] = e
	f := open(t, 1, func(p *tender.Parts) { p.Catalogue = volumes })
	ref := f.lab(t, 0, "web", "u1")
	f.act(t, 0, ref, openstack.Suspend)
	f.advance(8*time.Hour + 3*time.Minute)
	report, _ := f.pass(t)
	wantDone(t, report, "resume "+ref.Name)
	for range 6 {
		f.advance(4 * time.Minute)
		f.pass(t)
	}
	f.fakes[0].Settle()
	wantState(t, f, 0, ref, "gone")
}

// examiner runs scripts that take no time.
type examiner struct{ ran []string }

func (e *examiner) Examine(_ context.Context, _ tender.Cloud, s openstack.Stack, _ lab.Entry) (string, error) {
	e.ran = append(e.ran, s.Name)
	return "1 of 2", nil
}

// Scripts are run on a lab that is up, every five minutes and before it sleeps.
func TestScriptsAreRun(t *testing.T) {
	t.Parallel()
	ran := &examiner{}
	scripted := catalogue()
	e := scripted["graded"]
	e.Checks = append(e.Checks, lab.Check{Name: "two", Script: "two.sh", Weight: 1})
	scripted["graded"] = e
	f := open(t, 1, func(p *tender.Parts) { p.Catalogue, p.Examiner = scripted, ran })
	ref := f.lab(t, 0, "graded", "u1")
	f.lab(t, 0, "web", "u2")
	for range 50 { // minutes; it falls asleep after 42
		f.pass(t)
		f.advance(time.Minute)
	}
	wantState(t, f, 0, ref, "SUSPEND_COMPLETE")
	if n := len(ran.ran); n < 9 || n > 11 || slices.ContainsFunc(ran.ran, func(name string) bool { return name != ref.Name }) {
		t.Errorf("ran %d times: %q", n, ran.ran)
	}
}

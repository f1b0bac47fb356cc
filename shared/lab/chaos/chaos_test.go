package chaos_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/lab/keeper"
	"github.com/stackhook/stackhook/shared/lab/tender"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

var (
	runs  = flag.Int("chaos.runs", 60, "how many runs")
	first = flag.Uint64("chaos.seed", 1, "seed of the first")
)

func load(t *testing.T) *config.Config {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "lab.yaml"), []byte(template), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Map(map[string]string{config.Variable: configuration(dir)}).Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestChaos(t *testing.T) {
	c := load(t)
	for n := range *runs {
		seed := *first + uint64(n)
		run(t, c, seed)
		if t.Failed() {
			t.Fatalf("seed %d; again: go test ./shared/lab/chaos -run Chaos -chaos.seed %d -chaos.runs 1", seed, seed)
		}
	}
}

// Each of these lives showed a fault once: a grade lowered or lost, a spare lab kept, an end told too late.
func TestSeedsThatFoundSomething(t *testing.T) {
	c := load(t)
	for _, seed := range []uint64{4, 18, 50, 280, 305, 405, 424, 920, 1374, 1551, 1661, 2854, 3026, 4735, 5793, 7187, 8194, 8947} {
		run(t, c, seed)
	}
}

// Where nothing fails and no two hosts cross, no grade is sent twice. (Where two send at once, the better one is sent again:
// the grade book does not change by it.)
func TestNoGradeTwice(t *testing.T) {
	c := load(t)
	for seed := range uint64(60) {
		live(t, c, seed, true)
	}
}

// A seed is worth nothing if it does not tell its story again. Where two hosts end their work in the same instant the machine
// may still choose, rarely: of a few tries two have to agree to the last line.
func TestSeedRepeats(t *testing.T) {
	c := load(t)
	for seed := range uint64(20) {
		if !agrees(t, c, seed) {
			t.Fatalf("seed %d tells another story each time", seed)
		}
	}
}

func agrees(t *testing.T, c *config.Config, seed uint64) bool {
	t.Helper()
	var told [][]string
	for range 5 {
		story := run(t, c, seed)
		if len(story) < 20 {
			t.Fatalf("seed %d: nothing happens: %q", seed, story)
		}
		if slices.ContainsFunc(told, func(other []string) bool { return slices.Equal(other, story) }) {
			return true
		}
		told = append(told, story)
	}
	return false
}

// run is one life of a small class, and its story.
func run(t *testing.T, c *config.Config, seed uint64) (story []string) {
	t.Helper()
	return live(t, c, seed, false)
}

// live is run, or a life in which nothing ever fails.
func live(t *testing.T, c *config.Config, seed uint64, calm bool) (story []string) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 4))
	var clouds []*openstacktest.Cloud
	for range c.Clouds {
		cloud, err := openstacktest.New(openstacktest.Options{Start: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC), TokenLife: 1000 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		defer cloud.Close()
		clouds = append(clouds, cloud)
	}
	synctest.Test(t, func(t *testing.T) {
		defer func() {
			if t.Failed() {
				t.Logf("seed %d", seed)
			}
		}()
		w := newWorld(t, c, clouds, random)
		w.calm = calm
		for range 2 {
			for range 12 {
				w.step()
			}
			w.settle()
			w.check()
		}
		if calm && w.book.repeats > 0 {
			w.fail("%d grades were sent twice", w.book.repeats)
		}
		story = w.story
	})
	return story
}

// step is something that one learner, or two, or the timer do, and then some time.
func (w *world) step() {
	trouble := spoil{kill: 25, drop: 25, e503: 40, e409: 10, e401: 10, quota: 60}
	if w.random.IntN(3) == 0 || w.calm {
		trouble = spoil{}
	}
	var deeds []deed
	for _, l := range w.pages {
		l.doubt, l.orders = false, 0
		clear(l.fresh)
	}
	for _, h := range w.hosts {
		if w.random.IntN(4) > 0 && (!w.calm || len(deeds) == 0) {
			deeds = append(deeds, w.someDeed(h))
		}
	}
	w.play(trouble, deeds...)
	if w.random.IntN(12) == 0 {
		w.long()
		return
	}
	w.wait([]time.Duration{0, time.Second, 10 * time.Second, time.Minute, 10 * time.Minute}[w.random.IntN(5)])
}

// long is some hours in which the timer comes, mostly, and nobody else.
func (w *world) long() {
	for range 2 + w.random.IntN(30) {
		w.wait(15 * time.Minute)
		if w.random.IntN(4) > 0 {
			trouble := spoil{e503: 20}
			if w.calm {
				trouble = spoil{}
			}
			w.play(trouble, w.tend(w.hosts[w.random.IntN(2)]))
		}
	}
}

func (w *world) tend(h *host) deed {
	return deed{h, "tends", func(ctx context.Context) string {
		h.tends = true
		report := h.tender.Pass(ctx, tender.Options{})
		lines := []string{}
		for _, c := range report.Changes {
			lines = append(lines, plain(fmt.Sprintf("; %s %s %s: %s", c.Do, c.Name, c.Result, c.Why)))
		}
		slices.Sort(lines)
		return fmt.Sprintf("%d of %d%s", len(report.Changes), report.Stacks, strings.Join(lines, ""))
	}}
}

func (w *world) someDeed(h *host) deed {
	l := w.pages[w.random.IntN(len(w.pages))]
	if l.ticket.Stack == "" {
		return w.launch(h, l)
	}
	switch w.random.IntN(14) {
	case 0, 1, 2:
		return w.launch(h, l)
	case 3:
		return w.act(h, l, "extends", h.keeper.Extend)
	case 4:
		l.forgetReports(w.now())
		return w.act(h, l, "suspends", h.keeper.Suspend)
	case 5:
		l.gaveUp(w.now(), l.ticket.Gen+1, w.now().Add(45*time.Minute)) // of build and grace
		return w.act(h, l, "resets", h.keeper.Reset)
	case 6:
		if w.random.IntN(3) == 0 {
			l.gaveUp(w.now(), l.gen, time.Time{})
			return w.act(h, l, "ends", h.keeper.End)
		}
		l.gaveUp(w.now(), l.gen, time.Time{})
		return w.act(h, l, "undoes", func(ctx context.Context, t keeper.Ticket) (keeper.Ticket, lab.Status, error) {
			t, s, err := h.keeper.Undo(ctx, t)
			w.mu.Lock()
			defer w.mu.Unlock()
			if err == nil && !h.dead() && l.orders == 1 { // of two at once, the reset may be the later one
				l.gen = t.Gen
			}
			return t, s, err
		})
	case 7, 8:
		return w.tend(h)
	case 9, 10:
		return w.report(h, l)
	case 11:
		page := l.ticket
		return deed{h, l.name + "'s page is in use", func(ctx context.Context) string { return fmt.Sprint(h.keeper.Heartbeat(ctx, page)) }}
	default:
		poll := l.status.Poll
		return w.act(h, l, "looks", func(ctx context.Context, t keeper.Ticket) (keeper.Ticket, lab.Status, error) {
			if poll.Start {
				t, s := h.keeper.Start(ctx, t)
				return t, s, nil
			}
			return h.keeper.Look(ctx, t, poll.Look)
		})
	}
}

func (w *world) act(h *host, l *learner, what string, do func(context.Context, keeper.Ticket) (keeper.Ticket, lab.Status, error)) deed {
	before := l.ticket
	return deed{h, l.name + " " + what, func(ctx context.Context) string {
		ticket, status, err := do(ctx, before)
		w.mu.Lock()
		defer w.mu.Unlock()
		if h.dead() {
			return "never answered"
		}
		if err != nil {
			return err.Error()
		}
		l.see(ticket, status)
		return said(ticket, status)
	}}
}

func (w *world) launch(h *host, l *learner) deed {
	return deed{h, l.name + " launches", func(ctx context.Context) string {
		ticket := h.keeper.Ticket(w.identity(l))
		to := grades.Destination{Key: "academy", Outcome: "https://lms.example.org/outcome", SourcedID: l.name}
		var err error
		if ticket.Grading, err = grades.Seal(w.box, ticket.Stack, to, w.now()); err != nil {
			w.fail("seal destination: %v", err)
		}
		ticket, status := h.keeper.Start(ctx, ticket)
		w.mu.Lock()
		defer w.mu.Unlock()
		if h.dead() {
			return "never answered"
		}
		if !l.doubt {
			l.gen = ticket.Gen
		}
		l.see(ticket, status)
		return said(ticket, status)
	}}
}

// report is the lab's own: one more check passed, or none.
func (w *world) report(h *host, l *learner) deed {
	passed, page := w.random.IntN(4), l.ticket
	return deed{h, fmt.Sprintf("%s's lab reports %d of 3", l.name, passed), func(ctx context.Context) string {
		cloud, ref := h.of(page)
		s, err := cloud.Stack(ctx, ref)
		if err != nil {
			return err.Error()
		}
		if s.Action == "SUSPEND" {
			return "the machine sleeps"
		}
		var results []lab.Result
		for i, check := range []string{"one", "two", "three"} {
			id := fmt.Sprintf("%d-%d-%s", w.now().UnixMilli(), h.number, check)
			result := lab.Result{ID: id, Check: check, At: w.now()}
			if i < passed {
				result.Passed, result.Score = true, 1
			}
			results = append(results, result)
		}
		got, err := h.grades.Record(ctx, cloud, s, results...)
		w.mu.Lock()
		defer w.mu.Unlock()
		if h.dead() || err != nil {
			return fmt.Sprint("not known to be written down: ", err)
		}
		if !l.doubt {
			l.told = append(l.told, told{float64(passed) / 3, w.now()})
		}
		return fmt.Sprintf("%s %.2f %s", got.Did, got.Score, got.Why)
	}}
}

// of is the cloud and the stack that a page is about.
func (h *host) of(t keeper.Ticket) (grades.Cloud, openstack.StackRef) {
	site := h.clouds[0]
	for _, c := range h.clouds {
		if c.Name == t.Cloud {
			site = c
		}
	}
	cloud, _ := site.Cloud.(grades.Cloud)
	return cloud, openstack.StackRef{Name: cmp.Or(t.Name, t.Stack), ID: t.ID}
}

func said(t keeper.Ticket, s lab.Status) string {
	return fmt.Sprintf("%s %s %s until %s", s.State, s.Reason, t.ID, s.ExpiresAt.Format(time.TimeOnly))
}

// see is what an answer does to the learner's page. A page that is led from one stack of a name to another has been told
// which of them counts.
func (l *learner) see(ticket keeper.Ticket, status lab.Status) {
	if ticket.Gen == l.ticket.Gen && ticket.ID != l.ticket.ID {
		delete(l.promised, l.ticket.ID)
	}
	l.ticket, l.status = ticket, status
	alive := status.State == lab.Ready || status.State == lab.Suspended || status.State == lab.Building || status.State == lab.Resuming
	if alive && ticket.ID != "" && !ticket.Settle && !status.ExpiresAt.IsZero() && ticket.Gen >= l.gen && !l.doubt {
		l.promised[ticket.ID], l.fresh[ticket.ID] = status.ExpiresAt, true
	}
}

// gaveUp is what a learner loses who asks for another lab, or for none: what they have lives until then at the most.
func (l *learner) gaveUp(now time.Time, gen int, until time.Time) {
	if l.doubt { // two orders at once: whichever is obeyed last counts, and the later one may be the reset
		gen = max(gen, l.gen)
	}
	l.gen = gen
	l.forgetReports(now)
	for id, promised := range l.promised {
		if promised.After(until) {
			l.promised[id] = until
		}
	}
}

// forgetReports: a lab that is ended in the very second of its report may take it along, and one that is put to sleep brings
// it home when it wakes or goes.
func (l *learner) forgetReports(now time.Time) {
	l.doubt = true
	l.orders++
	l.told = slices.DeleteFunc(l.told, func(t told) bool { return now.Sub(t.at) < 2*time.Second })
}

// settle is a quiet hour: nothing fails, the timer comes, and nobody else.
func (w *world) settle() {
	w.tell("all is quiet")
	for range 12 {
		w.wait(5 * time.Minute)
		w.play(spoil{}, w.tend(w.hosts[0]))
	}
	w.wait(5 * time.Minute)
}

// check is what has to be so after a quiet time, whatever happened before.
func (w *world) check() {
	for _, l := range w.pages {
		own := w.labs(l)
		seen := map[int]bool{}
		for _, s := range own {
			if gen := lab.Generation(s.Tags); seen[gen] {
				w.fail("%s has two labs of generation %d: %v", l.name, gen, names(own))
			} else {
				seen[gen] = true
			}
			if until := w.until(s); !until.IsZero() && w.now().After(until.Add(time.Hour)) {
				w.fail("%s's lab %s should have ended at %s", l.name, s.Name, until.Format(time.TimeOnly))
			}
		}
		if len(own) > 2 {
			w.fail("%s has %v", l.name, names(own))
		}
		w.checkGrade(l)
	}
	if text := w.log.String(); strings.Contains(text, "hunter2") {
		w.fail("a secret is in the log")
	}
}

// until is a stack's lease, with what was noted while it slept.
func (w *world) until(s openstacktest.Stack) time.Time {
	lease := lab.LeaseOf(s.Tags)
	for _, c := range w.clouds {
		for _, note := range c.Stacks() {
			if lab.Tagged(note.Tags, lab.TagKind) == string(lab.NoteLease) && lab.BaseOf(note.Tags) == lab.BaseOf(s.Tags) {
				if noted := lab.LeaseOf(note.Tags); noted.Until.After(lease.Until) {
					lease = noted
				}
			}
		}
	}
	return lease.Until
}

// checkGrade: what was written down arrived, the best of it counts, and nothing arrived that nobody reported.
func (w *world) checkGrade(l *learner) {
	if len(l.told) == 0 {
		return
	}
	best := 0.0
	for _, t := range l.told {
		best = max(best, t.score)
	}
	grade, graded := w.book.grade(l.name)
	if best > 0 && (!graded || grade < best-0.01) {
		w.fail("%s earned %.2f, and the grade book says %.2f %t", l.name, best, grade, graded)
	}
}

func names(stacks []openstacktest.Stack) []string {
	out := make([]string, len(stacks))
	for i, s := range stacks {
		out[i] = s.Name + " " + s.State + " " + strings.Join(s.Tags, ",")
	}
	return out
}

package grades_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/lti/outcome/outcometest"
	"github.com/stackhook/stackhook/shared/openstack"
)

// end deletes a lab and waits until it is gone.
func (w *world) end(ref openstack.StackRef) {
	w.t.Helper()
	if err := w.os.DeleteStack(w.t.Context(), ref); err != nil {
		w.t.Fatal(err)
	}
	w.Settle()
}

// empty is one look of tend-labs at the outbox.
func (w *world) empty(g grades.Grades) grades.Report {
	w.t.Helper()
	box, there := w.outbox()
	if !there {
		w.t.Fatal("there is no outbox")
	}
	report, err := g.Outbox(w.ctx(), w.os, box)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Settle()
	return report
}

func TestR9LabEndsWithAGradeUndelivered(t *testing.T) {
	t.Parallel()
	for name, v13 := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, v13)
			ref, g := w.lab(), w.process(nil)
			w.lms.Feel(outcometest.Broken, outcometest.Broken, outcometest.Busy, outcometest.Broken)
			w.record(g, ref, passed("1", "up"))
			if got := w.leave(g, ref); got.Did != grades.Kept {
				t.Fatalf("%+v", got)
			}
			box, _ := w.outbox()
			for _, tag := range []string{lab.Tag, "kind=grade", "owner=" + owner("ada").Stack, "lab=web", "learner=" + owner("ada").Learner} {
				if !slices.Contains(box.Tags, tag) {
					t.Errorf("%s is not among %q", tag, box.Tags)
				}
			}
			w.end(ref)
			w.calls()
			if got := w.empty(w.process(nil)); got.Did != grades.Postponed || got.Word() != "" || !got.Next.After(w.Now()) {
				t.Errorf("before its time: %+v", got)
			}
			w.Advance(2 * time.Minute)
			busy := w.empty(w.process(nil)) // 429: two minutes
			if busy.Did != grades.Postponed || busy.Next.Sub(w.Now()) < 90*time.Second {
				t.Errorf("%+v", busy)
			}
			w.Advance(3 * time.Minute)
			if got := w.empty(w.process(nil)); got.Did != grades.Postponed {
				t.Errorf("%+v", got)
			}
			w.Advance(time.Hour)
			if got := w.empty(w.process(nil)); got.Did != grades.Sent {
				t.Errorf("%+v", got)
			}
			if _, there := w.outbox(); there {
				t.Error("the outbox is still there")
			}
			if got := w.lms.Changes(w.cell); !slices.Equal(got, []float64{0.25}) {
				t.Errorf("the grade was %v", got)
			}
		})
	}
}

func TestR9LeavingALabWhoseGradeIsThere(t *testing.T) {
	t.Parallel()
	w := begin(t, false)
	ref, g := w.lab(), w.process(nil)
	w.record(g, ref, passed("1", "up"))
	asked := len(w.lms.Asked())
	s := w.read(ref)
	w.calls()
	if got, err := w.process(nil).Leave(w.ctx(), w.os, s); err != nil || got.Did != grades.Nothing {
		t.Errorf("%+v, %v", got, err)
	}
	if got := w.calls(); len(got) != 1 || len(w.lms.Asked()) != asked { // the note
		t.Errorf("%q", got)
	}
}

// The better grade stays in the outbox, whoever comes first.
func TestR9OneOutboxKeepsTheBest(t *testing.T) {
	t.Parallel()
	for _, betterFirst := range []bool{false, true} {
		w := begin(t, false)
		ref := w.lab()
		w.lms.Feel(slices.Repeat([]outcometest.Mood{outcometest.Broken}, 9)...)
		w.record(w.process(nil), ref, passed("1", "up"))
		low := w.read(ref)
		w.record(w.process(nil), ref, passed("2", "cache"))
		high := w.read(ref)
		order := []openstack.Stack{low, high}
		if betterFirst {
			slices.Reverse(order)
		}
		for _, s := range append(order, order...) { // each twice
			if got, err := w.process(nil).Leave(w.ctx(), w.os, s); err != nil || got.Did != grades.Kept {
				t.Fatalf("%+v, %v", got, err)
			}
			w.Settle()
		}
		w.end(ref)
		w.lms.Feel()
		w.Advance(2 * time.Minute)
		if got := w.empty(w.process(nil)); got.Did != grades.Sent || got.Score != 0.75 {
			t.Errorf("better first %v: %+v", betterFirst, got)
		}
		if got := w.lms.Changes(w.cell); !slices.Equal(got, []float64{0.75}) {
			t.Errorf("better first %v: the grade was %v", betterFirst, got)
		}
	}
}

// A lab that came back sent something better meanwhile: what was kept is out of date.
func TestR9OutboxGivesWay(t *testing.T) {
	t.Parallel()
	w := begin(t, false)
	ref, g := w.lab(), w.process(nil)
	w.lms.Feel(outcometest.Broken, outcometest.Broken)
	w.record(g, ref, passed("1", "up"))
	w.leave(g, ref)
	w.Advance(2 * time.Minute)
	if got := w.record(w.process(nil), ref, passed("2", "cache")); got.Did != grades.Sent {
		t.Fatalf("%+v", got)
	}
	if got := w.empty(w.process(nil)); got.Did != grades.Nothing {
		t.Errorf("%+v", got)
	}
	if _, there := w.outbox(); there {
		t.Error("the outbox is still there")
	}
	if got := w.lms.Changes(w.cell); !slices.Equal(got, []float64{0.75}) {
		t.Errorf("the grade was %v", got)
	}
}

func TestR9OutboxIsParked(t *testing.T) {
	t.Parallel()
	w := begin(t, false)
	ref, g := w.lab(), w.process(nil)
	w.lms.Feel(outcometest.Broken, outcometest.Broken, outcometest.PastDue)
	w.record(g, ref, passed("1", "up"))
	w.leave(g, ref)
	w.end(ref)
	w.Advance(2 * time.Minute)
	if got := w.empty(w.process(nil)); got.Did != grades.Parked || got.Why != "past_due" {
		t.Fatalf("%+v", got)
	}
	box, _ := w.outbox()
	if !slices.Contains(box.Tags, "parked=past_due") || lab.Tagged(box.Tags, lab.TagDue) != strconv.FormatInt(w.Now().Add(14*24*time.Hour).Unix(), 10) && lab.Tagged(box.Tags, lab.TagDue) == "" {
		t.Errorf("%q", box.Tags)
	}
	asked := len(w.lms.Asked())
	w.Advance(13 * 24 * time.Hour)
	w.empty(w.process(nil))
	w.Advance(2 * 24 * time.Hour)
	if got := w.empty(w.process(nil)); got.Did != grades.Parked {
		t.Errorf("%+v", got)
	}
	if _, there := w.outbox(); there || len(w.lms.Asked()) != asked {
		t.Errorf("the outbox is there: %v; asked %q", there, w.lms.Asked())
	}
}

func TestR9CourseSiteThatNeverAnswers(t *testing.T) {
	t.Parallel()
	w := begin(t, false)
	ref, g := w.lab(), w.process(nil)
	w.lms.Feel(slices.Repeat([]outcometest.Mood{outcometest.Broken}, 99)...)
	w.record(g, ref, passed("1", "up"))
	w.leave(g, ref)
	w.end(ref)
	days := 0
	for ; days < 40; days++ {
		if got := w.empty(w.process(nil)); got.Did == grades.Parked {
			if got.Why != "busy" {
				t.Errorf("%+v", got)
			}
			break
		}
		w.Advance(24 * time.Hour)
	}
	if days < 30 || days > 32 {
		t.Errorf("given up after %d days", days)
	}
}

// What is sent for a sleeping lab cannot be written down there; no other process lowers it all the same.
func TestR9LabAsleepAndTwoHosts(t *testing.T) {
	t.Parallel()
	for name, v13 := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, v13)
			ref := w.lab()
			w.record(w.process(nil), ref, passed("0", "up"))
			if err := w.os.Act(t.Context(), ref, openstack.Suspend); err != nil {
				t.Fatal(err)
			}
			w.Settle()
			if got := w.record(w.process(nil), ref, passed("1", "cache")); got.Did != grades.Sent || got.Score != 0.75 {
				t.Errorf("%+v", got)
			}
			w.Settle()
			if got := w.record(w.process(nil), ref, passed("2", "tls")); got.Did != grades.Nothing {
				t.Errorf("%+v", got)
			}
			if err := w.os.Act(t.Context(), ref, openstack.Resume); err != nil {
				t.Fatal(err)
			}
			w.Settle()
			if got := w.record(w.process(nil), ref, passed("3", "tls")); got.Did != grades.Nothing {
				t.Errorf("%+v", got)
			}
			if got := w.lms.Changes(w.cell); !slices.Equal(got, []float64{0.25, 0.75}) {
				t.Errorf("the grade was %v", got)
			}
		})
	}
}

// A sleeping lab takes no signals. What is reported for it all the same is graded, or kept.
func TestR9LabAsleep(t *testing.T) {
	t.Parallel()
	for name, v13 := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, v13)
			ref := w.lab()
			if err := w.os.Act(t.Context(), ref, openstack.Suspend); err != nil {
				t.Fatal(err)
			}
			w.Settle()
			w.lms.Feel(outcometest.Broken)
			if got := w.record(w.process(nil), ref, passed("1", "up")); got.Did != grades.Kept {
				t.Fatalf("%+v", got)
			}
			if got := w.record(w.process(nil), ref, passed("2", "cache")); got.Did != grades.Sent || got.Score != 0.5 {
				t.Errorf("%+v", got)
			}
			// It wakes with nothing written down, and reports again.
			if err := w.os.Act(t.Context(), ref, openstack.Resume); err != nil {
				t.Fatal(err)
			}
			w.Settle()
			if got := w.record(w.process(nil), ref, passed("2", "cache"), passed("1", "up")); got.Did != grades.Sent || got.Score != 0.75 {
				t.Errorf("%+v", got)
			}
			w.Advance(2 * time.Minute)
			w.empty(w.process(nil))
			if got := w.lms.Changes(w.cell); !slices.Equal(got, []float64{0.5, 0.75}) {
				t.Errorf("the grade was %v", got)
			}
		})
	}
}

// The outbox's keeper and the one that empties it die with each of their calls.
func TestR9DeathAtTheOutbox(t *testing.T) {
	t.Parallel()
	for name, v13 := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, delivered := range []bool{false, true} {
				for last := 1; ; last++ {
					name := fmt.Sprintf("dead at call %d, delivered %v", last, delivered)
					w := begin(t, v13)
					ref := w.lab()
					w.lms.Feel(outcometest.Broken, outcometest.Broken)
					w.record(w.process(nil), ref, passed("1", "up"))
					l := &life{last: last, delivered: delivered}
					dying := w.process(func(inner http.RoundTripper) http.RoundTripper { return mortal{inner, l} })
					_, err := dying.Leave(w.ctx(), mortalCloud{w.os, l}, w.read(ref))
					w.Settle()
					w.lms.Feel()
					if err != nil { // then the lab stays, and is looked at again
						w.leave(w.process(nil), ref)
					}
					w.end(ref)
					w.Advance(2 * time.Minute)
					if box, there := w.outbox(); there {
						// The rest of its life goes into emptying it.
						_, _ = dying.Outbox(w.ctx(), mortalCloud{w.os, l}, box)
						w.Settle()
					}
					if box, there := w.outbox(); there {
						w.Advance(2 * time.Hour)
						if _, err := w.process(nil).Outbox(w.ctx(), w.os, box); err != nil {
							t.Errorf("%s: %v", name, err)
						}
						w.Settle()
					}
					if _, there := w.outbox(); there {
						t.Errorf("%s: the outbox is still there", name)
					}
					if got := w.lms.Changes(w.cell); !slices.Equal(got, []float64{0.25}) {
						t.Errorf("%s: the grade was %v", name, got)
					}
					if !l.over() {
						break
					}
				}
			}
		})
	}
}

// drowsy puts the lab to sleep while its first grade is on the way.
type drowsy struct {
	http.RoundTripper

	sleep func()
}

func (d drowsy) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := d.RoundTripper.RoundTrip(r)
	d.sleep()
	return answer, err
}

// The course site has the grade, and the lab fell asleep before that could be written down.
func TestR9LabFallsAsleepMeanwhile(t *testing.T) {
	t.Parallel()
	for name, v13 := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, v13)
			ref := w.lab()
			g := w.process(func(inner http.RoundTripper) http.RoundTripper {
				return drowsy{inner, sync.OnceFunc(func() {
					if err := w.os.Act(t.Context(), ref, openstack.Suspend); err != nil {
						t.Error(err)
					}
					w.Settle()
				})}
			})
			if got := w.record(g, ref, passed("1", "cache")); got.Did != grades.Sent {
				t.Errorf("%+v", got)
			}
			if err := w.os.Act(t.Context(), ref, openstack.Resume); err != nil {
				t.Fatal(err)
			}
			w.Settle()
			if got := w.record(w.process(nil), ref, lab.Result{ID: "2", Check: "up", Score: 0.5}); v13 && got.Did != grades.Sent {
				t.Errorf("%+v", got) // 0.625, with the first result, which was written down before
			}
			grade := w.lms.Changes(w.cell)
			if !slices.IsSorted(grade) || grade[0] != 0.5 {
				t.Errorf("the grade was %v", grade)
			}
		})
	}
}

// The lab was deleted while its grade was on the way, by somebody who had not seen it: it is noted.
func TestR9LabEndsMeanwhile(t *testing.T) {
	t.Parallel()
	w := begin(t, false)
	ref := w.lab()
	g := w.process(func(inner http.RoundTripper) http.RoundTripper {
		return drowsy{inner, sync.OnceFunc(func() { w.end(ref) })}
	})
	if got := w.record(g, ref, passed("1", "cache")); got.Did != grades.Sent {
		t.Errorf("%+v", got)
	}
	if got := w.record(w.process(nil), w.lab(), passed("2", "up")); got.Did != grades.Nothing {
		t.Errorf("%+v", got)
	}
	if got := w.lms.Changes(w.cell); !slices.Equal(got, []float64{0.5}) {
		t.Errorf("the grade was %v", got)
	}
}

// A try of which nobody knows what came of it may have arrived late, and lower than the best, which is there already: so the
// best is sent once more, and then it is settled.
func TestR9LostTryIsMadeUpFor(t *testing.T) {
	t.Parallel()
	for name, v13 := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, v13)
			ref := w.lab()
			if got := w.record(w.process(nil), ref, passed("1", "up")); got.Did != grades.Sent {
				t.Fatalf("%+v", got)
			}
			w.Settle()
			tags := slices.Concat(w.read(ref).Tags, []string{lab.TagDue + "1"})
			if err := w.os.PatchStack(w.ctx(), ref, openstack.StackChange{Tags: tags}); err != nil {
				t.Fatal(err)
			}
			w.Settle()
			for _, want := range []grades.Did{grades.Sent, grades.Nothing} {
				if got := w.deliver(w.process(nil), ref); got.Did != want {
					t.Errorf("%+v, want %s", got, want)
				}
				w.Settle()
			}
			if tag := lab.Tagged(w.read(ref).Tags, lab.TagDue); tag != "" {
				t.Errorf("the lab still waits for %s", tag)
			}
			if got := w.lms.Changes(w.cell); len(got) != 1 {
				t.Errorf("the grade book changed: %v", got)
			}
		})
	}
}

// A third of all points, sent by a lab that is gone, is the same third when its successor earns it.
func TestNotedScoreIsRounded(t *testing.T) {
	t.Parallel()
	w := begin(t, false)
	g, ref := w.process(nil), w.lab()
	third := lab.Result{ID: "1", Check: "up", Score: 1. / 3}
	w.record(g, ref, third)
	w.leave(g, ref)
	w.end(ref)
	next := w.labOf(owner("ada"), 1, w.sealed(owner("ada").Stack))
	if got := w.record(w.process(nil), next, third); got.Did != grades.Nothing {
		t.Errorf("%+v", got)
	}
	better := lab.Result{ID: "2", Check: "up", Score: 0.4}
	if got := w.record(w.process(nil), next, better); got.Did != grades.Sent || got.Score != 0.1 {
		t.Errorf("%+v", got)
	}
}

package grades_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/lti/outcome/outcometest"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

const metadata = "heat GET /stacks/{}/{}/resources/{}/metadata"

// act puts a lab to sleep, or wakes it, as an operator does it: nothing is saved before.
func (w *world) act(ref openstack.StackRef, action openstack.Action) {
	w.t.Helper()
	if err := w.os.Act(w.t.Context(), ref, action); err != nil {
		w.t.Fatal(err)
	}
	w.Settle()
	w.ResetCalls()
}

// unsent is a lab with a result whose recorder died before it brought the grade anywhere.
func (w *world) unsent(results ...lab.Result) openstack.StackRef {
	w.t.Helper()
	ref := w.lab()
	l := &life{last: len(results) + 1} // each is one signal
	dying := w.process(func(inner http.RoundTripper) http.RoundTripper { return mortal{inner, l} })
	if _, err := dying.Record(w.ctx(), mortalCloud{w.os, l}, w.read(ref), results...); !errors.Is(err, errDead) {
		w.t.Fatalf("the recorder lives: %v", err)
	}
	w.Settle()
	if got := w.lms.Changes(w.cell); len(got) > 0 {
		w.t.Fatalf("the grade was %v", got)
	}
	w.ResetCalls()
	return ref
}

// silence lets Heat fail to tell any handle's metadata, so often.
func (w *world) silence(times int) {
	w.Inject(openstacktest.Fault{Service: "heat", Method: http.MethodGet, PathPattern: "*/metadata", Status: http.StatusInternalServerError, Times: times})
}

// Whole takes a call only where the outputs do not tell the signals, and once.
func TestWhole(t *testing.T) {
	t.Parallel()
	w := begin(t, false)
	ref := w.lab()
	w.record(w.process(nil), ref, passed("1", "up"))
	whole := func(calls ...string) openstack.Stack {
		t.Helper()
		s := w.read(ref)
		before := fmt.Sprint(s.Outputs)
		w.ResetCalls()
		got, err := grades.Whole(w.ctx(), w.os, s)
		if err != nil || fmt.Sprint(s.Outputs) != before {
			t.Errorf("%v; what was passed in is %v, was %s", err, s.Outputs, before)
		}
		if again, err := grades.Whole(w.ctx(), w.os, got); err != nil || again.Outputs["signals"] != got.Outputs["signals"] {
			t.Errorf("again: %v, %v", again.Outputs, err)
		}
		if made := w.calls(); !slices.Equal(made, calls) {
			t.Errorf("calls %q, want %q", made, calls)
		}
		return got
	}
	awake := whole()
	w.act(ref, openstack.Suspend)
	asleep := whole(metadata)
	if got, want := lab.ReadSignals(asleep.Outputs, w.Now()), lab.ReadSignals(awake.Outputs, w.Now()); len(want.Results) != 1 || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("asleep %+v, awake %+v", got, want)
	}
	w.act(ref, openstack.Resume)
	whole()
}

// Heat does not answer, or its answer is that there is no such handle: the one is not known, the other is nothing.
func TestWholeWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	for status, known := range map[int]bool{
		http.StatusInternalServerError: false, http.StatusServiceUnavailable: false, http.StatusForbidden: false, http.StatusConflict: false, http.StatusNotFound: true,
	} {
		w := begin(t, false)
		ref := w.unsent(passed("1", "up"))
		w.act(ref, openstack.Suspend)
		s := w.read(ref)
		w.Inject(openstacktest.Fault{Service: "heat", PathPattern: "*/metadata", Status: status})
		got, err := grades.Whole(w.ctx(), w.os, s)
		if errors.Is(err, grades.ErrUnread) == known || (err == nil) != known {
			t.Errorf("%d: %v", status, err)
		}
		if want := map[bool]any{true: "{}", false: ""}[known]; got.Outputs["signals"] != want {
			t.Errorf("%d: %v, want %q", status, got.Outputs, want)
		}
	}
}

// What was reported just before a lab fell asleep, and not delivered, is delivered before it is deleted in its sleep, once.
func TestR9UndeliveredWhenItFellAsleep(t *testing.T) {
	t.Parallel()
	for name, v13 := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, v13)
			ref := w.unsent(passed("1", "cache"))
			w.act(ref, openstack.Suspend)
			if got := w.leave(w.process(nil), ref); got.Did != grades.Sent || got.Score != 0.5 {
				t.Errorf("%+v", got)
			}
			if got := w.leave(w.process(nil), ref); got.Did != grades.Nothing {
				t.Errorf("by another process: %+v", got)
			}
			w.end(ref)
			next := w.labOf(owner("ada"), 1, w.sealed(owner("ada").Stack))
			if got := w.record(w.process(nil), next, passed("2", "up")); got.Did != grades.Nothing {
				t.Errorf("by a later lab: %+v", got)
			}
			if got := w.lms.Changes(w.cell); !slices.Equal(got, []float64{0.5}) {
				t.Errorf("the grade was %v", got)
			}
		})
	}
}

// The same where the course site does not take it: it waits in the outbox, and the lab may go.
func TestR9UndeliveredAndRefusedAsleep(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*world, openstack.StackRef) grades.Report{
		"leave":   func(w *world, ref openstack.StackRef) grades.Report { return w.leave(w.process(nil), ref) },
		"deliver": func(w *world, ref openstack.StackRef) grades.Report { return w.deliver(w.process(nil), ref) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, false)
			ref := w.unsent(passed("1", "cache"))
			w.act(ref, openstack.Suspend)
			w.lms.Feel(outcometest.Broken, outcometest.Broken)
			for range 2 {
				if got := leave(w, ref); got.Did != grades.Kept || got.Score != 0.5 {
					t.Errorf("%+v", got)
				}
			}
			w.end(ref)
			w.Advance(2 * time.Minute)
			w.empty(w.process(nil))
			if got := w.lms.Changes(w.cell); !slices.Equal(got, []float64{0.5}) {
				t.Errorf("the grade was %v", got)
			}
		})
	}
}

// A process that saves the grade of a sleeping lab dies with each of its calls; the next one goes on.
func TestR9DeathBesideASleepingLab(t *testing.T) {
	t.Parallel()
	for _, delivered := range []bool{false, true} {
		for last := 1; ; last++ {
			name := fmt.Sprintf("dead at call %d, delivered %v", last, delivered)
			w := begin(t, false)
			ref := w.unsent(passed("1", "cache"))
			w.act(ref, openstack.Suspend)
			l := &life{last: last, delivered: delivered}
			dying := w.process(func(inner http.RoundTripper) http.RoundTripper { return mortal{inner, l} })
			_, err := dying.Leave(w.ctx(), mortalCloud{w.os, l}, w.read(ref))
			w.Settle()
			if err != nil { // then the lab stays, and is looked at again
				w.leave(w.process(nil), ref)
			}
			w.end(ref)
			if _, waits := w.outbox(); waits {
				w.Advance(2 * time.Minute)
				w.empty(w.process(nil))
			}
			if got := w.lms.Changes(w.cell); !slices.Equal(got, []float64{0.5}) {
				t.Errorf("%s: the grade was %v", name, got)
			}
			if !l.over() {
				break
			}
		}
	}
}

// The lab before a reset sleeps: what it earned counts all the same, for the process that never saw it awake.
func TestR9ResetOfASleepingLabDoesNotLowerAGrade(t *testing.T) {
	t.Parallel()
	for name, v13 := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, v13)
			old := w.lab()
			w.record(w.process(nil), old, passed("1", "cache"), passed("2", "tls"))
			w.act(old, openstack.Suspend)
			next := w.labOf(owner("ada"), 1, w.sealed(owner("ada").Stack))
			for _, check := range []string{"up", "tls"} {
				if got := w.record(w.process(nil), next, passed("3"+check, check)); got.Did != grades.Nothing {
					t.Errorf("%+v", got)
				}
			}
			if got := w.record(w.process(nil), next, passed("4", "cache")); got.Did != grades.Sent || got.Score != 1 {
				t.Errorf("%+v", got)
			}
			if got := w.lms.Changes(w.cell); !slices.Equal(got, []float64{0.75, 1}) {
				t.Errorf("the grade was %v", got)
			}
		})
	}
}

// While Heat does not tell what a sleeping lab has, no grade is decided on: not that of the lab, nor that of the one after it.
func TestR9NothingIsDecidedOnAnEmptyRecord(t *testing.T) {
	t.Parallel()
	for name, v13 := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, v13)
			old := w.lab()
			w.record(w.process(nil), old, passed("1", "cache"), passed("2", "tls"))
			w.act(old, openstack.Suspend)
			next := w.labOf(owner("ada"), 1, w.sealed(owner("ada").Stack))
			w.silence(0)
			g := w.process(nil)
			report := func() error {
				_, err := g.Record(w.ctx(), w.os, w.read(next), passed("3", "up"))
				w.Settle()
				return err
			}
			for range 2 {
				if err := report(); !errors.Is(err, grades.ErrUnread) || openstack.CodeOf(err) != openstack.Unavailable {
					t.Errorf("the new lab's report: %v", err)
				}
				for what, save := range map[string]func() error{
					"leave": func() error { _, err := g.Leave(w.ctx(), w.os, w.read(old)); return err },
					"sleep": func() error { _, err := g.Sleep(w.ctx(), w.os, w.read(old)); return err },
					"more":  func() error { _, err := g.Record(w.ctx(), w.os, w.read(old), passed("9", "up")); return err },
				} {
					if err := save(); !errors.Is(err, grades.ErrUnread) {
						t.Errorf("%s: %v", what, err)
					}
				}
			}
			w.ClearFaults()
			if err := report(); err != nil {
				t.Error(err)
			}
			if got := w.leave(g, old); got.Did != grades.Nothing {
				t.Errorf("%+v", got)
			}
			if got := w.lms.Changes(w.cell); !slices.Equal(got, []float64{0.75}) {
				t.Errorf("the grade was %v", got)
			}
		})
	}
}

// Where no grade is asked for, a lab's sleep costs nothing.
func TestUngradedLabAsleepCostsNoCall(t *testing.T) {
	t.Parallel()
	w := begin(t, false)
	ref := w.labOf(owner("ada"), 0, "")
	w.act(ref, openstack.Suspend)
	s, g := w.read(ref), w.process(nil)
	w.ResetCalls()
	for what, save := range map[string]func() (grades.Report, error){
		"leave":   func() (grades.Report, error) { return g.Leave(w.ctx(), w.os, s) },
		"deliver": func() (grades.Report, error) { return g.Deliver(w.ctx(), w.os, s) },
	} {
		if got, err := save(); err != nil || got.Did != grades.Nothing {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
	if got := w.calls(); len(got) > 0 {
		t.Errorf("calls %q", got)
	}
}

package grades_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/lti/outcome/outcometest"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

func TestR9BestScoreIsKept(t *testing.T) {
	t.Parallel()
	for name, v13 := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, v13)
			ref, g := w.lab(), w.process(nil)
			for i, step := range []struct {
				result lab.Result
				did    grades.Did
			}{
				{passed("1", "up"), grades.Sent},
				{lab.Result{ID: "2", Check: "up"}, grades.Nothing}, // failed later: the best counts
				{passed("3", "up"), grades.Nothing},
				{passed("4", "cache"), grades.Sent},
				{lab.Result{ID: "5", Check: "tls", Score: 0.5}, grades.Sent},
				{passed("6", "tls"), grades.Sent},
			} {
				if got := w.record(g, ref, step.result); got.Did != step.did {
					t.Errorf("step %d: %+v", i, got)
				}
			}
			if got := w.lms.Changes(w.cell); !slices.Equal(got, []float64{0.25, 0.75, 0.875, 1}) {
				t.Errorf("the grade was %v", got)
			}
			sig := w.signals(ref)
			if len(sig.Results) != 6 || len(sig.Sent) != 4 || len(sig.Parked) != 0 {
				t.Errorf("%+v", sig)
			}
		})
	}
}

// What it costs, in calls to the cloud.
func TestR9Calls(t *testing.T) {
	t.Parallel()
	w := begin(t, false)
	ref, g := w.lab(), w.process(nil)
	s := w.read(ref)
	w.calls()
	if _, err := g.Record(w.ctx(), w.os, s, passed("1", "up")); err != nil {
		t.Fatal(err)
	}
	if got := w.calls(); len(got) != 4 { // the result, the owner's other labs, that it was sent, and a look
		t.Errorf("%q", got)
	}
	w.Advance(time.Second)
	s = w.read(ref)
	w.calls()
	for range 2 {
		if r, err := w.process(nil).Deliver(w.ctx(), w.os, s); err != nil || r.Did != grades.Nothing || r.Word() != "" {
			t.Errorf("%+v, %v", r, err)
		}
	}
	if got := w.calls(); len(got) != 0 {
		t.Errorf("with nothing due: %q", got)
	}
	if got := len(w.lms.Asked()); got != 1 {
		t.Errorf("the course site was asked %d times", got)
	}
}

func TestR9CourseSiteHasABadDay(t *testing.T) {
	t.Parallel()
	for name, v13 := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, mood := range []outcometest.Mood{outcometest.Broken, outcometest.Busy, outcometest.Hanging, outcometest.LosesReply, outcometest.DiesBefore} {
				t.Run(string(mood), func(t *testing.T) {
					t.Parallel()
					w := begin(t, v13)
					var impatient atomic.Int32
					if mood == outcometest.Hanging {
						impatient.Store(2)
					}
					ref, g := w.lab(), w.process(func(inner http.RoundTripper) http.RoundTripper { return hasty{inner, &impatient} })
					w.lms.Feel(mood, mood)
					first := w.record(g, ref, passed("1", "up"))
					if first.Did != grades.Postponed || !first.Next.After(w.Now()) {
						t.Fatalf("%+v", first)
					}
					asked := len(w.lms.Asked())
					if got := w.deliver(g, ref); got.Did != grades.Postponed || got.Word() != "" || len(w.lms.Asked()) != asked {
						t.Errorf("at once: %+v, %q", got, w.lms.Asked())
					}
					w.Advance(2 * time.Minute)
					second := w.deliver(g, ref)
					if mood == outcometest.LosesReply && v13 {
						// The platform says that it has a score of this time: delivered.
						if second.Did != grades.Sent {
							t.Errorf("the second time: %+v", second)
						}
					} else if second.Did != grades.Postponed || second.Next.Sub(w.Now()) < time.Minute {
						t.Errorf("the second time: %+v", second)
					}
					w.lms.Feel(outcometest.Well) // on a busy machine, a hasty sender may have given up before it was heard
					w.Advance(4 * time.Minute)
					w.deliver(w.process(nil), ref)
					if got := w.lms.Changes(w.cell); !slices.Equal(got, []float64{0.25}) {
						t.Errorf("the grade was %v", got)
					}
					if sig := w.signals(ref); len(sig.Sent) != 1 || sig.Sent[0].Score != 0.25 || sig.Sent[0].Result != "1" {
						t.Errorf("%+v", sig.Sent)
					}
					if got := w.deliver(w.process(nil), ref); got.Did != grades.Nothing {
						t.Errorf("in the end: %+v", got)
					}
				})
			}
		})
	}
}

func TestR9RefusedForGoodIsParked(t *testing.T) {
	t.Parallel()
	for name, v13 := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for mood, why := range map[outcometest.Mood][2]string{
				outcometest.PastDue:      {"past_due", "rejected"},
				outcometest.Unsupporting: {"unsupported", "rejected"},
				outcometest.Redirecting:  {"redirected", "redirected"},
			} {
				t.Run(string(mood), func(t *testing.T) {
					t.Parallel()
					w := begin(t, v13)
					ref, g := w.lab(), w.process(nil)
					w.lms.Feel(mood, mood)
					want := why[0]
					if v13 {
						want = why[1]
					}
					if got := w.record(g, ref, passed("1", "up")); got.Did != grades.Parked || got.Why != want {
						t.Fatalf("%+v", got)
					}
					asked := len(w.lms.Asked())
					w.Advance(time.Hour)
					for range 2 {
						if got := w.deliver(w.process(nil), ref); got.Did != grades.Nothing || len(w.lms.Asked()) != asked {
							t.Errorf("again: %+v, %q", got, w.lms.Asked())
						}
					}
					if sig := w.signals(ref); len(sig.Parked) != 1 || sig.Parked[0].Reason != want {
						t.Errorf("%+v", sig)
					}
					// A better result is worth another try.
					w.lms.Feel()
					if got := w.record(w.process(nil), ref, passed("2", "cache")); got.Did != grades.Sent {
						t.Errorf("a better one: %+v", got)
					}
					if got := w.lms.Changes(w.cell); !slices.Equal(got, []float64{0.75}) {
						t.Errorf("the grade was %v", got)
					}
				})
			}
		})
	}
}

func TestS07ZeroIsSentAndSaid(t *testing.T) {
	t.Parallel()
	for name, v13 := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, v13)
			if got := w.record(w.process(nil), w.lab(), lab.Result{ID: "1", Check: "up", Message: "no answer"}); got.Did != grades.Sent {
				t.Errorf("%+v", got)
			}
			if got := w.lms.Changes(w.cell); !slices.Equal(got, []float64{0}) {
				t.Errorf("the grade was %v", got)
			}
			if !strings.Contains(w.log.String(), "does not show it") {
				t.Errorf("the log says %q", w.log.String())
			}
		})
	}
}

func TestS10AnotherLearnersDestination(t *testing.T) {
	t.Parallel()
	for name, v13 := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for name, grading := range map[string]func(*world) string{
				"foreign_destination":    func(w *world) string { return w.sealed(owner("ada").Stack) },
				"unreadable_destination": func(w *world) string { return w.sealed(owner("ada").Stack) + "x" },
			} {
				w := begin(t, v13)
				ref := w.labOf(owner("eve"), 0, grading(w)) // who set the parameter of her own lab to ada's
				if got := w.record(w.process(nil), ref, passed("1", "up"), passed("2", "tls"), passed("3", "cache")); got.Did != grades.Parked || got.Why != name {
					t.Errorf("%s: %+v", name, got)
				}
				w.Advance(time.Minute)
				if got := w.deliver(w.process(nil), ref); got.Did != grades.Nothing {
					t.Errorf("%s: %+v", name, got)
				}
				if got := w.lms.Asked(); len(got) > 0 {
					t.Errorf("%s: the course site was asked %q", name, got)
				}
			}
		})
	}
}

func TestS10HostsAreLookedAtAgain(t *testing.T) {
	t.Parallel()
	for name, v13 := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, v13)
			ref := w.lab()
			w.cfg.LTI.Consumers[0].OutcomeHosts = []string{"other.example.org"}
			w.cfg.LTI.Platforms[0].TokenURL = "https://other.example.org/token"
			if got := w.record(w.process(nil), ref, passed("1", "up")); got.Did != grades.Parked || got.Why != "unlisted_host" {
				t.Errorf("%+v", got)
			}
			if got := w.lms.Asked(); len(got) > 0 {
				t.Errorf("asked %q", got)
			}
		})
	}
}

func TestWithdrawnTenantMayComeBack(t *testing.T) {
	t.Parallel()
	for name, v13 := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, v13)
			ref, lost := w.lab(), *w.cfg
			lost.LTI.Consumers, lost.LTI.Platforms = nil, nil
			without, err := grades.New(&lost, grades.Options{Now: w.Now})
			if err != nil {
				t.Fatal(err)
			}
			if got := w.record(without, ref, passed("1", "up")); got.Did != grades.Postponed {
				t.Errorf("%+v", got)
			}
			w.Advance(2 * time.Minute)
			if got := w.deliver(w.process(nil), ref); got.Did != grades.Sent {
				t.Errorf("%+v", got)
			}
		})
	}
}

// One result, reported by twenty at once in one process: one request to the course site.
func TestR9ParallelReports(t *testing.T) {
	t.Parallel()
	for name, v13 := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, v13)
			ref, g := w.lab(), w.process(nil)
			s := w.read(ref)
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					if _, err := g.Record(w.ctx(), w.os, s, passed("1", "up")); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			scores := slices.DeleteFunc(w.lms.Asked(), func(asked string) bool { return asked == "POST /token" })
			if got := w.lms.Changes(w.cell); len(scores) != 1 || !slices.Equal(got, []float64{0.25}) {
				t.Errorf("%q, the grade was %v", scores, got)
			}
			w.Advance(time.Second)
			if sig := w.signals(ref); len(sig.Results) != 1 || len(sig.Sent) != 1 {
				t.Errorf("%+v", sig)
			}
		})
	}
}

// gate holds back requests to the course site until it is opened.
type gate struct {
	http.RoundTripper

	reached chan<- struct{}
	open    <-chan struct{}
	once    *sync.Once
}

func (g gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/token") {
		g.once.Do(func() { g.reached <- struct{}{}; <-g.open })
	}
	return g.RoundTripper.RoundTrip(r)
}

// Two hosts send at once and the lower score arrives last: in the end the better one is there.
func TestR9TwoHosts(t *testing.T) {
	t.Parallel()
	for name, v13 := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, v13)
			ref := w.lab()
			reached, open := make(chan struct{}), make(chan struct{})
			slow := w.process(func(inner http.RoundTripper) http.RoundTripper {
				return gate{inner, reached, open, &sync.Once{}}
			})
			done := make(chan grades.Report)
			s := w.read(ref)
			go func() {
				report, err := slow.Record(w.ctx(), w.os, s, passed("1", "up"))
				if err != nil {
					t.Error(err)
				}
				done <- report
			}()
			<-reached
			w.Advance(5 * time.Second)
			if got := w.record(w.process(nil), ref, passed("2", "cache")); got.Did != grades.Sent || got.Score != 0.75 {
				t.Errorf("the fast one: %+v", got)
			}
			w.Advance(5 * time.Second)
			close(open)
			<-done
			w.Advance(5 * time.Second)
			w.deliver(w.process(nil), ref)
			got := w.lms.Changes(w.cell)
			if got[len(got)-1] != 0.75 {
				t.Errorf("the grade was %v", got)
			}
			if v13 && len(got) != 1 {
				t.Errorf("the platform was taken back: %v", got)
			}
			w.Advance(time.Minute)
			if again := w.deliver(w.process(nil), ref); again.Did != grades.Nothing {
				t.Errorf("%+v", again)
			}
		})
	}
}

// A process dies with each of its calls, before it is made or before it hears of it; another one takes over.
func TestR9DeathBetweenAnyTwoCalls(t *testing.T) {
	t.Parallel()
	for name, v13 := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, delivered := range []bool{false, true} {
				for last := 1; ; last++ {
					w := begin(t, v13)
					ref := w.lab()
					l := &life{last: last, delivered: delivered}
					dying := w.process(func(inner http.RoundTripper) http.RoundTripper { return mortal{inner, l} })
					_, err := dying.Record(w.ctx(), mortalCloud{w.os, l}, w.read(ref), passed("1", "up"), passed("2", "cache"))
					w.Advance(time.Second)
					if err != nil { // the lab was told to send it again
						w.record(w.process(nil), ref, passed("1", "up"), passed("2", "cache"))
					}
					w.Advance(time.Minute)
					w.deliver(w.process(nil), ref)
					name := fmt.Sprintf("dead at call %d, delivered %v", last, delivered)
					if got := w.lms.Changes(w.cell); !slices.Equal(got, []float64{0.75}) {
						t.Errorf("%s: the grade was %v", name, got)
					}
					w.Advance(time.Minute)
					if got := w.deliver(w.process(nil), ref); got.Did != grades.Nothing {
						t.Errorf("%s: %+v", name, got)
					}
					if !l.over() {
						break
					}
				}
			}
		})
	}
}

// The lab before a reset earned more than the one after it has so far.
func TestR9ResetDoesNotLowerAGrade(t *testing.T) {
	t.Parallel()
	for name, v13 := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, v13)
			g := w.process(nil)
			w.record(g, w.lab(), passed("1", "cache"), passed("2", "tls"))
			next := w.labOf(owner("ada"), 1, w.sealed(owner("ada").Stack))
			if got := w.record(g, next, passed("3", "up")); got.Did != grades.Nothing {
				t.Errorf("%+v", got)
			}
			if got := w.signals(next).Sent; len(got) != 1 || got[0].Score != 0.75 {
				t.Errorf("carried over: %+v", got)
			}
			w.calls()
			if got := w.deliver(w.process(nil), next); got.Did != grades.Nothing {
				t.Errorf("%+v", got)
			}
			if got := w.calls(); len(got) != 1 { // the test's own read
				t.Errorf("looked again: %q", got)
			}
			if got := w.record(w.process(nil), next, passed("4", "cache"), passed("5", "tls")); got.Did != grades.Sent {
				t.Errorf("%+v", got)
			}
			if got := w.lms.Changes(w.cell); !slices.Equal(got, []float64{0.75, 1}) {
				t.Errorf("the grade was %v", got)
			}
		})
	}
}

func TestLabsWithoutAGrade(t *testing.T) {
	t.Parallel()
	w := begin(t, false)
	g := w.process(nil)
	ref := w.labOf(owner("eve"), 0, "")
	if got := w.record(g, ref, passed("1", "up")); got.Did != grades.Nothing || len(w.signals(ref).Results) != 1 {
		t.Errorf("%+v", got)
	}
	s := w.read(ref)
	s.Outputs = map[string]any{}
	if _, err := g.Record(w.ctx(), w.os, s, passed("1", "up")); err == nil {
		t.Error("a lab without signals took a result")
	}
	s = w.read(ref)
	s.Action, s.Status = "CREATE", "IN_PROGRESS"
	if _, err := g.Record(w.ctx(), w.os, s, passed("2", "up")); err == nil {
		t.Error("a lab that is being built took a result")
	}
	w.calls()
	if got, err := g.Deliver(w.ctx(), w.os, s); err != nil || got.Did != grades.Nothing || len(w.calls()) > 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestCloudTroubleIsAnErrorAndLosesNothing(t *testing.T) {
	t.Parallel()
	for name, v13 := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, v13)
			ref, g := w.lab(), w.process(nil)
			s := w.read(ref)
			w.Inject(openstacktest.Fault{Service: "heat", Method: http.MethodPost, Status: 503})
			if _, err := g.Record(w.ctx(), w.os, s, passed("1", "up")); openstack.CodeOf(err) != openstack.Unavailable {
				t.Errorf("%v", err)
			}
			if got := w.lms.Changes(w.cell); len(got) > 0 {
				t.Errorf("sent before it was written down: %v", got)
			}
			w.ClearFaults()
			if got := w.record(g, ref, passed("1", "up")); got.Did != grades.Sent {
				t.Errorf("%+v", got)
			}
		})
	}
}

// A lab that ended earned more than the one that its owner has now: what the course site has is noted.
func TestR9NewLabDoesNotLowerAGrade(t *testing.T) {
	t.Parallel()
	for name, v13 := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, v13)
			ref, g := w.lab(), w.process(nil)
			w.record(g, ref, passed("1", "cache"), passed("2", "tls"))
			for range 2 {
				if got := w.leave(w.process(nil), ref); got.Did != grades.Nothing {
					t.Errorf("%+v", got)
				}
			}
			note, waiting := w.outbox()
			if waiting || !slices.Contains(note.Tags, "best=750") || !slices.Contains(note.Tags, "kind=grade") {
				t.Errorf("noted as %q", note.Tags)
			}
			w.calls()
			if got, err := w.process(nil).Outbox(w.ctx(), w.os, note); err != nil || got.Did != grades.Nothing || len(w.calls()) > 0 {
				t.Errorf("a note as an outbox: %+v, %v", got, err)
			}
			w.end(ref)
			again := w.lab()
			if got := w.record(w.process(nil), again, passed("3", "up")); got.Did != grades.Nothing {
				t.Errorf("%+v", got)
			}
			if got := w.record(w.process(nil), again, passed("4", "cache"), passed("5", "tls")); got.Did != grades.Sent || got.Score != 1 {
				t.Errorf("%+v", got)
			}
			if got := w.lms.Changes(w.cell); !slices.Equal(got, []float64{0.75, 1}) {
				t.Errorf("the grade was %v", got)
			}
			w.leave(w.process(nil), again)
			if note, _ := w.outbox(); !slices.Contains(note.Tags, "best=1000") || slices.Contains(note.Tags, "best=750") {
				t.Errorf("noted as %q", note.Tags)
			}
		})
	}
}

// Sleep leaves nothing behind if there is nothing to keep.
func TestR9Sleep(t *testing.T) {
	t.Parallel()
	w := begin(t, false)
	ref, g := w.lab(), w.process(nil)
	w.record(g, ref, passed("1", "up"))
	if got, err := w.process(nil).Sleep(w.ctx(), w.os, w.read(ref)); err != nil || got.Did != grades.Nothing {
		t.Errorf("%+v, %v", got, err)
	}
	if s, _ := w.outbox(); s.ID != "" {
		t.Errorf("it left %q", s.Tags)
	}
}

// The lab's tags say when a grade is to be tried again, to whoever lists it.
func TestR9PostponedIsTagged(t *testing.T) {
	t.Parallel()
	for name, v13 := range versions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, v13)
			ref := w.lab()
			before := w.read(ref).Tags
			w.lms.Feel(outcometest.Busy)
			report := w.record(w.process(nil), ref, passed("1", "up"))
			w.Settle()
			if got := w.read(ref).Tags; !slices.Contains(got, fmt.Sprint("due=", report.Next.Unix())) || len(got) != len(before)+1 {
				t.Errorf("tags %q", got)
			}
			asked := len(w.lms.Asked())
			if got := w.deliver(w.process(nil), ref); got.Did != grades.Postponed || len(w.lms.Asked()) != asked {
				t.Errorf("another process, too early: %+v", got)
			}
			w.Advance(2 * time.Minute)
			if got := w.deliver(w.process(nil), ref); got.Did != grades.Sent {
				t.Errorf("%+v", got)
			}
			w.Settle()
			if got := w.read(ref).Tags; !slices.Equal(got, before) {
				t.Errorf("tags %q, before %q", got, before)
			}
		})
	}
}

// Whoever is root in a lab may signal there under any name, and still cannot say that the course site has a grade.
func TestS10ForgedSignals(t *testing.T) {
	t.Parallel()
	w := begin(t, false)
	ref := w.lab()
	for id, data := range map[string]any{
		"sent-x":   map[string]any{"score": 1, "at": w.Now().Unix(), "result": "x", "after": 9},
		"parked-0": map[string]any{"reason": "past_due", "at": w.Now().Unix()},
	} {
		if err := w.os.Signal(t.Context(), ref, grades.Handle, openstack.Signal{ID: id, Status: "SUCCESS", Data: data}); err != nil {
			t.Fatal(err)
		}
	}
	w.Advance(time.Second)
	if got := w.record(w.process(nil), ref, passed("1", "up")); got.Did != grades.Sent {
		t.Errorf("%+v", got)
	}
}

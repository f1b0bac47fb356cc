package tender_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/lab/tender"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// readers are graders that tell how many results a lab has whose grade is saved, and fail if Heat does not say.
type readers struct{ graders }

func (r *readers) read(ctx context.Context, what string, cloud tender.Cloud, s openstack.Stack) (string, error) {
	s, err := grades.Whole(ctx, cloud, s)
	if err != nil {
		return "", err //nolint:wrapcheck // as package grades does
	}
	return r.note(fmt.Sprintf("%s %d of", what, len(lab.ReadSignals(s.Outputs, time.Now().Add(1000*time.Hour)).Results)), s)
}

func (r *readers) Deliver(ctx context.Context, cloud tender.Cloud, s openstack.Stack) (string, error) {
	return r.read(ctx, "deliver", cloud, s)
}

func (r *readers) Sleep(ctx context.Context, cloud tender.Cloud, s openstack.Stack) (string, error) {
	return r.read(ctx, "sleep", cloud, s)
}

func (r *readers) Leave(ctx context.Context, cloud tender.Cloud, s openstack.Stack) (string, error) {
	return r.read(ctx, "leave", cloud, s)
}

// wantAsked checks what the graders were asked since the last look.
func (r *readers) wantAsked(t *testing.T, want ...string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.asked, want) {
		t.Errorf("asked %q, want %q", r.asked, want)
	}
	r.asked = nil
}

const metadata = "heat GET /stacks/{}/{}/resources/{}/metadata"

// dormant is a graded lab with one result that fell asleep before anybody read it.
func dormant(t *testing.T, tags ...string) (*field, *readers, openstack.StackRef) {
	t.Helper()
	r := &readers{}
	f := open(t, 1, func(p *tender.Parts) { p.Grades = r })
	ref := f.lab(t, 0, "graded", "u1", tags...)
	f.signal(t, 0, ref, "result-1", map[string]any{"check": "one", "passed": true, "at": f.now().Unix()})
	f.advance(5 * time.Second)
	f.act(t, 0, ref, openstack.Suspend)
	return f, r, ref
}

// speechless lets Heat fail to tell what is written down at a lab.
func (f *field) speechless(pattern string) {
	f.fakes[0].Inject(openstacktest.Fault{Service: "heat", Method: http.MethodGet, PathPattern: pattern, Status: http.StatusServiceUnavailable})
}

// A lab that sleeps is not read while nothing says that a grade of it is due, and has its grade saved before it is deleted.
func TestSleepingLabIsReadWhenItGoes(t *testing.T) {
	t.Parallel()
	f, r, ref := dormant(t)
	for range 4 {
		f.advance(time.Hour)
		report, calls := f.pass(t)
		wantDone(t, report)
		wantCalls(t, calls, list)
		f.reborn()
	}
	r.wantAsked(t)
	f.advance(5 * time.Hour)
	report, calls := f.pass(t)
	wantDone(t, report, "deliver_grade "+ref.Name, "delete "+ref.Name)
	wantCalls(t, calls, list, list, read, metadata, remove)
	r.wantAsked(t, "leave 1 of "+ref.Name)
}

// A lab fell asleep with a grade to be sent again: it is sent while it sleeps, once a process, and not before its time.
func TestGradeDueOfASleepingLab(t *testing.T) {
	t.Parallel()
	f, r, _ := dormant(t, lab.TagDue+"9999999999")
	report, calls := f.pass(t)
	wantDone(t, report)
	wantCalls(t, calls, list)
	r.wantAsked(t)

	at := f.now().Add(2 * time.Hour).Unix()
	f, r, ref := dormant(t, fmt.Sprint(lab.TagDue, at))
	f.advance(2*time.Hour + time.Minute)
	f.speechless("*/metadata")
	for range 2 { // what Heat does not answer is asked again, after a rest
		if report := f.Pass(t.Context(), tender.Options{}); report.Failed != 1 {
			t.Errorf("%+v", report)
		}
		if report, calls := f.pass(t); report.Failed != 0 || len(calls) != 1 {
			t.Errorf("no rest: %q", calls)
		}
		r.wantAsked(t)
		f.advance(16 * time.Minute)
	}
	f.fakes[0].ClearFaults()
	report, calls = f.pass(t)
	wantDone(t, report, "deliver_grade "+ref.Name)
	wantCalls(t, calls, list, read, metadata)
	r.wantAsked(t, "deliver 1 of "+ref.Name)
	f.advance(time.Minute)
	_, calls = f.pass(t)
	wantCalls(t, calls, list)
	wantState(t, f, 0, ref, "SUSPEND_COMPLETE")

	// Once it is up again it is looked at as any lab that may be idle.
	f.act(t, 0, ref, openstack.Resume)
	f.advance(45 * time.Minute)
	report = f.Pass(t.Context(), tender.Options{})
	wantDone(t, report, "deliver_grade "+ref.Name, "deliver_grade "+ref.Name, "suspend "+ref.Name)
	r.wantAsked(t, "deliver 1 of "+ref.Name, "sleep 1 of "+ref.Name)
}

// While Heat does not tell what a lab earned, nothing deletes it: not the end of its time, not the tries in vain, not the
// days; once Heat tells, it goes. An operator may order it all the same.
func TestW6UnknownGradeKeepsTheLab(t *testing.T) {
	t.Parallel()
	for name, pattern := range map[string]string{"the handle": "*/metadata", "the whole stack": "*/lab-*"} {
		for _, ordered := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, ordered %v", name, ordered), func(t *testing.T) {
				t.Parallel()
				f, r, ref := dormant(t)
				f.advance(9 * time.Hour)
				f.speechless(pattern)
				for i := range 8 {
					report, calls := f.pass(t)
					if report.Failed == 0 || slices.Contains(calls, remove) {
						t.Fatalf("%+v, %q", report, calls)
					}
					f.advance(6 * time.Hour)
					if i == 5 { // until then it is tried in vain, more often than anything else would be
						f.reborn()
					}
				}
				wantState(t, f, 0, ref, "SUSPEND_COMPLETE")
				if ordered && strings.Contains(pattern, "metadata") {
					got, err := f.Order(t.Context(), tender.Order{Act: lab.ActEnd, Ref: "cloud0:" + ref.Name + ":" + ref.ID, Shown: f.now()})
					if err != nil || got.Verdict != lab.Now {
						t.Errorf("%+v, %v", got, err)
					}
					f.fakes[0].Settle()
					wantState(t, f, 0, ref, "gone")
					return
				}
				f.fakes[0].ClearFaults()
				f.pass(t)
				f.fakes[0].Settle()
				wantState(t, f, 0, ref, "gone")
				r.wantAsked(t, "leave 1 of "+ref.Name)
			})
		}
	}
}

// A lab that is up, whose handle Heat does not find, is not taken for idle because of it: a copy was made of it, or it woke up
// with trouble and was updated since.
func TestW20UntoldIsNotIdle(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"SNAPSHOT_COMPLETE", "UPDATE_COMPLETE", "RESUME_COMPLETE", "CHECK_COMPLETE"} {
		f := open(t, 1)
		ref := f.lab(t, 0, "web", "u1")
		f.advance(40 * time.Minute)
		f.signal(t, 0, ref, lab.BeatID(f.now()), map[string]any{"at": f.now().Unix(), "active": true})
		f.advance(5 * time.Second)
		f.act(t, 0, ref, openstack.Suspend)
		action, status, _ := strings.Cut(state, "_")
		f.fakes[0].SetStackState(ref.Name, action, status, "") // the handle has the state that it had
		f.advance(10 * time.Minute)
		f.speechless("*/metadata")
		report, calls := f.pass(t)
		if slices.Contains(writes(calls), "heat POST /stacks/{}/{}/actions") || report.Counts["suspend"] != 0 {
			t.Errorf("%s: suspended without knowing: %q", state, calls)
		}
		f.fakes[0].ClearFaults()
		f.reborn()
		report, calls = f.pass(t)
		if report.Counts["suspend"] != 0 || !slices.Contains(calls, metadata) {
			t.Errorf("%s: %+v, %q", state, report, calls)
		}
		f.advance(45 * time.Minute)
		report, _ = f.pass(t)
		if report.Counts["suspend"] != 1 {
			t.Errorf("%s: %+v", state, report)
		}
	}
}

// Whoever put the lab to sleep has put its grade into the outbox: then that is emptied, and the lab is not read for it, by no
// process, neither while the grade waits there nor when it was sent.
func TestGradeOfASleepingLabWaitsInTheOutbox(t *testing.T) {
	t.Parallel()
	f, r, _ := dormant(t, fmt.Sprint(lab.TagDue, time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC).Unix()))
	box := owner("graded", "u1").Note(lab.NoteGrade, "")
	waiting := append(slices.Clone(box.Tags), fmt.Sprint(lab.TagDue, f.now().Add(2*time.Hour).Unix()))
	ref := f.stack(t, 0, box.Name, tiny, waiting...)
	f.advance(time.Hour)
	quiet := func() {
		t.Helper()
		for range 2 {
			report, calls := f.pass(t)
			wantDone(t, report)
			wantCalls(t, calls, list, list)
			r.wantAsked(t)
			f.reborn()
		}
	}
	quiet()
	until := strconv.FormatInt(f.now().Add(720*time.Hour).Unix(), 10)
	sent := append(slices.Clone(box.Tags), grades.TagBest+"500", grades.TagUntil+until, lab.TagDue+until)
	if err := f.clients[0].PatchStack(t.Context(), ref, openstack.StackChange{Tags: sent}); err != nil {
		t.Fatal(err)
	}
	f.advance(time.Minute)
	quiet()
}

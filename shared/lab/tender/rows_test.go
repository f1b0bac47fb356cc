package tender_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/tender"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// The peer deletes a lab whose state it does not expect. Here none of Heat's states is a reason to.
func TestW5_NoStateIsAReasonToDelete(t *testing.T) {
	t.Parallel()
	f := open(t, 1)
	states := []string{"SUSPEND_FAILED", "RESUME_FAILED", "UPDATE_COMPLETE", "UPDATE_FAILED", "CHECK_FAILED", "CHECK_COMPLETE", "CREATE_COMPLETE", "SNAPSHOT_FAILED", "RESTORE_COMPLETE"}
	for _, state := range states {
		ref := f.lab(t, 0, "web", state)
		act, status, _ := strings.Cut(state, "_")
		f.fakes[0].SetStackState(ref.Name, act, status, "something nobody has seen before")
	}
	for range 3 {
		report, calls := f.pass(t)
		wantDone(t, report)
		wantCalls(t, calls, list)
		f.advance(8 * time.Minute)
	}
}

// The peer deletes a lab that was resumed right before its deadline. Here the lab is read again right before the delete.
func TestW6_LabInUseIsNotReaped(t *testing.T) {
	t.Parallel()
	var f *field
	var ref openstack.StackRef
	back := &meddling{after: func() {
		f.act(t, 0, ref, openstack.Resume)
		f.retag(t, 0, ref, lab.Lease{Until: f.now().Add(8 * time.Hour)})
	}}
	f = open(t, 1, func(p *tender.Parts) {
		back.Cloud = p.Sites[0].Cloud
		p.Sites[0].Cloud = back
	})
	ref = f.lab(t, 0, "web", "u1")
	f.act(t, 0, ref, openstack.Suspend)
	f.advance(8*time.Hour + 3*time.Minute)
	report, calls := f.pass(t)
	wantDone(t, report)
	if slices.Contains(calls, remove) {
		t.Errorf("deleted: %q", calls)
	}
	f.advance(time.Minute)
	report, _ = f.pass(t)
	wantDone(t, report)
	wantState(t, f, 0, ref, "UPDATE_COMPLETE")
}

// The peer forgets a launch whose worker died. Here whatever Heat has ends, whether anybody looks or not.
func TestW7_AbandonedLaunchEnds(t *testing.T) {
	t.Parallel()
	f := open(t, 1)
	hanging := owner("web", "hanging")
	stuck := f.stack(t, 0, hanging.Stack, template, f.parts.Catalogue.(shelves)["web"].Lease(f.now()).Retag(hanging.Tags())...)
	f.fakes[0].FailResource(openstacktest.ResourceFault{Stack: owner("web", "broken").Stack})
	broken := owner("web", "broken")
	failed := f.stack(t, 0, broken.Stack, template, f.parts.Catalogue.(shelves)["web"].Lease(f.now()).Retag(broken.Tags())...)
	f.advance(10 * time.Second)
	wantState(t, f, 0, failed, "CREATE_FAILED")
	f.fakes[0].SetStackState(hanging.Stack, "CREATE", "IN_PROGRESS", "")
	report, calls := f.pass(t)
	wantDone(t, report) // not yet: their learners may look
	wantCalls(t, calls, list)
	f.advance(80 * time.Minute)
	report, calls = f.pass(t)
	wantDone(t, report, "delete "+stuck.Name, "delete "+failed.Name)
	wantCalls(t, writes(calls), remove, remove)
	f.fakes[0].Settle()
	report, calls = f.pass(t)
	wantDone(t, report)
	wantCalls(t, calls, list)
}

// The peer has states without an exit. Here a lab whose suspend or delete got lost goes when its time is over, and what Heat
// refuses is tried again, ever later, without anybody else waiting for it.
func TestW8_NoStateIsADeadEnd(t *testing.T) {
	t.Parallel()
	f := open(t, 1)
	lost := f.lab(t, 0, "web", "lost")
	refused := f.lab(t, 0, "web", "refused")
	other := f.lab(t, 0, "web", "other")
	f.fakes[0].SetStackState(lost.Name, "SUSPEND", "IN_PROGRESS", "")
	f.fakes[0].SetStackState(refused.Name, "DELETE", "FAILED", "port in use")
	f.fakes[0].Inject(openstacktest.Fault{Service: "heat", Method: "DELETE", PathPattern: "/stacks/" + refused.Name + "/*", Status: http.StatusInternalServerError})
	tries := 0
	for range 60 { // an hour
		_, calls := f.pass(t)
		tries += len(writes(calls))
		f.advance(time.Minute)
	}
	if tries < 4 || tries > 8 {
		t.Errorf("a delete that fails was tried %d times in an hour", tries)
	}
	f.fakes[0].ClearFaults()
	for f.now().Before(time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC).Add(9 * time.Hour)) {
		f.pass(t)
		f.advance(10 * time.Minute)
	}
	for _, ref := range []openstack.StackRef{lost, refused, other} {
		wantState(t, f, 0, ref, "gone")
	}
}

// The peer believes its own record. Here nothing that is remembered stands against what Heat says.
func TestW11_HeatIsBelieved(t *testing.T) {
	t.Parallel()
	f := open(t, 1)
	ref := f.lab(t, 0, "web", "u1")
	gone := f.lab(t, 0, "web", "u2")
	f.advance(33*time.Minute + unnoted)
	for _, r := range []openstack.StackRef{ref, gone} {
		f.signal(t, 0, r, lab.PageID(f.now()), map[string]any{"at": f.now().Unix()})
	}
	report, calls := f.pass(t)
	wantDone(t, report) // in use, and remembered so
	wantCalls(t, calls, list, read, read)
	if err := f.clients[0].DeleteStack(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	f.fakes[0].Settle()
	f.retag(t, 0, ref, lab.Lease{Until: f.now().Add(-5 * time.Minute)}) // an operator shortens it
	report, calls = f.pass(t)
	wantDone(t, report, "delete "+ref.Name)
	wantCalls(t, calls, list, list, remove)
}

// At the peer one cloud that is not set up fails everything. Here the others are tended, and the report names it. A lab that
// was taken out of the catalogue ends all the same.
func TestW12_OneCloudDownHoldsUpNobody(t *testing.T) {
	t.Parallel()
	f := open(t, 3)
	withdrawn := owner("withdrawn", "u1")
	refs := []openstack.StackRef{f.lab(t, 0, "web", "u0"), f.lab(t, 1, "web", "u1"), f.lab(t, 2, "web", "u2")}
	old := f.stack(t, 2, withdrawn.Stack, tiny, lab.Lease{Until: f.now().Add(time.Hour)}.Retag(withdrawn.Tags())...)
	f.advance(9 * time.Hour)
	f.fakes[0].Inject(openstacktest.Fault{Service: "heat", Status: http.StatusServiceUnavailable})
	f.fakes[1].Inject(openstacktest.Fault{Service: "identity", Status: http.StatusUnauthorized})
	f.fakes[1].Inject(openstacktest.Fault{Service: "heat", Status: http.StatusUnauthorized})
	report, _ := f.pass(t)
	wantDone(t, report, "delete "+refs[2].Name, "delete "+old.Name)
	for i, want := range []openstack.Code{openstack.Unavailable, openstack.Forbidden, ""} {
		if got := report.Clouds[i]; got.Error != want || got.Name != fmt.Sprintf("cloud%d", i) {
			t.Errorf("cloud %d: %+v, want error %q", i, got, want)
		}
	}
	f.fakes[0].ClearFaults()
	f.fakes[1].ClearFaults()
	f.fakes[2].Settle()
	report, _ = f.pass(t)
	wantDone(t, report, "delete "+refs[0].Name, "delete "+refs[1].Name)
}

// The peer drops whole days from a time: what hangs for a day and ten seconds seems ten seconds old.
func TestW13_DaysCount(t *testing.T) {
	t.Parallel()
	f := open(t, 1)
	o := owner("web", "u1")
	ref := f.stack(t, 0, o.Stack, template, lab.Lease{Until: f.now().Add(40 * time.Hour)}.Retag(o.Tags())...)
	f.advance(24*time.Hour + 10*time.Second)
	f.fakes[0].SetStackState(ref.Name, "CREATE", "IN_PROGRESS", "")
	report, _ := f.pass(t)
	wantDone(t, report, "delete "+ref.Name)
	if why := report.Changes[0].Why; why != "stuck in CREATE_IN_PROGRESS" {
		t.Errorf("why: %s", why)
	}
}

// The peer suspends whatever has no browser open, four labs a minute. Here a long job goes on with the tab closed, an open
// tab alone keeps nothing, and a whole class goes to sleep in one pass.
func TestW20_IdleIsMeasuredInTheLab(t *testing.T) {
	t.Parallel()
	f := open(t, 1)
	busy := f.lab(t, 0, "web", "busy")
	read1 := f.lab(t, 0, "web", "reads")
	tab := f.lab(t, 0, "web", "tab")
	idle := make([]openstack.StackRef, 40)
	for i := range idle {
		idle[i] = f.lab(t, 0, "web", fmt.Sprintf("idle%d", i))
	}
	f.advance(34*time.Minute + unnoted)
	at := map[string]any{"at": f.now().Unix()}
	f.signal(t, 0, busy, lab.BeatID(f.now()), map[string]any{"at": f.now().Unix(), "busy": true})
	f.signal(t, 0, read1, lab.PageID(f.now()), at)
	f.signal(t, 0, tab, lab.BeatID(f.now()), at) // the machine is alive, and nobody is at it
	report, calls := f.pass(t)
	want := []string{"suspend " + tab.Name}
	for _, ref := range idle {
		want = append(want, "suspend "+ref.Name)
	}
	wantDone(t, report, want...)
	if n := len(calls); n != 1+43+41 || len(writes(calls)) != 41 {
		t.Errorf("%d calls, %d of them writes", n, len(writes(calls)))
	}
	f.fakes[0].Settle()
	for _, ref := range idle {
		wantState(t, f, 0, ref, "SUSPEND_COMPLETE")
	}
	wantState(t, f, 0, busy, "CREATE_COMPLETE")
	wantState(t, f, 0, read1, "CREATE_COMPLETE")
	report, calls = f.pass(t)
	wantDone(t, report)
	wantCalls(t, calls, list) // and those in use are not asked again before they may be idle
}

// Everything is rebuilt from one list: a process that knows nothing does exactly what one does that has seen all.
func TestRow2_EverythingFromOneList(t *testing.T) {
	t.Parallel()
	f := open(t, 1)
	f.lab(t, 0, "web", "u1")
	f.lab(t, 0, "web", "u2", lab.TagGen+"3")
	f.pass(t)
	f.advance(20 * time.Minute)
	asleep := f.lab(t, 0, "web", "u3")
	f.act(t, 0, asleep, openstack.Suspend)
	f.advance(5 * time.Minute)
	seen := f.Fleet(t.Context(), tender.Query{})
	f.reborn()
	f.fakes[0].ResetCalls()
	again := f.Fleet(t.Context(), tender.Query{})
	wantCalls(t, f.calls(), list)
	if len(again.Labs) != 3 || fmt.Sprint(again.Totals) != fmt.Sprint(seen.Totals) {
		t.Errorf("after the kill %+v, before %+v", again.Totals, seen.Totals)
	}
	for i, row := range again.Labs {
		was := seen.Labs[i]
		if row.Ref != was.Ref || row.State != was.State || row.Owner != was.Owner || row.Owner == "" || !row.Until.Equal(*was.Until) || row.Generation != was.Generation {
			t.Errorf("row %+v, before %+v", row, was)
		}
	}
	f.advance(8 * time.Hour)
	f.reborn()
	report, calls := f.pass(t)
	if report.Counts["delete"] != 3 {
		t.Errorf("%+v", report)
	}
	wantCalls(t, calls[:1], list)
}

// A lease holds in every state, with clocks that differ by two minutes.
func TestRow3_LeaseSurvivesEveryState(t *testing.T) {
	t.Parallel()
	t.Run("resumed a second before the deadline", func(t *testing.T) {
		t.Parallel()
		f := open(t, 1)
		ref := f.lab(t, 0, "web", "u1")
		until := f.now().Add(-7 * time.Second).Add(8 * time.Hour)
		f.act(t, 0, ref, openstack.Suspend)
		f.advance(until.Add(-time.Second).Sub(f.now()))
		if err := f.clients[0].Act(t.Context(), ref, openstack.Resume); err != nil {
			t.Fatal(err)
		}
		for range 4 {
			f.advance(2 * time.Minute)
			report, _ := f.pass(t)
			wantDone(t, report)
		}
		f.retag(t, 0, ref, lab.Lease{Until: f.now().Add(8 * time.Hour)}) // the launch that woke it
		f.advance(20 * time.Minute)
		report, _ := f.pass(t)
		wantDone(t, report)
	})
	t.Run("extended while it sleeps", func(t *testing.T) {
		t.Parallel()
		f := open(t, 1)
		ref := f.lab(t, 0, "web", "u1")
		end := f.now().Add(8 * time.Hour)
		f.act(t, 0, ref, openstack.Suspend)
		note := owner("web", "u1").LeaseNote(ref.ID, lab.Lease{Until: end.Add(2 * time.Hour), Extended: 1})
		f.stack(t, 0, note.Name, tiny, note.Tags...)
		f.advance(end.Add(time.Hour).Sub(f.now()))
		report, _ := f.pass(t)
		wantDone(t, report)
		f.advance(time.Hour + 5*time.Minute)
		report, _ = f.pass(t)
		wantDone(t, report, "delete "+ref.Name)
		f.fakes[0].Settle()
		report, _ = f.pass(t)
		wantDone(t, report, "delete_note "+note.Name)
	})
	for name, skew := range map[string]time.Duration{"clock ahead": 2 * time.Minute, "clock behind": -2 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t, 1)
			f.parts.Now = func() time.Time { return f.now().Add(skew) }
			f.reborn()
			ref := f.lab(t, 0, "web", "u1")
			f.act(t, 0, ref, openstack.Suspend)
			s, err := f.clients[0].StackParameters(t.Context(), ref)
			if err != nil {
				t.Fatal(err)
			}
			until := lab.LeaseOf(s.Tags).Until
			f.advance(until.Add(-time.Second).Sub(f.now()))
			report, _ := f.pass(t)
			wantDone(t, report)
			f.advance(5 * time.Minute)
			report, _ = f.pass(t)
			wantDone(t, report, "delete "+ref.Name)
		})
	}
}

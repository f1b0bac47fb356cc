package lab_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
)

var tended = func() lab.Entry {
	e := entry
	e.IdleTimeout, e.Grace, e.Warm, e.Revision = 30*time.Minute, time.Hour, 2, "0badcafe"
	return e
}()

// tend is what becomes of the owner's stack number which at after.
func tend(e lab.Entry, sig *lab.Signals, after time.Duration, which int, held ...lab.Held) lab.Due {
	now := created.Add(after)
	return lab.Tend(held[which], lab.Gather(held, e, now), e, sig, now)
}

// Every state of Heat: what becomes of a lab that is idle, and of one whose time is over.
func TestTendEveryState(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	for _, c := range []struct {
		state         string
		idle, expired lab.Tending
	}{
		{"INIT_IN_PROGRESS", lab.TendDelete, lab.TendDelete}, // a build that hangs for so long is no build
		{"CREATE_IN_PROGRESS", lab.TendDelete, lab.TendDelete},
		{"CREATE_COMPLETE", lab.TendSuspend, lab.TendDelete},
		{"CREATE_FAILED", lab.TendDelete, lab.TendDelete},
		{"UPDATE_IN_PROGRESS", lab.TendKeep, lab.TendKeep},
		{"UPDATE_COMPLETE", lab.TendSuspend, lab.TendDelete},
		{"UPDATE_FAILED", lab.TendKeep, lab.TendDelete},
		{"CHECK_IN_PROGRESS", lab.TendKeep, lab.TendKeep},
		{"CHECK_COMPLETE", lab.TendSuspend, lab.TendDelete},
		{"CHECK_FAILED", lab.TendKeep, lab.TendDelete},
		{"SUSPEND_IN_PROGRESS", lab.TendKeep, lab.TendKeep},
		{"SUSPEND_COMPLETE", lab.TendKeep, lab.TendDelete},
		{"SUSPEND_FAILED", lab.TendKeep, lab.TendDelete},
		{"RESUME_IN_PROGRESS", lab.TendKeep, lab.TendKeep},
		{"RESUME_COMPLETE", lab.TendSuspend, lab.TendKeep},
		{"RESUME_FAILED", lab.TendKeep, lab.TendKeep},
		{"DELETE_IN_PROGRESS", lab.TendKeep, lab.TendKeep},
		{"DELETE_COMPLETE", lab.TendKeep, lab.TendKeep},
		{"DELETE_FAILED", lab.TendDelete, lab.TendDelete},
		{"ROLLBACK_COMPLETE", lab.TendSuspend, lab.TendDelete},
		{"SNAPSHOT_COMPLETE", lab.TendSuspend, lab.TendDelete},
		{"SNAPSHOT_FAILED", lab.TendKeep, lab.TendDelete},
	} {
		quiet := own(0, c.state, 0, until(8*hour))
		for name, at := range map[string]struct {
			after time.Duration
			want  lab.Tending
		}{"idle": {3 * hour, c.idle}, "just expired": {8*hour + 3*time.Minute, c.expired}} {
			got := tend(tended, &lab.Signals{}, at.after, 0, quiet)
			if got.Do != at.want || got.Why == "" {
				t.Errorf("%s, %s: %+v, want %s", c.state, name, got, at.want)
			}
		}
		// Whatever it does, an hour after its end it goes, if it is not going.
		late := tend(tended, &lab.Signals{}, 9*hour, 0, quiet)
		if leaving := c.state == "DELETE_IN_PROGRESS" || c.state == "DELETE_COMPLETE"; late.Do.Deletes() == leaving {
			t.Errorf("%s an hour after its end: %+v", c.state, late)
		}
		// And never before it, unless nothing came of it.
		if early := tend(tended, &lab.Signals{}, 8*hour+time.Minute, 0, quiet); early.Do.Deletes() && c.idle != lab.TendDelete {
			t.Errorf("%s a minute after its end, which a clock may not know of: %+v", c.state, early)
		}
	}
}

// A lab is deleted between two minutes and an hour after its end, whatever the clocks say.
func TestRow3NeverBeforeItsEnd(t *testing.T) {
	t.Parallel()
	const end = 8 * time.Hour
	up := own(0, "CREATE_COMPLETE", 0, until(end))
	for after, want := range map[time.Duration]bool{end - time.Hour: false, end: false, end + 2*time.Minute - time.Second: false, end + 2*time.Minute: true, end + time.Hour: true} {
		got := tend(tended, &lab.Signals{Active: created.Add(end)}, after, 0, up)
		if got.Do.Deletes() != want {
			t.Errorf("at %s: %+v", after, got)
		}
		if !want && (got.Next.IsZero() || got.Next.After(created.Add(end+2*time.Minute))) {
			t.Errorf("at %s it is looked at again only at %s", after, got.Next)
		}
	}
	asleep := own(0, "SUSPEND_COMPLETE", 0, until(end))
	longer := note(owner.LeaseNote(asleep.ID, lab.Lease{Until: created.Add(end + time.Hour), Extended: 1}), "CREATE_COMPLETE", 7*time.Hour)
	if got := tend(tended, nil, end+time.Hour, 0, asleep, longer); got.Do != lab.TendKeep {
		t.Errorf("extended while asleep: %+v", got)
	}
	if got := tend(tended, nil, end+time.Hour+2*time.Minute, 0, asleep, longer); got.Do != lab.TendDelete {
		t.Errorf("extended while asleep, and over: %+v", got)
	}
	aged := own(0, "SUSPEND_COMPLETE", 0, until(48*time.Hour))
	if got := tend(tended, nil, 24*time.Hour+2*time.Minute, 0, aged); got.Do != lab.TendDelete {
		t.Errorf("beyond the maximal age: %+v", got)
	}
	claimed := own(0, "SUSPEND_COMPLETE", 0, until(48*time.Hour), "claimed="+unix(created.Add(10*time.Hour)))
	if got := tend(tended, nil, 25*time.Hour, 0, claimed); got.Do != lab.TendKeep {
		t.Errorf("the age of a ready-made lab counts from when it was given away: %+v", got)
	}
	for _, e := range []lab.Entry{{Key: "web"}, {Key: "web", BuildTimeout: time.Hour}} {
		if got := tend(e, &lab.Signals{}, 1000*time.Hour, 0, own(0, "CREATE_COMPLETE", 0)); got.Do != lab.TendKeep {
			t.Errorf("no limit and no idle timeout: %+v", got)
		}
	}
}

// A lab woken in the last second is not deleted in use (W6): first while it wakes, then until whoever woke it renewed it.
func TestW6ResumedInTheLastSecond(t *testing.T) {
	t.Parallel()
	const end = 8 * time.Hour
	for state, kept := range map[string]time.Duration{"RESUME_IN_PROGRESS": 44 * time.Minute, "RESUME_COMPLETE": 14 * time.Minute} {
		lab1 := own(0, state, 0, until(end))
		if got := tend(tended, nil, end+kept, 0, lab1); got.Do != lab.TendKeep {
			t.Errorf("%s: %+v", state, got)
		}
		if got := tend(tended, nil, end+kept+time.Minute, 0, lab1); got.Do != lab.TendDelete {
			t.Errorf("%s, never renewed: %+v", state, got)
		}
		renewed := own(0, "UPDATE_IN_PROGRESS", 0, until(end+8*time.Hour))
		if got := tend(tended, nil, end+kept+time.Minute, 0, renewed); got.Do != lab.TendKeep {
			t.Errorf("renewed: %+v", got)
		}
	}
}

// A long job with the tab closed goes on (W20), and an open tab that nobody uses keeps no lab up.
func TestW20Idle(t *testing.T) {
	t.Parallel()
	const now = 3 * time.Hour
	at := func(before time.Duration) time.Time { return created.Add(now - before) }
	never := tended
	never.IdleTimeout = 0
	volumes := tended
	volumes.Attached = true
	up := own(0, "CREATE_COMPLETE", 0, until(8*time.Hour))
	for name, c := range map[string]struct {
		entry lab.Entry
		held  lab.Held
		sig   *lab.Signals
		want  lab.Tending
	}{
		"nobody has looked":          {tended, up, nil, lab.TendCheck},
		"nothing was heard":          {tended, up, &lab.Signals{}, lab.TendSuspend},
		"a job runs, no tab":         {tended, up, &lab.Signals{Beat: at(4 * time.Minute), Busy: true, Active: at(4 * time.Minute)}, lab.TendKeep},
		"the job ended":              {tended, up, &lab.Signals{Beat: at(time.Minute), Active: at(40 * time.Minute)}, lab.TendSuspend},
		"the job's lab fell silent":  {tended, up, &lab.Signals{Beat: at(33 * time.Minute), Busy: true, Active: at(33 * time.Minute)}, lab.TendSuspend},
		"it beats, and is not used":  {tended, up, &lab.Signals{Beat: at(time.Minute)}, lab.TendSuspend},
		"somebody uses the page":     {tended, up, &lab.Signals{Page: at(29 * time.Minute)}, lab.TendKeep},
		"within the clocks' skew":    {tended, up, &lab.Signals{Page: at(31 * time.Minute)}, lab.TendKeep},
		"the page was used long ago": {tended, up, &lab.Signals{Page: at(33 * time.Minute)}, lab.TendSuspend},
		"launched lately":            {tended, own(0, "UPDATE_COMPLETE", 0, until(now+8*time.Hour-25*time.Minute)), &lab.Signals{}, lab.TendKeep},
		"launched since, unnoted":    {tended, own(0, "UPDATE_COMPLETE", 0, until(now+8*time.Hour-40*time.Minute)), &lab.Signals{}, lab.TendKeep},
		"launched long ago":          {tended, own(0, "UPDATE_COMPLETE", 0, until(now+8*time.Hour-43*time.Minute)), &lab.Signals{}, lab.TendSuspend},
		"extended, which is no use":  {tended, own(0, "UPDATE_COMPLETE", 0, until(now+8*time.Hour), "extended=1"), &lab.Signals{}, lab.TendSuspend},
		"claimed lately":             {tended, own(0, "UPDATE_COMPLETE", 0, until(8*time.Hour), "claimed="+unix(at(20*time.Minute))), &lab.Signals{}, lab.TendKeep},
		"never to sleep":             {never, up, nil, lab.TendKeep},
		"not worth it any more":      {tended, own(0, "CREATE_COMPLETE", 0, until(now+10*time.Minute), "extended=1"), &lab.Signals{}, lab.TendKeep},
		"with volumes":               {volumes, up, &lab.Signals{}, lab.TendSuspend},
	} {
		if got := tend(c.entry, c.sig, now, 0, c.held); got.Do != c.want {
			t.Errorf("%s: %+v, want %s", name, got, c.want)
		}
	}
	woken := up
	woken.Stack.Action = "RESUME"
	woken.Stack.Events = []lab.Event{{Time: at(time.Minute), Self: true, Action: "RESUME", Status: "COMPLETE"}}
	if got := tend(tended, &lab.Signals{}, now, 0, woken); got.Do != lab.TendKeep {
		t.Errorf("just woken: %+v", got)
	}
}

// Nova does not let go of a volume of a server that sleeps: such a lab is woken to be deleted.
func TestVolumesAreWokenToBeDeleted(t *testing.T) {
	t.Parallel()
	volumes := tended
	volumes.Attached = true
	for state, want := range map[string]lab.Tending{
		"SUSPEND_COMPLETE": lab.TendResume, "SUSPEND_IN_PROGRESS": lab.TendKeep, "RESUME_IN_PROGRESS": lab.TendKeep, "RESUME_COMPLETE": lab.TendDelete, "CREATE_COMPLETE": lab.TendDelete,
	} {
		if got := tend(volumes, nil, 8*time.Hour+20*time.Minute, 0, own(0, state, 0, until(8*time.Hour))); got.Do != want {
			t.Errorf("%s: %+v, want %s", state, got, want)
		}
	}
	old, current := own(0, "CREATE_COMPLETE", 0, until(8*time.Hour)), own(1, "CREATE_COMPLETE", time.Minute, until(8*time.Hour))
	if got := tend(volumes, &lab.Signals{}, time.Hour, 0, old, current); got.Do != lab.TendKeep {
		t.Errorf("kept for an undo, it is not put to sleep: %+v", got)
	}
	if got := tend(tended, &lab.Signals{}, time.Hour, 0, old, current); got.Do != lab.TendSuspend {
		t.Errorf("without volumes it is: %+v", got)
	}
}

func TestRow6TendGenerations(t *testing.T) {
	t.Parallel()
	old, current, third := own(0, "SUSPEND_COMPLETE", 0, until(20*time.Hour)), own(1, "CREATE_COMPLETE", time.Hour, until(20*time.Hour)), own(2, "CREATE_IN_PROGRESS", 2*time.Hour, until(20*time.Hour))
	over := time.Hour + tended.BuildTimeout + tended.Grace + 2*time.Minute
	for name, c := range map[string]struct {
		after time.Duration
		which int
		held  []lab.Held
		want  lab.Tending
	}{
		"the old one in its grace":     {over - time.Second, 0, []lab.Held{old, current}, lab.TendKeep},
		"the old one after it":         {over, 0, []lab.Held{old, current}, lab.TendPrevious},
		"the new one stays":            {time.Hour + 10*time.Minute, 1, []lab.Held{old, current}, lab.TendKeep},
		"the third makes one spare":    {2*time.Hour + time.Minute, 0, []lab.Held{old, current, third}, lab.TendSpare},
		"a double":                     {time.Minute, 0, []lab.Held{own(0, "CREATE_COMPLETE", time.Minute), own(0, "CREATE_IN_PROGRESS", 0)}, lab.TendSpare},
		"what counts of the double":    {time.Minute, 1, []lab.Held{own(0, "CREATE_COMPLETE", time.Minute), own(0, "CREATE_IN_PROGRESS", 0)}, lab.TendKeep},
		"a reset that failed is shown": {time.Hour, 1, []lab.Held{old, own(1, "CREATE_FAILED", 0, until(8*time.Hour))}, lab.TendKeep},
		"and goes":                     {time.Hour + tended.BuildTimeout, 1, []lab.Held{old, own(1, "CREATE_FAILED", 0, until(8*time.Hour))}, lab.TendDelete},
		"the old one then stays":       {time.Hour + tended.BuildTimeout, 0, []lab.Held{old, own(1, "CREATE_FAILED", 0, until(8*time.Hour))}, lab.TendKeep},
	} {
		if got := tend(tended, &lab.Signals{Active: created.Add(c.after)}, c.after, c.which, c.held...); got.Do != c.want {
			t.Errorf("%s: %+v, want %s", name, got, c.want)
		}
	}
}

// What hangs or failed leaves by itself (W7, W8, W9).
func TestW8NothingIsStuckForEver(t *testing.T) {
	t.Parallel()
	building := own(0, "CREATE_IN_PROGRESS", 0, until(8*time.Hour))
	for after, want := range map[time.Duration]lab.Tending{16 * time.Minute: lab.TendKeep, 70*time.Minute - time.Second: lab.TendKeep, 70 * time.Minute: lab.TendDelete} {
		if got := tend(tended, nil, after, 0, building); got.Do != want {
			t.Errorf("a build after %s: %+v", after, got)
		}
	}
	slow := tended
	slow.BuildTimeout = 2 * time.Hour
	if got := tend(slow, nil, 2*time.Hour, 0, building); got.Do != lab.TendKeep {
		t.Errorf("one that may take so long: %+v", got)
	}
	updating := own(0, "UPDATE_IN_PROGRESS", 0, until(8*time.Hour))
	updating.Stack.Updated = created.Add(time.Hour)
	if got := tend(tended, nil, 2*time.Hour+10*time.Minute, 0, updating); got.Do != lab.TendReport {
		t.Errorf("an update that hangs: %+v", got)
	}
	stuck := own(0, "DELETE_FAILED", 0)
	for tries, wait := range map[int]time.Duration{0: 0, 1: time.Minute, 2: 2 * time.Minute, 5: 16 * time.Minute, 7: time.Hour, 1000: time.Hour} {
		stuck.Tries, stuck.Tried = tries, created
		if got := tend(tended, nil, wait, 0, stuck); got.Do != lab.TendDelete {
			t.Errorf("after %d tries and %s: %+v", tries, wait, got)
		}
		if got := tend(tended, nil, wait-time.Second, 0, stuck); tries > 0 && (got.Do != lab.TendKeep || !got.Next.Equal(created.Add(wait))) {
			t.Errorf("after %d tries and not yet %s: %+v", tries, wait, got)
		}
	}
}

func TestTendReadyMade(t *testing.T) {
	t.Parallel()
	ready := func(state string, tags ...string) lab.Held {
		s := own(0, state, 0)
		s.Name, s.Tags = "warm-web-0a1b2c3d", append([]string{lab.Tag, "lab=web", "warm=web", "rev=0badcafe"}, tags...)
		return s
	}
	claimed := ready("CREATE_COMPLETE")
	claimed.Claim = created.Add(time.Hour)
	none := tended
	none.Warm = 0
	old := ready("CREATE_COMPLETE")
	old.Tags[3] = "rev=deadbeef"
	for name, c := range map[string]struct {
		entry lab.Entry
		held  lab.Held
		after time.Duration
		want  lab.Tending
	}{
		"waits":                     {tended, ready("CREATE_COMPLETE"), 5 * time.Hour, lab.TendKeep},
		"just claimed":              {tended, claimed, time.Hour + 9*time.Minute, lab.TendKeep},
		"claimed, and never taken":  {tended, claimed, time.Hour + 10*time.Minute, lab.TendClaimless},
		"from another template":     {tended, old, time.Hour, lab.TendRetire},
		"not wanted any more":       {none, ready("CREATE_COMPLETE"), time.Hour, lab.TendRetire},
		"withdrawn":                 {lab.Entry{}, ready("CREATE_COMPLETE"), time.Hour, lab.TendRetire},
		"too old":                   {tended, ready("CREATE_COMPLETE"), 24*time.Hour + 2*time.Minute, lab.TendRetire},
		"being built":               {tended, ready("CREATE_IN_PROGRESS"), time.Minute, lab.TendKeep},
		"hangs":                     {tended, ready("CREATE_IN_PROGRESS"), 70 * time.Minute, lab.TendDelete},
		"failed":                    {tended, ready("CREATE_FAILED"), time.Hour, lab.TendKeep},
		"failed more than an hour":  {tended, ready("CREATE_FAILED"), 75 * time.Minute, lab.TendRetire},
		"asleep by somebody's hand": {tended, ready("SUSPEND_COMPLETE"), time.Hour, lab.TendKeep},
	} {
		if got := lab.Tend(c.held, lab.Home{}, c.entry, nil, created.Add(c.after)); got.Do != c.want {
			t.Errorf("%s: %+v, want %s", name, got, c.want)
		}
	}
}

// Sites and clusters carry our tag too, and are none of tend-labs' business; labs that are nobody's are shown and left.
func TestTendTouchesNothingElse(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"CREATE_COMPLETE", "DELETE_FAILED", "CREATE_FAILED", "SUSPEND_COMPLETE", "CREATE_IN_PROGRESS"} {
		s := own(0, state, 0)
		s.Tags = []string{lab.Tag, "site=shop", "until=1"}
		if got := lab.Tend(s, lab.Home{}, tended, &lab.Signals{}, created.Add(1000*time.Hour)); got.Do != lab.TendKeep || got.Why != "no lab" {
			t.Errorf("a site in %s: %+v", state, got)
		}
	}
	s := own(0, "CREATE_COMPLETE", 0)
	s.Tags = []string{lab.Tag, "lab=web", "until=1"}
	if got := lab.Tend(s, lab.Home{}, tended, &lab.Signals{}, created.Add(1000*time.Hour)); got.Do != lab.TendReport {
		t.Errorf("a lab without an owner: %+v", got)
	}
	if got := tend(lab.Entry{}, &lab.Signals{}, time.Hour, 0, own(0, "CREATE_COMPLETE", 0, until(30*time.Hour))); got.Do != lab.TendSuspend {
		t.Errorf("withdrawn from the catalogue, it goes by the usual times: %+v", got)
	}
}

func TestTendNotes(t *testing.T) {
	t.Parallel()
	up := own(0, "RESUME_COMPLETE", 0, until(8*time.Hour), "extended=1")
	same := note(owner.LeaseNote(up.ID, lab.LeaseOf(up.Tags)), "CREATE_COMPLETE", time.Hour)
	more := note(owner.LeaseNote(up.ID, lab.Lease{Until: created.Add(9 * time.Hour), Extended: 2}), "CREATE_COMPLETE", time.Hour)
	orphan := note(owner.LeaseNote("id-gone", lab.Lease{Until: created.Add(9 * time.Hour), Extended: 2}), "CREATE_COMPLETE", time.Hour)
	spent := note(owner.SpentNote(time.Hour, created.Add(30*time.Hour)), "CREATE_COMPLETE", 0)
	grade := note(owner.Note(lab.NoteGrade, "1"), "CREATE_COMPLETE", 0)
	other := note(owner.Note("poem", ""), "CREATE_COMPLETE", 0)
	half := note(owner.SpentNote(time.Hour, created), "CREATE_IN_PROGRESS", 0)
	for name, c := range map[string]struct {
		note  lab.Held
		after time.Duration
		want  lab.Tending
	}{
		"said by the lab itself":      {same, 2 * time.Hour, lab.TendNote},
		"not said by the lab yet":     {more, 2 * time.Hour, lab.TendKeep},
		"of a lab that is gone":       {orphan, 2 * time.Hour, lab.TendNote},
		"of a lab not in a list yet":  {orphan, time.Hour + time.Minute, lab.TendKeep},
		"time spent":                  {spent, 30 * time.Hour, lab.TendKeep},
		"time spent, of long ago":     {spent, 31 * time.Hour, lab.TendNote},
		"a grade":                     {grade, 13 * 24 * time.Hour, lab.TendKeep},
		"a grade that nobody took":    {grade, 15 * 24 * time.Hour, lab.TendNote},
		"of a kind to come":           {other, 1000 * time.Hour, lab.TendReport},
		"just being written":          {half, time.Minute, lab.TendKeep},
		"being written for two hours": {half, 2 * time.Hour, lab.TendNote},
	} {
		if got := tend(tended, nil, c.after, 1, up, c.note); got.Do != c.want {
			t.Errorf("%s: %+v, want %s", name, got, c.want)
		}
	}
}

func TestResultsAreReadBeforeALabGoes(t *testing.T) {
	t.Parallel()
	graded := tended
	graded.Checks = []lab.Check{{Name: "page"}}
	up := own(0, "CREATE_COMPLETE", 0, until(8*time.Hour))
	if got := tend(graded, nil, 9*time.Hour, 0, up); got.Do != lab.TendCheck || !strings.Contains(got.Why, "results") {
		t.Errorf("%+v", got)
	}
	if got := tend(graded, &lab.Signals{}, 9*time.Hour, 0, up); got.Do != lab.TendDelete {
		t.Errorf("once read: %+v", got)
	}
}

// A grade that the LMS did not take waits for no idle lab.
func TestGradesAreSentAgain(t *testing.T) {
	t.Parallel()
	busy := &lab.Signals{Active: created.Add(2 * time.Hour)}
	for _, state := range []string{"CREATE_COMPLETE", "SUSPEND_COMPLETE", "RESUME_COMPLETE"} {
		waits := own(0, state, 0, until(8*time.Hour), "due="+unix(created.Add(5*time.Minute)))
		if got := tend(tended, nil, 4*time.Minute, 0, waits); got.Do != lab.TendKeep || !got.Next.Equal(created.Add(5*time.Minute)) {
			t.Errorf("%s, not yet: %+v", state, got)
		}
		if got := tend(tended, nil, 5*time.Minute, 0, waits); got.Do != lab.TendCheck {
			t.Errorf("%s, now: %+v", state, got)
		}
		if got := tend(tended, busy, 5*time.Minute, 0, waits); got.Do != lab.TendKeep {
			t.Errorf("%s, read: %+v", state, got)
		}
	}
}

// After the course's window nobody keeps a lab, however long its lease.
func TestTendAtTheEndOfAWindow(t *testing.T) {
	t.Parallel()
	open := tended
	open.Windows = []lab.Window{{Tenant: owner.Tenant, Context: owner.Context, Start: created.Add(time.Hour), End: created.Add(3 * time.Hour)}}
	made := own(0, "SUSPEND_COMPLETE", 0, until(8*time.Hour)) // ahead of the window
	for after, want := range map[time.Duration]lab.Tending{
		0: lab.TendKeep, 2 * time.Hour: lab.TendKeep, 3*time.Hour + time.Minute: lab.TendKeep, 3*time.Hour + 2*time.Minute: lab.TendDelete,
	} {
		if got := tend(open, &lab.Signals{}, after, 0, made); got.Do != want {
			t.Errorf("at %s: %+v", after, got)
		}
	}
	elsewhere := open
	elsewhere.Windows = []lab.Window{{Tenant: owner.Tenant, Context: "other", Start: created, End: created.Add(time.Minute)}}
	if got := tend(elsewhere, nil, 5*time.Hour, 0, made); got.Do != lab.TendKeep {
		t.Errorf("another course's window: %+v", got)
	}
}

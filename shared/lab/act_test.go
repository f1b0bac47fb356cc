package lab_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
)

// Which buttons there are in which state.
func TestActions(t *testing.T) {
	t.Parallel()
	roomy := entry
	roomy.Extend = lab.Extend{By: time.Hour, Times: 1}
	volumes := roomy
	volumes.Attached = true
	const (
		extend, suspend, reset, end = lab.ActExtend, lab.ActSuspend, lab.ActReset, lab.ActEnd
	)
	for _, c := range []struct {
		state string
		entry lab.Entry
		want  []lab.Act
	}{
		{"INIT_IN_PROGRESS", roomy, nil},
		{"CREATE_IN_PROGRESS", roomy, []lab.Act{end}},
		{"CREATE_COMPLETE", roomy, []lab.Act{extend, suspend, reset, end}},
		{"CREATE_COMPLETE", entry, []lab.Act{suspend, reset, end}},
		{"CREATE_FAILED", roomy, []lab.Act{reset, end}},
		{"UPDATE_IN_PROGRESS", roomy, []lab.Act{reset, end}},
		{"UPDATE_COMPLETE", roomy, []lab.Act{extend, suspend, reset, end}},
		{"UPDATE_FAILED", roomy, []lab.Act{reset, end}},
		{"CHECK_FAILED", roomy, []lab.Act{reset, end}},
		{"CHECK_COMPLETE", roomy, []lab.Act{extend, suspend, reset, end}},
		{"SUSPEND_IN_PROGRESS", roomy, nil},
		{"SUSPEND_COMPLETE", roomy, []lab.Act{extend, reset, end}},
		{"SUSPEND_COMPLETE", entry, []lab.Act{reset, end}},
		{"SUSPEND_COMPLETE", volumes, []lab.Act{extend}},
		{"SUSPEND_FAILED", volumes, []lab.Act{reset, end}},
		{"RESUME_IN_PROGRESS", roomy, nil},
		{"RESUME_COMPLETE", volumes, []lab.Act{extend, suspend, reset, end}},
		{"RESUME_FAILED", roomy, []lab.Act{reset, end}},
		{"DELETE_IN_PROGRESS", roomy, []lab.Act{reset}},
		{"DELETE_FAILED", roomy, []lab.Act{reset, end}},
		{"ROLLBACK_COMPLETE", roomy, []lab.Act{extend, suspend, reset, end}},
	} {
		s := at(c.state, outputs)
		s.Lease = c.entry.Lease(created)
		if got := lab.View(s, c.entry, created.Add(time.Minute)).Actions; !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.state, got, c.want)
		}
	}
	s := at("CREATE_COMPLETE", outputs)
	s.Lease = lab.Lease{Until: created.Add(8 * time.Hour), Extended: 1}
	if got := lab.View(s, roomy, created).Actions; slices.Contains(got, extend) {
		t.Errorf("extensions used up: %q", got)
	}
	late := created.Add(16 * time.Minute)
	if got := lab.View(at("CREATE_IN_PROGRESS", nil), roomy, late).Actions; !slices.Equal(got, []lab.Act{reset, end}) {
		t.Errorf("a build that takes too long: %q", got)
	}
	for why, want := range map[lab.Reason][]lab.Act{lab.Ended: {reset}, lab.Missing: nil, lab.Clearing: nil, lab.CloudTrouble: nil, lab.LabRefused: nil} {
		if got := lab.Unseen(roomy, why).Actions; !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", why, got, want)
		}
	}
	if got := lab.Woken(view(at("SUSPEND_COMPLETE", nil))).Actions; got != nil {
		t.Errorf("waking up: %q", got)
	}
	if got := lab.Asleep(lab.Lease{}); got.State != lab.Suspended || got.Reason != lab.Suspending || got.Actions != nil || got.Poll.Look != lab.LookStack {
		t.Errorf("told to sleep: %+v", got)
	}
}

// A list has no outputs: a lab in it is up all the same, and nothing follows by itself.
func TestOverview(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]struct {
		state  lab.State
		reason lab.Reason
	}{
		"CREATE_COMPLETE":    {lab.Ready, ""},
		"UPDATE_IN_PROGRESS": {lab.Ready, lab.Maintenance},
		"CHECK_FAILED":       {lab.Ready, lab.Degraded},
		"CREATE_IN_PROGRESS": {lab.Building, ""},
		"CREATE_FAILED":      {lab.Broken, lab.BuildFailed},
		"SUSPEND_COMPLETE":   {lab.Suspended, ""},
		"DELETE_IN_PROGRESS": {lab.Gone, lab.Ended},
	} {
		s := at(state, nil)
		s.Lease = lab.Lease{Until: created.Add(time.Hour)}
		got := lab.Overview(s, entry, created)
		if got.State != want.state || got.Reason != want.reason || got.Poll != (lab.Poll{}) || len(got.Access) != 0 || !got.ExpiresAt.Equal(s.Lease.Until) {
			t.Errorf("%s: %+v", state, got)
		}
	}
}

func TestStaff(t *testing.T) {
	t.Parallel()
	roomy := entry
	roomy.Extend = lab.Extend{By: time.Hour, Times: 1}
	volumes := roomy
	volumes.Attached = true
	for _, c := range []struct {
		state string
		entry lab.Entry
		act   lab.Act
		want  lab.Verdict
	}{
		{"CREATE_COMPLETE", roomy, lab.ActExtend, lab.Now},
		{"CREATE_IN_PROGRESS", roomy, lab.ActExtend, lab.Later},
		{"UPDATE_IN_PROGRESS", roomy, lab.ActExtend, lab.Later},
		{"CREATE_FAILED", roomy, lab.ActExtend, lab.Never},
		{"SUSPEND_COMPLETE", roomy, lab.ActExtend, lab.Now},
		{"SUSPEND_IN_PROGRESS", roomy, lab.ActExtend, lab.Later},
		{"DELETE_IN_PROGRESS", roomy, lab.ActExtend, lab.Never},
		{"CREATE_COMPLETE", roomy, lab.ActEnd, lab.Now},
		{"CREATE_IN_PROGRESS", roomy, lab.ActReset, lab.Now},
		{"DELETE_IN_PROGRESS", roomy, lab.ActReset, lab.Already},
		{"DELETE_FAILED", roomy, lab.ActEnd, lab.Now},
		{"SUSPEND_COMPLETE", roomy, lab.ActEnd, lab.Now},
		{"SUSPEND_COMPLETE", volumes, lab.ActEnd, lab.Never},
		{"CREATE_COMPLETE", roomy, lab.ActSuspend, lab.Now},
		{"CREATE_IN_PROGRESS", roomy, lab.ActSuspend, lab.Later},
		{"SUSPEND_COMPLETE", roomy, lab.ActSuspend, lab.Already},
		{"SUSPEND_IN_PROGRESS", roomy, lab.ActSuspend, lab.Already},
		{"UPDATE_FAILED", roomy, lab.ActSuspend, lab.Never},
		{"SUSPEND_FAILED", roomy, lab.ActSuspend, lab.Never},
		{"DELETE_IN_PROGRESS", roomy, lab.ActSuspend, lab.Never},
		{"CREATE_COMPLETE", roomy, lab.ActUndo, lab.Never},
		{"CREATE_COMPLETE", roomy, "explode", lab.Never},
	} {
		s := at(c.state, nil)
		s.Lease = c.entry.Lease(created)
		lease, got := s.Staff(c.entry, c.act, created.Add(time.Minute), created.Add(2*time.Minute))
		if got != c.want {
			t.Errorf("%s of %s: %s, want %s", c.act, c.state, got, c.want)
		}
		if changed := lease != s.Lease; changed != (c.act == lab.ActExtend && c.want == lab.Now) {
			t.Errorf("%s of %s: lease %+v", c.act, c.state, lease)
		}
	}
}

func TestOwnerCode(t *testing.T) {
	t.Parallel()
	owner := lab.Identity{Tenant: "academy", Context: "course", Lab: "web", Learner: "u1"}.Hide(namingKey)
	other := lab.Identity{Tenant: "academy", Context: "course", Lab: "db", Learner: "u1"}.Hide(namingKey)
	if code := owner.Code(); len(code) != 6 || owner.Learner[:6] != code || other.Code() != code {
		t.Errorf("codes %q and %q of %+v", code, other.Code(), owner)
	}
	if code := (lab.Owner{}).Code(); code != "" {
		t.Errorf("nobody's code is %q", code)
	}
}

func TestPassword(t *testing.T) {
	t.Parallel()
	e := lab.Entry{Ways: []lab.Way{
		{Kind: lab.URL, Output: "lab_url", Password: "secret"}, {Kind: lab.SSH, Host: "public_ip", User: "learner", Password: "other"}, {Kind: lab.Console},
	}}
	put := map[string]any{"lab_url": "http://203.0.113.7/", "public_ip": "203.0.113.7", "secret": "hunter2", "other": nil}
	ways := lab.View(at("CREATE_COMPLETE", put), e, created).Access
	if len(ways) != 3 || !ways[0].HasPassword || ways[1].HasPassword || ways[2].HasPassword {
		t.Errorf("ways in %d, first with a password: %v", len(ways), len(ways) > 0 && ways[0].HasPassword)
	}
	if got, ok := e.PasswordOf(0, put); !ok || got != "hunter2" {
		t.Errorf("found: %v", ok)
	}
	for _, way := range []int{-1, 1, 2, 3} {
		if _, ok := e.PasswordOf(way, put); ok {
			t.Errorf("way %d has a password", way)
		}
	}
}

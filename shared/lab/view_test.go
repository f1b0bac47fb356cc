package lab_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
)

var (
	created = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	entry   = lab.Entry{
		Key: "web", Title: "Web", BuildTimeout: 15 * time.Minute, Lifetime: 8 * time.Hour, MaxAge: 24 * time.Hour,
		Ways: []lab.Way{
			{Kind: lab.URL, Output: "lab_url", Title: "Open"},
			{Kind: lab.SSH, Host: "public_ip", Key: "private_key", User: "learner"},
			{Kind: lab.Console, Server: "web"},
		},
		Plan: []lab.Part{
			{Resource: "network", Step: lab.StepNetwork},
			{Resource: "web", Step: lab.StepMachine},
			{Resource: "address", Step: lab.StepAddress},
			{Resource: "extra", Step: lab.StepStorage, Optional: true},
		},
	}
	outputs = map[string]any{"lab_url": "http://203.0.113.7/", "public_ip": "203.0.113.7"}
)

func at(state string, outputs map[string]any) lab.Stack {
	action, status, _ := strings.Cut(state, "_")
	return lab.Stack{Action: action, Status: status, Created: created, Outputs: outputs}
}

func view(s lab.Stack) lab.Status {
	s.Lease = entry.Lease(created)
	return lab.View(s, entry, created.Add(20*time.Second))
}

// Every state that Heat has, with what is shown, what the page does next, and what a launch does.
func TestEveryState(t *testing.T) {
	t.Parallel()
	const nothing = lab.Look("")
	for _, c := range []struct {
		state  string
		want   lab.State
		reason lab.Reason
		look   lab.Look
		do     lab.Do
	}{
		{"INIT_IN_PROGRESS", lab.Starting, "", lab.LookEvents, lab.Wait},
		{"CREATE_IN_PROGRESS", lab.Building, "", lab.LookEvents, lab.Wait},
		{"CREATE_COMPLETE", lab.Ready, "", lab.LookStack, lab.Enter},
		{"CREATE_FAILED", lab.Broken, lab.BuildFailed, nothing, lab.Help},
		{"UPDATE_IN_PROGRESS", lab.Ready, lab.Maintenance, lab.LookStack, lab.Enter},
		{"UPDATE_COMPLETE", lab.Ready, "", lab.LookStack, lab.Enter},
		{"UPDATE_FAILED", lab.Ready, lab.Degraded, lab.LookStack, lab.Enter},
		{"CHECK_IN_PROGRESS", lab.Ready, lab.Maintenance, lab.LookStack, lab.Enter},
		{"CHECK_COMPLETE", lab.Ready, "", lab.LookStack, lab.Enter},
		{"CHECK_FAILED", lab.Ready, lab.Degraded, lab.LookStack, lab.Enter},
		{"SUSPEND_IN_PROGRESS", lab.Suspended, lab.Suspending, lab.LookStack, lab.Wait},
		{"SUSPEND_COMPLETE", lab.Suspended, "", lab.LookStack, lab.Resume},
		{"SUSPEND_FAILED", lab.Broken, lab.SleepFailed, nothing, lab.Help},
		{"RESUME_IN_PROGRESS", lab.Resuming, "", lab.LookEvents, lab.Wait},
		{"RESUME_COMPLETE", lab.Ready, "", lab.LookStack, lab.Enter},
		{"RESUME_FAILED", lab.Broken, lab.ResumeFailed, nothing, lab.Help},
		{"DELETE_IN_PROGRESS", lab.Gone, lab.Ended, nothing, lab.Clear},
		{"DELETE_COMPLETE", lab.Gone, lab.Ended, nothing, lab.Clear},
		{"DELETE_FAILED", lab.Broken, lab.DeleteFailed, nothing, lab.Help},
		{"ROLLBACK_IN_PROGRESS", lab.Ready, lab.Maintenance, lab.LookStack, lab.Enter},
		{"ROLLBACK_COMPLETE", lab.Ready, "", lab.LookStack, lab.Enter},
		{"ROLLBACK_FAILED", lab.Broken, lab.BuildFailed, nothing, lab.Help},
		{"SNAPSHOT_COMPLETE", lab.Ready, "", lab.LookStack, lab.Enter},
		{"SNAPSHOT_FAILED", lab.Ready, lab.Degraded, lab.LookStack, lab.Enter},
		{"RESTORE_COMPLETE", lab.Ready, "", lab.LookStack, lab.Enter},
		{"ADOPT_COMPLETE", lab.Ready, "", lab.LookStack, lab.Enter},
	} {
		t.Run(c.state, func(t *testing.T) {
			t.Parallel()
			got := view(at(c.state, outputs))
			if got.State != c.want || got.Reason != c.reason || got.Poll.Look != c.look || got.Poll.Start {
				t.Errorf("got %s, reason %q, poll %+v; want %s, %q, %q", got.State, got.Reason, got.Poll, c.want, c.reason, c.look)
			}
			if (got.Percent == 100) != (got.State == lab.Ready) {
				t.Errorf("%s at %d %%", got.State, got.Percent)
			}
			if got.State != lab.Ready && len(got.Access) > 0 {
				t.Errorf("%s has ways in", got.State)
			}
			if d := lab.Next(at(c.state, nil), true); d.Do != c.do || d.Why != c.state {
				t.Errorf("launch: %+v, want %s", d, c.do)
			}
		})
	}
	if d := lab.Next(lab.Stack{}, false); d.Do != lab.Create {
		t.Errorf("no stack: %+v", d)
	}
}

// An update that has only begun is our own, as a rule: nobody is told of staff at work, and the page looks again soon.
func TestUpdateThatHasJustBegun(t *testing.T) {
	t.Parallel()
	s := at("UPDATE_IN_PROGRESS", outputs)
	s.Updated = created.Add(time.Hour)
	for after, want := range map[time.Duration]lab.Reason{-time.Minute: "", 0: "", 29 * time.Second: "", 30 * time.Second: lab.Maintenance} {
		got := lab.View(s, entry, s.Updated.Add(after))
		if got.State != lab.Ready || got.Reason != want || got.Poll != (lab.Poll{Look: lab.LookStack, After: 10 * time.Second}) {
			t.Errorf("after %s: %+v", after, got)
		}
		if got := lab.Overview(s, entry, s.Updated.Add(after)); got.Reason != want {
			t.Errorf("in a list after %s: %s", after, got.Reason)
		}
	}
	s.Status = "FAILED"
	if got := lab.View(s, entry, s.Updated); got.Reason != lab.Degraded {
		t.Errorf("failed: %+v", got)
	}
}

func TestCompleteWithoutOutputsLooksForThem(t *testing.T) {
	t.Parallel()
	got := view(at("CREATE_COMPLETE", nil))
	if got.State != lab.Building || got.Reason != lab.Finishing || got.Poll.Look != lab.LookStack || got.Percent != 99 {
		t.Errorf("%+v", got)
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	got := view(at("CREATE_COMPLETE", map[string]any{"lab_url": "https://lab.example.org/x", "public_ip": "2001:db8::1", "private_key": "KEY"}))
	want := []lab.Access{
		{Way: 0, Kind: lab.URL, Title: "Open", URL: "https://lab.example.org/x"},
		{Way: 1, Kind: lab.SSH, Host: "2001:db8::1", User: "learner", HasKey: true},
		{Way: 2, Kind: lab.Console},
	}
	if !slices.Equal(got.Access, want) {
		t.Errorf("got  %+v\nwant %+v", got.Access, want)
	}
	if key, ok := entry.PrivateKey(1, map[string]any{"private_key": "KEY"}); !ok || key != "KEY" {
		t.Errorf("key %q, %v", key, ok)
	}
	for _, way := range []int{-1, 0, 2, 3} {
		if _, ok := entry.PrivateKey(way, map[string]any{"private_key": "KEY", "": "KEY", "lab_url": "x"}); ok {
			t.Errorf("way %d has a key", way)
		}
	}
}

func TestHostileOutputsAreNoLinks(t *testing.T) {
	t.Parallel()
	for _, bad := range []any{
		"javascript:alert(1)", "data:text/html,x", "//example.org/", "ftp://example.org/", "", nil, 7, "https://user:pw@example.org/", "http://", "\x00http://example.org/",
		map[string]any{"a": 1},
	} {
		got := view(at("CREATE_COMPLETE", map[string]any{"lab_url": bad, "public_ip": "1.2.3.4; rm -rf /"}))
		if len(got.Access) != 1 || got.Access[0].Kind != lab.Console {
			t.Errorf("%v: ways in %+v", bad, got.Access)
		}
	}
	lonely := entry
	lonely.Ways = lonely.Ways[:1]
	if got := lab.View(at("CREATE_COMPLETE", map[string]any{}), lonely, created); got.State != lab.Ready || got.Reason != lab.NoWayIn {
		t.Errorf("no way in: %+v", got)
	}
}

func event(seconds int, resource, state string) lab.Event {
	action, status, _ := strings.Cut(state, "_")
	return lab.Event{Time: created.Add(time.Duration(seconds) * time.Second), Resource: resource, Action: action, Status: status, Self: resource == "lab-1"}
}

func TestProgressFromEvents(t *testing.T) {
	t.Parallel()
	events := []lab.Event{
		event(0, "lab-1", "CREATE_IN_PROGRESS"),
		event(1, "network", "CREATE_IN_PROGRESS"),
		event(3, "network", "CREATE_COMPLETE"),
		event(3, "web", "CREATE_IN_PROGRESS"),
	}
	got := view(lab.Stack{Events: events})
	want := []lab.Step{{lab.StepNetwork, lab.Done}, {lab.StepMachine, lab.Active}, {lab.StepAddress, lab.Waiting}}
	if got.State != lab.Building || !slices.Equal(got.Steps, want) || got.Step != lab.StepMachine || got.Percent <= 0 || got.Percent >= 99 {
		t.Errorf("%+v", got)
	}
	if got.ETA <= 0 || got.ETA > entry.BuildTimeout {
		t.Errorf("eta %s", got.ETA)
	}
	more := append(slices.Clone(events), event(9, "web", "CREATE_COMPLETE"), event(9, "address", "CREATE_COMPLETE"), event(10, "extra", "CREATE_IN_PROGRESS"))
	further := view(lab.Stack{Events: more})
	if further.Percent <= got.Percent || len(further.Steps) != 4 {
		t.Errorf("after more events %+v", further)
	}
	if end := view(lab.Stack{Events: append(more, event(12, "lab-1", "CREATE_COMPLETE"))}); end.Reason != lab.Finishing || end.Poll.Look != lab.LookStack {
		t.Errorf("at the end %+v", end)
	}
	slices.Reverse(events[1:])
	if again := view(lab.Stack{Events: events}); again.Percent == 0 {
		t.Errorf("out of order %+v", again)
	}
}

func TestEventsOfAnEarlierActionDoNotCount(t *testing.T) {
	t.Parallel()
	got := view(lab.Stack{Events: []lab.Event{
		event(0, "lab-1", "CREATE_IN_PROGRESS"), event(1, "web", "CREATE_COMPLETE"), event(2, "lab-1", "CREATE_COMPLETE"),
		event(100, "lab-1", "SUSPEND_IN_PROGRESS"), event(101, "web", "SUSPEND_COMPLETE"), event(102, "lab-1", "SUSPEND_COMPLETE"),
		event(200, "lab-1", "RESUME_IN_PROGRESS"), event(201, "web", "RESUME_IN_PROGRESS"),
	}})
	if got.State != lab.Resuming || got.Step != lab.StepMachine || got.Steps[0] != (lab.Step{Key: lab.StepNetwork, State: lab.Waiting}) {
		t.Errorf("%+v", got)
	}
}

func TestNoEventsYet(t *testing.T) {
	t.Parallel()
	if got := view(lab.Stack{Events: []lab.Event{}}); got.State != lab.Starting || got.Poll.Look != lab.LookEvents {
		t.Errorf("%+v", got)
	}
}

func TestFailedBuild(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]lab.Reason{
		"Resource CREATE failed: Forbidden: resources.web: Quota exceeded for cores":                           lab.CloudFull,
		`Resource CREATE failed: ResourceInError: resources.web: Went to status ERROR due to "No valid host…"`: lab.CloudFull,
		"Resource CREATE failed: IpAddressGenerationFailureClient: resources.port: No more IP addresses":       lab.CloudFull,
		"Create timed out": lab.TimedOut,
		"Resource CREATE failed: WaitConditionFailure: resources.wait: setup broke": lab.SetupFailed,
		"Resource CREATE failed: WaitConditionTimeout: resources.wait: 0 of 1":      lab.SetupFailed,
		"Resource CREATE failed: BadRequest: resources.web: something":              lab.BuildFailed,
		"": lab.BuildFailed,
	} {
		failed := event(9, "lab-1", "CREATE_FAILED")
		failed.Reason = words
		got := view(lab.Stack{Events: []lab.Event{event(0, "lab-1", "CREATE_IN_PROGRESS"), event(8, "web", "CREATE_FAILED"), failed}})
		if got.State != lab.Broken || got.Reason != want || got.Step != lab.StepMachine || got.Poll != (lab.Poll{}) {
			t.Errorf("%q: %+v", words, got)
		}
	}
}

func TestSlowBuild(t *testing.T) {
	t.Parallel()
	got := lab.View(at("CREATE_IN_PROGRESS", nil), entry, created.Add(16*time.Minute))
	if got.State != lab.Building || got.Reason != lab.Slow || got.ETA != 0 || got.Poll.Look == "" {
		t.Errorf("%+v", got)
	}
	// A clock behind Heat's must not give nonsense.
	if early := lab.View(at("CREATE_IN_PROGRESS", nil), entry, created.Add(-time.Hour)); early.ETA != 0 || early.Reason != "" {
		t.Errorf("clock behind: %+v", early)
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		entry    lab.Entry
		launched time.Duration // after the creation
		want     time.Duration
	}{
		"after a launch at 1 h":   {entry, time.Hour, 9 * time.Hour},
		"near the maximal age":    {entry, 20 * time.Hour, 24 * time.Hour},
		"without a lifetime":      {lab.Entry{MaxAge: time.Hour}, 0, time.Hour},
		"without a maximal age":   {lab.Entry{Lifetime: time.Hour}, time.Hour, 2 * time.Hour},
		"without any limit":       {lab.Entry{}, 0, -1},
		"begun before any launch": {entry, 0, 8 * time.Hour},
	} {
		s := at("CREATE_COMPLETE", outputs)
		s.Lease = c.entry.Lease(created.Add(c.launched))
		got := lab.View(s, c.entry, created.Add(c.launched)).ExpiresAt
		if c.want < 0 && !got.IsZero() || c.want >= 0 && !got.Equal(created.Add(c.want)) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestUnseen(t *testing.T) {
	t.Parallel()
	for why, want := range map[lab.Reason]struct {
		state lab.State
		poll  bool
		start bool
	}{
		lab.Missing:      {lab.Starting, true, true},
		lab.CloudFull:    {lab.Starting, true, true},
		lab.CloudTrouble: {lab.Starting, true, false},
		lab.Unanswered:   {lab.Starting, true, false},
		lab.Clearing:     {lab.Starting, true, false},
		lab.Ended:        {lab.Gone, false, false},
		lab.LabRefused:   {lab.Broken, false, false},
	} {
		got := lab.Unseen(entry, why)
		if got.State != want.state || (got.Poll != lab.Poll{}) != want.poll || got.Poll.Start != want.start || got.Reason != why {
			t.Errorf("%s: %+v", why, got)
		}
	}
}

func TestWoken(t *testing.T) {
	t.Parallel()
	if got := lab.Woken(view(at("SUSPEND_COMPLETE", nil))); !got.Poll.Start || got.State != lab.Resuming {
		t.Errorf("asleep: %+v", got)
	}
	if got := lab.Woken(view(at("SUSPEND_IN_PROGRESS", nil))); got.Poll.Start {
		t.Errorf("falling asleep: nothing may be done yet, got %+v", got)
	}
	if got := lab.Woken(view(at("CREATE_COMPLETE", outputs))); got.Poll.Start {
		t.Errorf("ready: %+v", got)
	}
}

func TestStepOf(t *testing.T) {
	t.Parallel()
	for typ, want := range map[string]lab.StepKey{
		"OS::Neutron::Net": lab.StepNetwork, "OS::Neutron::Port": lab.StepNetwork, "OS::Neutron::SecurityGroup": lab.StepKeys, "OS::Nova::Server": lab.StepMachine,
		"OS::Cinder::Volume": lab.StepStorage, "OS::Neutron::FloatingIP": lab.StepAddress, "OS::Heat::WaitCondition": lab.StepSoftware, "node.yaml": lab.StepMachine,
		"OS::Heat::Value": lab.StepOther, "": lab.StepOther,
	} {
		if got := lab.StepOf(typ); got != want {
			t.Errorf("%s: %s, want %s", typ, got, want)
		}
	}
}

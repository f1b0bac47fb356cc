package lab_test

import (
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
)

// W8: a signal that comes while Heat puts a lab to sleep leaves SUSPEND_FAILED on a real Heat, and nothing is broken: the page
// says that the lab is falling asleep, a launch waits, and the next pass puts it to sleep. Any other reason is a failure.
func TestW8InterruptedSuspendIsTriedAgain(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	e := lab.Entry{Key: "web", IdleTimeout: 30 * time.Minute, Lifetime: 8 * time.Hour}
	for reason, c := range map[string]struct {
		do    lab.Do
		tend  lab.Tending
		state lab.State
	}{
		"Resource SUSPEND failed: The resource signals is already being updated.":        {lab.Wait, lab.TendSuspend, lab.Suspended},
		"Resource SUSPEND failed: ClientException: resources.web: The server has failed": {lab.Help, lab.TendKeep, lab.Broken},
	} {
		stack := lab.Stack{Action: "SUSPEND", Status: "FAILED", Reason: reason, Created: now.Add(-time.Hour), Lease: lab.Lease{Until: now.Add(7 * time.Hour)}}
		held := lab.Held{ID: "1", Tags: append(lab.Owner{Stack: "lab-0123456789abcdef01", Lab: "web"}.Tags(), "until=1795532400"), Stack: stack}
		if got := lab.Next(stack, true); got.Do != c.do {
			t.Errorf("%s: a launch does %s", reason, got.Do)
		}
		if got := lab.Tend(held, lab.Gather([]lab.Held{held}, e, now), e, &lab.Signals{}, now); got.Do != c.tend {
			t.Errorf("%s: a pass does %s: %s", reason, got.Do, got.Why)
		}
		if got := lab.View(stack, e, now); got.State != c.state {
			t.Errorf("%s: the page says %s %s", reason, got.State, got.Reason)
		}
	}
}

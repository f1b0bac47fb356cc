package lab_test

import (
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
)

func TestBuildTime(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		events []lab.Event
		want   time.Duration // < 0: unknown
	}{
		"whole":             {[]lab.Event{event(0, "lab-1", "CREATE_IN_PROGRESS"), event(3, "web", "CREATE_COMPLETE"), event(42, "lab-1", "CREATE_COMPLETE")}, 42 * time.Second},
		"with later things": {[]lab.Event{event(0, "lab-1", "CREATE_IN_PROGRESS"), event(42, "lab-1", "CREATE_COMPLETE"), event(90, "lab-1", "UPDATE_IN_PROGRESS"), event(99, "lab-1", "UPDATE_COMPLETE")}, 42 * time.Second},
		"not ended":         {[]lab.Event{event(0, "lab-1", "CREATE_IN_PROGRESS"), event(3, "web", "CREATE_COMPLETE")}, -1},
		"failed":            {[]lab.Event{event(0, "lab-1", "CREATE_IN_PROGRESS"), event(3, "lab-1", "CREATE_FAILED")}, -1},
		"beginning lost":    {[]lab.Event{event(42, "lab-1", "CREATE_COMPLETE")}, -1},
		"backwards":         {[]lab.Event{event(50, "lab-1", "CREATE_IN_PROGRESS"), event(42, "lab-1", "CREATE_COMPLETE")}, -1},
		"resumed":           {[]lab.Event{event(0, "lab-1", "RESUME_IN_PROGRESS"), event(42, "lab-1", "RESUME_COMPLETE")}, -1},
		"none":              {nil, -1},
	} {
		got, known := lab.BuildTime(c.events)
		if known != (c.want >= 0) || known && got != c.want {
			t.Errorf("%s: %s, %v", name, got, known)
		}
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	for want, times := range map[time.Duration][]time.Duration{0: nil, 3: {3}, 4: {5, 3}, 5: {900, 1, 5}, 6: {7, 5, 1, 100}} {
		if got := lab.Median(times); got != want {
			t.Errorf("of %v: %d, want %d", times, got, want)
		}
	}
}

// The time left is the expected time less what is over; without one, or once that is over, what was done so far extended.
func TestTimeLeft(t *testing.T) {
	t.Parallel()
	half := []lab.Event{event(0, "lab-1", "CREATE_IN_PROGRESS"), event(1, "network", "CREATE_COMPLETE"), event(20, "web", "CREATE_COMPLETE")}
	for name, c := range map[string]struct {
		events   []lab.Event
		expected time.Duration
		after    time.Duration
		eta      time.Duration
	}{
		"expected":               {half[:1], 2 * time.Minute, 30 * time.Second, 95 * time.Second},
		"expected, nothing done": {half[:1], 2 * time.Minute, 0, 2*time.Minute + 5*time.Second},
		"over":                   {half, time.Minute, 70 * time.Second, 25 * time.Second},
		"over, little done":      {half[:1], time.Minute, 70 * time.Second, 0},
		"unknown":                {half, 0, 70 * time.Second, 25 * time.Second},
		"unknown, little done":   {half[:1], 0, 70 * time.Second, 0},
		"not beyond the timeout": {half[:1], time.Hour, time.Minute, 14 * time.Minute},
	} {
		e := entry
		e.Expected = c.expected
		got := lab.View(lab.Stack{Events: c.events}, e, created.Add(c.after))
		if got.State != lab.Building || got.ETA != c.eta || got.Elapsed != c.after || got.Expected != c.expected {
			t.Errorf("%s: %s, %s left after %s of %s; want %s", name, got.State, got.ETA, got.Elapsed, got.Expected, c.eta)
		}
	}
	e := entry
	e.Expected = 2 * time.Minute
	resuming := lab.View(lab.Stack{Events: []lab.Event{event(0, "lab-1", "RESUME_IN_PROGRESS")}}, e, created.Add(time.Second))
	if resuming.Expected != 0 || resuming.ETA != 0 || resuming.Elapsed != time.Second {
		t.Errorf("a resume is no build: %+v", resuming)
	}
	if got := lab.Begun(e, lab.Create, lab.Lease{}); got.Expected != e.Expected || got.ETA != 2*time.Minute+5*time.Second {
		t.Errorf("just created: %+v", got)
	}
	if got := lab.Begun(e, lab.Resume, lab.Lease{}); got.Expected != 0 || got.ETA != 0 {
		t.Errorf("just told to wake up: %+v", got)
	}
	if got := lab.View(at("CREATE_COMPLETE", outputs), e, created.Add(time.Hour)); got.Elapsed != 0 || got.Expected != 0 {
		t.Errorf("ready: %+v", got)
	}
}

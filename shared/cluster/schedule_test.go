package cluster_test

import (
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
)

func cron(t *testing.T, text, zone string) cluster.Cron {
	t.Helper()
	c, err := cluster.ParseCron(text, zone)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return c
}

// N12: a schedule holds in its own time zone, over the change of clocks too.
func TestN12Schedule(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		cron   string
		length time.Duration
		now    string // in Berlin, where 2026-03-29 lacks 02:00 to 03:00 and 2026-10-25 has it twice
		want   bool
	}{
		{"0 8 * * 1-5", 10 * time.Hour, "2026-11-23 07:59:59 +0100", false}, // a Monday
		{"0 8 * * 1-5", 10 * time.Hour, "2026-11-23 08:00:00 +0100", true},
		{"0 8 * * 1-5", 10 * time.Hour, "2026-11-23 17:59:59 +0100", true},
		{"0 8 * * 1-5", 10 * time.Hour, "2026-11-23 18:00:00 +0100", false},
		{"0 8 * * 1-5", 10 * time.Hour, "2026-11-22 12:00:00 +0100", false}, // a Sunday
		{"0 8 * * 1-5", 10 * time.Hour, "2026-07-06 08:00:00 +0200", true},
		{"0 8 * * 1-5", 10 * time.Hour, "2026-07-06 07:30:00 +0200", false},
		{"30 22 * * 5", 5 * time.Hour, "2026-11-28 03:00:00 +0100", true}, // over midnight
		{"30 22 * * 5", 5 * time.Hour, "2026-11-28 03:30:00 +0100", false},
		{"30 22 * * 5", 72 * time.Hour, "2026-11-30 12:00:00 +0100", true},
		{"30 2 * * *", time.Hour, "2026-03-29 03:45:00 +0200", true}, // the time that is left out is an hour beside
		{"30 2 29 3 *", time.Hour, "2026-03-29 05:00:00 +0200", false},
		{"30 2 25 10 *", time.Hour, "2026-10-25 02:45:00 +0200", true}, // the first of the two
		{"30 2 25 10 *", time.Hour, "2026-10-25 02:45:00 +0100", false},
		{"0 12 28 3 *", 24 * time.Hour, "2026-03-29 12:59:59 +0200", true}, // 24 hours of real time
		{"0 12 28 3 *", 24 * time.Hour, "2026-03-29 13:00:00 +0200", false},
		{"0 0 1,15 * *", 24 * time.Hour, "2026-11-15 13:00:00 +0100", true},
		{"0 0 1,15 * 1", 24 * time.Hour, "2026-11-16 13:00:00 +0100", true}, // either day
		{"0 0 1,15 * 1", 24 * time.Hour, "2026-11-17 13:00:00 +0100", false},
		{"0 0 * * 7", 24 * time.Hour, "2026-11-22 13:00:00 +0100", true},
		{"*/20 9-17/4 * * *", 10 * time.Minute, "2026-11-22 13:41:00 +0100", true},
		{"*/20 9-17/4 * * *", 10 * time.Minute, "2026-11-22 12:41:00 +0100", false},
		{"5/30 * * * *", time.Minute, "2026-11-22 12:35:30 +0100", true},
	} {
		now, err := time.Parse("2006-01-02 15:04:05 -0700", row.now)
		if err != nil {
			t.Fatal(err)
		}
		s := cluster.Schedule{Start: cron(t, row.cron, berlin.String()), Length: row.length}
		for _, zone := range []*time.Location{time.UTC, berlin} {
			if got := s.Active(now.In(zone)); got != row.want {
				t.Errorf("%s for %s at %s: %v", row.cron, row.length, row.now, got)
			}
		}
	}
}

// N12: meanwhile its bounds hold, and the answer names it.
func TestN12Bounds(t *testing.T) {
	t.Parallel()
	exam := cluster.Schedule{Name: "exam", Start: cron(t, "0 9 * * *", ""), Length: 2 * time.Hour, Min: 6, Max: 10}
	later := cluster.Schedule{Name: "later", Start: cron(t, "0 9 * * *", ""), Length: 3 * time.Hour, Max: 2}
	s := with(5, cluster.Policy{Schedules: []cluster.Schedule{exam, later}})
	for _, row := range []struct {
		hour, low, high int
		name            string
	}{{8, 1, 20, ""}, {10, 6, 10, "exam"}, {11, 1, 2, "later"}, {12, 1, 20, ""}} {
		now := time.Date(2026, 11, 22, row.hour, 30, 0, 0, time.UTC)
		if low, high, name := s.Bounds(now); low != row.low || high != row.high || name != row.name {
			t.Errorf("at %d: %d to %d by %q", row.hour, low, high, name)
		}
	}
	d := cluster.Decide(s, out(9), start())
	if d.To != 10 || d.Code != cluster.Capped || d.Reason != "The cluster goes from 5 nodes to 10, not to 14: its bounds are 6 and 10 (exam)." {
		t.Errorf("%+v", d)
	}
}

func TestParseCronRefuses(t *testing.T) {
	t.Parallel()
	for _, row := range [][2]string{
		{"", ""},
		{"* * * *", ""},
		{"* * * * * *", ""},
		{"60 * * * *", ""},
		{"* 24 * * *", ""},
		{"* * 0 * *", ""},
		{"* * * 13 *", ""},
		{"* * * * 8", ""},
		{"5-1 * * * *", ""},
		{"*/0 * * * *", ""},
		{"a * * * *", ""},
		{"1- * * * *", ""},
		{"1,, * * * *", ""},
		{"@daily", ""},
		{"* * * * mon", ""},
		{"-1 * * * *", ""},
		{"0 8 * * *", "Mars/Phobos"},
		{"0 8 * * *", "Local"},
	} {
		if _, err := cluster.ParseCron(row[0], row[1]); err == nil {
			t.Errorf("%q in %q was taken", row[0], row[1])
		}
	}
}

// No text makes ParseCron or what it gives panic.
func FuzzParseCron(f *testing.F) {
	f.Add("0 8 * * 1-5", "Europe/Berlin")
	f.Add("*/5,7-9/2 1 31 2 7", "")
	f.Fuzz(func(_ *testing.T, text, zone string) {
		if c, err := cluster.ParseCron(text, zone); err == nil {
			cluster.Schedule{Start: c, Length: 36 * time.Hour}.Active(start())
		}
	})
}

package cluster

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a container has no zone files
)

// Schedule gives a cluster other bounds at certain times, such as the days of an exam (N12).
type Schedule struct {
	Name string
	// Start is when it begins, Length how long it lasts then: real time, also over a change of the clocks.
	Start  Cron
	Length time.Duration
	// Min and Max are the bounds meanwhile; 0 leaves the cluster's own.
	Min, Max int
}

// maxLength bounds how far back a beginning is looked for.
const maxLength = 31 * 24 * time.Hour

// Active says whether now is within the schedule.
func (s Schedule) Active(now time.Time) bool {
	length := min(s.Length, maxLength)
	zone := s.Start.zone()
	first := now.Add(-length).In(zone)
	for day := time.Date(first.Year(), first.Month(), first.Day(), 12, 0, 0, 0, zone); !day.After(now.Add(24 * time.Hour)); day = day.AddDate(0, 0, 1) {
		if !s.Start.onDay(day) {
			continue
		}
		for _, minute := range s.Start.minutes() {
			// A time that the change of clocks leaves out is taken an hour beside, the first of one that comes twice.
			start := time.Date(day.Year(), day.Month(), day.Day(), minute/60, minute%60, 0, 0, zone)
			if same := start.Add(-time.Hour); same.Hour() == start.Hour() {
				start = same
			}
			if !now.Before(start) && now.Before(start.Add(length)) {
				return true
			}
		}
	}
	return false
}

// Bounds are the cluster's bounds now, and the name of the schedule they come from, if any.
func (s State) Bounds(now time.Time) (low, high int, schedule string) {
	for _, sch := range s.Policy.Schedules {
		if !sch.Active(now) {
			continue
		}
		low, high = s.Min, s.Max
		if sch.Min > 0 {
			low = sch.Min
		}
		if sch.Max > 0 {
			high = sch.Max
		}
		return low, max(low, high), sch.Name
	}
	return s.Min, s.Max, ""
}

// Cron is a time of day on certain days, as crontab(5) writes it: minute, hour, day of the month, month and day of the week.
type Cron struct {
	fields [5][]bool
	anyDay [2]bool // day of month, day of week: a star
	Zone   *time.Location
}

// cronFields are the fields' names and ranges. Sunday is 0 and 7.
func cronFields() [5]struct {
	name      string
	low, high int
} {
	return [5]struct {
		name      string
		low, high int
	}{{"minute", 0, 59}, {"hour", 0, 23}, {"day of month", 1, 31}, {"month", 1, 12}, {"day of week", 0, 7}}
}

// ParseCron reads five fields of numbers, *, lists, ranges and steps, in the time zone of that name ("" is UTC).
func ParseCron(text, zone string) (Cron, error) {
	location, err := time.LoadLocation(zone)
	if err != nil || zone == "Local" {
		return Cron{}, fmt.Errorf("there is no time zone %q", zone)
	}
	words := strings.Fields(text)
	if len(words) != 5 {
		return Cron{}, errors.New("there must be five fields: minute, hour, day of the month, month and day of the week")
	}
	c := Cron{Zone: location, anyDay: [2]bool{strings.HasPrefix(words[2], "*"), strings.HasPrefix(words[4], "*")}}
	for i, f := range cronFields() {
		c.fields[i] = make([]bool, f.high+1)
		for part := range strings.SplitSeq(words[i], ",") {
			if !mark(c.fields[i], part, f.low, f.high) {
				return Cron{}, fmt.Errorf("%q is no %s", words[i], f.name)
			}
		}
	}
	if days := c.fields[4]; days[7] {
		days[0] = true
	}
	return c, nil
}

// mark sets what one part of a list names: a number, *, a range, any of them with a step.
func mark(set []bool, part string, low, high int) bool {
	span, step, stepped := strings.Cut(part, "/")
	every := 1
	if stepped {
		n, err := strconv.Atoi(step)
		if err != nil || n < 1 {
			return false
		}
		every = n
	}
	from, to := low, high
	if span != "*" {
		first, last, ranged := strings.Cut(span, "-")
		n, err := strconv.Atoi(first)
		if err != nil {
			return false
		}
		from = n
		if !stepped {
			to = n
		}
		if ranged {
			if to, err = strconv.Atoi(last); err != nil {
				return false
			}
		}
	}
	if from < low || to > high || from > to {
		return false
	}
	for i := from; i <= to; i += every {
		set[i] = true
	}
	return true
}

// onDay: as in crontab(5), where both kinds of days are restricted, either will do.
func (c Cron) onDay(day time.Time) bool {
	if c.fields[3] == nil || !c.fields[3][day.Month()] {
		return false
	}
	date, week := c.fields[2][day.Day()], c.fields[4][day.Weekday()]
	if c.anyDay[0] || c.anyDay[1] {
		return date && week
	}
	return date || week
}

// minutes of the day.
func (c Cron) minutes() []int {
	var out []int
	for h, hour := range c.fields[1] {
		for m, minute := range c.fields[0] {
			if hour && minute {
				out = append(out, h*60+m)
			}
		}
	}
	return out
}

func (c Cron) zone() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

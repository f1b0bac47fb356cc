package page

import (
	"fmt"
	"strings"
	"time"
)

// units are a language's words for amounts of time: one, and more than one.
type units struct{ second, minute, hour [2]string }

// of is an amount in at most two units: seconds below a minute, then minutes, then hours and minutes.
func (u units) of(d time.Duration) string {
	switch {
	case d < time.Minute:
		return count(int(d/time.Second), u.second)
	case d < time.Hour:
		return count(int(d/time.Minute), u.minute)
	}
	text := count(int(d/time.Hour), u.hour)
	if minutes := int(d % time.Hour / time.Minute); minutes > 0 {
		text += " " + count(minutes, u.minute)
	}
	return text
}

func count(n int, word [2]string) string {
	if n == 1 {
		return "1 " + word[0]
	}
	return fmt.Sprintf("%d %s", n, word[1])
}

// rough rounds an amount to what people say: tens of seconds, whole minutes.
func rough(d time.Duration) time.Duration {
	const ten = 10 * time.Second
	if d < 55*time.Second {
		return max(d.Round(ten), ten)
	}
	return max(d.Round(time.Minute), time.Minute)
}

// left says how long something still takes. Less than what is said would disappoint, so seconds are rounded up.
func (u units) left(d time.Duration, few, about string) string {
	switch {
	case d <= 0:
		return ""
	case d <= 10*time.Second:
		return few
	case d <= 90*time.Second:
		return fmt.Sprintf(about, count((int(d/time.Second)+4)/5*5, u.second))
	default:
		return fmt.Sprintf(about, u.of(d.Round(time.Minute)))
	}
}

// pace joins how long a lab has been in the making and how long such labs take. The first sentence begins with the amount,
// which is a digit in every language.
func (u units) pace(elapsed, expected time.Duration, soFar, joined, usual string) string {
	switch {
	case elapsed < 10*time.Second && expected <= 0:
		return ""
	case elapsed < 10*time.Second:
		return fmt.Sprintf(usual, u.of(rough(expected)))
	}
	if elapsed < time.Minute {
		elapsed = elapsed.Truncate(10 * time.Second)
	}
	if expected <= 0 {
		return fmt.Sprintf(soFar, u.of(elapsed))
	}
	return fmt.Sprintf(soFar, u.of(elapsed)) + fmt.Sprintf(joined, u.of(rough(expected)))
}

// date writes a time with a language's name of its month, in UTC; MONTH in the layout stands for it.
func date(t time.Time, layout string, months [12]string) string {
	t = t.UTC()
	before, after, _ := strings.Cut(layout, "MONTH")
	return t.Format(before) + months[t.Month()-1] + t.Format(after)
}

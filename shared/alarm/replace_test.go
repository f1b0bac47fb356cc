package alarm_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/alarm"
)

// F12: which nodes an alarm about a load balancer's members names.
func TestF12Members(t *testing.T) {
	t.Parallel()
	whole := string(read(t, "aodh-member"))
	many := strings.Repeat(`{"id":"m"},`, 500)
	for name, row := range map[string]struct {
		body      string
		direction alarm.Direction
		nodes     int
	}{
		"one":             {whole, alarm.Replace, 1},
		"none":            {strings.Replace(whole, `[{"id": "m1", "operating_status": "ERROR"}]`, `[]`, 1), alarm.Replace, 0},
		"without an id":   {strings.Replace(whole, `[{"id": "m1", "operating_status": "ERROR"}]`, `[{}, {"id": "m2"}]`, 1), alarm.Replace, 1},
		"very many":       {strings.Replace(whole, `[{"id": "m1", "operating_status": "ERROR"}]`, `[`+many+`{"id":"m"}]`, 1), alarm.Replace, 100},
		"of another form": {strings.Replace(whole, `[{"id": "m1", "operating_status": "ERROR"}]`, `"all"`, 1), "", 0},
		"of another type": {strings.Replace(whole, "loadbalancer_member_health", "threshold", 1), "", 0},
	} {
		s := parse(t, row.body)
		if s.Direction != row.direction || len(s.Nodes) != row.nodes || s.State != alarm.Alarm || s.Wish {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if s := parse(t, whole); !slices.Equal(s.Nodes, []string{"m1"}) {
		t.Errorf("%+v", s)
	}
}

// F12: alerts name nodes by a label; who wants another size as well has that first, in whatever order they come.
func TestF12Labels(t *testing.T) {
	t.Parallel()
	alert := func(labels string) string {
		return `{"status":"firing","labels":{` + labels + `},"annotations":{},"startsAt":"2026-01-05T09:00:00Z","fingerprint":"f"}`
	}
	one, two := alert(`"scale":"replace","scale_node":"1"`), alert(`"scale":"replace","scale_node":"10.0.0.2"`)
	worst, more, less := alert(`"scale":"replace"`), alert(`"scale":"out","scale_by":"2"`), alert(`"scale":"in"`)
	for name, row := range map[string]struct {
		alerts    []string
		direction alarm.Direction
		nodes     []string
		by        int
	}{
		"one":     {[]string{one}, alarm.Replace, []string{"1"}, 0},
		"two":     {[]string{one, two}, alarm.Replace, []string{"1", "10.0.0.2"}, 0},
		"any":     {[]string{worst}, alarm.Replace, nil, 0},
		"and out": {[]string{one, more}, alarm.Out, nil, 2},
		"and in":  {[]string{one, less}, alarm.In, nil, 0},
	} {
		for range 2 {
			slices.Reverse(row.alerts)
			s := parse(t, fmt.Sprintf(`{"version":"4","status":"firing","groupKey":"g","receiver":"r","alerts":[%s]}`, strings.Join(row.alerts, ",")))
			slices.Sort(s.Nodes)
			if s.Direction != row.direction || !slices.Equal(s.Nodes, row.nodes) || s.By != row.by {
				t.Errorf("%s: %+v", name, s)
			}
		}
	}
}

// N4: an Aodh alarm that says the same again will say it again; a change of state, and any event, may be all that is ever heard.
func TestN4Repeats(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]bool{"aodh-threshold": false, "aodh-repeat": true, "aodh-event": false, "alertmanager-firing": false} {
		if s := parse(t, string(read(t, file))); s.Repeats != want {
			t.Errorf("%s: %v", file, s.Repeats)
		}
	}
	again := strings.Replace(string(read(t, "aodh-event")), `"previous": "insufficient data"`, `"previous": "alarm"`, 1)
	again = strings.Replace(again, `"previous": "ok"`, `"previous": "alarm"`, 1)
	if s := parse(t, again); s.Repeats {
		t.Error("another event is taken for a repeat")
	}
}

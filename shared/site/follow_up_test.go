package site_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/site"
)

// Row 7.1.14: no member, or none that is reached, is nobody; one that is not asked yet is not.
func TestRow7114ServingOf(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		statuses []string
		want     site.Serving
		nobody   bool
	}{
		{nil, site.Serving{}, true},
		{[]string{"ERROR", "ERROR"}, site.Serving{Members: 2, Broken: 2}, true},
		{[]string{"ERROR", "ONLINE"}, site.Serving{Members: 2, Online: 1, Broken: 1}, false},
		{[]string{"DRAINING"}, site.Serving{Members: 1, Online: 1}, false},
		{[]string{"OFFLINE"}, site.Serving{Members: 1}, false},
		{[]string{"NO_MONITOR", "ERROR"}, site.Serving{Members: 2, Broken: 1}, false},
		{[]string{""}, site.Serving{Members: 1}, false}, // LBaaSv2
	} {
		if got := site.ServingOf(row.statuses); got != row.want || got.Nobody() != row.nobody {
			t.Errorf("%v: %+v, nobody %v", row.statuses, got, got.Nobody())
		}
	}
}

// Row 7.0.26: after one moment and until another, each event is of one turn alone.
func TestRow7026Notices(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	events := []site.Noted{
		{"a", noon.Add(-time.Minute), "CREATE", "IN_PROGRESS"},
		{"b", noon, "CREATE", "FAILED"},
		{"c", noon.Add(time.Minute), "DELETE", "IN_PROGRESS"},
	}
	var got []string
	for turn := range 4 {
		until := noon.Add(time.Duration(turn-1) * time.Minute)
		for _, n := range site.Notices("academy", "https://x/sites/academy", events, until.Add(-time.Minute), until) {
			got = append(got, n.ID+" "+n.State+" "+n.URL)
		}
	}
	want := []string{"a creating https://x/sites/academy", "b failed https://x/sites/academy", "c deleting https://x/sites/academy"}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

// Row 7.0.28: in use is never left over, nor what a site at work may have put off for a while.
func TestRow7028Leftovers(t *testing.T) {
	t.Parallel()
	volume := func(id, of, status string) site.Volume {
		return site.Volume{ID: id, Site: of, Status: status, Role: "mysql", Index: "0", SizeGB: 5}
	}
	all := []site.Volume{
		volume("z-free", "gone", "available"), volume("a-broken", "gone", "error"), volume("held", "gone", "in-use"),
		volume("spare", "rests", "available"), volume("own", "rests", "in-use"), volume("off", "works", "available"),
		{ID: "unmarked", Status: "available"},
	}
	var got []string
	for _, l := range site.Leftovers(all, map[string]bool{"rests": true, "works": false}) {
		if l.Place != "mysql-0" || l.SizeGB != 5 || l.Why == "" {
			t.Errorf("%+v", l)
		}
		got = append(got, l.ID)
	}
	if !slices.Equal(got, []string{"a-broken", "z-free", "spare"}) {
		t.Errorf("%v", got)
	}
}

package lab_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
)

func unix(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

func TestLeaseInTags(t *testing.T) {
	t.Parallel()
	until := created.Add(8 * time.Hour)
	own := []string{"stackhook", "lab=web", "learner=abc", "somebody=else"}
	lease := lab.Lease{Until: until, Extended: 2, Given: created}
	tags := lease.Retag(append([]string{"until=7", "extended=1", "given=3"}, own...))
	if want := append(slices.Clone(own), "until="+unix(until), "extended=2", "given="+unix(created)); !slices.Equal(tags, want) {
		t.Errorf("tags %q, want %q", tags, want)
	}
	if got := lab.LeaseOf(tags); got != lease {
		t.Errorf("read back %+v", got)
	}
	for _, tag := range tags {
		if len(tag) > 80 {
			t.Errorf("Heat refuses a tag of %d characters", len(tag))
		}
	}
	if got := (lab.Lease{}).Retag(own); !slices.Equal(got, own) {
		t.Errorf("no limit: %q", got)
	}
	for name, c := range map[string]struct {
		tags []string
		want lab.Lease
	}{
		"none":           {nil, lab.Lease{}},
		"the greatest":   {[]string{"until=100", "until=300", "until=200", "extended=1", "extended=0"}, lab.Lease{Until: time.Unix(300, 0).UTC(), Extended: 1}},
		"no number":      {[]string{"until=tomorrow", "extended=often", "until="}, lab.Lease{}},
		"before 1970":    {[]string{"until=-1", "extended=-1"}, lab.Lease{}},
		"beyond JSON":    {[]string{"until=253402300800"}, lab.Lease{}},
		"beyond int64":   {[]string{"until=99999999999999999999"}, lab.Lease{}},
		"another prefix": {[]string{"xuntil=100", "Until=100"}, lab.Lease{}},
	} {
		if got := lab.LeaseOf(c.tags); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// A launch moves the end of a lab, but writes it down only if that is worth an update of the stack.
func TestRenew(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		until, now time.Duration // after the creation; until < 0: none
		want       time.Duration // 0: not moved
	}{
		"at once":                 {8 * time.Hour, time.Minute, 0},
		"a tenth later":           {8 * time.Hour, 48 * time.Minute, 0},
		"more than a tenth later": {8 * time.Hour, 49 * time.Minute, 8*time.Hour + 49*time.Minute},
		"extended before":         {12 * time.Hour, 2 * time.Hour, 0},
		"long over":               {8 * time.Hour, 14 * time.Hour, 22 * time.Hour},
		"near the maximal age":    {23 * time.Hour, 20 * time.Hour, 24 * time.Hour},
		"at the maximal age":      {24 * time.Hour, 20 * time.Hour, 0},
		"no lease yet":            {-1, time.Hour, 9 * time.Hour},
	} {
		lease := lab.Lease{Extended: 1, Given: created}
		if c.until >= 0 {
			lease.Until = created.Add(c.until)
		}
		got, moved := lease.Renew(entry, created, created.Add(c.now))
		want := lease
		if c.want > 0 {
			want.Until = created.Add(c.want)
		}
		if moved != (c.want > 0) || got != want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, moved, want)
		}
	}
	if _, moved := (lab.Lease{}).Renew(lab.Entry{MaxAge: time.Hour}, created, created); moved {
		t.Error("a lab without a lifetime has no lease to renew")
	}
}

func TestExtend(t *testing.T) {
	t.Parallel()
	twice := entry
	twice.Extend = lab.Extend{By: 4 * time.Hour, Times: 2}
	for name, c := range map[string]struct {
		entry      lab.Entry
		extended   int
		until, now time.Duration
		want       time.Duration // 0: refused
	}{
		"once":                 {twice, 0, 8 * time.Hour, time.Hour, 12 * time.Hour},
		"the last time":        {twice, 1, 12 * time.Hour, time.Hour, 16 * time.Hour},
		"used up":              {twice, 2, 16 * time.Hour, time.Hour, 0},
		"up to the age":        {twice, 0, 22 * time.Hour, time.Hour, 24 * time.Hour},
		"nothing left to gain": {twice, 0, 24 * time.Hour, time.Hour, 0},
		"time was over":        {twice, 0, 8 * time.Hour, 10 * time.Hour, 14 * time.Hour},
		"not in the catalogue": {entry, 0, 8 * time.Hour, time.Hour, 0},
	} {
		lease := lab.Lease{Until: created.Add(c.until), Extended: c.extended}
		got, can := lease.Extend(c.entry, created, created.Add(c.now))
		if can != (c.want > 0) {
			t.Errorf("%s: %v", name, can)
		}
		if want := (lab.Lease{Until: created.Add(c.want), Extended: c.extended + 1}); can && got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	if _, can := (lab.Lease{}).Extend(twice, created, created); can {
		t.Error("a lab without a limit needs no extension")
	}
}

// What staff gives uses up none of the learner's extensions, and is given once by each page.
func TestGive(t *testing.T) {
	t.Parallel()
	twice := entry
	twice.Extend = lab.Extend{By: 4 * time.Hour, Times: 1}
	lease := lab.Lease{Until: created.Add(8 * time.Hour), Extended: 1}
	shown, now := created.Add(time.Hour), created.Add(time.Hour+time.Minute)
	given, can, already := lease.Give(twice, created, shown, now)
	if want := (lab.Lease{Until: created.Add(12 * time.Hour), Extended: 1, Given: shown}); !can || already || given != want {
		t.Fatalf("%+v, %v, %v; want %+v", given, can, already, want)
	}
	if again, can, already := given.Give(twice, created, shown, now); !can || !already || again != given {
		t.Errorf("the same page: %+v, %v, %v", again, can, already)
	}
	if older, can, already := given.Give(twice, created, shown.Add(-time.Second), now); !can || !already || older != given {
		t.Errorf("an older page: %+v, %v, %v", older, can, already)
	}
	if more, can, already := given.Give(twice, created, shown.Add(time.Second), now); !can || already || !more.Until.Equal(created.Add(16*time.Hour)) {
		t.Errorf("the next page: %+v, %v, %v", more, can, already)
	}
	if whole, can, _ := lease.Give(entry, created, shown, now); !can || !whole.Until.Equal(created.Add(16*time.Hour)) {
		t.Errorf("without extensions in the catalogue: %+v, %v", whole, can)
	}
	old := lab.Lease{Until: created.Add(24 * time.Hour)}
	if _, can, already := old.Give(twice, created, shown, now); can || already {
		t.Error("given beyond the maximal age")
	}
	if _, can, _ := (lab.Lease{}).Give(lab.Entry{}, created, shown, now); can {
		t.Error("given to a lab without a limit")
	}
}

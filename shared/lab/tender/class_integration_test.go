//go:build integration

package tender_test

import (
	"context"
	"flag"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/tender"
	"github.com/stackhook/stackhook/shared/openstack"
)

var labs = flag.Int("tend.labs", 60, "how many labs there are on the cloud while a pass is measured")

// peerPerMinute is how many labs the peer's job suspends in a minute: by its defaults it wakes once in 60 s and takes four
// (suspend_interval, suspend_concurrency).
const peerPerMinute = 4

// TestRealClass is a pass over many labs, of which some have ended: one page for each 200, and for each that has ended a
// look at it and one write.
func TestRealClass(t *testing.T) { //nolint:paralleltest // it measures
	const dueEach = 20 // one of so many
	var during uint64
	tn := build(t, "value.yaml", func(l *config.Lab) { l.IdleTimeout = 0 })
	due := *labs / dueEach
	end := tn.now().Add(time.Hour).Truncate(time.Second)
	began := time.Now()
	refs := tn.enroll(t, due, end)
	t.Logf("%d labs made in %s, %d at once", len(refs), time.Since(began).Round(time.Second), makers)
	tn.allUp(t)

	peek := tn.parts
	peek.Sites = []tender.Site{{Name: "real", Cloud: &meddling{Cloud: tn.quarter, after: func() { during = live() }}}}
	tn.Tender = tender.New(peek)
	pages := *labs/200 + 1
	before := live()
	report := tn.tended(t, pages)
	grown := (int64(during) - int64(before)) >> 10
	t.Logf("nothing due: %d labs in %d ms with %d calls, heap +%d KiB while they were listed (%d MiB in use)", report.Labs, report.TookMS, report.Calls, grown, during>>20)
	if report.Labs != *labs {
		t.Errorf("%d labs, want %d", report.Labs, *labs)
	}

	tn.turnTo(end.Add(3 * time.Minute))
	report = tn.Pass(t.Context(), tender.Options{})
	if report.Counts["delete"] != due || report.Failed+report.Left > 0 || report.Calls != pages+2*due {
		t.Errorf("%d calls, want %d: %v, failed %d, left %d", report.Calls, pages+2*due, report.Counts, report.Failed, report.Left)
	}
	t.Logf("%d due: %d ms with %d calls (%d pages, a list and a delete each); the peer's job takes %s for the same at %d a minute",
		due, report.TookMS, report.Calls, pages, time.Duration(due)*time.Minute/peerPerMinute, peerPerMinute)
	tn.allUp(t)
	report = tn.tended(t, (*labs-due)/200+1)
	if report.Labs != *labs-due {
		t.Errorf("%d labs stay, want %d", report.Labs, *labs-due)
	}
}

// enroll makes the labs; of the first, the time ends at end.
func (tn *town) enroll(t *testing.T, due int, end time.Time) []openstack.StackRef {
	t.Helper()
	refs := make([]openstack.StackRef, *labs)
	next := make(chan int)
	var workers sync.WaitGroup
	for range makers {
		workers.Go(func() {
			for i := range next {
				until := end
				if i >= due {
					until = end.Add(20 * time.Hour)
				}
				o := tn.who(strconv.Itoa(i)).Hide(namingKey)
				s := tn.NewStack(o.Stack, tn.key, lab.Lease{Until: until}.Retag(o.Tags()), "")
				ref, _, err := tn.client.EnsureStack(t.Context(), s)
				if err != nil {
					t.Errorf("make lab %d: %v", i, err)
				}
				refs[i] = ref
			}
		})
	}
	for i := range *labs {
		if i%100 == 0 && i > 0 {
			t.Logf("%s: %d labs", time.Now().Format(time.TimeOnly), i)
		}
		next <- i
	}
	close(next)
	workers.Wait()
	return refs
}

// allUp waits until Heat is done with all labs.
func (tn *town) allUp(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	for {
		busy := 0
		for s, err := range tn.client.StacksWhere(ctx, openstack.StackFilter{Tags: []string{lab.TagLab + tn.key}}) {
			if err != nil {
				t.Fatal(err)
			}
			if s.Busy() {
				busy++
			} else if s.Status != "COMPLETE" {
				t.Fatalf("%s is %s: %s", s.Name, s.State(), s.Reason)
			}
		}
		if busy == 0 {
			return
		}
		time.Sleep(time.Second)
	}
}

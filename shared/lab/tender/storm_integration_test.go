//go:build integration

package tender_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/openstack"
)

// TestRealSignalsInUpdate sends signals while Heat changes the tags of a lab, as when a page is in use that was just opened:
// the change comes to its end each time, and the lab stays one that can be changed.
func TestRealSignalsInUpdate(t *testing.T) { //nolint:paralleltest // it is about what happens at once
	const rounds, senders = 5, 4
	tn := build(t, "small.yaml")
	ticket, status, _ := tn.launched(t, "u1")
	ticket, _ = tn.up(t, ticket, status)
	ref := refTo(ticket)
	sent, heard := 0, 0
	for round := range rounds {
		s := tn.settles(t, ref)
		change := openstack.StackChange{Tags: lab.Lease{Until: tn.now().Add(time.Duration(round+10) * time.Hour)}.Retag(s.Tags)}
		if err := tn.client.PatchStack(t.Context(), ref, change); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		var mu sync.Mutex
		for sender := range senders {
			all.Go(func() {
				for n := 0; ; n++ {
					id := fmt.Sprintf("beat-%d-%d-%d", round, sender, n)
					err := tn.client.Signal(t.Context(), ref, lab.SignalsOutput, openstack.Signal{ID: id, Status: "SUCCESS", Reason: "beat", Data: "{}"})
					mu.Lock()
					if sent++; err == nil {
						heard++
					}
					mu.Unlock()
					s, err := tn.client.StackParameters(t.Context(), ref)
					if err == nil && !s.Busy() || n > 100 {
						return
					}
				}
			})
		}
		all.Wait()
		tn.settles(t, ref, "UPDATE_COMPLETE")
	}
	t.Logf("%d changes under %d signals (%d taken)", rounds, sent, heard)
}

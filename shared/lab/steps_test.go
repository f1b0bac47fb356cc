package lab_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
)

// In whatever order Heat begins and ends resources, the share that is done never shrinks, also where one that is optional is begun late.
func TestProgressNeverGoesBack(t *testing.T) {
	t.Parallel()
	plan := []lab.Part{
		{Resource: "net", Step: lab.StepNetwork},
		{Resource: "port", Step: lab.StepNetwork, Optional: true},
		{Resource: "server", Step: lab.StepMachine},
		{Resource: "address", Step: lab.StepNetwork, Optional: true},
		{Resource: "wait", Step: lab.StepOther},
	}
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 0))
		var ahead []string // each resource twice: its beginning, and its end
		for _, p := range plan {
			ahead = append(ahead, p.Resource, p.Resource)
		}
		random.Shuffle(len(ahead), func(i, j int) { ahead[i], ahead[j] = ahead[j], ahead[i] })
		events, begun, last := []lab.Event{{Resource: "lab", Action: "CREATE", Status: "IN_PROGRESS", Self: true}}, map[string]bool{}, 0
		for _, resource := range ahead {
			status := "IN_PROGRESS"
			if begun[resource] {
				status = "COMPLETE"
			}
			begun[resource] = true
			events = append(events, lab.Event{Resource: resource, Action: "CREATE", Status: status})
			got := lab.View(lab.Stack{Action: "CREATE", Status: "IN_PROGRESS", Events: events}, lab.Entry{Plan: plan}, time.Now())
			if got.Percent < last {
				t.Fatalf("seed %d: from %d to %d %% when %s is %s", seed, last, got.Percent, resource, status)
			}
			last = got.Percent
		}
		if last != 99 {
			t.Fatalf("seed %d: ends at %d %%", seed, last)
		}
	}
}

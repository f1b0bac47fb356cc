package keeper

import (
	"slices"
	"sync"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
)

// builds remembers how long the last builds took that this process saw end. Nobody is asked for it: pages look at the events
// while they wait. Another process knows others, or none, and then the catalogue's word counts.
type builds struct {
	mu   sync.Mutex
	labs map[string][]build
}

// build is one; several pages may see the same.
type build struct {
	stack string
	took  time.Duration
}

const keptBuilds = 20

const (
	metricBuilds = "stackhook_lab_build_seconds"
	helpBuilds   = "Time that Heat took to build a lab, of those whose page saw the end."
)

// see takes note of the stack's build if the events tell it to its end; fresh says that it was not known.
func (b *builds) see(key, stack string, events []lab.Event) (took time.Duration, fresh bool) {
	took, ended := lab.BuildTime(events)
	if !ended {
		return 0, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if slices.ContainsFunc(b.labs[key], func(known build) bool { return known.stack == stack }) {
		return took, false
	}
	if b.labs == nil {
		b.labs = map[string][]build{}
	}
	known := b.labs[key]
	b.labs[key] = append(slices.Clone(known[max(0, len(known)+1-keptBuilds):]), build{stack, took})
	return took, true
}

// pace is how long builds take; zero if none was seen.
func (b *builds) pace(key string) lab.Pace {
	b.mu.Lock()
	defer b.mu.Unlock()
	times := make([]time.Duration, len(b.labs[key]))
	for i, known := range b.labs[key] {
		times[i] = known.took
	}
	return lab.PaceOf(times)
}

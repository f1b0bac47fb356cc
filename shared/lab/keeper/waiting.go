package keeper

import (
	"context"
	"fmt"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/line"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// labTag tells labs from what else we make. It is one tag, since Heat counts by one tag and a status, and not by two.
const labTag = lab.Tag + "-lab"

// queue is the line before the clouds.
func queue(clouds Clouds, replicas int, now func() time.Time) *line.Line {
	sites := make([]line.Cloud, len(clouds))
	for i, s := range clouds {
		sites[i] = line.Cloud{Capacity: s.Capacity, MaxBuilds: s.MaxBuilds, Count: s.load}
		if s.Capacity == 0 {
			sites[i].Capacity = s.MaxStacks
		}
	}
	return line.New(now, replicas, sites...)
}

// load counts what there is in the cloud: one call for each bound that it has.
func (s Site) load(ctx context.Context) (line.Load, error) {
	var load line.Load
	count := func(bound int, filter openstack.StackFilter) (int, error) {
		if bound == 0 {
			return 0, nil
		}
		n, err := s.Cloud.CountStacks(ctx, filter)
		if err != nil {
			return 0, fmt.Errorf("count what cloud %s has: %w", s.Name, err)
		}
		return n, nil
	}
	labs, err := count(s.Capacity, openstack.StackFilter{Tags: []string{labTag}})
	if err != nil {
		return load, err
	}
	if load.Builds, err = count(s.MaxBuilds, openstack.StackFilter{Tags: []string{labTag}, Action: "CREATE", Status: "IN_PROGRESS"}); err != nil {
		return load, err
	}
	stacks, err := count(s.MaxStacks, openstack.StackFilter{})
	if err != nil {
		return load, err
	}
	load.Labs = labs
	switch {
	case s.Capacity == 0:
		load.Labs = stacks
	case s.MaxStacks > 0: // as if there were so many labs that as much room is left as Heat leaves
		load.Labs = max(labs, s.Capacity-max(0, s.MaxStacks-stacks))
	}
	return load, nil
}

// wait is for a learner whose turn it is not yet: the page asks again, and keeps the place.
func (k *Keeper) wait(ctx context.Context, t Ticket, turn line.Turn) (Ticket, lab.Status) {
	if t.Queued.IsZero() {
		t.Queued = k.now().UTC().Truncate(time.Second)
	}
	logging.Note(ctx, "in_line", fmt.Sprintf("%d of %d", turn.Place, turn.Total))
	return t, k.returning(t, lab.Waits(k.Entry(t), turn.Admission))
}

// pace is how long builds of the ticket's lab take.
func (k *Keeper) pace(t Ticket) lab.Pace {
	e := k.Entry(t)
	return lab.Pace{Median: e.Expected, P90: e.Late}
}

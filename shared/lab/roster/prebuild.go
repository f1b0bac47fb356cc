package roster

import (
	"context"
	"errors"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
)

// Result is what a class has after a prebuild.
type Result struct {
	Lab      string `json:"lab"`
	Learners int    `json:"learners"` // each counted once
	There    int    `json:"there"`    // had a lab before
	Broken   int    `json:"broken"`   // of those, whose lab has failed: a reset cures it
	Leaving  int    `json:"leaving"`  // had one that is just being deleted: send the same again later
	Built    int    `json:"built"`    // were begun now
	// Left have none yet. Full says that no cloud has room for them; otherwise the time was over, or it is not known what
	// labs under construction will leave: send the same again, and it goes on where it stopped.
	Left  int        `json:"left"`
	Full  bool       `json:"full"`
	Short []Resource `json:"short,omitempty"` // what the last cloud has too little of
	// Opens is when the course may use the labs, if that is ahead; Until is the end of the labs made now.
	Opens  *time.Time `json:"opens,omitempty"`
	Until  *time.Time `json:"until,omitempty"`
	Clouds []Built    `json:"clouds"`
}

// Built is what was begun in one cloud.
type Built struct {
	Cloud string `json:"cloud"`
	Built int    `json:"built"`
}

// lastCreate is before the deadline: what is begun then may still be answered, and the result be sent.
const lastCreate = 5 * time.Second

// Prebuild makes the labs of a roster that do not exist yet, under the names and with the tags that a launch would give
// them, so that a learner who comes enters theirs. It makes so many a second as the configuration says, has no more under
// construction at once than a cloud's max_builds, and goes on in the next cloud when one is full. The lease counts from the
// start of the course's window, if that is ahead.
//
// It deletes nothing, and it may be cut off at any time: what has a lab is read from the clouds at each start. If one of them
// does not answer nothing is made, since a learner's lab may be there. With an error the result tells what was done before.
func (p *Planner) Prebuild(ctx context.Context, r Roster) (Result, error) {
	c, err := p.class(r)
	if err != nil {
		return Result{Lab: r.Lab}, err
	}
	done, err := p.alone(ctx, c.owners[0])
	if err != nil {
		return Result{Lab: r.Lab}, err
	}
	defer done()
	b := p.builder(c)
	missing, err := b.missing(ctx)
	if err != nil {
		return b.Result, err
	}
	begin, cancel := beginning(ctx)
	defer cancel()
	for i, owner := range missing {
		b.Left = len(missing) - i
		if err := b.build(ctx, begin, owner); err != nil {
			if errors.Is(err, stopped{}) {
				return b.Result, nil
			}
			return b.Result, err
		}
	}
	b.Left = 0
	return b.Result, nil
}

// stopped ends a prebuild that is to be gone on with.
type stopped struct{}

func (stopped) Error() string { return "stopped" }

// beginning ends when nothing more may be begun.
func beginning(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-lastCreate))
}

// alone waits until nobody else in this process is at work on the course's labs of that kind: of two who are sent the same
// at once the second finds everything done. Two processes go by the names of the stacks, of which Heat seldom keeps two (see
// openstack.Cloud.Settle); the later one is spare then, and tend-labs removes it.
func (p *Planner) alone(ctx context.Context, course lab.Owner) (done func(), err error) {
	key := course.Lab + " " + course.Context
	for {
		p.mu.Lock()
		before, busy := p.groups[key]
		if !busy {
			mine := make(chan struct{})
			p.groups[key] = mine
			p.mu.Unlock()
			return func() {
				p.mu.Lock()
				defer p.mu.Unlock()
				delete(p.groups, key)
				close(mine)
			}, nil
		}
		p.mu.Unlock()
		select {
		case <-before:
		case <-ctx.Done():
			return nil, ctx.Err() //nolint:wrapcheck // the caller's own
		}
	}
}

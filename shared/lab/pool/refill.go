package pool

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"iter"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Stock is what a refill needs of OpenStack.
type Stock interface {
	Claims
	StacksWhere(ctx context.Context, f openstack.StackFilter) iter.Seq2[openstack.Stack, error]
	CreateStack(ctx context.Context, s openstack.NewStack) (openstack.StackRef, error)
	DeleteStack(ctx context.Context, ref openstack.StackRef) error
}

// Refill brings the ready-made labs of one cloud to their number. What is wrong with a single one, such as its age, is
// lab.Tend's to say.
type Refill struct {
	Cloud Stock
	Now   function.Clock
	// New is the request that creates a lab of this key under that name, with those tags.
	New func(name, key string, tags []string) openstack.NewStack
	// Pace waits until the next change may be made; false: there is to be none. Nil never waits.
	Pace func(ctx context.Context) bool
	// DryRun plans and changes nothing.
	DryRun bool
}

// Change is one thing that was done, or in a dry run would be.
type Change struct {
	Created bool // otherwise it was deleted
	Stack   openstack.StackRef
	Err     error // it was tried in vain
}

// Report is what became of one lab key.
type Report struct {
	Changes []Change
	Missing int // labs that are still to be made
}

// Run makes labs, and removes those that are more than wanted, each change by itself. It may be cut off anywhere and be run
// by several at once. Before each change it looks how many there are by then, so that any number of runs at once make at
// most one too many each, which goes next time. That is a look and a create for each lab that it makes; a removal takes two
// calls more, see Withhold. The error is of a look; what else fails is told by its change, and ends the run.
func (r Refill) Run(ctx context.Context, want Want, marks []Mark) (Report, error) {
	plan, err := r.plan(ctx, want, marks)
	report := Report{Missing: plan.Create}
	if err != nil || r.DryRun {
		report.Changes = foreseen(want, plan)
		return report, err
	}
	for range plan.Create { // and never more, whatever the list shows
		if plan.Create == 0 || !r.pace(ctx) {
			return report, nil
		}
		change := r.create(ctx, want)
		report.Changes = append(report.Changes, change)
		if change.Err != nil { // a full cloud stays full, and whatever it was, the next tick tries again
			return report, nil //nolint:nilerr // the change tells it
		}
		if report.Missing--; report.Missing == 0 {
			return report, nil
		}
		if plan, err = r.plan(ctx, want, marks); err != nil {
			return report, err
		}
		report.Missing = plan.Create
	}
	return r.removeAll(ctx, plan, report), nil
}

func (r Refill) pace(ctx context.Context) bool { return r.Pace == nil || r.Pace(ctx) }

func (r Refill) plan(ctx context.Context, want Want, marks []Mark) (Plan, error) {
	var have []openstack.Stack
	for s, err := range r.Cloud.StacksWhere(ctx, openstack.StackFilter{Tags: []string{lab.Tag, lab.TagWarm + want.Lab}}) {
		if err != nil {
			return Plan{}, fmt.Errorf("list ready-made labs of %s: %w", want.Lab, err)
		}
		have = append(have, s)
	}
	return PlanFor(want, have, marks), nil
}

func foreseen(want Want, plan Plan) []Change {
	var changes []Change
	for range plan.Create {
		changes = append(changes, Change{Created: true, Stack: openstack.StackRef{Name: newName(want.Lab)}})
	}
	for _, s := range plan.Remove {
		changes = append(changes, Change{Stack: s.StackRef})
	}
	return changes
}

// create makes one lab. An answer that was lost does not matter: the next look counts the lab if it is there.
func (r Refill) create(ctx context.Context, want Want) Change {
	name := newName(want.Lab)
	tags := []string{lab.Tag, lab.TagLab + want.Lab, lab.TagWarm + want.Lab, lab.TagRev + want.Revision}
	ref, err := r.Cloud.CreateStack(ctx, r.New(name, want.Lab, tags))
	if err != nil {
		ref.Name = name
		err = fmt.Errorf("make a lab of %s ready: %w", want.Lab, err)
	}
	return Change{Created: true, Stack: ref, Err: err}
}

// newName is a name that nobody else comes upon: labs keep theirs when they get an owner.
func newName(key string) string {
	var id [4]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	return "warm-" + key + "-" + hex.EncodeToString(id[:])
}

// removeAll removes what is more than wanted, as far as nobody else has a hand on it.
func (r Refill) removeAll(ctx context.Context, plan Plan, report Report) Report {
	for _, s := range plan.Remove {
		if !r.pace(ctx) {
			return report
		}
		ours, err := Withhold(ctx, r.Cloud, s.StackRef, r.Now)
		if err == nil && !ours {
			continue
		}
		if err == nil {
			if err = r.Cloud.DeleteStack(ctx, s.StackRef); openstack.CodeOf(err) == openstack.Gone {
				err = nil
			}
		}
		report.Changes = append(report.Changes, Change{Stack: s.StackRef, Err: err})
		if err != nil {
			return report
		}
	}
	return report
}

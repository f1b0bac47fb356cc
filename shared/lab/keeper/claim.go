package keeper

import (
	"context"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/lab/pool"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// claim gives the learner one of the ready-made labs that the look at all clouds showed: three calls (key pair, update,
// read). settled is false if there is none to be had, and one has to be built.
func (k *Keeper) claim(ctx context.Context, t Ticket, warm []lab.Held) (after Ticket, status lab.Status, settled bool) {
	shelf := k.entries[t.Lab]
	if shelf.entry.Warm <= 0 || len(warm) == 0 {
		return t, lab.Status{}, false
	}
	var parameters map[string]any
	if t.Grading != "" && shelf.template.Has(grades.GradingParameter) {
		parameters = map[string]any{grades.GradingParameter: t.Grading}
	}
	for place, site := range k.clouds {
		candidates := pool.Candidates(stacksOf(warm, place), t.Lab, shelf.entry.Revision)
		if len(candidates) == 0 {
			continue
		}
		ref, outcome, err := pool.Claim(ctx, site.Cloud, t.Owner, candidates, t.Lease.Retag(t.Tags()), parameters, k.now)
		logging.Note(ctx, "claim", string(outcome))
		if err != nil {
			logging.Note(ctx, "cause", err.Error())
		}
		switch outcome {
		case pool.Taken:
			after, status = k.taken(ctx, t, place, ref)
			return after, status, true
		case pool.UnderWay:
			return k.unanswered(t), lab.Unseen(k.Entry(t), lab.Unanswered), true
		case pool.None, pool.Barred:
		}
	}
	return t, lab.Status{}, false
}

// taken reads back what became of a claim: of two updates at once Heat drops one without a word, and only what the stack
// says itself makes it the learner's.
func (k *Keeper) taken(ctx context.Context, t Ticket, place int, ref openstack.StackRef) (Ticket, lab.Status) {
	s, err := k.clouds[place].Cloud.Stack(ctx, ref)
	if err != nil || lab.BaseOf(s.Tags) != t.Stack {
		if err != nil {
			logging.Note(ctx, "cause", err.Error())
		}
		return k.unanswered(t), lab.Unseen(k.Entry(t), lab.Unanswered)
	}
	t = k.take(t, k.held(place, s)).learn(s.Tags)
	t.Queued = time.Time{}
	stack := stackOf(answered(s))
	if stack.Action == "UPDATE" && stack.Status == "IN_PROGRESS" { // our own
		stack.Status = "COMPLETE"
	}
	t, status := k.dressed(ctx, t, answered(s), k.view(t, stack))
	t.Settle, status.Poll = true, lab.Poll{Look: lab.LookName, After: settleAfter}
	return t, status
}

// settleAfter is when the page looks whether the lab that it was given is the one that counts: another launch of the same
// learner may have begun to build one in the same moment.
const settleAfter = 2 * time.Second

// unanswered is t while the page looks for what became of a request.
func (k *Keeper) unanswered(t Ticket) Ticket {
	t.Asked = k.now().UTC().Truncate(time.Second)
	return t
}

// stacksOf are those of the stacks that are in the cloud at that place.
func stacksOf(held []lab.Held, place int) []openstack.Stack {
	var stacks []openstack.Stack
	for _, h := range held {
		if h.Order == place {
			stacks = append(stacks, openstack.Stack{
				StackRef: refOfHeld(h), Action: h.Stack.Action, Status: h.Stack.Status, Created: h.Stack.Created, Updated: h.Stack.Updated, Tags: h.Tags,
			})
		}
	}
	return stacks
}

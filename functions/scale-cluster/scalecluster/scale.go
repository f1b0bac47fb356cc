package scalecluster

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/seal"
)

// scaler is the function.
type scaler struct {
	clusters    map[string]config.Cluster
	credentials map[string][]caller.Credential
	box         *seal.Box
	now         function.Clock
	own         door
	as          func(token string) door
	turns       turns
	refs        refs
}

// doorFor is the cloud with the rights the caller has.
func (s *scaler) doorFor(who caller.Caller) door {
	if who.Kind == caller.Keystone {
		return s.as(who.Token)
	}
	return s.own
}

// decide reads the cluster, decides, and makes the decision true.
func (s *scaler) decide(ctx context.Context, who caller.Caller, t target, r cluster.Request) (cluster.Decision, error) {
	arrived := s.turns.clock.Add(1)
	queue := t.stack
	if who.Kind == caller.Keystone {
		queue += " " + who.Token // nobody waits for those who have not been let in yet
	}
	turn, give, err := s.turns.take(ctx, queue)
	if err != nil {
		return cluster.Decision{}, fmt.Errorf("wait for earlier requests of cluster %s: %w", t.name, err)
	}
	defer give()
	d := s.doorFor(who)
	stack := turn.stack
	if !d.shared || turn.begun < arrived {
		begun := s.turns.clock.Add(1)
		if stack, err = s.read(ctx, d, t, who); err != nil {
			return cluster.Decision{}, err
		}
		turn.keep(d, stack, begun)
	}
	state, err := t.state(stack)
	if err != nil {
		return cluster.Decision{}, err
	}
	r.Token = rand.Text()
	decision := cluster.Decide(state, r, s.now())
	if decision.Patch == nil {
		return decision, nil
	}
	turn.begun = 0 // what was read before the update is of no use to those who wait
	begun := s.turns.clock.Add(1)
	decision, after, err := s.apply(ctx, d, stack.StackRef, t, state, r, decision)
	if err == nil {
		turn.keep(d, after, begun)
	}
	return decision, err
}

// keep lets those who wait use what was read, if it was read with rights they share.
func (t *turn) keep(d door, stack openstack.Stack, begun uint64) {
	if d.shared && stack.ID != "" {
		t.stack, t.begun = stack, begun
	}
}

// apply writes the decision and reads back whose decision stands. An update is never sent twice: after a lost answer it
// may have worked, and reading says so.
func (s *scaler) apply(ctx context.Context, d door, ref openstack.StackRef, t target, before cluster.State, r cluster.Request, decision cluster.Decision) (cluster.Decision, openstack.Stack, error) {
	patchErr := d.PatchStack(ctx, ref, openstack.StackChange{Parameters: map[string]any{
		"app_count": decision.Patch.Count, "app_removal": decision.Patch.Removal, "scale_state": decision.Patch.State,
	}})
	switch openstack.CodeOf(patchErr) {
	case "", openstack.Unavailable:
	case openstack.Busy:
		return decision.Refuse(cluster.Busy), openstack.Stack{}, nil
	case openstack.Refused:
		return decision.Refuse(cluster.NotScalable), openstack.Stack{}, nil
	case openstack.Conflict, openstack.Gone, openstack.Forbidden, openstack.Quota, openstack.Broken:
		return cluster.Decision{}, openstack.Stack{}, patchErr
	}
	stack, err := d.StackParameters(ctx, ref)
	if err != nil {
		return cluster.Decision{}, openstack.Stack{}, fmt.Errorf("read back cluster %s: %w", t.name, err)
	}
	after, err := t.state(stack)
	if err != nil {
		return cluster.Decision{}, openstack.Stack{}, err
	}
	result := cluster.Verify(decision, r.Token, before.Memory, after)
	switch {
	case result.Code == cluster.Lost && patchErr != nil:
		return cluster.Decision{}, stack, patchErr // it did not take it: the cloud was down
	case result.Code == cluster.Superseded:
		// Look once more with the winner's eyes: it may have acted on the very same notification.
		if again := cluster.Decide(after, r, s.now()); again.Code == cluster.Duplicate {
			return again, stack, nil
		}
	}
	return result, stack, nil
}

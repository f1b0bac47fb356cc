package scalecluster

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/openstack"
)

// gather looks at what the decision turns out to depend on besides stack and nodes, and has it made again: what is not
// needed is not asked for.
func (s *scaler) gather(ctx context.Context, v *visit, decide decider, decision cluster.Decision) (cluster.Decision, error) {
	if v.needsGroup(decision) {
		if err := v.lookAtGroup(ctx); err != nil {
			return cluster.Decision{}, err
		}
		decision = decide(v.state, v.request, v.now)
	}
	if decision.Code == cluster.Draining && v.target.policy.TwoPhases() {
		if err := s.lookAtPool(ctx, v); err != nil {
			return cluster.Decision{}, fmt.Errorf("read pool of cluster %s: %w", v.target.name, err)
		}
		decision = decide(v.state, v.request, v.now)
	}
	// The nodes do not matter to a repair; where an alarm had them read, there is no request left to spend on this.
	if _, named := v.stack.Outputs["loadbalancer_id"].(string); named && decision.Code == cluster.Repaired && v.state.Nodes == nil {
		v.state.BalancerBroken = broken(ctx, v.door, v.stack)
		decision = decide(v.state, v.request, v.now)
	}
	if decision.Op == cluster.OpPass && decision.Drains() && v.state.NeedsSessions(v.now) {
		v.state.Sessions = sessions(ctx, v.target.fixed.Drain.SessionsURL)
		decision = decide(v.state, v.request, v.now)
	}
	if len(decision.Ask) > 0 {
		v.state.Agreed = ask(ctx, v.target, decision.Ask, s.now)
		decision = decide(v.state, v.request, v.now)
	}
	return decision, nil
}

// poolLife is how long a process remembers whether a pool keeps clients at their members. Only whoever changes the pool by
// hand changes that, and a drain that has begun has it written on its member.
const poolLife = time.Hour

// facts remember for a while what hardly ever changes, to save a request.
type facts[T any] struct {
	mu sync.Mutex
	by map[string]fact[T]
}

type fact[T any] struct {
	value T
	until time.Time
}

func (f *facts[T]) get(id string, now time.Time) (T, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known, ok := f.by[id]
	if !ok || !now.Before(known.until) {
		var none T
		return none, false
	}
	return known.value, true
}

func (f *facts[T]) put(id string, value T, until time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.by[id] = fact[T]{value, until}
}

// lookAtPool learns whether the pool keeps clients at their members.
func (s *scaler) lookAtPool(ctx context.Context, v *visit) error {
	id := poolOf(v.stack)
	sticky, known := s.pools.get(id, v.now)
	if !known {
		pool, err := v.door.Pool(ctx, id)
		if openstack.CodeOf(err) == openstack.Gone { // the pool, and not the cluster
			err = &openstack.Error{Code: openstack.Broken, Op: "look for pool " + id, Err: err}
		}
		if err != nil {
			return err //nolint:wrapcheck // gather says what it was for
		}
		v.spent = true
		sticky = pool.Persistence != ""
		s.pools.put(id, sticky, v.now.Add(poolLife))
	}
	v.state.Sticky = sticky
	return nil
}

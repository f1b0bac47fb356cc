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

// pools remembers what pools are like, to save a request for each drain.
type pools struct {
	mu sync.Mutex
	by map[string]poolFact
}

type poolFact struct {
	sticky bool
	until  time.Time
}

func (p *pools) get(id string, now time.Time) (poolFact, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fact, known := p.by[id]
	return fact, known && now.Before(fact.until)
}

func (p *pools) put(id string, fact poolFact) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.by[id] = fact
}

// lookAtPool learns whether the pool keeps clients at their members.
func (s *scaler) lookAtPool(ctx context.Context, v *visit) error {
	id := poolOf(v.stack)
	fact, known := s.pools.get(id, v.now)
	if !known {
		pool, err := v.door.Pool(ctx, id)
		if openstack.CodeOf(err) == openstack.Gone { // the pool, and not the cluster
			err = &openstack.Error{Code: openstack.Broken, Op: "look for pool " + id, Err: err}
		}
		if err != nil {
			return err //nolint:wrapcheck // gather says what it was for
		}
		v.spent = true
		fact = poolFact{pool.Persistence != "", v.now.Add(poolLife)}
		s.pools.put(id, fact)
	}
	v.state.Sticky = fact.sticky
	return nil
}

package scalecluster

import (
	"context"
	"fmt"

	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// drain writes the decision's changes of pool members, as far as the load balancer lets us: each makes it busy for a
// moment. The last of two writers wins there, and values are absolute, so an answer is as good as a look.
func drain(ctx context.Context, v *visit, decision cluster.Decision) (cluster.Decision, error) {
	for i, change := range decision.Members {
		err := changeMember(ctx, v.door, poolOf(v.stack), change)
		switch openstack.CodeOf(err) {
		case "", openstack.Gone: // a member that is gone gets no connections either
		case openstack.Busy:
			// After a change of our own it is at work on that, and nobody need be asked.
			if i == 0 && !v.spent && broken(ctx, v.door, v.stack) {
				return decision.Broken(), nil
			}
			return decision.Changed(i, true), nil
		case openstack.Conflict, openstack.Forbidden, openstack.Quota, openstack.Refused, openstack.Unavailable, openstack.Broken:
			return cluster.Decision{}, fmt.Errorf("change member of node %s of cluster %s: %w", change.Node, v.target.name, err)
		}
	}
	return decision.Changed(len(decision.Members), false), nil
}

// changeMember sets weight and marks. A provider without weights, such as OVN, refuses them: there a member is taken out
// of service as a whole (octavia's feature-matrix-member.ini).
func changeMember(ctx context.Context, d door, pool string, change cluster.MemberChange) error {
	up := !change.Down
	err := d.ChangeMember(ctx, pool, change.Member, openstack.MemberChange{Weight: &change.Weight, AdminUp: &up, Tags: &change.Tags})
	if openstack.CodeOf(err) == openstack.Refused {
		up = up && change.Weight > 0
		err = d.ChangeMember(ctx, pool, change.Member, openstack.MemberChange{AdminUp: &up, Tags: &change.Tags})
	}
	return err //nolint:wrapcheck // drain says what it was for
}

// broken says whether the load balancer, which has refused a change, is in ERROR and not at work: one request, or two where
// the stack does not name it. Whoever cannot tell takes it to be at work, and comes again.
func broken(ctx context.Context, d door, stack openstack.Stack) bool {
	id, named := stack.Outputs["loadbalancer_id"].(string)
	if !named {
		pool, err := d.Pool(ctx, poolOf(stack))
		if err != nil {
			logging.From(ctx).Warn().Err(err).Msg("whose pool it is cannot be read")
			return false
		}
		id = pool.LoadBalancer
	}
	status, err := d.LoadBalancerStatus(ctx, id)
	if err != nil {
		logging.From(ctx).Warn().Err(err).Msg("the load balancer's status cannot be read")
		return false
	}
	if status != "ERROR" {
		return false
	}
	logging.From(ctx).Error().Str("stack", stack.Name).Str("loadbalancer", id).Msg("the load balancer is in ERROR: only a failover mends it")
	return true
}

// poolOf is the id of the stack's pool; empty if it names none.
func poolOf(stack openstack.Stack) string {
	pool, _ := stack.Outputs["pool_id"].(string)
	return pool
}

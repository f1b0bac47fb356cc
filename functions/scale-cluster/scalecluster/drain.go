package scalecluster

import (
	"context"
	"fmt"

	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/openstack"
)

// drain writes the decision's changes of pool members, as far as the load balancer lets us: each makes it busy for a
// moment. The last of two writers wins there, and values are absolute, so an answer is as good as a look.
func drain(ctx context.Context, v *visit, decision cluster.Decision) (cluster.Decision, error) {
	pool, _ := v.stack.Outputs["pool_id"].(string)
	for i, change := range decision.Members {
		err := changeMember(ctx, v.door, pool, change)
		switch openstack.CodeOf(err) {
		case "", openstack.Gone: // a member that is gone gets no connections either
		case openstack.Busy:
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
	up := true
	err := d.ChangeMember(ctx, pool, change.Member, openstack.MemberChange{Weight: &change.Weight, AdminUp: &up, Tags: &change.Tags})
	if openstack.CodeOf(err) == openstack.Refused {
		up = change.Weight > 0
		err = d.ChangeMember(ctx, pool, change.Member, openstack.MemberChange{AdminUp: &up, Tags: &change.Tags})
	}
	return err //nolint:wrapcheck // drain says what it was for
}

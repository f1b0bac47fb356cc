package deploysite

import (
	"context"

	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/site"
)

// proven asks the load balancer whether it reaches the site's nodes: Heat calls a site made when the load balancer has
// taken its nodes, whether or not it reaches them. A load balancer that does not answer proves nothing either way.
func (d *deployer) proven(ctx context.Context, v visit, out *view) {
	if out.PoolID == "" {
		return
	}
	members, err := v.door.Members(ctx, out.PoolID)
	if err != nil {
		logging.From(ctx).Warn().Err(err).Msg("the load balancer did not say whether it reaches the site's nodes")
		return
	}
	statuses := make([]string, len(members))
	for i, m := range members {
		statuses[i] = m.OperatingStatus
	}
	serving := site.ServingOf(statuses)
	out.Serving = &serving
	if out.Nodes > 0 && serving.Nobody() {
		out.State, out.Percent = site.Unserved, 99
	}
}

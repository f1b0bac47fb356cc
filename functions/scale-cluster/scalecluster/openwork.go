package scalecluster

import (
	"context"
	"slices"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

const (
	// tagSite is on the stacks of sites, whose nodes tell the handle progressResource what they are at.
	tagSite          = "site"
	progressResource = "progress"
)

// openWork is what the nodes that a dry run would take have to end. It asks the load balancer for its sessions, if the cluster
// has them counted, and of a site what its nodes said last: one request. Neither changes anything; a hook is not asked, as
// that may. What is not to be had is left out.
func openWork(ctx context.Context, v *visit, would cluster.Decision) []cluster.Work {
	if len(would.Victims) == 0 {
		return nil
	}
	state := v.state
	if state.Policy.Sessions && state.Sessions == nil {
		state.Sessions = sessions(ctx, v.target.fixed.Drain.SessionsURL)
	}
	return state.OpenWork(would, migrating(ctx, v), v.now)
}

// migrating are the nodes of a site that run its migrations, and since when.
func migrating(ctx context.Context, v *visit) map[string]time.Time {
	if !slices.Contains(v.stack.Tags, tagSite) {
		return nil
	}
	signals, err := v.door.Metadata(ctx, v.stack.StackRef, progressResource)
	if err != nil {
		if openstack.CodeOf(err) != openstack.Gone {
			logging.From(ctx).Warn().Err(err).Msg("what the nodes said of their migrations could not be read for a dry run")
		}
		return nil
	}
	return cluster.Migrating(signals, v.stack.Name)
}

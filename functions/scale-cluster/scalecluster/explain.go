package scalecluster

import (
	"context"

	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// plan is what a dry run says besides its decision (N11).
type plan struct {
	// BlockedBy is everything that holds the request back, not only what it met first; Otherwise is what would be decided if
	// nothing did.
	BlockedBy []cluster.Block `json:"blocked_by,omitempty"`
	Otherwise *step           `json:"otherwise,omitempty"`
	// OpenWork is what the nodes that would go have to end: those of the decision, or of Otherwise.
	OpenWork []cluster.Work `json:"open_work,omitempty"`
	// Parameters are what an update would set, beside the memory; Changes what it would do to the stack's resources, by
	// OpenStack's own preview.
	Parameters map[string]any `json:"parameters,omitempty"`
	Tags       []string       `json:"tags,omitempty"`
	Changes    *changes       `json:"changes,omitempty"`
	// Marks are what would be written to members of an AutoScalingGroup before the update.
	Marks []cluster.Mark `json:"marks,omitempty"`
	// Members are what would be written to pool members.
	Members []memberPlan `json:"members,omitempty"`
}

// changes are resources by what happens to them. A group always reads as updated.
type changes struct {
	Updated  []string `json:"updated,omitempty"`
	Replaced []string `json:"replaced,omitempty"`
	Added    []string `json:"added,omitempty"`
	Deleted  []string `json:"deleted,omitempty"`
}

// memberPlan is one change of a pool member.
type memberPlan struct {
	Node   string   `json:"node"`
	Weight int      `json:"weight"`
	Tags   []string `json:"tags"`
}

// explain is what a dry run would write, what holds it back, and what the nodes that go have to end. It takes a request to
// OpenStack for the nodes, if what holds it back was known without, or for a preview of the update; and one for a site's open work.
func (s *scaler) explain(ctx context.Context, v *visit) *plan {
	decide, wet := deciderOf(v.request.Op), v.request
	out := &plan{}
	blocks, would := cluster.Explain(v.state, v.request, v.now, decide)
	if len(blocks) > 0 && v.full && v.state.Nodes == nil && would.NeedsNodes(v.target.policy) {
		var err error
		if v.state.Nodes, v.state.Strangers, err = nodes(ctx, v.door, v.stack); err != nil {
			logging.From(ctx).Warn().Err(err).Msg("the nodes could not be read for a dry run")
		}
		blocks, would = cluster.Explain(v.state, v.request, v.now, decide)
	}
	if len(blocks) > 0 {
		out.BlockedBy = blocks
		out.Otherwise = &step{Code: would.Code, Reason: would.Reason, Victims: would.Victims}
	}
	out.OpenWork = openWork(ctx, v, would)
	wet.DryRun = false
	if err := v.lookAtGroup(ctx); err != nil {
		logging.From(ctx).Warn().Err(err).Msg("the group could not be read for a dry run")
	}
	would = decide(v.state, wet, v.now)
	for _, m := range would.Members {
		out.Members = append(out.Members, memberPlan{m.Node, m.Weight, m.Tags})
	}
	if would.Patch == nil {
		return out
	}
	if out.Tags = would.Patch.Tags; out.Tags == nil {
		out.Parameters = sizeOf(v.stack, would.Patch)
	}
	out.Marks = would.Marks
	preview, err := v.door.PreviewChange(ctx, v.stack.StackRef, changeOf(v.stack, would.Patch))
	if err != nil {
		logging.From(ctx).Warn().Err(err).Msg("no preview to be had of a dry run")
		return out
	}
	out.Changes = &changes{preview.Updated, preview.Replaced, preview.Added, preview.Deleted}
	return out
}

// changeOf is the decision as an update of the stack.
func changeOf(stack openstack.Stack, p *cluster.Patch) openstack.StackChange {
	if p.Tags != nil {
		return openstack.StackChange{Tags: p.Tags}
	}
	parameters := sizeOf(stack, p)
	parameters["scale_state"] = p.State
	return openstack.StackChange{Parameters: parameters}
}

// sizeOf is what of it is about the size.
func sizeOf(stack openstack.Stack, p *cluster.Patch) map[string]any {
	out := map[string]any{"app_count": p.Count}
	if takesNames(stack) {
		out["app_removal"] = p.Removal
	}
	return out
}

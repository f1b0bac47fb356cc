package keeper

import (
	"context"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// settling is how long an update that touches no machine keeps a stack at work: four seconds for a small one, seven for three
// machines (measured).
const settling = 10 * time.Second

// graded sees to it that a lab that was made before it was known where its grade goes is told so at its first launch. Where
// the same launch has just changed the stack's tags, the page comes back for it: of two updates at once Heat drops one.
func (k *Keeper) graded(ctx context.Context, t Ticket, h lab.Held, s openstack.Stack, renewed bool, status lab.Status) lab.Status {
	told, asks := s.Parameters[grades.GradingParameter]
	if t.Grading == "" || !asks || told != "" || !h.Stack.Patchable() {
		return status
	}
	if renewed {
		status.Poll = lab.Poll{Start: true, After: settling}
		return status
	}
	change := openstack.StackChange{Parameters: map[string]any{grades.GradingParameter: t.Grading}}
	if err := k.cloud(t).PatchStack(ctx, t.ref(), change); err != nil {
		logging.Note(ctx, "cause", err.Error())
	}
	return status
}

package keeper

import (
	"context"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/openstack"
)

// Heartbeat writes down that the lab's page is in use: one call, or none where the template has no handle for it. A lab that
// sleeps or goes takes no signal, and needs none.
func (k *Keeper) Heartbeat(ctx context.Context, t Ticket) error {
	if t.ID == "" || t.Settle || !k.entries[t.Lab].signals {
		return nil
	}
	noteLearner(ctx, t, t.ref().Name)
	signal := lab.PageSignal(k.now())
	err := k.cloud(t).Signal(ctx, t.ref(), grades.Handle, openstack.Signal{
		ID: signal.ID, Status: "SUCCESS", Reason: signal.Reason, Data: signal.Data,
	})
	switch openstack.CodeOf(err) {
	case "", openstack.Gone, openstack.Refused, openstack.Busy:
		return nil
	case openstack.Conflict, openstack.Forbidden, openstack.Quota, openstack.Unavailable, openstack.Broken:
	}
	return Failure(err)
}

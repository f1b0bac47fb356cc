package deploysite

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strconv"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/site"
)

// cancel ends what Heat is doing to a site: an update or a create stays where it is, and with ?rollback=1 an update is
// undone, unless it reached the data nodes: those are never rolled back.
func (d *deployer) cancel(ctx context.Context, r *http.Request, v visit) (any, error) {
	back := r.URL.Query().Get("rollback")
	if back != "" && back != "1" && back != "0" {
		return nil, function.Invalid(function.Fault{Field: "rollback", Message: "must be 1, or be left out."})
	}
	stack, err := d.read(ctx, v)
	if err != nil {
		return nil, err
	}
	if stack.Status != "IN_PROGRESS" || stack.Action != "UPDATE" && stack.Action != "CREATE" {
		return d.say(ctx, v, answer{
			Code: "unchanged", State: site.StateOf(stack.Action, stack.Status), Reason: "Nothing is being changed; there is nothing to cancel.", status: http.StatusOK,
		}), nil
	}
	action := openstack.CancelWithoutRollback
	if back == "1" {
		if err := d.mayRollBack(ctx, v, stack); err != nil {
			return nil, err
		}
		action = openstack.CancelUpdate
	}
	if err := v.door.Act(ctx, stack.StackRef, action); err != nil {
		return nil, fmt.Errorf("cancel site %s: %w", v.name, err)
	}
	return d.say(ctx, v, answer{
		Code: "cancelled", State: site.Updating, Reason: "What was being done is cancelled. Put the site again to go on.", status: http.StatusAccepted,
	}), nil
}

func (d *deployer) mayRollBack(ctx context.Context, v visit, stack openstack.Stack) error {
	if stack.Action == "CREATE" {
		return &function.Error{
			Code: "no_rollback", Status: http.StatusConflict,
			Public: "A site that is being made has nothing to go back to. Cancel it without rollback, then put it again or delete it.",
		}
	}
	events, err := v.door.Events(ctx, stack.StackRef, "")
	if err != nil {
		return fmt.Errorf("read events of site %s: %w", v.name, err)
	}
	if site.Reached(history(stack, events), "backend") {
		return &function.Error{
			Code: "touches_backend", Status: http.StatusConflict,
			Public: "The change has reached the data nodes, which are never rolled back. Cancel it without rollback, or let it end.",
		}
	}
	return nil
}

// roll makes the next step of a roll: application nodes first, then data nodes, or those of ?role= alone, and with
// ?node= one data node even if it keeps nothing older. Each request makes one step, and answers rolled when nothing is left.
func (d *deployer) roll(ctx context.Context, r *http.Request, v visit) (any, error) {
	role, only, err := rollOf(r)
	if err != nil {
		return nil, err
	}
	stack, err := d.read(ctx, v)
	if err != nil {
		return nil, err
	}
	if err := atRest(stack, "rolled"); err != nil {
		return nil, err
	}
	ask := site.Ask{Who: v.who.Name, Token: rand.Text(), Now: d.now()}
	turn := site.Turn{Done: true}
	if role != "backend" {
		turn = site.RollApps(have(stack), ask)
	}
	if turn.Done && role != "app" {
		reports, err := d.reports(ctx, v, stack)
		if err != nil {
			return nil, fmt.Errorf("read reports of site %s: %w", v.name, err)
		}
		lost, err := d.lost(ctx, v, stack, only)
		if err != nil {
			return nil, err
		}
		turn = site.RollBackend(have(stack), reports, only, lost, ask)
	}
	switch {
	case turn.Refused != "":
		status, retry := openstack.Busy.HTTP()
		return nil, &function.Error{Code: "no_quorum", Status: status, RetryAfter: retry, Public: turn.Refused}
	case turn.Done:
		return d.say(ctx, v, answer{Code: "rolled", State: site.Ready, Reason: turn.Reason, status: http.StatusOK}), nil
	}
	if err := d.write(ctx, v, stack.StackRef, openstack.StackChange{Parameters: turn.Parameters}, ask.Token); err != nil {
		return nil, err
	}
	return d.say(ctx, v, answer{Code: "rolling", State: site.Updating, Reason: turn.Reason, status: http.StatusAccepted}), nil
}

// lost says that the server of a data node does not run, or was never made.
func (d *deployer) lost(ctx context.Context, v visit, stack openstack.Stack, index int) (bool, error) {
	if index < 0 {
		return false, nil
	}
	known := recordOf(stack).Backend
	if index >= len(known) || known[index] == "" {
		return stack.Status == "FAILED", nil
	}
	servers, err := v.door.Servers(ctx, known[index])
	if err != nil {
		return false, fmt.Errorf("look at data node %d of site %s: %w", index, v.name, err)
	}
	return len(servers) == 0 || servers[0].Status != "ACTIVE", nil
}

func rollOf(r *http.Request) (role string, only int, err error) {
	query := r.URL.Query()
	role, only = query.Get("role"), -1
	if role != "" && role != "app" && role != "backend" {
		return "", 0, function.Invalid(function.Fault{Field: "role", Message: "must be app or backend, or be left out."})
	}
	if query.Has("node") {
		only, err = strconv.Atoi(query.Get("node"))
		if err != nil || only < 0 || only > 2 || role == "app" {
			return "", 0, function.Invalid(function.Fault{Field: "node", Message: "must be 0, 1 or 2: a data node."})
		}
		role = "backend"
	}
	return role, only, nil
}

// atRest refuses what must not come between Heat and its work. A stack that failed is at rest: a roll is how it is mended.
func atRest(stack openstack.Stack, what string) error {
	status, retry := openstack.Busy.HTTP()
	switch {
	case stack.Busy():
		return &function.Error{Code: "busy", Status: status, RetryAfter: retry, Public: "The site is being changed. Send the request again when it is done."}
	case stack.Action == "SUSPEND" || stack.Action == "DELETE":
		return &function.Error{Code: string(site.Stopped), Status: http.StatusConflict, Public: "The site is not running, so it cannot be " + what + "."}
	}
	return nil
}

// recovery gives one data node leave to form a cluster of its own data, after all three stopped: the one with the most of
// the data, by what they said, or ?node=. The node finds the leave in its metadata and uses it once.
func (d *deployer) recovery(ctx context.Context, r *http.Request, v visit) (any, error) {
	_, only, err := rollOf(r)
	if err != nil {
		return nil, err
	}
	stack, err := d.read(ctx, v)
	if err != nil {
		return nil, err
	}
	if err := atRest(stack, "recovered"); err != nil {
		return nil, err
	}
	reports, err := d.reports(ctx, v, stack)
	if err != nil {
		return nil, fmt.Errorf("read reports of site %s: %w", v.name, err)
	}
	ask := site.Ask{Who: v.who.Name, Token: rand.Text(), Now: d.now()}
	turn := site.Recover(have(stack), reports, only, rand.Text(), ask)
	if turn.Refused != "" {
		return nil, &function.Error{Code: "no_recovery", Status: http.StatusConflict, Public: turn.Refused}
	}
	if err := d.write(ctx, v, stack.StackRef, openstack.StackChange{Parameters: turn.Parameters}, ask.Token); err != nil {
		return nil, err
	}
	return d.say(ctx, v, answer{Code: "recovering", State: site.Updating, Reason: turn.Reason, status: http.StatusAccepted}), nil
}

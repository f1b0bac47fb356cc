package openstack

import (
	"context"
	"errors"
	"net/http"
)

// EnsureStack makes the stack or, if it is there, adopts it. It never deletes.
//
// A new stack costs two requests (list, create), one that exists costs one. A create whose answer was lost is looked up
// and, if nothing came of it, made once more. A stack that is being deleted, or whose deletion failed, is not adopted:
// that is Busy, as is a name that Heat still holds back some seconds after its stack was deleted.
//
// Two who create at the very same moment may both be told that they did: see [Cloud.Settle].
func (c *Cloud) EnsureStack(ctx context.Context, s NewStack) (ref StackRef, created bool, err error) {
	ref, err = c.existing(ctx, s.Name)
	if CodeOf(err) != Gone {
		return ref, false, err
	}
	const tries = 2
	for range tries {
		ref, err = c.CreateStack(ctx, s)
		code := CodeOf(err)
		if err == nil {
			return ref, true, nil
		}
		if code != Conflict && !outcomeUnknown(err) {
			return StackRef{}, false, err
		}
		there, lookErr := c.existing(ctx, s.Name)
		if lookErr == nil {
			return there, false, nil
		}
		if CodeOf(lookErr) != Gone {
			return StackRef{}, false, lookErr
		}
		if code == Conflict {
			return StackRef{}, false, &Error{Code: Busy, Op: "create stack " + s.Name, Status: http.StatusConflict, Err: err}
		}
	}
	return StackRef{}, false, err
}

// Settle is the stack that everybody goes by, if a create of ref got more than it asked for: one request.
//
// Heat inserts the stack, then looks for the earliest of the name and takes its own back if that is another one
// (heat/db/api.py stack_create). It tells the time in whole seconds, so of several that pass the check before, all in one
// second, more than one may take itself for the earliest. On a real Zed two creates at once both got a 201 in 5 of 8
// rounds, sixteen got up to five. All of the stacks are in the list afterwards, and the one that sorts first by time and
// id counts, for Heat as for us: asked right after the create, all agreed on it in 23 of 24 rounds. The others are left as
// they are, for whoever tidies up.
func (c *Cloud) Settle(ctx context.Context, ref StackRef) (StackRef, error) {
	return c.existing(ctx, ref.Name)
}

// existing is the stack to adopt; Gone if there is none.
func (c *Cloud) existing(ctx context.Context, name string) (StackRef, error) {
	found, err := c.FindStack(ctx, name)
	if err != nil {
		return StackRef{}, err
	}
	if found.deleting() {
		return StackRef{}, &Error{Code: Busy, Op: "adopt stack " + name + " in " + found.State()}
	}
	return found.StackRef, nil
}

// outcomeUnknown says that a request may have taken effect although it failed. 429 is a plain no.
func outcomeUnknown(err error) bool {
	failed, ok := errors.AsType[*Error](err)
	return ok && failed.Code == Unavailable && failed.Status != http.StatusTooManyRequests
}

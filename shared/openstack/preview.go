package openstack

import (
	"context"
	"net/http"
	"net/url"
)

// CancelWithoutRollback ends an update or a create where it is.
const CancelWithoutRollback Action = "cancel_without_rollback"

// ChangedResource is a resource that an update would touch.
type ChangedResource struct {
	Resource

	// Kind is Heat's word: updated, replaced, added or deleted.
	Kind string
}

// PreviewNested is PreviewChange with the resources of all nested stacks, unchanged ones left out.
func (c *Cloud) PreviewNested(ctx context.Context, ref StackRef, change StackChange) ([]ChangedResource, error) {
	op := "preview update of stack " + ref.Name
	body, err := change.body(op)
	if err != nil {
		return nil, err
	}
	var reply struct {
		Changes map[string][]resourceWire `json:"resource_changes"`
	}
	err = c.do(ctx, request{
		op: op, service: heat(), method: http.MethodPatch, path: stackPath + "/preview", args: ref.args(),
		query: url.Values{"show_nested": {"true"}}, body: body, into: &reply, reads: true,
	})
	if err != nil {
		return nil, err
	}
	var out []ChangedResource
	for _, kind := range []string{"updated", "replaced", "added", "deleted"} {
		for _, w := range reply.Changes[kind] {
			out = append(out, ChangedResource{w.resource(), kind})
		}
	}
	return out, nil
}

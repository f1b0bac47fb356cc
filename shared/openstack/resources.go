package openstack

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

const resourcePath = stackPath + "/resources/{}"

// Resources are the stack's resources and, down to depth, those of its nested stacks, in one request.
func (c *Cloud) Resources(ctx context.Context, ref StackRef, depth int) ([]Resource, error) {
	query := url.Values{}
	if depth > 0 {
		query.Set("nested_depth", strconv.Itoa(depth))
	}
	var reply struct {
		Resources []resourceWire `json:"resources"`
	}
	err := c.do(ctx, request{
		op: "list resources of stack " + ref.Name, service: heat(), method: http.MethodGet,
		path: stackPath + "/resources", args: ref.args(), query: query, into: &reply,
	})
	if err != nil {
		return nil, err
	}
	out := make([]Resource, len(reply.Resources))
	for i, w := range reply.Resources {
		out[i] = w.resource()
	}
	return out, nil
}

// Events are the stack's events after the one whose id is since, oldest first; all of them if since is empty or no longer
// known to Heat.
func (c *Cloud) Events(ctx context.Context, ref StackRef, since string) ([]Event, error) {
	query := url.Values{"sort_keys": {"event_time"}, "sort_dir": {"asc"}}
	if since != "" {
		query.Set("marker", since)
	}
	var reply struct {
		Events []eventWire `json:"events"`
	}
	err := c.do(ctx, request{
		op: "list events of stack " + ref.Name, service: heat(), method: http.MethodGet,
		path: stackPath + "/events", args: ref.args(), query: query, into: &reply,
	})
	if err != nil {
		return nil, err
	}
	out := make([]Event, len(reply.Events))
	for i, w := range reply.Events {
		out[i] = w.event()
	}
	return out, nil
}

// Signal stores s in a wait-condition handle, without touching the stack's status. It is there some time after the
// answer, not with it (half a second in the middle, measured). Refused while the stack is suspended or deleted.
func (c *Cloud) Signal(ctx context.Context, ref StackRef, resource string, s Signal) error {
	return c.do(ctx, request{
		op: "signal " + resource + " of stack " + ref.Name, service: heat(), method: http.MethodPost,
		path: resourcePath + "/signal", args: ref.args(resource), body: s,
	})
}

// Metadata is a resource's metadata. Of a wait-condition handle: the signals it got, by id, each with status, reason and
// data.
func (c *Cloud) Metadata(ctx context.Context, ref StackRef, resource string) (map[string]any, error) {
	var reply struct {
		Metadata map[string]any `json:"metadata"`
	}
	err := c.do(ctx, request{
		op: "read metadata of " + resource + " of stack " + ref.Name, service: heat(), method: http.MethodGet,
		path: resourcePath + "/metadata", args: ref.args(resource), into: &reply,
	})
	return reply.Metadata, err
}

// MarkUnhealthy marks a resource as unhealthy, with a reason that its lists show, or takes the mark away: the next update
// replaces what is marked, and an AutoScalingGroup that becomes smaller removes it first (heat/common/grouputils.py sort_key). A mark
// that somebody else set is taken away, too; where there is none nothing happens. Busy while Heat is at work on the resource.
func (c *Cloud) MarkUnhealthy(ctx context.Context, ref StackRef, resource string, unhealthy bool, reason string) error {
	return c.do(ctx, request{
		op: "mark " + resource + " of stack " + ref.Name, service: heat(), method: http.MethodPatch,
		path: resourcePath, args: ref.args(resource), body: map[string]any{"mark_unhealthy": unhealthy, "resource_status_reason": reason},
	})
}

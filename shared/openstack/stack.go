package openstack

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
)

// CreateStack starts the making of a stack. A name that is taken is a Conflict, also for some seconds after the stack of
// that name has read as deleted. So is one that another caller of c makes at the same time: it waits and is then a
// Conflict without a request, once the other was told that it made the stack. Above Heat's max_stacks_per_tenant it is Quota
// (400 RequestLimitExceeded "You have reached the maximum stacks per tenant, …"; a stack that is being deleted still counts,
// nested ones do not, and PreviewStack is refused alike). All other quotas fail the resource later on: see the stack's reason.
func (c *Cloud) CreateStack(ctx context.Context, s NewStack) (StackRef, error) {
	op := "create stack " + s.Name
	body, err := s.body(op)
	if err != nil {
		return StackRef{}, err
	}
	end, taken, err := c.creating.begin(ctx, s.Name)
	switch {
	case err != nil:
		return StackRef{}, failure(op, err)
	case taken:
		return StackRef{}, &Error{Code: Conflict, Op: op}
	}
	made := false
	defer func() { end(made) }()
	ref, err := c.postStack(ctx, op, s.Name, body)
	made = err == nil
	return ref, err
}

func (c *Cloud) postStack(ctx context.Context, op, name string, body map[string]any) (StackRef, error) {
	var reply struct {
		Stack struct {
			ID string `json:"id"`
		} `json:"stack"`
	}
	err := c.do(ctx, request{op: op, service: heat(), method: http.MethodPost, path: "/stacks", body: body, into: &reply})
	if err != nil {
		return StackRef{}, err
	}
	if reply.Stack.ID == "" {
		return StackRef{}, broken(op, "Heat's answer has no stack id")
	}
	return StackRef{Name: name, ID: reply.Stack.ID}, nil
}

func (s NewStack) body(op string) (map[string]any, error) {
	tags, err := joinTags(op, s.Tags)
	if err != nil {
		return nil, err
	}
	body := map[string]any{
		"stack_name": s.Name,
		"template":   s.Template,
		// A failed lab keeps its resources: the reason can be read, and an update repairs it.
		"disable_rollback": true,
	}
	if len(s.Files) > 0 {
		body["files"] = s.Files
	}
	if len(s.Parameters) > 0 {
		body["parameters"] = s.Parameters
	}
	if tags != "" {
		body["tags"] = tags
	}
	if s.Timeout > 0 {
		body["timeout_mins"] = int(math.Ceil(s.Timeout.Minutes()))
	}
	return body, nil
}

// joinTags writes the one comma-separated string that Heat wants. A comma within a tag would quietly make two of it.
func joinTags(op string, tags []string) (string, error) {
	for _, tag := range tags {
		if strings.Contains(tag, ",") || tag == "" {
			return "", &Error{Code: Refused, Op: op, Err: fmt.Errorf("tag %q is empty or has a comma", tag)}
		}
	}
	return strings.Join(tags, ","), nil
}

// FindStack is the stack of that name, without parameters and outputs. The list is asked, since a GET by name alone is
// answered by a redirect. Of two of the name it is the one that [Cloud.Settle] gives.
func (c *Cloud) FindStack(ctx context.Context, name string) (Stack, error) {
	op := "find stack " + name
	page, err := c.list(ctx, op, url.Values{"name": {name}})
	if err != nil {
		return Stack{}, err
	}
	s, ok := earliest(page.stacks)
	if !ok {
		return Stack{}, &Error{Code: Gone, Op: op}
	}
	return s, nil
}

// Stack is the whole stack with parameters and outputs. A deleted one, which Heat still shows to those who know its id,
// is Gone, and returned as it last was.
func (c *Cloud) Stack(ctx context.Context, ref StackRef) (Stack, error) {
	return c.show(ctx, ref, nil)
}

// StackParameters is Stack without the outputs, whose resolving is most of the work in Heat.
func (c *Cloud) StackParameters(ctx context.Context, ref StackRef) (Stack, error) {
	return c.show(ctx, ref, url.Values{"resolve_outputs": {"false"}})
}

func (c *Cloud) show(ctx context.Context, ref StackRef, query url.Values) (Stack, error) {
	op := "read stack " + ref.Name
	var reply struct {
		Stack stackWire `json:"stack"`
	}
	err := c.do(ctx, request{
		op: op, service: heat(), method: http.MethodGet, path: stackPath, args: ref.args(), query: query, into: &reply,
	})
	if err != nil {
		return Stack{}, err
	}
	s := reply.Stack.stack()
	switch {
	case s.ID == "":
		return Stack{}, broken(op, "Heat's answer has no stack")
	case s.Action == "DELETE" && s.Status == "COMPLETE":
		return s, &Error{Code: Gone, Op: op}
	}
	return s, nil
}

const stackPath = "/stacks/{}/{}"

func (r StackRef) args(more ...string) []string {
	return append([]string{r.Name, r.ID}, more...)
}

// earliest picks one of several stacks of one name: the first made that is not being deleted, else the first made. All who
// look must agree on one, also when both were made in the same second, which is as fine as Heat tells the time.
func earliest(stacks []Stack) (Stack, bool) {
	if len(stacks) == 0 {
		return Stack{}, false
	}
	best := stacks[0]
	for _, s := range stacks[1:] {
		if s.before(best) {
			best = s
		}
	}
	return best, true
}

func (s Stack) before(other Stack) bool {
	if s.deleting() != other.deleting() {
		return other.deleting()
	}
	if !s.Created.Equal(other.Created) {
		return s.Created.Before(other.Created)
	}
	return s.ID < other.ID
}

func (s Stack) deleting() bool { return s.Action == "DELETE" }

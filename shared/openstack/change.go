package openstack

import (
	"context"
	"encoding/json"
	"net/http"
)

// PatchStack asks for an update. Its success means that Heat has accepted it, not that it will happen: of two updates at
// once Heat answers 202 to both and drops one without a trace (measured, 50 of 50), and a parameter that the template
// does not have is accepted and ignored. So read the stack afterwards and look for your own values.
func (c *Cloud) PatchStack(ctx context.Context, ref StackRef, change StackChange) error {
	op := "update stack " + ref.Name
	body, err := change.body(op)
	if err != nil {
		return err
	}
	return c.do(ctx, request{op: op, service: heat(), method: http.MethodPatch, path: stackPath, args: ref.args(), body: body})
}

func (s StackChange) body(op string) (map[string]any, error) {
	body := map[string]any{}
	if s.Tags != nil {
		tags, err := joinTags(op, s.Tags)
		if err != nil {
			return nil, err
		}
		body["tags"] = tags // "" takes all tags away
	}
	if len(s.Parameters) > 0 {
		body["parameters"] = s.Parameters
	}
	if s.Template != "" {
		body["template"] = s.Template
	}
	if len(s.Files) > 0 {
		body["files"] = s.Files
	}
	if s.Converge {
		body["converge"] = true
	}
	return body, nil
}

// PreviewStack lists what a new stack would consist of, nested stacks included, and makes nothing.
func (c *Cloud) PreviewStack(ctx context.Context, s NewStack) ([]Resource, error) {
	op := "preview stack " + s.Name
	body, err := s.body(op)
	if err != nil {
		return nil, err
	}
	var reply struct {
		Stack struct {
			Resources []json.RawMessage `json:"resources"`
		} `json:"stack"`
	}
	err = c.do(ctx, request{
		op: op, service: heat(), method: http.MethodPost, path: "/stacks/preview", body: body, into: &reply, reads: true,
	})
	if err != nil {
		return nil, err
	}
	out, err := flatten(nil, reply.Stack.Resources)
	return out, failure(op, err)
}

// flatten walks a preview, in which a nested stack is a list within the list (heat/engine/service.py preview_stack).
func flatten(out []Resource, parts []json.RawMessage) ([]Resource, error) {
	for _, part := range parts {
		var nested []json.RawMessage
		if json.Unmarshal(part, &nested) == nil {
			var err error
			if out, err = flatten(out, nested); err != nil {
				return nil, err
			}
			continue
		}
		var w resourceWire
		if err := json.Unmarshal(part, &w); err != nil {
			return nil, err
		}
		out = append(out, w.resource())
	}
	return out, nil
}

// PreviewChange says which of the stack's own resources an update would touch. A group of nested stacks always reads as
// updated.
func (c *Cloud) PreviewChange(ctx context.Context, ref StackRef, change StackChange) (Preview, error) {
	op := "preview update of stack " + ref.Name
	body, err := change.body(op)
	if err != nil {
		return Preview{}, err
	}
	var reply struct {
		Changes map[string][]resourceWire `json:"resource_changes"`
	}
	err = c.do(ctx, request{
		op: op, service: heat(), method: http.MethodPatch, path: stackPath + "/preview", args: ref.args(),
		body: body, into: &reply, reads: true,
	})
	if err != nil {
		return Preview{}, err
	}
	named := func(kind string) []string {
		var out []string
		for _, w := range reply.Changes[kind] {
			out = append(out, w.Name)
		}
		return out
	}
	return Preview{
		Unchanged: named("unchanged"), Updated: named("updated"), Replaced: named("replaced"),
		Added: named("added"), Deleted: named("deleted"),
	}, nil
}

// ValidateTemplate has Heat read the template; Refused if it is not valid.
func (c *Cloud) ValidateTemplate(ctx context.Context, template string, files map[string]string) error {
	body := map[string]any{"template": template}
	if len(files) > 0 {
		body["files"] = files
	}
	return c.do(ctx, request{op: "validate template", service: heat(), method: http.MethodPost, path: "/validate", body: body, reads: true})
}

// DeleteStack starts the deletion, in whatever state the stack is.
func (c *Cloud) DeleteStack(ctx context.Context, ref StackRef) error {
	return c.do(ctx, request{
		op: "delete stack " + ref.Name, service: heat(), method: http.MethodDelete, path: stackPath, args: ref.args(),
	})
}

// Act starts an action. Look at the stack's state first: Heat accepts a suspend or resume at the wrong moment and then
// fails the stack, in a way that only deleting it cures (measured).
func (c *Cloud) Act(ctx context.Context, ref StackRef, action Action) error {
	return c.do(ctx, request{
		op: string(action) + " stack " + ref.Name, service: heat(), method: http.MethodPost,
		path: stackPath + "/actions", args: ref.args(), body: map[string]any{string(action): nil},
	})
}

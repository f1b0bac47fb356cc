package openstacktest

import (
	"maps"
	"net/http"
	"slices"
)

func (c *Cloud) patchStack(q *request) reply { return c.updateStack(q, true) }
func (c *Cloud) putStack(q *request) reply   { return c.updateStack(q, false) }

// updateStack is PATCH (existing) and PUT. Heat reads the stack, works, and writes it back by compare-and-set on its
// traversal; the loser of two writers is only logged, the answer is 202 all the same (heat/engine/stack.py
// converge_stack; live.md 2b: 50 of 50 at once, 15 of 15 at 100 ms).
func (c *Cloud) updateStack(q *request, existing bool) reply {
	s, rep, ok := c.find(q, false)
	if !ok {
		return rep
	}
	if rep, refused := refusedUpdate(s); refused {
		return rep
	}
	next, b, rep, ok := c.wanted(q, s, existing)
	if !ok {
		return rep
	}
	read := s.generation
	q.pause(c.opts.PatchWindow)
	if s.generation != read || s.action == actDelete || q.lost {
		return reply{status: http.StatusAccepted}
	}
	switch {
	case b.Tags != nil:
		s.tags = next.tags
	case !existing:
		s.tags = nil
	}
	if b.Timeout != nil {
		s.timeout = *b.Timeout
	}
	s.text, s.tmpl, s.files, s.env, s.given, s.params = next.text, next.tmpl, next.files, next.env, next.given, next.params
	if b.Converge {
		c.markMissing(s)
	}
	c.supersede(s)
	c.begin(s, actUpdate, nil)
	return reply{status: http.StatusAccepted}
}

// refusedUpdate: heat/engine/service.py update_stack.
func refusedUpdate(s *stack) (reply, bool) {
	switch s.action {
	case actSuspend:
		return heatError(http.StatusBadRequest, "NotSupported", "Updating a stack when it is suspended is not supported."), true
	case actDelete:
		return heatError(http.StatusBadRequest, "NotSupported", "Updating a stack when it is deleting is not supported."), true
	}
	return reply{}, false
}

// wanted is the stack as the update wants it: template, files and parameters, validated.
func (c *Cloud) wanted(q *request, s *stack, existing bool) (*stack, *stackBody, reply, bool) {
	var b stackBody
	if len(q.body) > 0 && !q.decode(&b) {
		return nil, nil, heatError(http.StatusBadRequest, "HTTPBadRequest", "JSON body is malformed"), false
	}
	next := c.newStack(s.name, s.tmpl, nil)
	next.id, next.project, next.text, next.files, next.env = s.id, s.project, s.text, s.files, s.env
	if text, ok := b.templateText(); ok {
		t, err := parseTemplate(text)
		if err != nil {
			return nil, nil, badRequest(err), false
		}
		next.tmpl, next.text = t, text
		if existing {
			next.files = map[string]string{}
			maps.Copy(next.files, s.files)
			maps.Copy(next.files, b.Files)
		} else {
			next.files = b.Files
		}
	} else if !existing {
		return nil, nil, heatError(http.StatusBadRequest, "HTTPBadRequest", "No template specified"), false
	}
	if len(b.Environment) > 0 {
		next.env = b.environment()
	}
	given := map[string]any{}
	if existing { // PATCH keeps what is not sent; PUT resets it to the template's defaults
		maps.Copy(given, s.given)
	}
	maps.Copy(given, b.parameters())
	for _, name := range b.ClearParameters {
		delete(given, name)
	}
	if existing { // an unknown name is accepted and ignored
		maps.DeleteFunc(given, func(name string, _ any) bool { return next.tmpl.params[name] == nil })
	}
	var err error
	if b.Tags != nil {
		if next.tags, err = b.tagList(); err != nil {
			return nil, nil, badRequest(err), false
		}
	}
	if err = next.bind(given, true); err == nil {
		err = c.validate(next, 0)
	}
	if err != nil {
		return nil, nil, badRequest(err), false
	}
	return next, &b, reply{}, true
}

// markMissing is what converge does: resources that are gone in their service are seen as failed.
func (c *Cloud) markMissing(s *stack) {
	c.collect(s, 9, func(r *resource) {
		if k := c.kindOf(r); r.nested == nil && k.exists != nil && r.id != "" && r.job == nil && !k.exists(c, r) {
			r.status = failed
		}
	})
}

func (c *Cloud) previewPatch(q *request) reply { return c.previewUpdate(q, true) }
func (c *Cloud) previewPut(q *request) reply   { return c.previewUpdate(q, false) }

// previewUpdate works in every state, SUSPEND included (live-numbers.md).
func (c *Cloud) previewUpdate(q *request, existing bool) reply {
	s, rep, ok := c.find(q, false)
	if !ok {
		return rep
	}
	next, _, rep, ok := c.wanted(q, s, existing)
	if !ok {
		return rep
	}
	changes := map[string][]any{"unchanged": {}, "updated": {}, "replaced": {}, "added": {}, "deleted": {}}
	if err := c.compare(s, next, q.URL.Query().Get("show_nested") != "", changes); err != nil {
		return badRequest(err)
	}
	return reply{status: http.StatusOK, body: map[string]any{"resource_changes": changes}}
}

// compare sorts the resources of a stack, and with nested those of the stacks it nests, by what the update would do.
func (c *Cloud) compare(s, next *stack, nested bool, changes map[string][]any) error {
	add := func(class, name, typ string) {
		entry := map[string]any{
			"resource_name": name, "resource_type": typ, "stack_name": s.name, "stack_identity": map[string]any{"stack_name": s.name, "stack_id": s.id, "tenant": s.project, "path": ""},
		}
		if s.owner != nil {
			entry["parent_resource"] = s.owner.name
		}
		changes[class] = append(changes[class], entry)
	}
	defs, err := next.enabled()
	if err != nil {
		return err
	}
	next.resources = s.resources // so that references resolve to what exists
	var kept []string
	for _, d := range defs {
		kept = append(kept, d.name)
		r := s.resources[d.name]
		if r == nil {
			add("added", d.name, d.typ)
			continue
		}
		add(c.previewOne(next, r, d), d.name, d.typ)
		if nested && r.nested != nil {
			if inner := c.nestedNext(next, r, d); inner != nil {
				if err := c.compare(r.nested, inner, nested, changes); err != nil {
					return err
				}
			}
		}
	}
	for _, r := range s.ordered() {
		if !slices.Contains(kept, r.name) {
			add("deleted", r.name, r.typ)
		}
	}
	return nil
}

// nestedNext is the stack that r nests, as the update wants it; nil if that cannot be told.
func (c *Cloud) nestedNext(next *stack, r *resource, d *definition) *stack {
	props, err := scope{c: c, s: next, loose: true}.resolve(d.properties)
	k, ok := c.findKind(next, d.typ)
	if err != nil || !ok || k.nested == nil {
		return nil
	}
	trial := *r
	trial.props, trial.stack = mapOf(props), next
	t, params, err := k.nested(c, &trial)
	if err != nil {
		return nil
	}
	inner := c.newStack(r.nested.name, t, nil)
	inner.files, inner.env, inner.owner, inner.id, inner.project = next.files, next.env, r, r.nested.id, r.nested.project
	if inner.bind(params, false) != nil {
		return nil
	}
	return inner
}

func (c *Cloud) previewOne(next *stack, r *resource, d *definition) string {
	k := c.kindOf(r)
	switch {
	case r.nested != nil: // a group always shows as updated
		return "updated"
	case r.typ != d.typ || r.status == failed:
		return "replaced"
	}
	props, err := scope{c: c, s: next, loose: true}.resolve(d.properties)
	if err != nil {
		return "updated"
	}
	now := mapOf(props)
	maps.DeleteFunc(now, func(_ string, v any) bool { return v == nil })
	changed := changedKeys(r.props, now)
	for _, key := range changed {
		if !k.updatable(key) && (k.ignores == nil || !k.ignores(now, key)) {
			return "replaced"
		}
	}
	if len(changed) > 0 {
		return "updated"
	}
	return "unchanged"
}

// previewResources lists what a create would make; nested stacks are lists inside the list.
func (c *Cloud) previewResources(s *stack) []any {
	out := []any{}
	defs, _ := s.enabled()
	for _, d := range defs {
		out = append(out, c.previewResource(s, d))
	}
	return out
}

func (c *Cloud) previewResource(s *stack, d *definition) any {
	props, _ := scope{c: c, s: s, loose: true, preview: true}.resolve(d.properties)
	r := &resource{stack: s, name: d.name, typ: d.typ, def: d, props: mapOf(props), data: map[string]any{}, meta: map[string]any{}}
	if k, ok := c.findKind(s, d.typ); ok && k.nested != nil {
		t, params, err := k.nested(c, r)
		if err == nil {
			n := c.newStack(s.name+"-"+d.name, t, nil)
			n.files, n.env, n.owner = s.files, s.env, r
			if n.bind(params, false) == nil {
				return c.previewResources(n)
			}
		}
	}
	return map[string]any{
		"resource_name": d.name, "resource_type": d.typ, "physical_resource_id": "", "resource_status": "INIT_COMPLETE", "resource_action": "INIT",
		"resource_status_reason": "", "properties": mapOf(props), "attributes": map[string]any{}, "required_by": []any{}, "stack_name": s.name, "metadata": map[string]any{},
		"resource_identity": map[string]any{}, "stack_identity": map[string]any{},
	}
}

package openstacktest

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

func nullTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return stamp(t)
}

// tagView is null for no tags, as in Heat.
func tagView(tags []string) any {
	if len(tags) == 0 {
		return nil
	}
	return tags
}

func (c *Cloud) stackListView(s *stack) map[string]any {
	var parent any
	if s.owner != nil {
		parent = s.owner.stack.id
	}
	return map[string]any{
		"id": s.id, "stack_name": s.name, "description": s.tmpl.description, "project": s.project, "stack_owner": userName, "parent": parent,
		"stack_status": s.state(), "stack_status_reason": s.reason, "creation_time": stamp(s.created), "updated_time": nullTime(s.updated),
		"deletion_time": nullTime(s.deleted), "tags": tagView(s.tags), "stack_user_project_id": s.project,
		"links": []any{map[string]any{"href": c.stackURL(s), "rel": "self"}},
	}
}

func (c *Cloud) stackView(s *stack, outputs bool) map[string]any {
	v := c.stackListView(s)
	params := map[string]any{"OS::stack_id": s.id, "OS::stack_name": s.name, "OS::project_id": s.project}
	for name, p := range s.tmpl.params {
		params[name] = p.text(s.params[name])
	}
	v["parameters"], v["timeout_mins"], v["disable_rollback"] = params, minutes(s), true
	v["template_description"], v["capabilities"], v["notification_topics"] = s.tmpl.description, []any{}, []any{}
	if outputs && s.state() != "DELETE_COMPLETE" { // heat/engine/api.py format_stack
		v["outputs"] = c.outputs(s)
	}
	return v
}

// minutes is null for Heat's own default.
func minutes(s *stack) any {
	if s.timeout == defaultTimeout {
		return nil
	}
	return s.timeout
}

// outputs are in the template's order. What is not there yet is null.
func (c *Cloud) outputs(s *stack) []any {
	out := []any{}
	for _, name := range s.tmpl.outOrder {
		def := s.tmpl.outputs[name]
		if cond := def["condition"]; cond != nil {
			if yes, err := (scope{c: c, s: s}).condition(cond); err != nil || !yes {
				out = append(out, map[string]any{"output_key": name, "output_value": nil, "description": or(str(def["description"]), "No description given")})
				continue
			}
		}
		entry := map[string]any{"output_key": name, "output_value": nil, "description": or(str(def["description"]), "No description given")}
		v, err := scope{c: c, s: s, loose: true}.resolve(def["value"])
		if err != nil {
			entry["output_error"] = err.Error()
		} else if v != absent {
			entry["output_value"] = v
		}
		out = append(out, entry)
	}
	return out
}

func (c *Cloud) listOutputs(q *request) reply {
	s, rep, ok := c.find(q, false)
	if !ok {
		return rep
	}
	out := []any{}
	for _, name := range s.tmpl.outOrder {
		out = append(out, map[string]any{"output_key": name, "description": or(str(s.tmpl.outputs[name]["description"]), "No description given")})
	}
	return reply{status: http.StatusOK, body: map[string]any{"outputs": out}}
}

func (c *Cloud) showTemplate(q *request) reply {
	s, rep, ok := c.find(q, true)
	if !ok {
		return rep
	}
	m, _, _ := parseYAML(str(s.text))
	return reply{status: http.StatusOK, body: m}
}

func (c *Cloud) listResources(q *request) reply {
	s, rep, ok := c.find(q, false)
	if !ok {
		return rep
	}
	depth, _ := strconv.Atoi(q.URL.Query().Get("nested_depth"))
	out := []any{}
	c.collect(s, depth, func(r *resource) { out = append(out, c.resourceView(r)) })
	return reply{status: http.StatusOK, body: map[string]any{"resources": out}}
}

// collect walks a stack's resources and, to the depth given, those of its nested stacks.
func (c *Cloud) collect(s *stack, depth int, see func(*resource)) {
	for _, r := range s.ordered() {
		see(r)
		if r.nested != nil && depth > 0 {
			c.collect(r.nested, depth-1, see)
		}
	}
}

func (c *Cloud) resourceView(r *resource) map[string]any {
	links := []any{
		map[string]any{"href": c.stackURL(r.stack) + "/resources/" + r.name, "rel": "self"},
		map[string]any{"href": c.stackURL(r.stack), "rel": "stack"},
	}
	if r.nested != nil {
		links = append(links, map[string]any{"href": c.stackURL(r.nested), "rel": "nested"})
	}
	required := []string{}
	for _, other := range r.stack.ordered() {
		if slices.Contains(other.def.needs, r.name) {
			required = append(required, other.name)
		}
	}
	v := map[string]any{
		"resource_name": r.name, "logical_resource_id": r.name, "physical_resource_id": r.id, "resource_type": r.typ,
		"resource_status": r.action + "_" + r.status, "resource_status_reason": r.reason, "creation_time": stamp(r.created),
		"updated_time": stamp(r.updated), "required_by": required, "links": links,
	}
	if r.stack.owner != nil {
		v["parent_resource"] = r.stack.owner.name
	}
	return v
}

// resourceOf finds the resource of the path in a stack.
func (c *Cloud) resourceOf(q *request, s *stack) (*resource, reply, bool) {
	if r := s.resources[q.PathValue("resource")]; r != nil {
		return r, reply{}, true
	}
	return nil, heatError(http.StatusNotFound, "EntityNotFound", "The Resource ("+q.PathValue("resource")+") could not be found in Stack "+s.name+"."), false
}

func (c *Cloud) showResource(q *request) reply {
	s, rep, ok := c.find(q, false)
	if !ok {
		return rep
	}
	r, rep, ok := c.resourceOf(q, s)
	if !ok {
		return rep
	}
	v := c.resourceView(r)
	attrs := map[string]any{}
	for _, name := range []string{"value", "first_address", "vip_address", "floating_ip_address", "refs", "data", "output", "networks"} {
		if a, ok := c.attribute(r, name, nil); ok && r.readable() {
			attrs[name] = a
		}
	}
	v["attributes"], v["description"] = attrs, ""
	return reply{status: http.StatusOK, body: map[string]any{"resource": v}}
}

func (c *Cloud) showMetadata(q *request) reply {
	s, rep, ok := c.find(q, false)
	if !ok {
		return rep
	}
	r, rep, ok := c.resourceOf(q, s)
	if !ok {
		return rep
	}
	return reply{status: http.StatusOK, body: map[string]any{"metadata": r.meta}}
}

func (c *Cloud) listEvents(q *request) reply {
	s, rep, ok := c.find(q, false)
	if !ok {
		return rep
	}
	query := q.URL.Query()
	depth, _ := strconv.Atoi(query.Get("nested_depth"))
	var all []*event
	var gather func(s *stack, depth int)
	gather = func(s *stack, depth int) {
		all = append(all, s.events...)
		if depth > 0 {
			for _, r := range s.ordered() {
				if r.nested != nil {
					gather(r.nested, depth-1)
				}
			}
		}
	}
	gather(s, depth)
	slices.SortStableFunc(all, func(a, b *event) int { return a.at.Compare(b.at) })
	marker := query.Get("marker")
	if marker != "" {
		i := slices.IndexFunc(all, func(e *event) bool { return e.id == marker })
		if i < 0 {
			return heatError(http.StatusNotFound, "EntityNotFound", "The Event ("+marker+") could not be found.")
		}
		all = all[i+1:]
	}
	if limit, err := strconv.Atoi(query.Get("limit")); err == nil && limit < len(all) {
		all = all[:limit]
	}
	out := []any{}
	for _, e := range all {
		out = append(out, map[string]any{
			"id": e.id, "event_time": stamp(e.at), "resource_name": e.resource, "logical_resource_id": e.resource, "physical_resource_id": e.physical,
			"resource_status": e.action + "_" + e.status, "resource_status_reason": e.reason,
			"links": []any{map[string]any{"href": c.stackURL(s) + "/resources/" + e.resource + "/events/" + e.id, "rel": "self"}},
		})
	}
	return reply{status: http.StatusOK, body: map[string]any{"events": out}}
}

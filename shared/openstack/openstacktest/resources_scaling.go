package openstacktest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const scalingGroup = "OS::Heat::AutoScalingGroup"

// scalingKinds is OS::Heat::AutoScalingGroup (heat/engine/resources/openstack/heat/autoscaling_group.py).
func scalingKinds() map[string]*kind {
	return map[string]*kind{scalingGroup: {
		props:  "resource!~ min_size!~ max_size!~ desired_capacity~ cooldown~ rolling_updates~",
		nested: scalingTemplate, attr: scalingOwn,
	}}
}

// scalingTemplate writes the nested template: the members that stay, which are the last ones in the order of leaving, and
// new ones up to the size (heat/scaling/template.py member_definitions).
func scalingTemplate(c *Cloud, r *resource) (*template, map[string]any, error) {
	def := mapOf(r.props["resource"])
	t := &template{version: "2015-04-30", params: map[string]*paramSchema{}, resources: map[string]*definition{}, outputs: map[string]map[string]any{}}
	size, names := scalingSize(r), []string{}
	for _, m := range leaving(r) {
		names = append(names, m.name)
	}
	names = names[max(0, len(names)-size):]
	for len(names) < size {
		names = append(names, c.ids.short())
	}
	for _, name := range names {
		t.resources[name] = &definition{name: name, typ: str(def["type"]), properties: mapOf(def["properties"]), metadata: def["metadata"]}
		t.order = append(t.order, name)
	}
	return t, nil, nil
}

// scalingSize is the size that is wanted: 0 says none, and then it stays as it is (aws/autoscaling/autoscaling_group.py
// handle_update, child_template).
func scalingSize(r *resource) int {
	least := r.intProp("min_size", 0)
	size := r.intProp("desired_capacity", 0)
	if size == 0 && r.nested == nil {
		return least
	}
	if size == 0 {
		for _, m := range leaving(r) {
			if m.status != failed {
				size++
			}
		}
	}
	return min(max(size, least), r.intProp("max_size", size))
}

// leaving are the members in the order in which they leave: failed ones, then by age, which Heat knows to the second, then by
// name (heat/common/grouputils.py sort_key). One whose making is cancelled
// by the update was still being made when Heat looked in 3 of 4 rounds on Zed; here it always is.
func leaving(r *resource) []*resource {
	if r.nested == nil {
		return nil
	}
	rank := func(m *resource) int {
		if m.status == failed && !strings.HasSuffix(m.reason, " cancelled") {
			return 0
		}
		return 1
	}
	return slices.SortedFunc(slices.Values(r.nested.ordered()), func(a, b *resource) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		if d := a.created.Unix() - b.created.Unix(); d != 0 {
			return int(d)
		}
		return strings.Compare(a.name, b.name)
	})
}

// scalingMembers are those that the group's attributes speak of: not those that failed, but one that was marked unhealthy, as
// Heat keeps the attributes until the group is updated (seen on Zed).
func scalingMembers(r *resource) []*resource {
	return slices.DeleteFunc(leaving(r), func(m *resource) bool { return m.status == failed && m.action != actCheck })
}

func scalingOwn(c *Cloud, r *resource, name string) (any, bool) {
	list, byName := []any{}, map[string]any{}
	for _, m := range scalingMembers(r) {
		list, byName[m.name] = append(list, c.reference(m)), c.reference(m)
	}
	switch name {
	case "refs":
		return list, true
	case "refs_map":
		return byName, true
	case "current_size":
		return len(list), true
	}
	return nil, false
}

// scalingAttribute: outputs.attr is a map, outputs_list.attr a list over all members, resource.N.attr that of the Nth.
func (c *Cloud) scalingAttribute(r *resource, name string, path []any) (any, bool) {
	members := scalingMembers(r)
	if rest, ok := strings.CutPrefix(name, "resource."); ok {
		index, attr, _ := strings.Cut(rest, ".")
		n, err := strconv.Atoi(index)
		if err != nil || n < 0 || n >= len(members) {
			return nil, false
		}
		if attr != "" {
			path = append([]any{attr}, path...)
		}
		if len(path) == 0 {
			return c.reference(members[n]), true
		}
		return c.attribute(members[n], str(path[0]), path[1:])
	}
	if len(path) == 0 {
		return nil, false
	}
	list, byName := []any{}, map[string]any{}
	for _, m := range members {
		v, _ := c.attribute(m, str(path[0]), path[1:])
		list, byName[m.name] = append(list, v), v
	}
	if name == "outputs_list" {
		return list, true
	}
	return byName, name == "outputs"
}

// validateScaling checks the size, as far as it is known (aws/autoscaling/autoscaling_group.py validate).
func validateScaling(c *Cloud, s *stack, d *definition) error {
	props, err := scope{c: c, s: s, loose: true}.resolve(d.properties)
	if err != nil {
		return parameterError{"StackValidationFailed", err.Error()}
	}
	r := &resource{props: mapOf(props)}
	least, most := r.intProp("min_size", 0), r.intProp("max_size", 0)
	size := r.intProp("desired_capacity", least)
	switch {
	case most < least:
		return parameterError{"StackValidationFailed", "MinSize can not be greater than MaxSize"}
	case size < least || size > most:
		return parameterError{"StackValidationFailed", "DesiredCapacity must be between MinSize and MaxSize"}
	}
	return nil
}

// markResource is PATCH …/resources/{r}: unhealthy is CHECK_FAILED, and healthy again CHECK_COMPLETE
// (heat/engine/service.py resource_mark_unhealthy). The stack's own status stays.
func (c *Cloud) markResource(q *request) reply {
	s, rep, ok := c.find(q, false)
	if !ok {
		return rep
	}
	r, rep, ok := c.resourceOf(q, s)
	if !ok {
		return rep
	}
	var body struct {
		Unhealthy *bool  `json:"mark_unhealthy"`
		Reason    string `json:"resource_status_reason"`
	}
	if !q.decode(&body) || body.Unhealthy == nil {
		return heatError(http.StatusBadRequest, "HTTPBadRequest", "Missing mandatory (mark_unhealthy) key from mark unhealthy request")
	}
	reason := or(body.Reason, "state changed by resource_mark_unhealthy api")
	switch {
	case r.status == inProgress: // the resource's lock
		return heatError(http.StatusConflict, "ActionInProgress", "Stack "+s.name+" already has an action ("+s.action+") in progress.")
	case *body.Unhealthy && r.action != actDelete:
		r.set(actCheck, failed, reason)
	case !*body.Unhealthy && r.action == actCheck && r.status == failed:
		r.set(actCheck, complete, reason)
	}
	return reply{status: http.StatusOK, body: jsonNull}
}

// marked says that the resource failed by a mark, and not by a check of the stack that it nests
// (heat/engine/resources/stack_resource.py _needs_update).
func (r *resource) marked() bool {
	return r.action == actCheck && r.status == failed && (r.nested == nil || r.nested.state() != "CHECK_FAILED")
}

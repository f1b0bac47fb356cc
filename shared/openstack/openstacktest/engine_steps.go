package openstacktest

import (
	"reflect"
	"slices"
	"strings"
	"time"
)

// applyResource creates, updates or replaces the step's resource, whatever brings it to its definition.
func (c *Cloud) applyResource(st *step) {
	r := st.r
	d := r.stack.tmpl.resources[r.name]
	if r.job != nil { // being built by the walk before: wait, then look again
		r.job.done = append(r.job.done, func(string) { c.again(st) })
		return
	}
	props, err := c.resolveProps(r, d)
	if err != nil {
		r.set(actCreate, failed, "Error: "+where(r)+": "+err.Error())
		st.finish("Error: " + where(r) + ": " + err.Error())
		return
	}
	switch {
	case r.action == actInit:
		c.createResource(st, d, props)
	case r.typ != d.typ:
		c.replaceResource(st, d, props)
	case r.marked():
		c.replaceResource(st, d, props)
	case r.nested != nil:
		c.updateNested(st, d, props)
	case r.status == failed && !c.keepsFailed(r):
		c.replaceResource(st, d, props)
	default:
		c.updateResource(st, d, props)
	}
}

// again repeats a step that had to wait for the resource.
func (c *Cloud) again(st *step) {
	if st.t.s.run == st.t && st.t.failed == "" {
		c.applyResource(st)
	}
}

// keepsFailed: a failed resource is replaced, but a server that is well in Nova is kept
// (heat/engine/resources/openstack/nova/server.py needs_replace_failed).
func (c *Cloud) keepsFailed(r *resource) bool {
	if r.typ != "OS::Nova::Server" {
		return false
	}
	s := c.nova.servers[r.id]
	return s != nil && s.str("status") != "ERROR"
}

func (c *Cloud) createResource(st *step, d *definition, props map[string]any) {
	r := st.r
	r.def, r.props = d, props
	meta, err := scope{c: c, s: r.stack}.resolve(d.metadata)
	if err == nil {
		r.meta = mapOf(meta)
	}
	r.set(actCreate, inProgress, "state changed")
	k := c.kindOf(r)
	why := c.failure(r)
	over := c.overQuota(r)
	if k.nested != nil && why == "" {
		c.createNested(st, k)
		return
	}
	switch {
	case over != "": // refused before anything is made
		why = or(why, over)
	case d.external != nil:
		why = or(why, c.takeExternal(r, d))
	case k.create == nil:
		r.id = r.physicalName()
	default:
		if err := k.create(c, r); err != nil {
			r.id, why = "", or(why, err.Error()) // handle_create sets it last
		}
	}
	finish := func(failure string) {
		if failure != "" {
			r.set(actCreate, failed, failure)
			if k.spoil != nil {
				k.spoil(c, r)
			}
		} else {
			if k.ready != nil {
				k.ready(c, r)
			}
			r.set(actCreate, complete, "state changed")
		}
		st.finish(failure)
	}
	if k.wait != nil && why == "" {
		r.job = &job{done: []func(string){finish}}
		k.wait(c, r, r.job)
		return
	}
	d2 := c.buildTime(r.typ)
	if k.duration != nil {
		d2 += k.duration(r, actCreate)
	}
	if k.halfway != nil && why == "" {
		c.after(d2/2, func() { k.halfway(c, r) })
	}
	c.work(r, d2, why, finish)
}

// takeExternal makes r stand for what is there already (heat/engine/resource.py create, external_id). Its failure is returned.
func (c *Cloud) takeExternal(r *resource, d *definition) string {
	id, err := scope{c: c, s: r.stack}.resolve(d.external)
	if err != nil {
		return "Error: " + where(r) + ": " + err.Error()
	}
	r.id = str(id)
	if k := c.kindOf(r); k.exists != nil && !k.exists(c, r) {
		return "StackValidationFailed: " + where(r) + ": Invalid external resource: Resource " + r.id + " (" + r.typ + ") can not be found."
	}
	return ""
}

// replaceResource makes a new resource of the same name; the old one goes at the end of the update.
func (c *Cloud) replaceResource(st *step, d *definition, props map[string]any) {
	old := st.r
	old.stack.doomed = append(old.stack.doomed, old)
	st.r = old.stack.newResource(d)
	c.createResource(st, d, props)
}

func (c *Cloud) updateResource(st *step, d *definition, props map[string]any) {
	r := st.r
	changed := changedKeys(r.props, props)
	k := c.kindOf(r)
	metaChanged := !reflect.DeepEqual(normal(r.def.metadata), normal(d.metadata))
	r.def = d
	if d.external != nil || len(changed) == 0 && !metaChanged && r.status != failed {
		st.finish("") // unchanged: no event at all
		return
	}
	if k.ignores != nil {
		changed = slices.DeleteFunc(changed, func(key string) bool { return k.ignores(props, key) })
	}
	for _, key := range changed {
		if !k.updatable(key) {
			c.replaceResource(st, d, props)
			return
		}
	}
	if meta, err := (scope{c: c, s: r.stack}).resolve(d.metadata); err == nil && metaChanged {
		r.meta = mapOf(meta)
	}
	r.props = props
	r.set(actUpdate, inProgress, "state changed")
	why := ""
	if str(props["fail"]) == "True" {
		why = "ValueError: " + where(r) + ": Test Resource failed " + r.name
	}
	if k.update != nil {
		k.update(c, r)
	}
	d2 := c.buildTime(r.typ) / 2
	if k.duration != nil {
		d2 += k.duration(r, actUpdate)
	}
	c.work(r, d2, why, func(failure string) {
		if failure != "" {
			r.set(actUpdate, failed, failure)
		} else {
			r.set(actUpdate, complete, "state changed")
		}
		st.finish(failure)
	})
}

func changedKeys(old, now map[string]any) []string {
	var out []string
	for k := range now {
		if !reflect.DeepEqual(normal(old[k]), normal(now[k])) {
			out = append(out, k)
		}
	}
	for k := range old {
		if _, ok := now[k]; !ok {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// deleteResource removes a resource, nested stacks with all that is in them.
func (c *Cloud) deleteResource(st *step) {
	r := st.r
	r.job = nil
	gone := func(failure string) {
		if failure != "" {
			r.set(actDelete, failed, failure)
			st.finish(failure)
			return
		}
		r.set(actDelete, complete, "state changed")
		if r.stack.resources[r.name] == r {
			delete(r.stack.resources, r.name)
		}
		r.stack.doomed = slices.DeleteFunc(r.stack.doomed, func(x *resource) bool { return x == r })
		st.finish("")
	}
	if r.action == actInit {
		gone("")
		return
	}
	r.set(actDelete, inProgress, "state changed")
	if r.nested != nil {
		c.begin(r.nested, actDelete, func(failure string) { gone(inside(r, failure)) })
		return
	}
	k := c.kindOf(r)
	d := min(c.buildTime(r.typ)/2, time.Second)
	if k.duration != nil {
		d += k.duration(r, actDelete)
	}
	c.work(r, d, "", func(string) {
		if k.remove != nil && !retained(r) && r.def.external == nil {
			k.remove(c, r)
		}
		gone("")
	})
}

func retained(r *resource) bool {
	policy := strings.ToLower(r.def.deletion)
	if p, ok := r.props["__deletion"]; ok {
		policy = strings.ToLower(str(p))
	}
	return policy == "retain"
}

// actOnResource suspends, resumes or checks one resource.
func (c *Cloud) actOnResource(st *step, action string) {
	r := st.r
	if why := refusedAction(r, action); why != "" {
		why = "Error: " + where(r) + ": " + why
		r.job = nil // live-numbers.md: what was being built is never finished
		r.set(action, failed, why)
		st.finish(why)
		return
	}
	r.set(action, inProgress, "state changed")
	done := func(failure string) {
		if failure != "" {
			r.set(action, failed, failure)
		} else {
			r.set(action, complete, "state changed")
		}
		st.finish(failure)
	}
	if r.nested != nil {
		c.begin(r.nested, action, func(failure string) { done(inside(r, failure)) })
		return
	}
	k := c.kindOf(r)
	failure := ""
	d := 100 * time.Millisecond
	switch {
	case action == actCheck && k.exists != nil && !k.exists(c, r):
		failure = "NotFound: " + where(r) + ": " + missing(r)
	case action == actSuspend && k.suspend != nil:
		k.suspend(c, r)
		d = c.buildTime(r.typ)
	case action == actResume && k.resume != nil:
		k.resume(c, r)
		d = c.buildTime(r.typ)
	}
	c.work(r, d, failure, done)
}

func missing(r *resource) string {
	if r.typ == "OS::Nova::Server" {
		return "Instance " + r.id + " could not be found. (HTTP 404)"
	}
	return r.id + " could not be found."
}

// refusedAction follows heat/engine/resource.py suspend and resume.
func refusedAction(r *resource, action string) string {
	state := "('" + r.action + "', '" + r.status + "')"
	switch action {
	case actSuspend:
		if r.status != complete && (r.action != actSuspend || r.status != failed) {
			return "State " + state + " invalid for suspend"
		}
	case actResume:
		if (r.action != actSuspend && r.action != actResume) || r.status == inProgress {
			return "State " + state + " invalid for resume"
		}
	}
	return ""
}

// inside carries a nested stack's failure to the resource that owns it.
func inside(r *resource, failure string) string {
	if failure == "" {
		return ""
	}
	typ, rest, ok := strings.Cut(failure, ": resources")
	if !ok {
		return "Error: " + where(r) + ": " + failure
	}
	return typ + ": " + where(r) + ".resources" + rest
}

// where is a resource's place in a reason: resources.nodes.resources[0].resources.server.
func where(r *resource) string {
	if o := r.stack.owner; o != nil && o.typ == "OS::Heat::ResourceGroup" {
		return "resources[" + r.name + "]"
	}
	return "resources." + r.name
}

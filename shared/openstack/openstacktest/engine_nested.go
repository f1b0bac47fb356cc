package openstacktest

import "time"

// createNested builds the stack of a template resource or a group.
func (c *Cloud) createNested(st *step, k *kind) {
	r := st.r
	tmpl, params, err := k.nested(c, r)
	if err != nil {
		r.set(actCreate, failed, "Error: "+where(r)+": "+err.Error())
		st.finish("Error: " + where(r) + ": " + err.Error())
		return
	}
	n := c.newStack(r.physicalName(), tmpl, params)
	n.owner, n.files, n.env, n.timeout = r, r.stack.files, r.stack.env, r.stack.timeout
	r.nested, r.id = n, n.id
	c.stacks.add(n)
	if err := n.bind(params, false); err != nil {
		r.set(actCreate, failed, "Error: "+where(r)+": "+err.Error())
		st.finish("Error: " + where(r) + ": " + err.Error())
		return
	}
	c.begin(n, actCreate, func(failure string) { c.nestedDone(st, actCreate, failure) })
}

// updateNested walks a nested stack. Heat does so at every update of the parent, changed or not
// (heat/engine/resources/stack_resource.py _needs_update); that is why an idle PATCH takes a second per node.
func (c *Cloud) updateNested(st *step, d *definition, props map[string]any) {
	r := st.r
	r.def, r.props = d, props
	r.set(actUpdate, inProgress, "state changed")
	tmpl, params, err := c.kindOf(r).nested(c, r)
	n := r.nested
	if err == nil {
		n.tmpl, n.files, n.env = tmpl, r.stack.files, r.stack.env
		err = n.bind(params, false)
	}
	if err != nil {
		r.set(actUpdate, failed, "Error: "+where(r)+": "+err.Error())
		st.finish("Error: " + where(r) + ": " + err.Error())
		return
	}
	c.after(200*time.Millisecond, func() {
		if st.t.s.run == st.t {
			c.begin(n, actUpdate, func(failure string) { c.nestedDone(st, actUpdate, failure) })
		}
	})
}

func (c *Cloud) nestedDone(st *step, action, failure string) {
	failure = inside(st.r, failure)
	if failure != "" {
		st.r.set(action, failed, failure)
	} else {
		st.r.set(action, complete, "state changed")
	}
	st.finish(failure)
}

package openstacktest

import "time"

// Stack is a stack as tests and the shim see it.
type Stack struct {
	ID, Name, State, Reason string
	Tags                    []string
	Parameters              map[string]string // hidden ones in clear
	Created                 time.Time
	// Resources maps the name of each resource, nested ones as group/0/server, to its state.
	Resources map[string]string
}

// Stacks are the root stacks that are not deleted, newest first.
func (c *Cloud) Stacks() []Stack {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick()
	var out []Stack
	for _, s := range c.roots() {
		if s.action == actDelete && s.status == complete {
			continue
		}
		v := Stack{ID: s.id, Name: s.name, State: s.state(), Reason: s.reason, Tags: append([]string(nil), s.tags...), Created: s.created, Parameters: map[string]string{}, Resources: map[string]string{}}
		for name, value := range s.params {
			v.Parameters[name] = text2(value)
		}
		c.collect(s, 9, func(r *resource) { v.Resources[resourcePath(r)] = r.action + "_" + r.status })
		out = append(out, v)
	}
	return out
}

// Stack is the live root stack of this name; ok is false if there is none.
func (c *Cloud) Stack(name string) (s Stack, ok bool) {
	for _, s := range c.Stacks() {
		if s.Name == name {
			return s, true
		}
	}
	return Stack{}, false
}

func resourcePath(r *resource) string {
	if r.stack.owner != nil {
		return resourcePath(r.stack.owner) + "/" + r.name
	}
	return r.name
}

// Signal makes a wait handle receive a signal at once, as from inside a guest. The handle is named by its path, e.g.
// "ready" or "group/0/handle". It is false when there is no such handle.
func (c *Cloud) Signal(stackName, handlePath string, body map[string]any) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick()
	for _, s := range c.roots() {
		if s.name != stackName {
			continue
		}
		var handle *resource
		c.collect(s, 9, func(r *resource) {
			if resourcePath(r) == handlePath && r.typ == "OS::Heat::WaitConditionHandle" {
				handle = r
			}
		})
		if handle != nil {
			c.signal(handle, mapOf(normal(body)))
			return true
		}
	}
	return false
}

// SetStackState forces a stack's action and status, e.g. "UPDATE", "FAILED", and ends what runs on it.
func (c *Cloud) SetStackState(name, action, status, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.roots() {
		if s.name == name {
			s.run = nil
			s.generation++
			s.set(action, status, reason)
		}
	}
}

// RemakeServer gives a server another image or flavor behind Heat's back; what is empty stays as it is.
func (c *Cloud) RemakeServer(id, image, flavor string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.nova.servers[id]
	if s == nil {
		return
	}
	s.fields["image"], s.fields["flavor"] = or(image, s.str("image")), or(flavor, s.str("flavor"))
}

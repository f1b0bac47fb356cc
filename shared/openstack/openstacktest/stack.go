package openstacktest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// The halves of Heat's stack_status and resource_status.
const (
	inProgress = "IN_PROGRESS"
	complete   = "COMPLETE"
	failed     = "FAILED"

	actInit    = "INIT"
	actCreate  = "CREATE"
	actUpdate  = "UPDATE"
	actDelete  = "DELETE"
	actSuspend = "SUSPEND"
	actResume  = "RESUME"
	actCheck   = "CHECK"
	actSignal  = "SIGNAL"
)

// stack is a root or nested stack.
type stack struct {
	c        *Cloud
	id, name string
	project  string
	owner    *resource // the resource this nested stack belongs to; nil for a root stack

	action, status, reason    string
	created, updated, deleted time.Time
	purged                    bool // its name is free, and it is in no list; by id it can still be read
	timeout                   int  // minutes
	tags                      []string

	text   any // the template as sent
	tmpl   *template
	files  map[string]string
	env    map[string]any
	given  map[string]any // parameters as the caller gave them
	params map[string]any // with defaults, converted

	generation int // of Heat's current_traversal: every accepted write changes it
	run        *traversal
	resources  map[string]*resource
	doomed     []*resource // replaced or removed, to be deleted at the end of the update
	events     []*event
	signals    int // on their way
}

// resource is one resource of a stack.
type resource struct {
	stack            *stack
	name, typ        string
	def              *definition
	id               string // physical_resource_id
	action, status   string
	reason           string
	created, updated time.Time
	props            map[string]any // resolved
	meta             map[string]any
	data             map[string]any // what the kind remembers: Heat's resource data
	nested           *stack
	job              *job
}

// event is one line of a stack's history.
type event struct {
	id, resource, typ, physical string
	action, status, reason      string
	at                          time.Time
}

func (s *stack) root() *stack {
	for s.owner != nil {
		s = s.owner.stack
	}
	return s
}

func (s *stack) state() string { return s.action + "_" + s.status }

// arn is how Heat refers to a nested stack (heat/common/identifier.py).
func (s *stack) arn() string {
	return "arn:openstack:heat::" + s.project + ":stacks/" + s.name + "/" + s.id
}

func (s *stack) pseudo(name string) (any, bool) {
	switch name {
	case "OS::stack_id":
		return s.id, true
	case "OS::stack_name":
		return s.name, true
	case "OS::project_id":
		return s.project, true
	}
	return nil, false
}

// set changes the stack's status and records the event.
func (s *stack) set(action, status, reason string) {
	s.action, s.status, s.reason = action, status, reason
	s.record(&event{resource: s.name, typ: "OS::Heat::Stack", physical: s.id, action: action, status: status, reason: reason})
}

func (s *stack) record(e *event) {
	e.id, e.at = s.c.ids.uuid(), s.c.clock.now
	s.events = append(s.events, e)
}

// set changes the resource's status and records the event.
func (r *resource) set(action, status, reason string) {
	r.action, r.status, r.reason = action, status, reason
	r.updated = r.stack.c.clock.now
	r.stack.record(&event{resource: r.name, typ: r.typ, physical: r.id, action: action, status: status, reason: reason})
}

// readable says whether attributes may be read, which is by the action alone: also while a resource is made and when that
// failed (heat/engine/hot/functions.py GetAttThenSelect._result_ready). What there is to read by then, the kind knows.
func (r *resource) readable() bool { return r.action != actInit && r.action != actDelete }

// defaultTimeout is stack_action_timeout in minutes.
const defaultTimeout = 60

// newStack makes a stack in INIT without starting anything.
func (c *Cloud) newStack(name string, tmpl *template, given map[string]any) *stack {
	s := &stack{
		c: c, id: c.ids.uuid(), name: name, project: c.projectID, action: actInit, status: complete, timeout: defaultTimeout,
		created: c.clock.now, tmpl: tmpl, given: given, params: map[string]any{}, resources: map[string]*resource{},
	}
	return s
}

// parameterError is a 400 of Heat's own type.
type parameterError struct{ typ, message string }

func (e parameterError) Error() string { return e.message }

// bind fills params from given values and defaults. Unknown names are refused on create and ignored by PATCH.
func (s *stack) bind(given map[string]any, strict bool) error {
	out := make(map[string]any, len(s.tmpl.params))
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if _, known := s.tmpl.params[name]; !known && strict {
			return parameterError{"UnknownUserParameter", fmt.Sprintf("The Parameter (%s) was not defined in template.", name)}
		}
	}
	for _, name := range s.tmpl.paramOrder {
		p := s.tmpl.params[name]
		v, ok := given[name]
		if !ok || v == nil {
			if !p.hasDefault {
				return parameterError{"UserParameterMissing", fmt.Sprintf("The Parameter (%s) was not provided.", name)}
			}
			v = p.def
		}
		value, err := p.convert(v)
		if err != nil {
			return parameterError{"StackValidationFailed", err.Error()}
		}
		out[name] = value
	}
	s.given, s.params = given, out
	return nil
}

// enabled are the definitions whose condition holds, in the template's order.
func (s *stack) enabled() ([]*definition, error) {
	x := scope{c: s.c, s: s}
	var out []*definition
	for _, name := range s.tmpl.order {
		d := s.tmpl.resources[name]
		if d.condition != nil {
			yes, err := x.condition(d.condition)
			if err != nil {
				return nil, err
			}
			if !yes {
				continue
			}
		}
		out = append(out, d)
	}
	return out, nil
}

// newResource adds a resource in INIT_COMPLETE.
func (s *stack) newResource(d *definition) *resource {
	r := &resource{
		stack: s, name: d.name, typ: d.typ, def: d, action: actInit, status: complete, created: s.c.clock.now,
		updated: s.c.clock.now, meta: map[string]any{}, data: map[string]any{}, props: map[string]any{},
	}
	s.resources[d.name] = r
	return r
}

// physicalName is the name Heat gives to what a resource without a name property makes.
func (r *resource) physicalName() string {
	if n, ok := r.data["physical_name"].(string); ok {
		return n
	}
	n := r.stack.name + "-" + r.name + "-" + r.stack.c.ids.short()
	r.data["physical_name"] = n
	return n
}

// nameOr is the name property or Heat's made-up name.
func (r *resource) nameOr() string { return or(str(r.props["name"]), r.physicalName()) }

// prop and friends read resolved properties.
func (r *resource) prop(name string) string { return str(r.props[name]) }

func (r *resource) intProp(name string, fallback int) int {
	n, err := strconv.Atoi(str(r.props[name]))
	if err != nil {
		return fallback
	}
	return n
}

func (r *resource) boolProp(name string, fallback bool) bool {
	switch v := r.props[name].(type) {
	case bool:
		return v
	case string:
		return v == "true" || v == "True"
	}
	return fallback
}

// ordered are the stack's resources in the template's order; a group's members by index.
func (s *stack) ordered() []*resource {
	out := make([]*resource, 0, len(s.resources))
	for _, r := range s.resources {
		out = append(out, r)
	}
	at := map[string]int{}
	for i, name := range s.tmpl.order {
		at[name] = i
	}
	slices.SortFunc(out, func(a, b *resource) int {
		if d := at[a.name] - at[b.name]; d != 0 {
			return d
		}
		return compareNames(a.name, b.name)
	})
	return out
}

// compareNames puts numbers in numeric order, then text.
func compareNames(a, b string) int {
	x, errX := strconv.Atoi(a)
	y, errY := strconv.Atoi(b)
	switch {
	case errX == nil && errY == nil:
		return x - y
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// object is a thing of another service: a network, a port, a server, a member …
type object struct {
	kind, id string
	fields   map[string]any
}

func (o *object) str(key string) string { return str(o.fields[key]) }

package openstacktest

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// kind is a resource type: what it takes, what it makes and what can be read from it. A nil function is a no-op.
type kind struct {
	// props is the property schema in short: "name~ flavor!~ image". ! = required, ~ = changed in place (any other
	// change replaces the resource), * alone = anything goes.
	props string
	// create starts the making; it sets r.id, which is taken away again if it fails. Nil: the id is the physical name.
	create func(c *Cloud, r *resource) error
	// halfway is called in the middle of a build time that ends well, ready at its end, spoil when the create failed.
	halfway, ready, spoil func(c *Cloud, r *resource)
	// update is called with the new properties in place.
	update func(c *Cloud, r *resource)
	remove func(c *Cloud, r *resource)
	// attr is an attribute; ok is false for one that does not exist.
	attr func(c *Cloud, r *resource, name string) (any, bool)
	// ref is what get_resource gives; nil: the physical id.
	ref             func(c *Cloud, r *resource) any
	suspend, resume func(c *Cloud, r *resource)
	exists          func(c *Cloud, r *resource) bool
	// nested gives template and parameters of a resource that is a stack.
	nested func(c *Cloud, r *resource) (*template, map[string]any, error)
	// wait is for resources that end by themselves, not after a time.
	wait func(c *Cloud, r *resource, j *job)
	// duration is added to the build time.
	duration func(r *resource, action string) time.Duration
	// ignores says that a changed property has no effect under these properties.
	ignores func(props map[string]any, key string) bool
}

func (k *kind) updatable(key string) bool {
	for p := range strings.FieldsSeq(k.props) {
		if name := strings.TrimRight(p, "!~"); name == "*" || name == key {
			return strings.HasSuffix(p, "~")
		}
	}
	return k.nested != nil
}

func (k *kind) knows(key string) bool {
	for p := range strings.FieldsSeq(k.props) {
		if name := strings.TrimRight(p, "!~"); name == "*" || name == key {
			return true
		}
	}
	return false
}

func (k *kind) required() []string {
	var out []string
	for p := range strings.FieldsSeq(k.props) {
		if strings.Contains(p, "!") {
			out = append(out, strings.TrimRight(p, "!~"))
		}
	}
	return out
}

// allKinds are the built-in types; templates by file name come besides.
func allKinds() map[string]*kind {
	out := map[string]*kind{}
	for _, set := range []map[string]*kind{
		heatKinds(), groupKinds(), scalingKinds(), waitKinds(), novaKinds(), neutronKinds(), cinderKinds(), octaviaKinds(), aodhKinds(),
	} {
		maps.Copy(out, set)
	}
	return out
}

// kindOf is r's kind. Types were checked when the stack was created.
func (c *Cloud) kindOf(r *resource) *kind {
	k, _ := c.findKind(r.stack, r.typ)
	return or(k, c.kinds["OS::Heat::None"])
}

// findKind looks a type up: the environment's registry first, then template files, then the built-in types.
func (c *Cloud) findKind(s *stack, typ string) (*kind, bool) {
	if to := str(mapOf(s.env["resource_registry"])[typ]); to != "" && to != typ {
		return c.findKind(s, to)
	}
	if text, ok := s.files[typ]; ok {
		return templateKind(text), true
	}
	k, ok := c.kinds[typ]
	return k, ok
}

// attribute reads r's attribute name, following path into it. Most need a physical id and nothing else: Heat asks the
// service when the attribute is read, whatever the resource's status (neutron.py, octavia_base.py, server.py and others in
// heat/engine/resources/openstack, _resolve_attribute), and what is not found is null (resource.py _resolve_any_attribute).
func (c *Cloud) attribute(r *resource, name string, path []any) (any, bool) {
	if !r.readable() {
		return nil, true
	}
	k := c.kindOf(r)
	if r.nested != nil {
		return c.nestedAttribute(r, k, name, path)
	}
	if k.attr != nil {
		if v, ok := k.attr(c, r, name); ok {
			return dig(v, path), true
		}
	}
	if name == "show" && r.id != "" {
		return dig(map[string]any{"id": r.id}, path), true
	}
	return nil, name == "show"
}

// nestedAttribute: a template resource has its stack's outputs, a group its members' attributes.
func (c *Cloud) nestedAttribute(r *resource, k *kind, name string, path []any) (any, bool) {
	if k.attr != nil {
		if v, ok := k.attr(c, r, name); ok {
			return dig(v, path), true
		}
		if r.typ == scalingGroup {
			return c.scalingAttribute(r, name, path)
		}
		return c.groupAttribute(r, name, path)
	}
	out, ok := r.nested.tmpl.outputs[name]
	if !ok {
		if res, attr, found := strings.Cut(strings.TrimPrefix(name, "resource."), "."); found && strings.HasPrefix(name, "resource.") && r.nested.resources[res] != nil {
			return c.attribute(r.nested.resources[res], attr, path)
		}
		return nil, false
	}
	v, err := scope{c: c, s: r.nested, loose: true}.resolve(out["value"])
	if err != nil {
		return nil, true
	}
	return dig(v, path), true
}

// reference is what get_resource gives for r.
func (c *Cloud) reference(r *resource) any {
	k := c.kindOf(r)
	switch {
	case r.id == "":
		return r.name
	case k.ref != nil:
		return k.ref(c, r)
	case r.nested != nil:
		// heat/engine/resources/template_resource.py: an output OS::stack_id becomes the reference.
		if _, ok := r.nested.tmpl.outputs["OS::stack_id"]; ok {
			v, _ := c.nestedAttribute(r, k, "OS::stack_id", nil)
			return v
		}
		return r.nested.arn()
	}
	return r.id
}

// templateKind is a resource whose type is a template file.
func templateKind(text string) *kind {
	return &kind{props: "*~", nested: func(_ *Cloud, r *resource) (*template, map[string]any, error) {
		t, err := parseTemplate(text)
		if err != nil {
			return nil, nil, err
		}
		return t, maps.Clone(r.props), nil
	}}
}

// validate checks types and properties of s and of the templates it nests, as Heat does before it answers a create.
func (c *Cloud) validate(s *stack, depth int) error {
	if depth > 5 {
		return parameterError{"RequestLimitExceeded", "Recursion depth exceeds 5."}
	}
	defs, err := s.enabled()
	if err != nil {
		return parameterError{"StackValidationFailed", err.Error()}
	}
	for _, d := range defs {
		if s.tmpl.params[d.name] != nil { // heat/engine/stack.py validate
			return parameterError{"StackValidationFailed", "Duplicate names {'" + d.name + "'}"}
		}
		if err := c.validateDefinition(s, d, depth); err != nil {
			return err
		}
	}
	for _, name := range s.tmpl.outOrder {
		if out := s.tmpl.outputs[name]; out["value"] == nil {
			return parameterError{"StackValidationFailed", "Each output must contain a value key."}
		}
	}
	return nil
}

func (c *Cloud) validateDefinition(s *stack, d *definition, depth int) error {
	k, ok := c.findKind(s, d.typ)
	if !ok {
		return parameterError{"StackValidationFailed", "The Resource Type (" + d.typ + ") could not be found."}
	}
	if err := c.available(d.typ); err != nil {
		return err
	}
	if text, isFile := s.files[d.typ]; isFile {
		return c.validateNested(s, d, text, depth)
	}
	for _, key := range slices.Sorted(maps.Keys(d.properties)) {
		if !k.knows(key) && key != "__deletion" {
			return parameterError{"StackValidationFailed", "Property error: : resources." + d.name + ".properties: : Unknown Property " + key}
		}
	}
	for _, key := range k.required() {
		if d.properties[key] == nil {
			return parameterError{"StackValidationFailed", "Property error: : resources." + d.name + ".properties: : Property " + key + " not assigned"}
		}
	}
	if err := dryRun(c, s, d); err != nil {
		return parameterError{"StackValidationFailed", err.Error()}
	}
	switch d.typ {
	case "OS::Heat::ResourceGroup":
		return c.validateMember(s, mapOf(d.properties["resource_def"]), depth)
	case scalingGroup:
		if err := validateScaling(c, s, d); err != nil {
			return err
		}
		return c.validateMember(s, mapOf(d.properties["resource"]), depth)
	}
	return nil
}

// validateMember checks what a group makes its members of.
func (c *Cloud) validateMember(s *stack, def map[string]any, depth int) error {
	inner := &definition{name: "0", typ: str(def["type"]), properties: mapOf(def["properties"])}
	return c.validateDefinition(s, inner, depth+1)
}

// dryRun finds functions that cannot be resolved: unknown parameters and files.
func dryRun(c *Cloud, s *stack, d *definition) error {
	_, err := scope{c: c, s: s, loose: true}.resolve(map[string]any{"properties": d.properties, "metadata": d.metadata})
	return err
}

func (c *Cloud) validateNested(s *stack, d *definition, text string, depth int) error {
	t, err := parseTemplate(text)
	if err != nil {
		return parameterError{"StackValidationFailed", "Failed to validate: resources." + d.name + ": " + err.Error()}
	}
	if err := dryRun(c, s, d); err != nil {
		return parameterError{"StackValidationFailed", err.Error()}
	}
	for _, key := range slices.Sorted(maps.Keys(d.properties)) {
		if t.params[key] == nil && key != "__deletion" {
			return parameterError{"StackValidationFailed", "Property error: : resources." + d.name + ".properties: : Unknown Property " + key}
		}
	}
	n := c.newStack(s.name+"-"+d.name, t, nil)
	n.files, n.env = s.files, s.env
	for _, name := range t.paramOrder {
		p := t.params[name]
		if d.properties[name] == nil && !p.hasDefault {
			return parameterError{"StackValidationFailed", "Property error: : resources." + d.name + ".properties: : Property " + name + " not assigned"}
		}
		v, err := scope{c: c, s: s, loose: true}.resolve(d.properties[name])
		if err != nil || v == nil {
			v = p.def
		}
		if value, err := p.convert(v); err == nil {
			n.params[name] = value
		} else if d.properties[name] != nil && !hasReference(d.properties[name]) {
			return parameterError{"StackValidationFailed", "Property error: : resources." + d.name + ".properties." + name + ": : " + err.Error()}
		} else {
			n.params[name] = ""
		}
	}
	return c.validate(n, depth+1)
}

func hasReference(v any) bool {
	found := false
	references(v, func(string) { found = true })
	return found
}

package openstacktest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// template is a parsed HOT document.
type template struct {
	version     string
	description string
	params      map[string]*paramSchema
	paramOrder  []string
	conditions  map[string]any
	resources   map[string]*definition
	order       []string // resources as written
	outputs     map[string]map[string]any
	outOrder    []string
}

// definition is a resource as the template writes it.
type definition struct {
	name, typ  string
	properties map[string]any
	metadata   any
	condition  any
	deletion   string
	external   any // external_id: what is there already, to be looked at only
	dependsOn  []string
	needs      []string // all dependencies, explicit and by reference
}

// plain turns a YAML node into maps, lists and scalars. Dates stay text, as in Heat, which reads
// heat_template_version: 2018-03-02 without quotes (heat/common/template_format.py).
func plain(n *yaml.Node) (any, error) {
	switch n.Kind { //nolint:exhaustive // what is left is a scalar
	case yaml.DocumentNode:
		if len(n.Content) == 0 {
			return nil, nil
		}
		return plain(n.Content[0])
	case yaml.AliasNode:
		return plain(n.Alias)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			v, err := plain(item)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			v, err := plain(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			if n.Content[i].Tag == "!!merge" {
				merge(m, v)
				continue
			}
			m[n.Content[i].Value] = v
		}
		return m, nil
	}
	switch {
	case n.Tag == "!!timestamp":
		return n.Value, nil
	case n.Style == 0 && slices.Contains([]string{"yes", "Yes", "YES", "on", "On", "ON"}, n.Value):
		return true, nil // Heat's PyYAML reads YAML 1.1
	case n.Style == 0 && slices.Contains([]string{"no", "No", "NO", "off", "Off", "OFF"}, n.Value):
		return false, nil
	case n.Style == 0 && sexagesimal.MatchString(n.Value):
		total := 0
		for part := range strings.SplitSeq(n.Value, ":") {
			digit, _ := strconv.Atoi(part)
			total = total*60 + digit
		}
		return total, nil // 12:30 is 750
	}
	var v any
	err := n.Decode(&v)
	return v, err
}

// merge puts in what `<<` names. A key that the mapping has itself stays: it may come before or after, and an earlier one of
// several mappings goes before a later one.
func merge(m map[string]any, from any) {
	for _, other := range append(listOf(from), from) {
		for k, v := range mapOf(other) {
			if _, has := m[k]; !has {
				m[k] = v
			}
		}
	}
}

var sexagesimal = regexp.MustCompile(`^[1-9][0-9]*(:[0-5]?[0-9])+$`)

// parseYAML reads a document into plain values and gives the key order of its top-level sections.
func parseYAML(text string) (map[string]any, map[string][]string, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return nil, nil, err
	}
	v, err := plain(&doc)
	if err != nil {
		return nil, nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, nil, errors.New("the template is not a JSON object or YAML mapping")
	}
	order := map[string][]string{}
	top := doc.Content[0]
	for i := 0; i+1 < len(top.Content); i += 2 {
		if s := top.Content[i+1]; s.Kind == yaml.MappingNode {
			for j := 0; j < len(s.Content); j += 2 {
				order[top.Content[i].Value] = append(order[top.Content[i].Value], s.Content[j].Value)
			}
		}
	}
	return m, order, nil
}

var hotVersions = []string{
	"2013-05-23", "2014-10-16", "2015-04-30", "2015-10-15", "2016-04-08", "2016-10-14", "newton", "2017-02-24", "ocata",
	"2017-09-01", "pike", "2018-03-02", "queens", "2018-08-31", "rocky", "2021-04-16", "wallaby",
}

// parsed are the templates that were read: the same few are sent again and again, and reading one takes longer than all else
// that is done with it. Nobody changes what was read.
var parsed = struct {
	sync.Mutex
	by map[string]*template
}{by: map[string]*template{}}

// maxParsed bounds them: the shim runs for days.
const maxParsed = 256

// parseTemplate reads a template, or has it from an earlier time.
func parseTemplate(text string) (*template, error) {
	parsed.Lock()
	t := parsed.by[text]
	parsed.Unlock()
	if t != nil {
		return t, nil
	}
	t, err := readTemplate(text)
	if err != nil {
		return nil, err
	}
	parsed.Lock()
	defer parsed.Unlock()
	if len(parsed.by) >= maxParsed {
		clear(parsed.by)
	}
	parsed.by[text] = t
	return t, nil
}

func readTemplate(text string) (*template, error) {
	m, order, err := parseYAML(text)
	if err != nil {
		return nil, said("Error parsing template: %w", err)
	}
	t := &template{
		version: str(m["heat_template_version"]), description: or(str(m["description"]), "No description"),
		conditions: mapOf(m["conditions"]), params: map[string]*paramSchema{}, resources: map[string]*definition{},
		outputs: map[string]map[string]any{}, order: order["resources"], outOrder: order["outputs"], paramOrder: order["parameters"],
	}
	if t.version == "" {
		return nil, said("The template version is invalid: Template version was not provided")
	}
	if !slices.Contains(hotVersions, t.version) {
		return nil, said(`The template version is invalid: "heat_template_version: %s". "heat_template_version" should be one of: %s`,
			t.version, strings.Join(hotVersions, ", "))
	}
	for key := range m {
		if !slices.Contains([]string{"heat_template_version", "description", "parameter_groups", "parameters", "resources", "outputs", "conditions"}, key) {
			return nil, said("The template section is invalid: %s", key)
		}
	}
	for name, raw := range mapOf(m["parameters"]) {
		if t.params[name], err = parseParam(name, mapOf(raw)); err != nil {
			return nil, err
		}
	}
	for name, raw := range mapOf(m["outputs"]) {
		t.outputs[name] = mapOf(raw)
	}
	for name, raw := range mapOf(m["resources"]) {
		d, err := parseDefinition(name, raw)
		if err != nil {
			return nil, err
		}
		t.resources[name] = d
	}
	return t, t.link()
}

func parseDefinition(name string, raw any) (*definition, error) {
	m, ok := raw.(map[string]any)
	if !ok || str(m["type"]) == "" {
		return nil, said(`Each Resource must contain a type key: resources.%s`, name)
	}
	for key := range m {
		if !slices.Contains([]string{"type", "properties", "metadata", "depends_on", "deletion_policy", "update_policy", "condition", "external_id", "description"}, key) {
			return nil, fmt.Errorf(`"%s" is not a valid keyword inside a resource definition`, key)
		}
	}
	d := &definition{name: name, typ: str(m["type"]), properties: mapOf(m["properties"]), metadata: m["metadata"], condition: m["condition"], deletion: str(m["deletion_policy"]), external: m["external_id"]}
	if policy := mapOf(m["deletion_policy"]); len(policy) > 0 {
		d.properties["__deletion"] = m["deletion_policy"] // may hold get_param: resolved at deletion
	}
	switch v := m["depends_on"].(type) {
	case string:
		d.dependsOn = []string{v}
	case []any:
		for _, item := range v {
			d.dependsOn = append(d.dependsOn, str(item))
		}
	}
	return d, nil
}

// link finds each resource's dependencies and refuses references to nothing.
func (t *template) link() error {
	for _, name := range t.order {
		d := t.resources[name]
		d.needs = append(d.needs, d.dependsOn...)
		references([]any{d.properties, d.metadata}, func(ref string) { d.needs = append(d.needs, ref) })
		slices.Sort(d.needs)
		d.needs = slices.Compact(d.needs)
		for _, ref := range d.needs {
			if _, ok := t.resources[ref]; !ok {
				return said(`The specified reference "%s" (in %s) is incorrect.`, ref, name)
			}
		}
	}
	for name, out := range t.outputs {
		var bad string
		references(out["value"], func(ref string) {
			if _, ok := t.resources[ref]; !ok {
				bad = ref
			}
		})
		if bad != "" {
			return said(`The specified reference "%s" (in outputs.%s.value) is incorrect.`, bad, name)
		}
	}
	return nil
}

// references calls see with every resource name that get_resource and get_attr in v refer to.
func references(v any, see func(string)) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			references(item, see)
		}
	case map[string]any:
		if len(v) == 1 {
			if name, ok := v["get_resource"].(string); ok {
				see(name)
				return
			}
			if path, ok := v["get_attr"].([]any); ok && len(path) > 0 {
				see(str(path[0]))
				references(path[1:], see)
				return
			}
		}
		for _, item := range v {
			references(item, see)
		}
	}
}

func mapOf(v any) map[string]any {
	if m, ok := v.(map[string]any); ok {
		return m
	}
	return map[string]any{}
}

func listOf(v any) []any {
	l, _ := v.([]any)
	return l
}

// str is a scalar as text; nil and containers are empty.
func str(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strings.ToUpper(strconv.FormatBool(v)[:1]) + strconv.FormatBool(v)[1:] // Python's True
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

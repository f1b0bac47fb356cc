package heattemplates

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

//go:embed all:labs all:site *.yaml
var builtin embed.FS

// Heat's own limits: max_template_size is 512 KiB, max_nested_stack_depth 5 (heat/common/config.py).
const (
	maxTemplate = 512 << 10
	maxDepth    = 5
)

// ErrNotFound says that there is no template of that name.
var ErrNotFound = errors.New("no such template")

// Template is what Heat needs to know about a template, and what we need to know before we send it.
type Template struct {
	// Text is the template as it was written.
	Text string
	// Files are nested templates and get_file contents, by the name the templates use for them.
	Files map[string]string
	// Parameters are those of the template itself, in the order they were written.
	Parameters []Parameter
	// Outputs are the names of its outputs, in the order they were written.
	Outputs []string
}

// Parameter is one parameter of a template.
type Parameter struct {
	Name string
	// Type is Heat's: string, number, boolean, json or comma_delimited_list.
	Type string
	// Default is nil for a required parameter.
	Default any
	// Hidden values are never printed by Heat.
	Hidden bool
	// Required says that the template has no default for it.
	Required bool
}

// Has says whether the template declares the parameter. Heat refuses an unknown one on create and ignores it without
// a word on PATCH, so ask before sending.
func (t Template) Has(name string) bool {
	return slices.ContainsFunc(t.Parameters, func(p Parameter) bool { return p.Name == name })
}

// Load reads a built-in template, e.g. "cluster.yaml" or "labs/web.yaml".
func Load(name string) (Template, error) { return LoadFrom(nil, name) }

// LoadFrom reads a template and everything it refers to, looking for each file in dir first (nil: none) and then among
// the built-in ones. A name is a slash-separated path inside either tree.
func LoadFrom(dir fs.FS, name string) (Template, error) {
	if dir != nil {
		return load(dir, name)
	}
	known, ok := loaded.Load(name)
	if !ok {
		t, err := load(nil, name)
		if err != nil {
			return Template{}, err
		}
		known, _ = loaded.LoadOrStore(name, t)
	}
	t, _ := known.(Template)
	t.Files, t.Parameters, t.Outputs = maps.Clone(t.Files), slices.Clone(t.Parameters), slices.Clone(t.Outputs)
	return t, nil
}

// loaded are the built-in templates that were read, by name: they stay as they are, and a changed configuration reads them again.
var loaded sync.Map

func load(dir fs.FS, name string) (Template, error) {
	if !inside(name) {
		return Template{}, fmt.Errorf("template %q: not a name inside the template tree", name)
	}
	r := reader{dir: dir, files: map[string]string{}, paths: map[string]string{}}
	text, err := r.read(name)
	if err != nil {
		return Template{}, fmt.Errorf("template %q: %w", name, err)
	}
	root, err := parse(text)
	if err != nil {
		return Template{}, fmt.Errorf("template %q: %w", name, err)
	}
	if err := r.resolve(name, root, 0); err != nil {
		return Template{}, fmt.Errorf("template %q: %w", name, err)
	}
	parameters, err := parametersOf(root)
	if err != nil {
		return Template{}, fmt.Errorf("template %q: %w", name, err)
	}
	return Template{Text: text, Files: r.files, Parameters: parameters, Outputs: keys(child(root, "outputs"))}, nil
}

// inside says whether name is a clean relative path that stays in its tree and cannot be taken for a URL.
func inside(name string) bool {
	return name != "." && fs.ValidPath(name) && !strings.ContainsAny(name, `:\`)
}

// reader collects the files of one template.
type reader struct {
	dir   fs.FS
	files map[string]string // reference → content
	paths map[string]string // reference → path it stands for
}

func (r *reader) read(name string) (string, error) {
	for _, tree := range []fs.FS{r.dir, builtin} {
		if tree == nil {
			continue
		}
		b, err := fs.ReadFile(tree, name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return "", fmt.Errorf("read %s: %w", name, err)
		case len(b) > maxTemplate:
			return "", fmt.Errorf("%s: %d bytes, more than Heat takes (%d)", name, len(b), maxTemplate)
		}
		return string(b), nil
	}
	return "", fmt.Errorf("%s: %w", name, ErrNotFound)
}

// resolve puts every file that the template at name refers to into r.files.
func (r *reader) resolve(name string, root *yaml.Node, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%s: nested deeper than Heat allows (%d)", name, maxDepth)
	}
	for _, ref := range references(root) {
		target := path.Join(path.Dir(name), ref.name)
		if strings.ContainsAny(ref.name, `:\`) || path.IsAbs(ref.name) || !inside(target) {
			return fmt.Errorf("%s line %d: %q is not a file of the template tree", name, ref.line, ref.name)
		}
		if known, ok := r.paths[ref.name]; ok {
			if known != target {
				return fmt.Errorf("%s line %d: %q means both %s and %s in one stack", name, ref.line, ref.name, known, target)
			}
			if !ref.template {
				continue
			}
		}
		text, err := r.read(target)
		if err != nil {
			return fmt.Errorf("%s line %d: %w", name, ref.line, err)
		}
		r.paths[ref.name], r.files[ref.name] = target, bare(target, text)
		if !ref.template {
			continue
		}
		nested, err := parse(text)
		if err != nil {
			return fmt.Errorf("%s: %w", target, err)
		}
		if err := r.resolve(target, nested, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// reference is a file named by a template.
type reference struct {
	name     string
	line     int
	template bool // a nested template, which has references of its own
}

// references walks the resources of a template for get_file and for types that are files.
func references(root *yaml.Node) []reference {
	var found []reference
	var walk func(*yaml.Node)
	walk = func(n *yaml.Node) {
		if n.Kind == yaml.MappingNode {
			for i := 0; i+1 < len(n.Content); i += 2 {
				key, value := n.Content[i].Value, n.Content[i+1]
				if value.Kind != yaml.ScalarNode {
					continue
				}
				switch {
				case key == "get_file":
					found = append(found, reference{name: value.Value, line: value.Line})
				case key == "type" && isTemplate(value.Value):
					found = append(found, reference{name: value.Value, line: value.Line, template: true})
				}
			}
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(root)
	return found
}

// isTemplate says whether Heat takes a resource type for a template (heat/engine/environment.py).
func isTemplate(resourceType string) bool {
	return strings.HasSuffix(resourceType, ".yaml") || strings.HasSuffix(resourceType, ".template")
}

// parse reads YAML without giving meaning to scalars: heat_template_version looks like a date.
func parse(text string) (*yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("parse: not a mapping")
	}
	root := doc.Content[0]
	if child(root, "heat_template_version") == nil {
		return nil, errors.New("parse: no heat_template_version")
	}
	return root, nil
}

func parametersOf(root *yaml.Node) ([]Parameter, error) {
	node := child(root, "parameters")
	var list []Parameter
	for _, name := range keys(node) {
		var p struct {
			Type    string
			Default any
			Hidden  bool
		}
		body := child(node, name)
		if err := body.Decode(&p); err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		}
		list = append(list, Parameter{
			Name: name, Type: p.Type, Default: p.Default, Hidden: p.Hidden, Required: child(body, "default") == nil,
		})
	}
	return list, nil
}

// child is the value of a mapping's key, nil without one.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// keys are a mapping's keys in the order they were written.
func keys(n *yaml.Node) []string {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	list := make([]string, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		list = append(list, n.Content[i].Value)
	}
	return list
}

package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// decoder fills structs from YAML nodes. The YAML library's own decoder stops knowing the path of a fault, cannot read 14d
// and has no x_file; the nodes it parses give all three with their lines.
type decoder struct {
	readFile func(string) ([]byte, error)
	lines    map[string]int // path → line
	faults   Faults
}

var (
	secretType   = reflect.TypeFor[Secret]()
	durationType = reflect.TypeFor[time.Duration]()
)

// defaulter is a struct that is not empty before it is read, so that an explicit zero can be told from silence.
type defaulter interface{ setDefaults() }

func (d *decoder) document(text string, into *Config) {
	root, problem := parse([]byte(text))
	if problem != "" {
		d.faults = append(d.faults, Fault{Path: Variable, Message: problem})
	}
	into.setDefaults()
	if root != nil {
		d.value(root, "", reflect.ValueOf(into).Elem())
	}
}

// parse is the text's first document, nil for an empty one, and what is wrong with the text.
func parse(text []byte) (root *yaml.Node, problem string) {
	documents := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	if err := documents.Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Sprintf("is not YAML (%s); correct that line.", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := documents.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		problem = "holds more than one YAML document; keep the first."
	}
	if document.Kind == yaml.DocumentNode {
		root = document.Content[0]
	}
	return root, problem
}

func (d *decoder) fault(node *yaml.Node, path, format string, args ...any) {
	d.faults = append(d.faults, Fault{Path: path, Message: fmt.Sprintf(format, args...), Line: node.Line})
}

// spoilt says that reading already complained about the path or something above it.
func (d *decoder) spoilt(path string) bool {
	return slices.ContainsFunc(d.faults, func(f Fault) bool {
		rest, within := strings.CutPrefix(path, f.Path)
		return f.Path == Variable || within && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// line is where a path stands, or the nearest thing around it that does.
func (d *decoder) line(path string) int {
	for path != "" {
		if line, ok := d.lines[path]; ok {
			return line
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return 0
}

func (d *decoder) value(node *yaml.Node, path string, into reflect.Value) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if path != "" {
		d.lines[path] = node.Line
	}
	if node.Kind == yaml.ScalarNode && node.Tag == "!!null" {
		return // "labs:" with nothing below is the same as no labs
	}
	switch into.Kind() {
	case reflect.Struct:
		d.fields(node, path, into)
	case reflect.Map:
		d.entries(node, path, into)
	case reflect.Slice:
		if node.Kind != yaml.SequenceNode {
			d.fault(node, path, "must be a list.")
			return
		}
		list := reflect.MakeSlice(into.Type(), len(node.Content), len(node.Content))
		for i, item := range node.Content {
			prepare(list.Index(i))
			d.value(item, fmt.Sprintf("%s[%d]", path, i), list.Index(i))
		}
		into.Set(list)
	default:
		if node.Kind != yaml.ScalarNode {
			d.fault(node, path, "must be a single value.")
			return
		}
		d.scalar(node, path, into)
	}
}

func prepare(v reflect.Value) {
	if v, ok := reflect.TypeAssert[defaulter](v.Addr()); ok {
		v.setDefaults()
	}
}

func (d *decoder) scalar(node *yaml.Node, path string, into reflect.Value) {
	switch {
	case into.Type() == durationType:
		duration, err := ParseDuration(node.Value)
		if err != nil {
			d.fault(node, path, "must be a duration such as 90s, 30m, 8h or 14d.")
			return
		}
		into.SetInt(int64(duration))
	case into.Kind() == reflect.String:
		into.SetString(node.Value)
	case into.Kind() == reflect.Int:
		number, err := strconv.Atoi(node.Value)
		if err != nil {
			d.fault(node, path, "must be a whole number.")
			return
		}
		into.SetInt(int64(number))
	case into.Kind() == reflect.Bool:
		if node.Tag != "!!bool" {
			d.fault(node, path, "must be true or false.")
			return
		}
		into.SetBool(strings.EqualFold(node.Value, "true"))
	default:
		panic("configuration has a field of unsupported type " + into.Type().String())
	}
}

// pairs calls each for every key of a mapping, having refused what is not one and keys that come twice.
func (d *decoder) pairs(node *yaml.Node, path string, each func(key, value *yaml.Node, path string)) {
	if node.Kind != yaml.MappingNode {
		where := path
		if where == "" {
			where = Variable
		}
		d.fault(node, where, "must hold keys with values.")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		below := strings.TrimPrefix(path+"."+key.Value, ".")
		if seen[key.Value] {
			d.fault(key, below, "stands twice; keep one.")
			continue
		}
		seen[key.Value] = true
		each(key, node.Content[i+1], below)
	}
}

func (d *decoder) entries(node *yaml.Node, path string, into reflect.Value) {
	m := reflect.MakeMap(into.Type())
	d.pairs(node, path, func(key, value *yaml.Node, path string) {
		entry := reflect.New(into.Type().Elem()).Elem()
		prepare(entry)
		d.value(value, path, entry)
		m.SetMapIndex(reflect.ValueOf(key.Value), entry)
	})
	into.Set(m)
}

func (d *decoder) fields(node *yaml.Node, path string, into reflect.Value) {
	filled := map[string]bool{}
	d.pairs(node, path, func(key, value *yaml.Node, path string) {
		name, isFile := key.Value, false
		field, ok := fieldNamed(into, name)
		if base, has := strings.CutSuffix(name, "_file"); !ok && has {
			if field, ok = fieldNamed(into, base); ok && field.Type() == secretType {
				name, isFile = base, true
			} else {
				ok = false
			}
		}
		switch {
		case !ok:
			d.fault(key, path, "is not a known key; known here: %s.", strings.Join(known(into.Type()), ", "))
		case filled[name]:
			d.fault(key, path, "stands beside %s; keep one of the two.", otherName(name, isFile))
		case isFile:
			filled[name] = true
			d.secretFile(value, path, field)
		default:
			filled[name] = true
			d.value(value, path, field)
		}
	})
}

func otherName(name string, isFile bool) string {
	if isFile {
		return name
	}
	return name + "_file"
}

func (d *decoder) secretFile(node *yaml.Node, path string, into reflect.Value) {
	d.lines[strings.TrimSuffix(path, "_file")] = node.Line
	content, err := d.readFile(node.Value)
	if err == nil {
		into.SetString(strings.TrimRight(string(content), "\r\n"))
		return
	}
	// Reported under the secret's own path, so that nobody is told besides that it is missing.
	d.fault(node, strings.TrimSuffix(path, "_file"), "cannot be read from its file (%v); correct the path or its permissions.", err)
}

func fieldNamed(v reflect.Value, name string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("yaml") == name {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func known(t reflect.Type) []string {
	names := make([]string, 0, t.NumField())
	for field := range t.Fields() {
		names = append(names, field.Tag.Get("yaml"))
	}
	return names
}

// ParseDuration reads what time.ParseDuration reads, and days in front: 14d, 1d12h.
func ParseDuration(text string) (time.Duration, error) {
	days, rest, found := strings.Cut(text, "d")
	if !found {
		days, rest = "0", text
	}
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("parse days of duration: %w", err)
	}
	total := time.Duration(n) * 24 * time.Hour
	if found && rest == "" {
		return total, nil
	}
	small, err := time.ParseDuration(rest)
	if err != nil {
		return 0, fmt.Errorf("parse duration: %w", err)
	}
	if small < 0 && found {
		return 0, fmt.Errorf("parse duration %q: a part is negative", text)
	}
	return total + small, nil
}

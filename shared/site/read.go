package site

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Fault is one thing wrong with a Spec. Message follows the field's name and ends with a period.
type Fault struct {
	Field   string
	Message string
}

// ErrSyntax says that a text is not YAML, or not JSON, at all.
var ErrSyntax = errors.New("not a document")

// maxDepth bounds how deep a document may nest; a Spec is three deep.
const maxDepth = 12

// entry is one key of a mapping: kept in order, and with its double if there is one.
type entry struct {
	key   string
	value any
}

// mapping, []any, string, json.Number, bool and nil are what a document is made of, whichever its language was.
type mapping []entry

// ReadYAML reads a Spec. All that has no place in one, or is of the wrong type, is in the faults; then the Spec holds what
// could be read. The error is ErrSyntax.
func ReadYAML(text []byte) (Spec, []Fault, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return Spec{}, nil, fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	if len(doc.Content) == 0 {
		return Spec{}, nil, fmt.Errorf("%w: it is empty", ErrSyntax)
	}
	value, err := fromYAML(doc.Content[0], 0)
	if err != nil {
		return Spec{}, nil, err
	}
	return read(value)
}

// ReadJSON is ReadYAML for JSON.
func ReadJSON(text []byte) (Spec, []Fault, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	value, err := fromJSON(decoder, 0)
	if err != nil {
		return Spec{}, nil, fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Spec{}, nil, fmt.Errorf("%w: something follows it", ErrSyntax)
	}
	return read(value)
}

func read(value any) (Spec, []Fault, error) {
	m, ok := value.(mapping)
	if !ok {
		return Spec{}, nil, fmt.Errorf("%w: it is no mapping of keys to values", ErrSyntax)
	}
	var s Spec
	b := binder{}
	b.into(&s, m)
	return s, b.faults, nil
}

// fromYAML gives scalars the types that YAML 1.2 gives them; a date is text. Aliases are refused: a Spec has no use for
// them, and they make a short text a huge one.
func fromYAML(n *yaml.Node, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: line %d is nested too deep", ErrSyntax, n.Line)
	}
	switch n.Kind {
	case yaml.MappingNode:
		m := mapping{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			value, err := fromYAML(n.Content[i+1], depth+1)
			if err != nil {
				return nil, err
			}
			m = append(m, entry{n.Content[i].Value, value})
		}
		return m, nil
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			value, err := fromYAML(item, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	case yaml.ScalarNode:
		return scalar(n), nil
	case yaml.AliasNode, yaml.DocumentNode:
	}
	return nil, fmt.Errorf("%w: line %d refers to another place of the text; write the value out", ErrSyntax, n.Line)
}

func scalar(n *yaml.Node) any {
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int":
		if v, err := strconv.ParseInt(n.Value, 0, 64); err == nil {
			return json.Number(strconv.FormatInt(v, 10))
		}
	case "!!float":
		if v, err := strconv.ParseFloat(n.Value, 64); err == nil && !math.IsNaN(v) && !math.IsInf(v, 0) {
			return json.Number(strconv.FormatFloat(v, 'g', -1, 64))
		}
	}
	return n.Value
}

func fromJSON(d *json.Decoder, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	delim, compound := token.(json.Delim)
	if !compound {
		return token, nil
	}
	if depth > maxDepth {
		return nil, errors.New("it is nested too deep")
	}
	if delim == '[' {
		list := []any{}
		for d.More() {
			value, err := fromJSON(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err := d.Token()
		return list, closed(err)
	}
	m := mapping{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("read JSON: %w", err)
		}
		value, err := fromJSON(d, depth+1)
		if err != nil {
			return nil, err
		}
		name, _ := key.(string)
		m = append(m, entry{name, value})
	}
	_, err = d.Token()
	return m, closed(err)
}

func closed(err error) error {
	if err != nil {
		return fmt.Errorf("read JSON: %w", err)
	}
	return nil
}

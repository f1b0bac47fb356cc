package lti

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"maps"
	"slices"
	"unicode/utf8"
)

// maxDepth is how deep claims may be nested; LTI needs three levels.
const maxDepth = 16

var (
	errJSON      = errors.New("it is not JSON")
	errUTF8      = errors.New("it is not UTF-8")
	errNotObject = errors.New("it is not a JSON object")
	errTwice     = errors.New("a member is there twice")
	errDeep      = errors.New("it is nested too deep")
	errTrailing  = errors.New("something follows the JSON")
)

// strictObject reads one JSON object and nothing else. encoding/json alone keeps the last of two members of one name and
// repairs broken UTF-8; another reader of the same token may see another person there (C17). Numbers stay json.Number.
func strictObject(text []byte) (map[string]any, error) {
	if !utf8.Valid(text) {
		return nil, errUTF8
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil, errJSON
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, errNotObject
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errTrailing
	}
	kept, err := members(v, 0)
	if err != nil {
		return nil, err
	}
	if kept != membersIn(text) { // of two of one name the decoder has kept one
		return nil, errTwice
	}
	return object, nil
}

// members is how many members the objects in v have, however deep.
func members(v any, depth int) (n int, err error) {
	var inside iter.Seq[any]
	switch v := v.(type) {
	case map[string]any:
		n, inside = len(v), maps.Values(v)
	case []any:
		inside = slices.Values(v)
	default:
		return 0, nil
	}
	if depth == maxDepth {
		return 0, errDeep
	}
	for value := range inside {
		below, err := members(value, depth+1)
		if err != nil {
			return 0, err
		}
		n += below
	}
	return n, nil
}

// membersIn is how many members text has, which is known to be JSON: each has the one colon that is not part of a string.
func membersIn(text []byte) int {
	n, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\': // in strings alone
			i++
		case '"':
			quoted = !quoted
		case ':':
			if !quoted {
				n++
			}
		}
	}
	return n
}

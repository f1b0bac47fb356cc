package lti

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
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
	v, err := strictValue(d, 0)
	if err != nil {
		return nil, err
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, errNotObject
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errTrailing
	}
	return object, nil
}

func strictValue(d *json.Decoder, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, errJSON
	}
	delim, nested := token.(json.Delim)
	switch {
	case !nested:
		return token, nil
	case depth == maxDepth:
		return nil, errDeep
	case delim == '{':
		return strictMembers(d, depth)
	case delim == '[':
		return strictElements(d, depth)
	}
	return nil, errJSON
}

func strictMembers(d *json.Decoder, depth int) (map[string]any, error) {
	object := map[string]any{}
	for d.More() {
		token, err := d.Token()
		name, isName := token.(string)
		if err != nil || !isName {
			return nil, errJSON
		}
		if _, twice := object[name]; twice {
			return nil, errTwice
		}
		if object[name], err = strictValue(d, depth+1); err != nil {
			return nil, err
		}
	}
	return object, closing(d)
}

func strictElements(d *json.Decoder, depth int) ([]any, error) {
	list := []any{}
	for d.More() {
		v, err := strictValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, closing(d)
}

func closing(d *json.Decoder) error {
	if _, err := d.Token(); err != nil {
		return errJSON
	}
	return nil
}

package lti_test

import (
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/lti"
)

func nested(n int) string {
	return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n)
}

func TestStrictObject(t *testing.T) {
	t.Parallel()
	for text, holds := range map[string]bool{
		`{}`: true, ` {"a" : 1} `: true, `{"a":{"a":[{"a":1},{"a":2}]},"b":":{}"}`: true, `{"\"a":":","\\":"\\\":"}`: true, nested(16): true,
		`{"a":1.50,"b":null,"c":true,"d":""}`: true,
		``:                                    false, `null`: false, `[]`: false, `"a:b"`: false, `1`: false, `{"a":1`: false, `{"a" 1}`: false, `{"a":1,}`: false,
		`{} {}`: false, `{}}`: false, `{} x`: false, "{\"a\":\"\xff\"}": false, nested(17): false, `{"a":` + strings.Repeat("[", 17) + strings.Repeat("]", 17) + `}`: false,
		`{"a":1,"a":1}`: false, `{"a":1,"\u0061":2}`: false, `{"a":{"b":1},"a":{"c":1,"d":2}}`: false, `{"a":[1,{"b":1,"b":2}]}`: false,
		`{"a":{"b":1,"c":2},"a":3}`: false, `{"":1,"":2}`: false, `{"\ud800":1,"\udfff":2}`: false, // both are read as U+FFFD
	} {
		got, err := lti.StrictObject([]byte(text))
		if (err == nil) != holds {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	got, err := lti.StrictObject([]byte(`{"n":12345678901234567890}`))
	if err != nil || got["n"] != json.Number("12345678901234567890") {
		t.Errorf("a number lost digits: %v, %v", got, err)
	}
}

// slowly reads an object token by token, and looks at every name.
func slowly(d *json.Decoder, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	delim, deeper := token.(json.Delim)
	switch {
	case !deeper:
		return token, nil
	case depth == 16:
		return nil, errors.New("too deep")
	case delim == '[':
		list := []any{}
		for d.More() {
			v, err := slowly(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	}
	object := map[string]any{}
	for d.More() {
		token, err := d.Token()
		name, ok := token.(string)
		if _, twice := object[name]; err != nil || !ok || twice {
			return nil, errors.New("a name that is none, or is there twice")
		}
		if object[name], err = slowly(d, depth+1); err != nil {
			return nil, err
		}
	}
	_, err = d.Token()
	return object, err
}

// What is read by counting is what is read by looking at every name.
func FuzzStrictObject(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":{"a":[{"a":1},{"a":2}]},"b":":{}"}`, `{"a":1,"\u0061":2}`, `{"a":{"b":1},"a":{"c":1,"d":2}}`, `{"\"a":":","\\":"\\\":"}`,
		`{"\ud800":1,"\udfff":2}`, `{"a":[[],{}],"b":-1e9}`, nested(16), nested(17), `{} `, `{}{}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := lti.StrictObject([]byte(text))
		if err != nil && strings.Contains(err.Error(), "UTF-8") {
			return
		}
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		want, wrong := slowly(d, 0)
		if _, more := d.Token(); wrong == nil && !errors.Is(more, io.EOF) {
			wrong = errors.New("something follows")
		}
		if _, object := want.(map[string]any); wrong == nil && !object {
			wrong = errors.New("no object")
		}
		if (err == nil) != (wrong == nil) || err == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: %v, %v; by looking at every name %v, %v", text, got, err, want, wrong)
		}
	})
}

package function

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"
)

// decode reads the body's one JSON value into in.
func decode(r *http.Request, in any, o options) error {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, MaxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return tooLarge()
	}
	if err != nil {
		return badBody(err)
	}
	if len(body) == 0 {
		if o.allowEmpty {
			return nil
		}
		return badJSON("The request has no body; send a JSON object.", io.EOF)
	}
	if !isJSON(r.Header.Get("Content-Type")) {
		return &Error{
			Code: "content_type", Status: http.StatusUnsupportedMediaType,
			Public: "The request must be JSON; send it with the header Content-Type: application/json.",
		}
	}
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	if !o.allowUnknown {
		decoder.DisallowUnknownFields()
	}
	if err := decoder.Decode(in); err != nil {
		return explain(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return badJSON("Something follows the JSON object; send one object only.", err)
	}
	return nil
}

func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json"))
}

// explain says what is wrong without the decoder's own words, which name Go types and byte offsets.
func explain(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		e := badJSON("A field has the wrong type; correct it and send the request again.", err)
		if wrong.Field == "" {
			e.Public = "The JSON must be " + kindWords(wrong.Type) + "."
			return e
		}
		e.Faults = []Fault{{Field: wrong.Field, Message: "must be " + kindWords(wrong.Type) + "."}}
		return e
	}
	// encoding/json has no type for this one (decode.go, d.saveError(fmt.Errorf("json: unknown field %q", key))).
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		e := badJSON("A field is not known; check its spelling or leave it out.", err)
		e.Faults = []Fault{{Field: strings.Trim(name, `"`), Message: "is not known; check its spelling or leave it out."}}
		return e
	}
	return badJSON("The body is not valid JSON; correct it and send the request again.", err)
}

func kindWords(t reflect.Type) string {
	if t == nil {
		return "another type"
	}
	switch t.Kind() { //nolint:exhaustive // the rest cannot be decoded into
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "an object"
	case reflect.Pointer:
		return kindWords(t.Elem())
	}
	return "a whole number within bounds"
}

func badJSON(public string, err error) *Error {
	return &Error{Code: "bad_json", Status: http.StatusBadRequest, Public: public, Err: fmt.Errorf("decode request: %w", err)}
}

func badBody(err error) *Error {
	return &Error{
		Code: "bad_body", Status: http.StatusBadRequest,
		Public: "The request's body did not arrive whole; send it again.", Err: fmt.Errorf("read request: %w", err),
	}
}

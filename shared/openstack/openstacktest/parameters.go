package openstacktest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// paramSchema is one entry of a template's parameters section.
type paramSchema struct {
	name, typ   string
	description string
	def         any
	hasDefault  bool
	hidden      bool
	constraints []any
}

func parseParam(name string, m map[string]any) (*paramSchema, error) {
	p := &paramSchema{name: name, typ: str(m["type"]), description: str(m["description"]), constraints: listOf(m["constraints"])}
	p.def, p.hasDefault = m["default"]
	p.hidden, _ = m["hidden"].(bool)
	if !slices.Contains([]string{"string", "number", "comma_delimited_list", "json", "boolean"}, p.typ) {
		return nil, said("Invalid type (%s)", p.typ)
	}
	return p, nil
}

// convert reads a caller's value as the parameter's type.
func (p *paramSchema) convert(v any) (any, error) {
	switch p.typ {
	case "number":
		n, err := number(v)
		if err != nil {
			return nil, said("Parameter '%s' is invalid: could not convert string to float: '%s'", p.name, str(v))
		}
		return n, p.check(n)
	case "boolean":
		b, ok := v.(bool)
		if !ok {
			switch strings.ToLower(str(v)) {
			case "t", "true", "on", "y", "yes", "1":
				b = true
			case "f", "false", "off", "n", "no", "0":
			default:
				return nil, said("Parameter '%s' is invalid: Unrecognized value '%s'", p.name, str(v))
			}
		}
		return b, nil
	case "comma_delimited_list":
		return p.toList(v)
	case "json":
		if s, ok := v.(string); ok {
			if s == "" {
				return map[string]any{}, nil
			}
			var out any
			if err := json.Unmarshal([]byte(s), &out); err != nil {
				return nil, said("Parameter '%s' is invalid: Value must be valid JSON: %w", p.name, err)
			}
			return normal(out), nil
		}
		return normal(v), nil
	}
	if s, ok := v.(string); ok {
		return s, p.check(s)
	}
	if _, ok := v.([]any); ok || len(mapOf(v)) > 0 {
		return nil, said("Parameter '%s' is invalid: Value must be a string", p.name)
	}
	return str(v), p.check(str(v))
}

func (p *paramSchema) toList(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		out := []any{}
		for _, item := range v {
			if item == nil {
				item = ""
			}
			out = append(out, normal(item))
		}
		return out, nil
	case nil:
		return []any{}, nil
	case string:
		out := []any{}
		if v == "" {
			return out, nil
		}
		for item := range strings.SplitSeq(v, ",") {
			out = append(out, item) // spaces stay
		}
		return out, nil
	}
	return nil, said("Parameter '%s' is invalid: Value must be a comma-delimited list string", p.name)
}

// check applies the constraints that need nothing but the value; custom ones (nova.flavor …) pass.
func (p *paramSchema) check(v any) error {
	for _, raw := range p.constraints {
		c := mapOf(raw)
		bad, why := false, ""
		if l := mapOf(c["length"]); len(l) > 0 {
			lo, hi := bounds(l, float64(len(str(v))))
			bad, why = lo || hi, fmt.Sprintf("length (%d) is out of range (min: %s, max: %s)", len(str(v)), or(str(l["min"]), "None"), or(str(l["max"]), "None"))
		}
		if r := mapOf(c["range"]); len(r) > 0 {
			n, _ := number(v)
			f, _ := strconv.ParseFloat(str(n), 64)
			lo, hi := bounds(r, f)
			bad, why = lo || hi, fmt.Sprintf("%s is out of range (min: %s, max: %s)", str(v), or(str(r["min"]), "None"), or(str(r["max"]), "None"))
		}
		if allowed := listOf(c["allowed_values"]); len(allowed) > 0 {
			bad = !slices.ContainsFunc(allowed, func(a any) bool { return str(a) == str(v) })
			why = str(v) + " is not an allowed value"
		}
		if pattern := str(c["allowed_pattern"]); pattern != "" {
			re, err := regexp.Compile("^(?:" + pattern + ")$")
			bad, why = err != nil || !re.MatchString(str(v)), fmt.Sprintf(`"%s" does not match pattern "%s"`, str(v), pattern)
		}
		if bad {
			return said("Parameter '%s' is invalid: %s", p.name, or(str(c["description"]), why))
		}
	}
	return nil
}

func bounds(m map[string]any, v float64) (low, high bool) {
	if lo, err := strconv.ParseFloat(str(m["min"]), 64); err == nil {
		low = v < lo
	}
	if hi, err := strconv.ParseFloat(str(m["max"]), 64); err == nil {
		high = v > hi
	}
	return low, high
}

// text is a parameter's value as Heat prints it in a stack.
func (p *paramSchema) text(v any) string {
	if p.hidden {
		return "******"
	}
	switch p.typ {
	case "json":
		return dumps(v)
	case "comma_delimited_list":
		items := make([]string, 0, len(listOf(v)))
		for _, item := range listOf(v) {
			items = append(items, str(item))
		}
		return strings.Join(items, ",")
	}
	return str(v)
}

// number reads an int if it is one, else a float.
func number(v any) (any, error) {
	switch v := v.(type) {
	case int:
		return v, nil
	case float64:
		if v == float64(int(v)) {
			return int(v), nil
		}
		return v, nil
	case string:
		if n, err := strconv.Atoi(strings.TrimSpace(v)); err == nil {
			return n, nil
		}
		f, err := strconv.ParseFloat(v, 64)
		return f, err
	}
	return nil, fmt.Errorf("%T is no number", v)
}

// normal gives JSON values the types the template parser gives: whole numbers are int.
func normal(v any) any {
	switch v := v.(type) {
	case float64:
		if v == float64(int(v)) {
			return int(v)
		}
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = normal(item)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, item := range v {
			out[k] = normal(item)
		}
		return out
	}
	return v
}

// dumps is Python's json.dumps: a space after comma and colon.
func dumps(v any) string {
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		parts := make([]string, 0, len(v))
		for _, k := range keys {
			parts = append(parts, dumps(k)+": "+dumps(v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		parts := make([]string, 0, len(v))
		for _, item := range v {
			parts = append(parts, dumps(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n")
}

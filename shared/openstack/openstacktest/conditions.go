package openstacktest

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// condition is the truth of a condition: a name of the conditions section, a function or a bool.
func (x scope) condition(v any) (bool, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case string:
		c, ok := x.s.tmpl.conditions[v]
		if !ok {
			return false, said(`Invalid condition "%s"`, v)
		}
		return x.condition(c)
	case map[string]any:
		r, err := x.resolve(v)
		if err != nil {
			return false, err
		}
		switch r := r.(type) {
		case bool:
			return r, nil
		case string:
			return strings.EqualFold(r, "true"), nil
		}
	}
	return false, said("The condition value should be boolean, after resolved")
}

func fnIf(x scope, arg any) (any, error) {
	args := listOf(arg)
	elseless := slices.Contains([]string{"2021-04-16", "wallaby"}, x.s.tmpl.version)
	if len(args) != 3 && (len(args) != 2 || !elseless) {
		return nil, said(`Arguments to "if" must be of the form: [condition_name, value_if_true, value_if_false]`)
	}
	yes, err := x.condition(args[0])
	if err != nil {
		return nil, err
	}
	if yes {
		return x.resolve(args[1])
	}
	if len(args) == 2 {
		return absent, nil
	}
	return x.resolve(args[2])
}

func fnEquals(x scope, arg any) (any, error) {
	v, err := x.resolve(arg)
	args := listOf(v)
	if err != nil || len(args) != 2 {
		return nil, said(`Arguments to "equals" must be of the form: [value_1, value_2]: %w`, err)
	}
	return reflect.DeepEqual(normal(args[0]), normal(args[1])), nil
}

func fnNot(x scope, arg any) (any, error) {
	yes, err := x.condition(arg)
	return !yes, err
}

func fnAnd(x scope, arg any) (any, error) { return x.fold(arg, false) }
func fnOr(x scope, arg any) (any, error)  { return x.fold(arg, true) }

// fold is `or` when stop is true, else `and`.
func (x scope) fold(arg any, stop bool) (any, error) {
	for _, item := range listOf(arg) {
		yes, err := x.condition(item)
		if err != nil {
			return nil, err
		}
		if yes == stop {
			return stop, nil
		}
	}
	return !stop, nil
}

func fnContains(x scope, arg any) (any, error) {
	v, err := x.resolve(arg)
	args := listOf(v)
	if err != nil || len(args) != 2 {
		return nil, said(`Arguments to "contains" must be of the form: [value1, [value1, value2]]: %w`, err)
	}
	if text, ok := args[1].(string); ok {
		return strings.Contains(text, str(args[0])), nil
	}
	return holds(listOf(args[1]), args[0]), nil
}

// fnRepeat is repeat with one or more for_each variables (their product, in Heat's order).
func fnRepeat(x scope, arg any) (any, error) {
	m := mapOf(arg)
	v, err := x.resolve(m["for_each"])
	if err != nil {
		return nil, err
	}
	each := mapOf(v)
	names := make([]string, 0, len(each))
	for name := range each {
		names = append(names, name)
	}
	slices.Sort(names)
	rows := []map[string]any{{}}
	for _, name := range names {
		var next []map[string]any
		for _, row := range rows {
			for _, item := range items(each[name]) {
				grown := map[string]any{name: item}
				maps.Copy(grown, row)
				next = append(next, grown)
			}
		}
		rows = next
	}
	out := []any{}
	for _, row := range rows {
		filled, err := substitute(m["template"], row)
		if err != nil {
			return nil, err
		}
		item, err := x.resolve(filled)
		if err != nil {
			return nil, err
		}
		if item != absent {
			out = append(out, item)
		}
	}
	return out, nil
}

// substitute puts variables into a template value. One that is all of a text keeps its type; inside a text Heat can
// only replace by text.
func substitute(v any, vars map[string]any) (any, error) {
	switch v := v.(type) {
	case string:
		for name, value := range vars {
			if v == name {
				return value, nil
			}
		}
		for name, value := range vars {
			text, ok := value.(string)
			if !ok && strings.Contains(v, name) {
				return nil, fmt.Errorf("replace() argument 2 must be str, not %T", value)
			}
			v = strings.ReplaceAll(v, name, text)
		}
		return v, nil
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			var err error
			if out[i], err = substitute(item, vars); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, item := range v {
			key, err := substitute(k, vars)
			if err == nil {
				out[str(key)], err = substitute(item, vars)
			}
			if err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

// items are what for_each goes over: a list, or a map's keys.
func items(v any) []any {
	if m := mapOf(v); len(m) > 0 {
		out := []any{}
		for _, k := range slices.Sorted(maps.Keys(m)) {
			out = append(out, k)
		}
		return out
	}
	return listOf(v)
}

package openstacktest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"sort"
	"strings"
)

// scope is what a template's functions see.
type scope struct {
	c     *Cloud
	s     *stack
	loose bool // outputs: an attribute that is not there yet is null instead of an error
	// preview: what refers to a resource is empty (seen on Zed).
	preview bool
}

type absentType struct{}

// absent is the value of an `if` without else: its place is left out of the list or map around it.
var absent any = absentType{}

// resolve replaces every function in v by its value.
func (x scope) resolve(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		out := make([]any, 0, len(v))
		for _, item := range v {
			r, err := x.resolve(item)
			if err != nil {
				return nil, err
			}
			if r != absent {
				out = append(out, r)
			}
		}
		return out, nil
	case map[string]any:
		if len(v) == 1 {
			for name, arg := range v {
				if fn := functionOf(name); fn != nil {
					return fn(x, arg)
				}
				if unsupported(name) {
					return nil, fmt.Errorf("the fake cloud does not know the function %s", name)
				}
			}
		}
		out := make(map[string]any, len(v))
		for k, item := range v {
			r, err := x.resolve(item)
			if err != nil {
				return nil, err
			}
			if r != absent {
				out[k] = r
			}
		}
		return out, nil
	}
	return v, nil
}

func unsupported(name string) bool {
	return slices.Contains([]string{"yaql", "resource_facade", "map_replace"}, name)
}

type function func(x scope, arg any) (any, error)

// functionOf is the intrinsic function of that name; nil if there is none.
func functionOf(name string) function {
	switch name {
	case "get_param":
		return fnGetParam
	case "get_resource":
		return fnGetResource
	case "get_attr":
		return fnGetAttr
	case "get_file":
		return fnGetFile
	case "str_replace", "str_replace_strict", "str_replace_vstrict":
		return fnStrReplace
	case "list_join":
		return fnListJoin
	case "list_concat":
		return fnListConcat
	case "list_concat_unique":
		return fnListUnique
	case "filter":
		return fnFilter
	case "map_merge":
		return fnMapMerge
	case "str_split":
		return fnStrSplit
	case "if":
		return fnIf
	case "equals":
		return fnEquals
	case "not":
		return fnNot
	case "and":
		return fnAnd
	case "or":
		return fnOr
	case "repeat":
		return fnRepeat
	case "digest":
		return fnDigest
	case "contains":
		return fnContains
	case "make_url":
		return fnMakeURL
	}
	return nil
}

func fnGetParam(x scope, arg any) (any, error) {
	path := listOf(arg)
	if path == nil {
		path = []any{arg}
	}
	resolved, err := x.resolve(path)
	if err != nil || len(listOf(resolved)) == 0 {
		return nil, said("Function \"get_param\" arguments must be of the form [param_name, param_attributes, ...]: %w", err)
	}
	path = listOf(resolved)
	name := str(path[0])
	v, ok := x.s.params[name]
	if !ok {
		v, ok = x.s.pseudo(name)
	}
	if !ok {
		return nil, said("The Parameter (%s) was not provided.", name)
	}
	if v = dig(v, path[1:]); v == nil && len(path) > 1 {
		return "", nil // hot/functions.py GetParam
	}
	return v, nil
}

// dig follows keys and indices; what is not there is null. A list wants a whole number, and takes negative ones.
func dig(v any, path []any) any {
	for _, key := range path {
		switch t := v.(type) {
		case map[string]any:
			v = t[str(key)]
		case []any:
			i, ok := key.(int)
			if !ok || i < -len(t) || i >= len(t) {
				return nil
			}
			if i < 0 {
				i += len(t)
			}
			v = t[i]
		default:
			return nil
		}
	}
	return v
}

func fnGetResource(x scope, arg any) (any, error) {
	r := x.s.resources[str(arg)]
	if r == nil && x.preview && x.s.tmpl.resources[str(arg)] != nil {
		return "", nil
	}
	if r == nil {
		return nil, nil // left out by its condition
	}
	return x.c.reference(r), nil
}

func fnGetAttr(x scope, arg any) (any, error) {
	path := listOf(arg)
	if len(path) < 2 {
		return nil, said(`Arguments to "get_attr" must be of the form [resource_name, attribute, (path), ...]`)
	}
	resolved, err := x.resolve(path[1:])
	if err != nil {
		return nil, err
	}
	rest := listOf(resolved)
	r := x.s.resources[str(path[0])]
	if r == nil || len(rest) == 0 {
		return nil, nil
	}
	v, ok := x.c.attribute(r, str(rest[0]), rest[1:])
	if !ok {
		if x.loose {
			return nil, nil
		}
		return nil, said("The Referenced Attribute (%s %s) is incorrect.", r.name, str(rest[0]))
	}
	return v, nil
}

func fnGetFile(x scope, arg any) (any, error) {
	name, err := x.resolve(arg)
	if err != nil {
		return nil, err
	}
	text, ok := x.s.files[str(name)]
	if !ok {
		return nil, said(`No content found in the "files" section for get_file path: %s`, str(name))
	}
	return text, nil
}

func fnStrReplace(x scope, arg any) (any, error) {
	v, err := x.resolve(mapOf(arg))
	if err != nil {
		return nil, err
	}
	m := mapOf(v)
	text, params := str(m["template"]), mapOf(m["params"])
	keys := slices.Collect(maps.Keys(params))
	sort.Slice(keys, func(i, j int) bool { // longest first, one pass: no replacement is replaced again
		if len(keys[i]) == len(keys[j]) {
			return keys[i] < keys[j]
		}
		return len(keys[i]) > len(keys[j])
	})
	pairs := make([]string, 0, 2*len(keys))
	for _, k := range keys {
		if k != "" {
			pairs = append(pairs, k, text2(params[k]))
		}
	}
	return strings.NewReplacer(pairs...).Replace(text), nil
}

// text2 prints a value into text: containers as JSON.
func text2(v any) string {
	switch v.(type) {
	case map[string]any, []any:
		return dumps(v)
	}
	return str(v)
}

func fnListJoin(x scope, arg any) (any, error) {
	v, err := x.resolve(arg)
	if err != nil {
		return nil, err
	}
	args := listOf(v)
	if len(args) < 2 {
		return nil, said("Incorrect arguments to \"list_join\"")
	}
	var parts []string
	for _, list := range args[1:] {
		if s, ok := list.(string); ok && s != "" {
			return nil, said("Incorrect arguments to \"list_join\"")
		}
		for _, item := range listOf(list) {
			switch item.(type) {
			case string, nil, map[string]any, []any:
				parts = append(parts, text2(item))
			default:
				return nil, said("Items to join must be string, map or list not %s", str(item))
			}
		}
	}
	return strings.Join(parts, str(args[0])), nil
}

func fnListConcat(x scope, arg any) (any, error) {
	v, err := x.resolve(arg)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, list := range listOf(v) {
		out = append(out, listOf(list)...)
	}
	return out, nil
}

func fnListUnique(x scope, arg any) (any, error) {
	v, err := fnListConcat(x, arg)
	out := []any{}
	for _, item := range listOf(v) {
		if !holds(out, item) {
			out = append(out, item)
		}
	}
	return out, err
}

// fnFilter is filter: [values, list], the list without the values.
func fnFilter(x scope, arg any) (any, error) {
	v, err := x.resolve(arg)
	args := listOf(v)
	if err != nil || len(args) != 2 {
		return nil, said("Incorrect arguments to \"filter\": %w", err)
	}
	out := []any{}
	for _, item := range listOf(args[1]) {
		if !holds(listOf(args[0]), item) {
			out = append(out, item)
		}
	}
	return out, nil
}

func holds(list []any, v any) bool {
	return slices.ContainsFunc(list, func(item any) bool { return reflect.DeepEqual(item, v) })
}

func fnMapMerge(x scope, arg any) (any, error) {
	v, err := x.resolve(arg)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for _, m := range listOf(v) {
		maps.Copy(out, mapOf(m))
	}
	return out, nil
}

func fnStrSplit(x scope, arg any) (any, error) {
	v, err := x.resolve(arg)
	args := listOf(v)
	if err != nil || len(args) < 2 {
		return nil, said("Incorrect arguments to \"str_split\": %w", err)
	}
	parts := []any{}
	for p := range strings.SplitSeq(str(args[1]), str(args[0])) {
		parts = append(parts, p)
	}
	if len(args) > 2 {
		n, err := number(args[2])
		i, ok := n.(int)
		if err != nil || !ok || i < 0 || i >= len(parts) {
			return nil, said("Incorrect index to \"str_split\" should be between 0 and %d", len(parts)-1)
		}
		return parts[i], nil
	}
	return parts, nil
}

func fnDigest(x scope, arg any) (any, error) {
	v, err := x.resolve(arg)
	args := listOf(v)
	if err != nil || len(args) != 2 || str(args[0]) != "sha256" {
		return nil, fmt.Errorf("the fake cloud's digest knows [sha256, text] alone: %w", err)
	}
	sum := sha256.Sum256([]byte(str(args[1])))
	return hex.EncodeToString(sum[:]), nil
}

func fnMakeURL(x scope, arg any) (any, error) {
	v, err := x.resolve(arg)
	if err != nil {
		return nil, err
	}
	m := mapOf(v)
	host := str(m["host"])
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := str(m["port"]); port != "" {
		host += ":" + port
	}
	path := str(m["path"])
	if path != "" && !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	query := url.Values{}
	for k, v := range mapOf(m["query"]) {
		query.Set(k, str(v))
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return str(m["scheme"]) + "://" + host + path, nil
}

package site

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

// binder puts a document into a Spec, field by field, and remembers all that does not fit.
type binder struct{ faults []Fault }

func (b *binder) fault(field, message string) { b.faults = append(b.faults, Fault{field, message}) }

const (
	unknown = "is not known; check its spelling or leave it out."
	twice   = "is given twice; leave one out."
)

// into fills the struct that target points to.
func (b *binder) into(target any, m mapping) {
	b.fields(reflect.ValueOf(target).Elem(), m, "")
}

func (b *binder) fields(to reflect.Value, m mapping, at string) {
	seen := map[string]bool{}
	for _, e := range m {
		path := at + e.key
		field, ok := named(to, e.key)
		switch {
		case !ok:
			b.fault(path, unknown)
		case seen[e.key]:
			b.fault(path, twice)
		default:
			b.value(field, e.value, path)
		}
		seen[e.key] = true
	}
}

// named is the field with this name in JSON.
func named(to reflect.Value, key string) (reflect.Value, bool) {
	for i := range to.NumField() {
		if to.Type().Field(i).Tag.Get("json") == key && key != "" {
			return to.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// value sets one field. Null is as if it were left out.
func (b *binder) value(to reflect.Value, v any, path string) {
	if v == nil {
		return
	}
	if to.Kind() == reflect.Pointer {
		fresh := reflect.New(to.Type().Elem())
		before := len(b.faults)
		if b.value(fresh.Elem(), v, path); len(b.faults) == before {
			to.Set(fresh)
		}
		return
	}
	if volumes, ok := reflect.TypeAssert[*Volumes](to.Addr()); ok {
		b.volumes(volumes, v, path)
		return
	}
	switch to.Kind() {
	case reflect.Struct:
		m, ok := v.(mapping)
		if !ok {
			b.fault(path, "must be a mapping of keys to values.")
			return
		}
		b.fields(to, m, path+".")
	case reflect.Map:
		b.settings(to, v, path)
	default:
		b.scalar(to, v, path)
	}
}

func (b *binder) scalar(to reflect.Value, v any, path string) {
	number, isNumber := v.(json.Number)
	switch to.Kind() { //nolint:exhaustive // a Spec has no other kinds
	case reflect.String:
		if text, ok := v.(string); ok {
			to.SetString(text)
			return
		}
		b.fault(path, "must be text; put it in quotes.")
	case reflect.Bool:
		if yes, ok := v.(bool); ok {
			to.SetBool(yes)
			return
		}
		b.fault(path, "must be true or false.")
	case reflect.Int:
		if n, err := strconv.ParseInt(number.String(), 10, 32); isNumber && err == nil {
			to.SetInt(n)
			return
		}
		b.fault(path, "must be a whole number.")
	case reflect.Float64:
		if f, err := number.Float64(); isNumber && err == nil {
			to.SetFloat(f)
			return
		}
		b.fault(path, "must be a number.")
	}
}

// settings are checked by name later on; here they must be single values.
func (b *binder) settings(to reflect.Value, v any, path string) {
	m, ok := v.(mapping)
	if !ok {
		b.fault(path, "must be a mapping of keys to values.")
		return
	}
	out := map[string]any{}
	for _, e := range m {
		_, double := out[e.key]
		switch v := e.value.(type) {
		case mapping, []any:
			b.fault(path+"."+e.key, "must be a single value.")
		case nil:
		case json.Number:
			out[e.key], _ = v.Float64() // what is too large for one is no setting, and found by its bounds
		default:
			if double {
				b.fault(path+"."+e.key, twice)
				continue
			}
			out[e.key] = v
		}
	}
	to.Set(reflect.ValueOf(out))
}

// volumes are the word retained, or a mapping of all six to their ids.
func (b *binder) volumes(to *Volumes, v any, path string) {
	switch v := v.(type) {
	case string:
		if v == wordRetained {
			to.Retained = true
			return
		}
	case mapping:
		to.IDs = map[string]string{}
		for _, e := range v {
			id, ok := e.value.(string)
			switch _, double := to.IDs[e.key]; {
			case !isVolumeKey(e.key):
				b.fault(path+"."+e.key, "is no volume of a site; the six are "+strings.Join(VolumeKeys(), ", ")+".")
			case double:
				b.fault(path+"."+e.key, twice)
			case !ok:
				b.fault(path+"."+e.key, "must be text; put it in quotes.")
			default:
				to.IDs[e.key] = id
			}
		}
		return
	}
	b.fault(path, `must be "retained", or a mapping of the six volumes to their ids.`)
}

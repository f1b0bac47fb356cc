package config

import (
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Describe prints the configuration in force, with defaults, as YAML. Of secrets it says only whether they are set.
func (c *Config) Describe(w io.Writer) {
	describe(w, "", "", reflect.ValueOf(c).Elem())
}

// describe prints one value after its key. A write that fails is not worth an exit code of its own.
func describe(w io.Writer, indent, key string, v reflect.Value) {
	switch {
	case v.Type() == secretType:
		state := "unset"
		if v.Len() > 0 {
			state = "set"
		}
		_, _ = fmt.Fprintf(w, "%s%s (%s)\n", indent, key, state)
	case v.Type() == durationType:
		_, _ = fmt.Fprintf(w, "%s%s %s\n", indent, key, FormatDuration(time.Duration(v.Int())))
	case v.Kind() == reflect.Struct:
		inside := open(w, indent, key)
		for i := range v.NumField() {
			describe(w, inside, v.Type().Field(i).Tag.Get("yaml")+":", v.Field(i))
			if key == "-" && i == 0 {
				inside = strings.ReplaceAll(inside, "-", " ")
			}
		}
	case v.Kind() == reflect.Map:
		if v.Len() == 0 {
			_, _ = fmt.Fprintf(w, "%s%s {}\n", indent, key)
			return
		}
		inside := open(w, indent, key)
		for _, name := range slices.Sorted(maps.Keys(mapKeys(v))) {
			describe(w, inside, name+":", v.MapIndex(reflect.ValueOf(name)))
		}
	case v.Kind() == reflect.Slice:
		if v.Len() == 0 {
			_, _ = fmt.Fprintf(w, "%s%s []\n", indent, key)
			return
		}
		inside := open(w, indent, key)
		for i := range v.Len() {
			describe(w, inside, "-", v.Index(i))
		}
	case v.Kind() == reflect.String:
		_, _ = fmt.Fprintf(w, "%s%s %q\n", indent, key, v.String())
	default:
		_, _ = fmt.Fprintf(w, "%s%s %v\n", indent, key, v.Interface())
	}
}

// open prints the key of a value with parts and gives the indent of these. A list's item begins on the dash's line.
func open(w io.Writer, indent, key string) string {
	switch key {
	case "":
		return indent
	case "-":
		return indent + "- "
	}
	_, _ = fmt.Fprintf(w, "%s%s\n", indent, key)
	return indent + "  "
}

func mapKeys(v reflect.Value) map[string]bool {
	keys := map[string]bool{}
	for _, key := range v.MapKeys() {
		keys[key.String()] = true
	}
	return keys
}

// FormatDuration writes a duration as the configuration reads it: 336h0m0s as 14d.
func FormatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	text := ""
	if d >= day {
		text, d = fmt.Sprintf("%dd", d/day), d%day
	}
	if d == 0 && text != "" {
		return text
	}
	rest := d.String()
	if strings.HasSuffix(rest, "m0s") {
		rest = strings.TrimSuffix(rest, "0s")
	}
	if strings.HasSuffix(rest, "h0m") {
		rest = strings.TrimSuffix(rest, "0m")
	}
	return text + rest
}

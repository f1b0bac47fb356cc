package valid

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"sync"

	"github.com/go-playground/validator/v10"
)

// Fault is one field that breaks a rule.
type Fault struct {
	Path    string // as written by its author, e.g. lti.consumers[0].key
	Message string // follows the path, e.g. "is missing; set it."
}

// The rules of our own, by tag. Each entry says what the field must be.
var rules = map[string]struct {
	pattern *regexp.Regexp
	words   string
}{
	// RFC 3986 §2.3: such text reads the same before and after any URL encoding.
	"unreserved": {regexp.MustCompile(`^[A-Za-z0-9._~-]+$`), "must have only letters, digits and . _ ~ -"},
	"labkey":     {regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`), "must be 1 to 40 lower-case letters, digits, _ or -, and begin with a letter or digit"},
	// Names that a browser asks for: at least two labels, none of digits alone at the end, which would be an address.
	"fullhost": {regexp.MustCompile(`^([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$`), "must be a full host name, such as learn.example.org"},
	// What S3 allows everywhere.
	"bucket":      {regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`), "must be a bucket's name: 3 to 63 lower-case letters, digits and hyphens"},
	"plainsecret": {regexp.MustCompile(`^[A-Za-z0-9+/=_-]+$`), "must have only letters, digits and + / = _ -"},
	"backupname":  {regexp.MustCompile(`^([a-z][a-z0-9-]*/)?[A-Za-z0-9._-]+$`), "must be a backup's name, or another site's name, a slash and a backup's name"},
	"oneline":     {regexp.MustCompile(`^[^\x00-\x1f\x7f]*$`), "must be one line of text"},
	// heat/engine/service.py _validate_new_stack and heat/engine/stack.py: a letter first, then these, 255 at most.
	"stackname": {regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,254}$`), "must begin with a letter and go on with letters, digits, _ . or -"},
}

// Checker checks structs whose fields are named by one struct tag.
type Checker struct{ validate *validator.Validate }

// JSON checks structs as JSON names them; YAML as the configuration does.
var (
	JSON = sync.OnceValue(func() Checker { return named("json") })
	YAML = sync.OnceValue(func() Checker { return named("yaml") })
)

func named(tag string) Checker {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(field reflect.StructField) string {
		name, _, _ := strings.Cut(field.Tag.Get(tag), ",")
		if name == "" || name == "-" {
			return field.Name
		}
		return name
	})
	for rule, r := range rules {
		matches := func(field validator.FieldLevel) bool { return r.pattern.MatchString(field.Field().String()) }
		if err := v.RegisterValidation(rule, matches); err != nil {
			panic("register rule " + rule + ": " + err.Error()) // only for an empty name
		}
	}
	return Checker{v}
}

// Struct gives every fault of v, a struct or a pointer to one; none if all rules hold.
func (c Checker) Struct(v any) []Fault {
	err := c.validate.Struct(v)
	broken, ok := errors.AsType[validator.ValidationErrors](err)
	if !ok {
		return nil // nil, or v has no rules because it is not a struct
	}
	faults := make([]Fault, 0, len(broken))
	for _, b := range broken {
		faults = append(faults, Fault{path(b.Namespace()), words(b)})
	}
	return faults
}

var mapKey = regexp.MustCompile(`\[([^\]]*[^\]\d][^\]]*)\]`)

// path drops the type's name and writes map keys as the file does: Config.labs[web].title → labs.web.title.
func path(namespace string) string {
	if _, rest, ok := strings.Cut(namespace, "."); ok {
		namespace = rest
	}
	return mapKey.ReplaceAllString(namespace, ".$1")
}

func words(b validator.FieldError) string {
	if r, ok := rules[b.Tag()]; ok {
		return r.words + "."
	}
	switch b.Tag() {
	case "required":
		return "is missing; set it."
	case "required_if":
		name, value, _ := strings.Cut(b.Param(), " ")
		return fmt.Sprintf("is missing; it is needed when %s is %s.", strings.ToLower(name), value)
	case "required_with", "required_without", "required_unless":
		return "is missing; it is needed with the other values given here."
	case "oneof":
		return "must be one of: " + strings.ReplaceAll(b.Param(), " ", ", ") + "."
	case "unique":
		if b.Param() != "" {
			return "must not have the same " + strings.ToLower(b.Param()) + " twice."
		}
		return "must not have the same entry twice."
	case "min", "gte":
		return bound("at least", b)
	case "max", "lte":
		return bound("at most", b)
	case "gt":
		return "must be more than " + b.Param() + "."
	case "lt":
		return "must be less than " + b.Param() + "."
	case "len":
		return bound("exactly", b)
	}
	return shape(b)
}

// shape explains the rules that say what a text looks like or how two fields relate.
func shape(b validator.FieldError) string {
	switch b.Tag() {
	case "gtefield", "gtfield":
		return "must not be less than " + strings.ToLower(b.Param()) + "."
	case "ltefield", "ltfield":
		return "must not be more than " + strings.ToLower(b.Param()) + "."
	case "http_url", "url", "uri":
		return "must be a full URL that begins with https:// or http://."
	case "hostname", "hostname_port", "hostname_port|hostname", "fqdn", "hostname_rfc1123":
		return "must be a host name, with a port if it needs one."
	case "datetime":
		return "must be a time with its zone, such as 2026-11-23T09:00:00+01:00."
	case "dir":
		return "must be a directory that exists."
	case "uuid", "uuid4":
		return "must be a UUID."
	case "ip", "ipv4", "ipv6":
		return "must be an IP address."
	case "cidr", "cidrv4", "cidrv6":
		return "must be a network such as 10.0.0.0/24."
	case "email":
		return "must be an e-mail address."
	case "excludes", "excludesall":
		return "must not contain " + b.Param() + " anywhere."
	}
	if b.Param() != "" {
		return "breaks the rule " + b.Tag() + "=" + b.Param() + "."
	}
	return "breaks the rule " + b.Tag() + "."
}

func bound(how string, b validator.FieldError) string {
	switch b.Kind() { //nolint:exhaustive // every other kind is a number
	case reflect.String:
		return fmt.Sprintf("must have %s %s characters.", how, b.Param())
	case reflect.Slice, reflect.Map, reflect.Array:
		return fmt.Sprintf("must have %s %s %s.", how, b.Param(), plural(b.Param()))
	}
	return fmt.Sprintf("must be %s %s.", how, b.Param())
}

func plural(n string) string {
	if n == "1" {
		return "entry"
	}
	return "entries"
}

package heattemplates_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The lint of a site's templates and boot files. Each rule has a planted fault in testdata/lint, a folder of its name, that it
// must find; research/sites.md 1.3 is where most of these faults were seen.

// fault is what a rule found.
type fault struct{ rule, file, what string }

func (f fault) String() string { return f.rule + ": " + f.file + ": " + f.what }

// rules are all rules, by the name of their folder in testdata/lint.
var rules = map[string]func(l *linted){
	"closure": lintClosure, "unused": lintUnused, "device": lintDevices, "open": lintOpenRules, "retain": lintRetain,
	"wait": lintWaits, "member": lintMembers, "cloud-config": lintCloudConfig, "size": lintSize, "secret": lintSecrets,
	"version": lintVersions, "boot": lintBoot,
}

// linted is a tree of templates under the lint.
type linted struct {
	tree      fs.FS
	templates map[string]hot
	faults    []fault
}

// hot is a template as the rules see it.
type hot struct {
	Version    string `yaml:"heat_template_version"`
	Parameters map[string]parameter
	Conditions map[string]any
	Resources  map[string]resource
	Outputs    map[string]map[string]any
}

type parameter map[string]any

func (p parameter) hidden() bool { return p["hidden"] == true }

func (p parameter) required() bool {
	_, has := p["default"]
	return !has
}

type resource struct {
	Type       string
	Condition  any
	DependsOn  any            `yaml:"depends_on"`
	Retention  string         `yaml:"deletion_policy"`
	Properties map[string]any `yaml:"properties"`
}

func (l *linted) find(rule, file, what string, args ...any) {
	l.faults = append(l.faults, fault{rule, file, fmt.Sprintf(what, args...)})
}

// lint runs all rules on the templates whose names match.
func lint(t *testing.T, tree fs.FS, pattern string) []fault {
	t.Helper()
	names, err := fs.Glob(tree, pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no %s here: %v", pattern, err)
	}
	l := &linted{tree: tree, templates: map[string]hot{}}
	for _, name := range names {
		var h hot
		if err := yaml.Unmarshal([]byte(l.read(name)), &h); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		l.templates[name] = h
	}
	for _, rule := range rules {
		rule(l)
	}
	return l.faults
}

// read gives a file's text, and none for one that is not there: loading a template says that.
func (l *linted) read(name string) string {
	text, _ := fs.ReadFile(l.tree, name)
	return string(text)
}

// each goes through the resources of all templates.
func (l *linted) each(do func(file, name string, h hot, r resource)) {
	for file, h := range l.templates {
		for name, r := range h.Resources {
			do(file, name, h, r)
		}
	}
}

// walk goes through all maps in a value.
func walk(v any, do func(m map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		do(v)
		for _, item := range v {
			walk(item, do)
		}
	case []any:
		for _, item := range v {
			walk(item, do)
		}
	}
}

// calls are the arguments of a function in a value, as text: "name" or "name part part".
func calls(v any, function string) []string {
	var out []string
	walk(v, func(m map[string]any) {
		switch arg := m[function].(type) {
		case string:
			out = append(out, arg)
		case []any:
			out = append(out, strings.Trim(fmt.Sprint(arg), "[]"))
		}
	})
	return out
}

// nestedIn is the nested template of a resource, by itself or in a group, and what it is given.
func nestedIn(r resource) (file string, given map[string]any) {
	if r.Type == "OS::Heat::ResourceGroup" {
		def, _ := r.Properties["resource_def"].(map[string]any)
		file, _ = def["type"].(string)
		given, _ = def["properties"].(map[string]any)
	} else {
		file, given = r.Type, r.Properties
	}
	if path.Ext(file) != ".yaml" {
		return "", nil
	}
	return file, given
}

// Fault 1: a parent passed what its child did not have, and not what it needed.
func lintClosure(l *linted) {
	l.each(func(file, name string, _ hot, r resource) {
		nested, given := nestedIn(r)
		if nested == "" {
			return
		}
		h, ok := l.templates[nested]
		if !ok {
			l.find("closure", file, "%s: there is no %s", name, nested)
		}
		for p := range given {
			if _, ok := h.Parameters[p]; !ok {
				l.find("closure", file, "%s gives %s, which %s does not take", name, p, nested)
			}
		}
		for p, param := range h.Parameters {
			if _, ok := given[p]; !ok && param.required() {
				l.find("closure", file, "%s does not give %s, which %s needs", name, p, nested)
			}
		}
	})
}

// memory are parameters that nobody uses, for the functions to read.
var memory = []string{"scale_state", "site_state", "app_min", "app_max", "cooldown_out", "cooldown_in"}

// Fault 8: a parameter that did nothing. The same goes for conditions.
func lintUnused(l *linted) {
	for file := range l.templates {
		var whole map[string]any
		if yaml.Unmarshal([]byte(l.read(file)), &whole) != nil {
			continue
		}
		used := calls(whole, "get_param")
		for p := range l.templates[file].Parameters {
			if !slices.ContainsFunc(used, func(u string) bool { return u == p || strings.HasPrefix(u, p+" ") }) && !slices.Contains(memory, p) {
				l.find("unused", file, "nothing uses parameter %s", p)
			}
		}
		for c := range l.templates[file].Conditions {
			if !slices.Contains(conditionsUsed(whole), c) {
				l.find("unused", file, "nothing uses condition %s", c)
			}
		}
	}
}

// conditionsUsed are the names of conditions that something asks for.
func conditionsUsed(v any) []string {
	var out []string
	walk(v, func(m map[string]any) {
		for _, key := range []string{"condition", "if", "and", "or", "not"} {
			switch arg := m[key].(type) {
			case string:
				out = append(out, arg)
			case []any:
				for _, item := range arg {
					if name, ok := item.(string); ok {
						out = append(out, name)
					}
				}
			}
		}
	})
	return out
}

var device = regexp.MustCompile(`/dev/(x?v|s)d[a-z]?\b|\b(device_name|mountpoint):`)

// Fault 3: device names, which another machine gives to another disk.
func lintDevices(l *linted) {
	for _, file := range slices.Concat(mapKeys(l.templates), l.bootFiles()) {
		if found := device.FindString(l.read(file)); found != "" {
			l.find("device", file, "names a device: %s", found)
		}
	}
}

func mapKeys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}

func (l *linted) bootFiles() []string {
	names, _ := fs.Glob(l.tree, "site/boot/*")
	return slices.DeleteFunc(names, func(name string) bool { return path.Ext(name) == ".md" })
}

// Fault 7: groups that were open to the world, SSH too.
func lintOpenRules(l *linted) {
	l.each(func(file, name string, _ hot, r resource) {
		if r.Type != "OS::Neutron::SecurityGroup" {
			return
		}
		walk(r.Properties["rules"], func(m map[string]any) {
			_, protocol := m["protocol"]
			_, ports := m["port_range_min"]
			if !protocol && !ports || m["direction"] == "egress" {
				return
			}
			prefix, given := m["remote_ip_prefix"]
			text := fmt.Sprint(prefix)
			switch {
			case !given && m["remote_mode"] != "remote_group_id", strings.HasSuffix(text, "/0"):
				l.find("open", file, "%s is open to the world: %v", name, m)
			case fmt.Sprint(m["port_range_min"]) == "22" && text != "map[get_param:admin_cidr]":
				l.find("open", file, "%s takes SSH from %v", name, prefix)
			}
		})
	})
}

// Rows of 7, "data on volumes that outlive the stack": volumes and containers stay, and say what they are.
func lintRetain(l *linted) {
	l.each(func(file, name string, _ hot, r resource) {
		switch r.Type {
		case "OS::Cinder::Volume", "OS::Swift::Container":
			if r.Retention != "Retain" {
				l.find("retain", file, "%s goes with its stack", name)
			}
			tags, _ := r.Properties["metadata"].(map[string]any)
			for _, key := range []string{"stackhook-site", "role", "index"} {
				if tags[key] == nil && r.Type == "OS::Cinder::Volume" {
					l.find("retain", file, "%s has no %s in its metadata", name, key)
				}
			}
		case "OS::Cinder::VolumeAttachment":
			l.find("retain", file, "%s would be taken from under a running server: use block_device_mapping_v2", name)
		}
		walk(r.Properties["block_device_mapping_v2"], func(m map[string]any) {
			if m["volume_id"] != nil && m["delete_on_termination"] != false {
				l.find("retain", file, "%s: a volume goes with its server", name)
			}
		})
	})
}

// TestRow7118TemplatesAreSound runs every rule on the templates that we ship.
func TestRow7118TemplatesAreSound(t *testing.T) {
	t.Parallel()
	for _, f := range lint(t, os.DirFS("."), "site*.yaml") {
		t.Error(f)
	}
}

// TestRow7118LintFinds: a lint that cannot fail is worth nothing.
func TestRow7118LintFinds(t *testing.T) {
	t.Parallel()
	for rule := range rules {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			want := strings.Split(strings.TrimSpace(readFile(t, "testdata/lint/"+rule+"/found")), "\n")
			var got []string
			for _, f := range lint(t, os.DirFS("testdata/lint/"+rule), "*.yaml") {
				if f.rule != rule {
					t.Errorf("besides: %s", f)
					continue
				}
				got = append(got, f.file+": "+f.what)
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

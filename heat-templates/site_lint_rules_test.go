package heattemplates_test

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
)

// maxUserData is what Nova takes: 64 KiB of base64. Part of it is for what the templates put in, keys above all.
const (
	maxUserData = 48 << 10
	settingsMax = 6 << 10
)

// parts are the user data of a template's servers: the properties of its MultipartMime resources.
func (h hot) parts() map[string]map[string]any {
	out := map[string]map[string]any{}
	for name, r := range h.Resources {
		if r.Type == "OS::Heat::MultipartMime" {
			out[name] = r.Properties
		}
	}
	return out
}

// Fault 4: machines that failed said that they were fine, or nothing. A condition needs a handle that only its own machine
// signals, and boot files that say FAILURE when a command fails.
func lintWaits(l *linted) {
	l.each(func(file, name string, h hot, r resource) {
		if r.Type != "OS::Heat::WaitCondition" {
			return
		}
		handle := strings.Join(calls(r.Properties["handle"], "get_resource"), "")
		if h.Resources[handle].Type != "OS::Heat::WaitConditionHandle" {
			l.find("wait", file, "%s has no handle here", name) // Heat looks for it in the same stack
			return
		}
		if h.Resources[handle].Properties["signal_transport"] != "HEAT_SIGNAL" {
			l.find("wait", file, "%s: tokens and signed addresses end before a boot does: HEAT_SIGNAL", handle)
		}
		if r.Properties["timeout"] == nil {
			l.find("wait", file, "%s waits for Heat's own hour", name)
		}
		if !slices.Contains(dependencies(r), "server") {
			l.find("wait", file, "%s counts from before its server is there", name)
		}
		told := false
		for _, config := range h.parts() {
			if slices.Contains(calls(config, "get_attr"), handle+" signal") {
				told = true
				l.lintFailurePath(file, config)
			}
		}
		if !told {
			l.find("wait", file, "no machine knows of %s", handle)
		}
	})
}

func dependencies(r resource) []string {
	var out []string
	switch v := r.DependsOn.(type) {
	case string:
		out = append(out, v)
	case []any:
		for _, item := range v {
			out = append(out, fmt.Sprint(item))
		}
	}
	return out
}

// lintFailurePath wants a trap and a FAILURE in the file that runs first.
func (l *linted) lintFailurePath(file string, config map[string]any) {
	for _, name := range calls(config, "get_file") {
		if path.Base(name) != "machine.sh" {
			continue
		}
		text := l.read(name)
		if !strings.Contains(text, "\ntrap ") || !strings.Contains(text, "FAILURE") || !strings.Contains(text, "\nset -e") {
			l.find("wait", file, "%s does not say when it fails", name)
		}
		return
	}
	l.find("wait", file, "its user data does not begin with machine.sh")
}

// Fault 4, too: nodes were in the pool before they could serve.
func lintMembers(l *linted) {
	l.each(func(file, name string, h hot, r resource) {
		if !strings.HasSuffix(r.Type, "::PoolMember") {
			return
		}
		if !slices.ContainsFunc(dependencies(r), func(d string) bool { return h.Resources[d].Type == "OS::Heat::WaitCondition" }) {
			l.find("member", file, "%s joins before its server is ready", name)
		}
	})
}

// cloudConfigKeys are all that our machines may use: cloud-init ignores an unknown key without a word (seen with 22.4.2).
var cloudConfigKeys = map[string]string{
	"apt": "map", "bootcmd": "list", "package_update": "bool", "package_upgrade": "bool", "packages": "list", "runcmd": "list",
	"write_files": "list", "disable_root": "bool", "ssh_pwauth": "bool", "preserve_hostname": "bool", "manage_etc_hosts": "bool",
	"growpart": "map", "resize_rootfs": "bool", "timezone": "string", "locale": "string", "ntp": "map", "swap": "map", "final_message": "string",
}

func lintCloudConfig(l *linted) {
	for _, file := range l.bootFiles() {
		if path.Ext(file) != ".yaml" {
			continue
		}
		text := l.read(file)
		var config map[string]any
		if !strings.HasPrefix(text, "#cloud-config\n") || yaml.Unmarshal([]byte(text), &config) != nil {
			l.find("cloud-config", file, "no cloud-config")
			continue
		}
		for key, value := range config {
			switch want, ok := cloudConfigKeys[key]; {
			case !ok:
				l.find("cloud-config", file, "unknown key %s", key)
			case want != kindOf(value):
				l.find("cloud-config", file, "%s is a %s, not a %s", key, kindOf(value), want)
			}
		}
	}
}

func kindOf(v any) string {
	switch v.(type) {
	case map[string]any:
		return "map"
	case []any:
		return "list"
	case bool:
		return "bool"
	case string:
		return "string"
	}
	return "number"
}

func lintSize(l *linted) {
	for file, h := range l.templates {
		for name, config := range h.parts() {
			size := settingsMax
			for _, part := range calls(config, "get_file") {
				size += len(heattemplates.Bare(part, l.read(part)))
			}
			if size > maxUserData {
				l.find("size", file, "%s comes to %d bytes with %d for its settings, more than %d", name, size, settingsMax, maxUserData)
			}
		}
	}
}

// secretName are parameters that hold something to be kept.
var secretName = regexp.MustCompile(`secret|password|token$|progress|^scale_.*_url$`)

// handleSecret are attributes that let others in: the passwords and tokens of a handle.
var handleSecret = regexp.MustCompile(` (signal|token|curl_cli|alarm_url|signal_url|config)$`)

// Fault 10: secrets that everybody could read. What comes from a hidden parameter stays hidden on its way down, and is in no
// output, name, tag or metadata.
func lintSecrets(l *linted) {
	for file, h := range l.templates {
		hidden := func(v any) string {
			for _, p := range calls(v, "get_param") {
				if name, _, _ := strings.Cut(p, " "); h.Parameters[name].hidden() {
					return name
				}
			}
			for _, a := range calls(v, "get_attr") {
				if handleSecret.MatchString(a) {
					return a
				}
			}
			return ""
		}
		for name, p := range h.Parameters {
			if secretName.MatchString(name) && !p.hidden() {
				l.find("secret", file, "parameter %s is not hidden", name)
			}
			if nothing := fmt.Sprint(p["default"]); p.hidden() && !p.required() && nothing != "" && nothing != "map[]" {
				l.find("secret", file, "parameter %s has a default", name)
			}
		}
		for name, out := range h.Outputs {
			if from := hidden(out["value"]); from != "" {
				l.find("secret", file, "output %s shows %s", name, from)
			}
		}
		for name, r := range h.Resources {
			l.lintCarried(file, name, r, hidden)
		}
	}
}

func (l *linted) lintCarried(file, name string, r resource, hidden func(any) string) {
	for _, key := range []string{"name", "metadata", "tags", "description"} {
		if from := hidden(r.Properties[key]); from != "" {
			l.find("secret", file, "%s shows %s in its %s", name, from, key)
		}
	}
	nested, given := nestedIn(r)
	for p, value := range given {
		if from := hidden(value); nested != "" && from != "" && !l.templates[nested].Parameters[p].hidden() {
			l.find("secret", file, "%s carries %s into %s, which %s does not hide", name, from, p, nested)
		}
	}
}

// Heat of Queens reads 2018-03-02. What came later is there by condition.
func lintVersions(l *linted) {
	for file, h := range l.templates {
		if h.Version != "2018-03-02" {
			l.find("version", file, "heat_template_version %s", h.Version)
		}
	}
	l.each(func(file, name string, _ hot, r resource) {
		if r.Type == "OS::Heat::Delay" && r.Condition == nil {
			l.find("version", file, "%s needs Rocky without need", name)
		}
		if r.Type == "OS::Nova::Server" && r.Properties["user_data_update_policy"] != "IGNORE" {
			l.find("version", file, "%s is replaced whenever its user data changes, all at once", name)
		}
	})
}

// lintBoot: boot files are ASCII, since Heat encodes a part that is not, which makes it a third longer; each is used, and none
// ends the document that it is put into.
func lintBoot(l *linted) {
	used := map[string]bool{}
	for file := range l.templates {
		var whole any
		if yaml.Unmarshal([]byte(l.read(file)), &whole) != nil {
			continue
		}
		for _, name := range calls(whole, "get_file") {
			used[name] = true
		}
	}
	for _, file := range l.bootFiles() {
		text := l.read(file)
		if i := strings.IndexFunc(text, func(r rune) bool { return r > 126 }); i >= 0 {
			l.find("boot", file, "not ASCII at byte %d", i)
		}
		if path.Base(file) != "machine.sh" && regexp.MustCompile(`(?m)^SITE_END$`).MatchString(text) {
			l.find("boot", file, "ends the document that it is put into")
		}
		if !used[file] {
			l.find("boot", file, "nobody puts it on a machine")
		}
	}
}

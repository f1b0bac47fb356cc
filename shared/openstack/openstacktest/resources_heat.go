package openstacktest

import (
	"encoding/base64"
	"errors"
	"maps"
	"strings"
	"time"
	"unicode"
)

// heatKinds are Heat's own small types.
func heatKinds() map[string]*kind {
	return map[string]*kind{
		"OS::Heat::None":              {props: "*~", attr: func(*Cloud, *resource, string) (any, bool) { return nil, true }},
		"OS::Heat::RandomString":      {props: "length sequence character_classes character_sequences salt", create: createRandom, attr: valueAttr, ref: func(_ *Cloud, r *resource) any { return r.data["value"] }},
		"OS::Heat::Value":             {props: "value!~ type", attr: valueProperty},
		"OS::Heat::TestResource":      testKind(),
		"OS::Heat::Delay":             {props: "min_wait~ jitter~ jitter_multiplier_start~ actions~", duration: delayTime},
		"OS::Heat::SoftwareConfig":    {props: "group config options inputs outputs", create: createConfig, attr: configAttr},
		"OS::Heat::CloudConfig":       {props: "cloud_config~", create: createConfig, attr: configAttr},
		"OS::Heat::MultipartMime":     {props: "parts group", create: createConfig, attr: configAttr},
		"OS::Heat::StructuredConfig":  {props: "*", create: createConfig, attr: configAttr},
		"OS::Heat::ResourceChain":     {props: "*"},
		"OS::Designate::RecordSet":    {props: "name type! records!~ ttl~ description~ zone!", create: uuidCreate},
		"OS::Swift::Container":        {props: "name PurgeOnDelete X-Container-Read X-Container-Write X-Container-Meta X-Account-Meta", create: createContainer, attr: containerAttr},
		"OS::Barbican::Secret":        {props: "*", create: uuidCreate},
		"OS::Keystone::User":          {props: "*", create: uuidCreate},
		"OS::Heat::SoftwareComponent": {props: "*", create: uuidCreate},
	}
}

func uuidCreate(c *Cloud, r *resource) error {
	r.id = c.ids.uuid()
	return nil
}

// createContainer: a container's id is its name.
func createContainer(_ *Cloud, r *resource) error {
	r.id = r.nameOr()
	return nil
}

// containerAttr: where a container is, which Heat puts together from Swift's endpoint without asking there.
func containerAttr(_ *Cloud, r *resource, name string) (any, bool) {
	return "https://swift.example.org/v1/AUTH_project/" + r.id, name == "WebsiteURL"
}

const lettersDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

func createRandom(c *Cloud, r *resource) error {
	n := r.intProp("length", 32)
	r.id = r.physicalName()
	var letters strings.Builder
	for _, raw := range listOf(r.props["character_classes"]) {
		switch str(mapOf(raw)["class"]) {
		case "lowercase":
			letters.WriteString("abcdefghijklmnopqrstuvwxyz")
		case "uppercase":
			letters.WriteString("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
		case "digits":
			letters.WriteString("0123456789")
		case "hexdigits":
			letters.WriteString("0123456789abcdef")
		case "letters":
			letters.WriteString(lettersDigits[:52])
		case "lettersdigits", "":
			letters.WriteString(lettersDigits)
		}
	}
	r.data["value"] = c.ids.letters(n, or(letters.String(), lettersDigits))
	return nil
}

func valueAttr(_ *Cloud, r *resource, name string) (any, bool) {
	return r.data["value"], name == "value"
}

func valueProperty(_ *Cloud, r *resource, name string) (any, bool) {
	return r.props["value"], name == "value"
}

// testKind is heat/engine/resources/openstack/heat/test_resource.py. Its value is there as soon as it begins, unless it is to fail.
func testKind() *kind {
	return &kind{
		props: "value~ fail~ update_replace wait_secs~ action_wait_secs~ client_name~ entity_name~ constraint_prop_secs~ attr_wait_secs~ update_replace_value",
		create: func(_ *Cloud, r *resource) error {
			if r.boolProp("fail", false) {
				return errors.New("ValueError: " + where(r) + ": Test Resource failed " + r.name)
			}
			r.id = r.physicalName()
			keepTestValue(nil, r)
			return nil
		},
		update: keepTestValue,
		attr:   func(_ *Cloud, r *resource, name string) (any, bool) { return r.data["value"], name == "output" },
		duration: func(r *resource, action string) time.Duration {
			secs := r.intProp("wait_secs", 0)
			if w := str(mapOf(r.props["action_wait_secs"])[strings.ToLower(action)]); w != "" {
				if n, err := number(w); err == nil {
					secs, _ = n.(int)
				}
			}
			return time.Duration(secs) * time.Second
		},
	}
}

func keepTestValue(_ *Cloud, r *resource) {
	if !r.boolProp("fail", false) {
		r.data["value"] = or(r.prop("value"), "test_string")
	}
}

func delayTime(r *resource, action string) time.Duration {
	actions := listOf(r.props["actions"])
	if r.props["actions"] == nil {
		actions = []any{actCreate}
	}
	for _, a := range actions {
		if str(a) == action {
			return time.Duration(r.intProp("min_wait", 0)) * time.Second
		}
	}
	return 0
}

// createConfig keeps the configuration's text, so that servers can be given it by id.
func createConfig(c *Cloud, r *resource) error {
	r.id = c.ids.uuid()
	var text strings.Builder
	switch {
	case r.props["cloud_config"] != nil:
		text.WriteString("#cloud-config\n" + dumps(r.props["cloud_config"]))
	case r.props["parts"] != nil:
		text.WriteString(c.multipart(listOf(r.props["parts"])))
	default:
		text.WriteString(text2(r.props["config"]))
	}
	c.nova.configs[r.id] = text.String()
	return nil
}

const boundary = "===============fake=="

// multipart writes parts as Python's email package does, which is what heat/engine/resources/openstack/heat/multi_part.py uses: a
// part that is not all ASCII is written in base64.
func (c *Cloud) multipart(parts []any) string {
	var b strings.Builder
	b.WriteString("Content-Type: multipart/mixed; boundary=\"" + boundary + "\"\nMIME-Version: 1.0\n\n")
	for _, raw := range parts {
		part := mapOf(raw)
		text, subtype, charset, encoding := c.userData(str(part["config"])), or(str(part["subtype"]), "plain"), "us-ascii", "7bit"
		if strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII }) {
			text, charset, encoding = wrapped(base64.StdEncoding.EncodeToString([]byte(text))), "utf-8", "base64"
		}
		b.WriteString("--" + boundary + "\nContent-Type: text/" + subtype + "; charset=\"" + charset + "\"\nMIME-Version: 1.0\nContent-Transfer-Encoding: " + encoding + "\n")
		if name := str(part["filename"]); name != "" {
			b.WriteString("Content-Disposition: attachment; filename=\"" + name + "\"\n")
		}
		b.WriteString("\n" + text + "\n")
	}
	b.WriteString("--" + boundary + "--\n")
	return b.String()
}

// wrapped breaks base64 into lines of 76 characters.
func wrapped(text string) string {
	var b strings.Builder
	for len(text) > 76 {
		b.WriteString(text[:76] + "\n")
		text = text[76:]
	}
	return b.String() + text + "\n"
}

func configAttr(c *Cloud, r *resource, name string) (any, bool) {
	if text, ok := c.nova.configs[r.id]; ok {
		return text, name == "config"
	}
	return nil, name == "config"
}

// groupKinds is OS::Heat::ResourceGroup (heat/engine/resources/openstack/heat/resource_group.py).
func groupKinds() map[string]*kind {
	return map[string]*kind{"OS::Heat::ResourceGroup": {
		props:  "count~ index_var~ resource_def!~ removal_policies~ removal_policies_mode~",
		nested: groupTemplate, attr: groupOwn,
	}}
}

// groupTemplate writes the nested template: one resource per wanted index.
func groupTemplate(c *Cloud, r *resource) (*template, map[string]any, error) {
	updateSkipped(c, r)
	def := mapOf(r.props["resource_def"])
	index := or(str(r.props["index_var"]), "%index%")
	t := &template{version: "2018-03-02", params: map[string]*paramSchema{}, resources: map[string]*definition{}, outputs: map[string]map[string]any{}}
	skipped := skippedNames(r)
	for i, left := 0, r.intProp("count", 1); left > 0; i++ {
		name := str(i)
		if skipped[name] {
			continue
		}
		left--
		t.resources[name] = &definition{name: name, typ: str(def["type"]), properties: mapOf(indexed(def["properties"], index, name)), metadata: indexed(def["metadata"], index, name)}
		t.order = append(t.order, name)
	}
	return t, nil, nil
}

// indexed puts a member's index in place of the variable, in all texts.
func indexed(v any, variable, index string) any {
	switch v := v.(type) {
	case string:
		return strings.ReplaceAll(v, variable, index)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = indexed(item, variable, index)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, item := range v {
			out[k] = indexed(item, variable, index)
		}
		return out
	}
	return v
}

func skippedNames(r *resource) map[string]bool {
	m, _ := r.data["skipped"].(map[string]bool)
	return m
}

// updateSkipped applies removal_policies: in mode append (the default) the list of names never to be used again grows
// for ever; an entry that names no member is ignored, so that another member goes instead (_update_name_skiplist).
func updateSkipped(c *Cloud, r *resource) {
	now := map[string]bool{}
	if str(r.props["removal_policies_mode"]) != "update" {
		maps.Copy(now, skippedNames(r))
	}
	for _, policy := range listOf(r.props["removal_policies"]) {
		for _, raw := range listOf(mapOf(policy)["resource_list"]) {
			name := str(raw)
			if r.nested == nil {
				continue
			}
			if skippedNames(r)[name] || r.nested.resources[name] != nil {
				now[name] = true
				continue
			}
			for _, member := range r.nested.resources {
				if str(c.reference(member)) == name || member.id == name {
					now[member.name] = true
				}
			}
		}
	}
	r.data["skipped"] = now
}

func groupOwn(c *Cloud, r *resource, name string) (any, bool) {
	switch name {
	case "refs":
		out := []any{}
		for _, m := range r.nested.ordered() {
			out = append(out, c.reference(m))
		}
		return out, true
	case "refs_map":
		out := map[string]any{}
		for _, m := range r.nested.ordered() {
			out[m.name] = c.reference(m)
		}
		return out, true
	case "removed_rsrc_list":
		out := []any{}
		for n := range skippedNames(r) {
			out = append(out, n)
		}
		return out, true
	}
	return nil, false
}

// groupAttribute: resource.N.attr is one member's, attributes.attr a map, anything else the list over all members.
func (c *Cloud) groupAttribute(r *resource, name string, path []any) (any, bool) {
	if rest, ok := strings.CutPrefix(name, "resource."); ok {
		index, attr, _ := strings.Cut(rest, ".")
		m := r.nested.resources[index]
		switch {
		case m == nil:
			return nil, false
		case attr == "" && len(path) == 0:
			return c.reference(m), true
		case attr == "":
			return c.attribute(m, str(path[0]), path[1:])
		}
		return c.attribute(m, attr, path)
	}
	if name == "attributes" && len(path) > 0 {
		out := map[string]any{}
		for _, m := range r.nested.ordered() {
			out[m.name], _ = c.attribute(m, str(path[0]), path[1:])
		}
		return out, true
	}
	out := []any{}
	for _, m := range r.nested.ordered() {
		v, ok := c.attribute(m, name, path)
		if !ok {
			return nil, false
		}
		out = append(out, v)
	}
	return out, true
}

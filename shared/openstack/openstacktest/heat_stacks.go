package openstacktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func (c *Cloud) heatRoutes() {
	const base = "/heat/v1/{project}"
	const one = base + "/stacks/{name}/{id}"
	c.route("GET "+base+"/stacks", c.listStacks)
	c.route("POST "+base+"/stacks", c.createStack)
	c.route("POST "+base+"/stacks/preview", c.previewCreate)
	c.route("POST "+base+"/validate", c.validateTemplate)
	c.route("GET "+base+"/stacks/{name}", c.lookup)
	c.route("GET "+one, c.showStack)
	c.route("PATCH "+one, c.patchStack)
	c.route("PUT "+one, c.putStack)
	c.route("DELETE "+one, c.deleteStack)
	c.route("PATCH "+one+"/preview", c.previewPatch)
	c.route("PUT "+one+"/preview", c.previewPut)
	c.route("POST "+one+"/actions", c.stackAction)
	c.route("GET "+one+"/template", c.showTemplate)
	c.route("GET "+one+"/outputs", c.listOutputs)
	c.route("GET "+one+"/resources", c.listResources)
	c.route("GET "+one+"/resources/{resource}", c.showResource)
	c.route("PATCH "+one+"/resources/{resource}", c.markResource)
	c.route("GET "+one+"/resources/{resource}/metadata", c.showMetadata)
	c.route("POST "+one+"/resources/{resource}/signal", c.signalResource)
	c.route("GET "+one+"/events", c.listEvents)
}

// find gets the stack of the path: name and id must both fit. A deleted one is found only where deleted says so
// (heat/engine/service.py show_stack has show_deleted=True, everything else has not).
func (c *Cloud) find(q *request, deleted bool) (*stack, reply, bool) {
	name, id := q.PathValue("name"), q.PathValue("id")
	s := c.stacks.byID[id]
	if s == nil || s.name != name || s.project != q.token.project || !deleted && s.purged {
		return nil, stackNotFound(name), false
	}
	return s, reply{}, true
}

// roots are the root stacks, newest first, as Heat lists them: one that reads DELETE_COMPLETE is listed until it is
// purged (seen on Zed: for 0.2 to 3 s, and its name is taken as long).
func (c *Cloud) roots() []*stack { return c.stacks.after("", false) }

// stackBody is the body of create, preview and update.
type stackBody struct {
	Name            string            `json:"stack_name"`
	Template        json.RawMessage   `json:"template"`
	Files           map[string]string `json:"files"`
	Environment     json.RawMessage   `json:"environment"`
	Parameters      map[string]any    `json:"parameters"`
	Tags            *string           `json:"tags"`
	Timeout         *int              `json:"timeout_mins"`
	DisableRollback *bool             `json:"disable_rollback"`
	ClearParameters []string          `json:"clear_parameters"`
	Converge        bool              `json:"converge"`
}

// templateText is the template as text, whether it came as text or as an object.
func (b *stackBody) templateText() (string, bool) {
	if len(b.Template) == 0 || string(b.Template) == "null" {
		return "", false
	}
	var text string
	if json.Unmarshal(b.Template, &text) == nil {
		return text, text != ""
	}
	return string(b.Template), true
}

// environment is the environment as a map; Heat takes YAML text or an object.
func (b *stackBody) environment() map[string]any {
	var text string
	if json.Unmarshal(b.Environment, &text) == nil {
		m, _, _ := parseYAML(text)
		return mapOf(normal(m))
	}
	var m map[string]any
	_ = json.Unmarshal(b.Environment, &m)
	return mapOf(normal(m))
}

// parameters are those of the body over those of the environment.
func (b *stackBody) parameters() map[string]any {
	out := map[string]any{}
	env := b.environment()
	for _, from := range []map[string]any{mapOf(env["parameter_defaults"]), mapOf(env["parameters"]), b.Parameters} {
		for k, v := range from {
			out[k] = normal(v)
		}
	}
	return out
}

// tagList splits the tags; one of more than 80 characters is refused (heat/common/param_utils.py).
func (b *stackBody) tagList() ([]string, error) {
	tags := []string{}
	for tag := range strings.SplitSeq(*b.Tags, ",") {
		if len([]rune(tag)) > 80 {
			return nil, parameterError{"HTTPBadRequest", "Invalid tag, \"" + tag + "\" is longer than 80 characters"}
		}
		tags = append(tags, tag) // no tags at all are stored as one empty tag: the stack then shows [""]
	}
	return tags, nil
}

var stackName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_.-]{0,254}$`)

// parsed makes a stack from a body without storing it.
func (c *Cloud) parsed(q *request, b *stackBody) (*stack, error) {
	text, ok := b.templateText()
	if !ok {
		return nil, parameterError{"HTTPBadRequest", "No template specified"}
	}
	if len(text) > 512<<10 {
		return nil, parameterError{"RequestLimitExceeded", "Template exceeds maximum allowed size (524288 bytes)"}
	}
	t, err := parseTemplate(text)
	if err != nil {
		return nil, err
	}
	s := c.newStack(b.Name, t, nil)
	s.project, s.text, s.files, s.env = q.token.project, text, b.Files, b.environment()
	if b.Timeout != nil {
		s.timeout = *b.Timeout
	}
	if b.Tags != nil && *b.Tags != "" {
		if s.tags, err = b.tagList(); err != nil {
			return nil, err
		}
	}
	if err := s.bind(b.parameters(), true); err != nil {
		return nil, err
	}
	return s, c.validate(s, 0)
}

func (c *Cloud) createStack(q *request) reply {
	var b stackBody
	if !q.decode(&b) {
		return heatError(http.StatusBadRequest, "HTTPBadRequest", "JSON body is malformed")
	}
	if !stackName.MatchString(b.Name) {
		return heatError(http.StatusBadRequest, "StackValidationFailed", `Invalid stack name `+b.Name+` must contain only alphanumeric or "_-." characters, must start with alpha and must be 255 characters or less.`)
	}
	s, err := c.parsed(q, &b)
	if rep, refused := c.refusedNew(q, b.Name); refused {
		return rep
	}
	if err != nil {
		return badRequest(err)
	}
	if c.opts.CreateWindow > 0 {
		q.pause(c.opts.CreateWindow) // no second look: heat/db/api.py stack_create compares whole seconds
	}
	c.stacks.add(s)
	c.begin(s, actCreate, nil)
	self := c.stackURL(s)
	return reply{status: http.StatusCreated, header: map[string]string{"Location": self}, body: map[string]any{"stack": map[string]any{
		"id": s.id, "links": []any{map[string]any{"href": self, "rel": "self"}},
	}}}
}

// taken: a name is taken in every state, also while the stack is being deleted and until it is purged.
func (c *Cloud) taken(q *request, name string) bool {
	return slices.ContainsFunc(c.stacks.byName[name], func(s *stack) bool { return s.project == q.token.project })
}

// refusedNew is Heat's answer to a name that is taken, or to one stack more than max_stacks_per_tenant. One that is being
// deleted still counts (heat/engine/service.py _validate_new_stack; previews come by here, too).
func (c *Cloud) refusedNew(q *request, name string) (reply, bool) {
	if c.taken(q, name) && !q.double {
		return heatError(http.StatusConflict, "StackExists", "The Stack ("+name+") already exists."), true
	}
	if limit := c.quota.Stacks; limit >= 0 && len(c.stacks.listed) >= limit {
		return heatError(http.StatusBadRequest, "RequestLimitExceeded",
			fmt.Sprintf("Request limit exceeded: You have reached the maximum stacks per tenant, %d. Please delete some stacks.", limit)), true
	}
	return reply{}, false
}

// lookup redirects a bare name or id to name/id (heat/api/openstack/v1/stacks.py lookup).
func (c *Cloud) lookup(q *request) reply {
	name := q.PathValue("name")
	if s := c.stacks.byID[name]; s != nil && s.project == q.token.project {
		return reply{status: http.StatusFound, header: map[string]string{"Location": c.stackURL(s)}, body: map[string]any{}}
	}
	for _, s := range c.roots() {
		if s.name == name && s.project == q.token.project {
			return reply{status: http.StatusFound, header: map[string]string{"Location": c.stackURL(s)}, body: map[string]any{}}
		}
	}
	return stackNotFound(name)
}

func (c *Cloud) stackURL(s *stack) string {
	return c.base + "/heat/v1/" + s.project + "/stacks/" + url.PathEscape(s.name) + "/" + s.id
}

func (c *Cloud) showStack(q *request) reply {
	switch q.PathValue("id") {
	case "resources", "events", "template": // GET /stacks/{name}/resources: also a redirect
		rep := c.lookup(q)
		if rep.status == http.StatusFound {
			rep.header["Location"] += "/" + q.PathValue("id")
		}
		return rep
	}
	s, rep, ok := c.find(q, true)
	if !ok {
		return rep
	}
	resolve := q.URL.Query().Get("resolve_outputs")
	return reply{status: http.StatusOK, body: map[string]any{"stack": c.stackView(s, !strings.EqualFold(resolve, "false"))}}
}

func (c *Cloud) deleteStack(q *request) reply {
	s, rep, ok := c.find(q, false)
	if !ok {
		return rep
	}
	if s.action == actDelete && s.status != failed {
		return reply{status: http.StatusNoContent}
	}
	c.begin(s, actDelete, nil)
	return reply{status: http.StatusNoContent}
}

func (c *Cloud) previewCreate(q *request) reply {
	var b stackBody
	if !q.decode(&b) {
		return heatError(http.StatusBadRequest, "HTTPBadRequest", "JSON body is malformed")
	}
	s, err := c.parsed(q, &b)
	if rep, refused := c.refusedNew(q, b.Name); refused {
		return rep
	}
	if err != nil {
		return badRequest(err)
	}
	view := c.stackView(s, false)
	view["resources"] = c.previewResources(s)
	return reply{status: http.StatusOK, body: map[string]any{"stack": view}}
}

func (c *Cloud) validateTemplate(q *request) reply {
	var b stackBody
	if !q.decode(&b) {
		return heatError(http.StatusBadRequest, "HTTPBadRequest", "JSON body is malformed")
	}
	text, ok := b.templateText()
	if !ok {
		return heatError(http.StatusBadRequest, "HTTPBadRequest", "No template specified")
	}
	t, err := parseTemplate(text)
	if err != nil {
		return badRequest(err)
	}
	s := c.newStack("validate", t, nil)
	s.files, s.env = b.Files, b.environment()
	given := b.parameters()
	params := map[string]any{}
	for name, p := range t.params {
		v, set := given[name]
		if !set {
			v = p.def
		}
		value, err := p.convert(v)
		if err != nil && set {
			return badRequest(err)
		}
		s.params[name] = value
		entry := map[string]any{"Type": parameterType(p.typ), "Label": name, "Description": p.description, "NoEcho": strconv.FormatBool(p.hidden)}
		if p.hasDefault {
			entry["Default"] = p.def
		}
		params[name] = entry
	}
	if err := c.validate(s, 0); err != nil {
		return badRequest(err)
	}
	return reply{status: http.StatusOK, body: map[string]any{"Description": t.description, "Parameters": params, "Environment": map[string]any{}}}
}

func parameterType(typ string) string {
	return map[string]string{"string": "String", "number": "Number", "json": "Json", "boolean": "Boolean", "comma_delimited_list": "CommaDelimitedList"}[typ]
}

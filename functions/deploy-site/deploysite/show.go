package deploysite

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/site"
)

// view is GET /sites/{name}.
type view struct {
	Name string `json:"name"`
	site.Progress

	Reason string `json:"reason"`
	// Operation is the last change of the site that stands: the one at work if it is being changed.
	Operation string `json:"operation,omitempty"`
	// Serving is what the load balancer says of the application nodes, once Heat is done.
	Serving *site.Serving `json:"serving,omitempty"`
	// Address is where the site is reached, once its load balancer has one.
	Address string   `json:"address,omitempty"`
	URL     string   `json:"url,omitempty"`
	Hosts   []string `json:"hosts,omitempty"` // must lead to the address
	Nodes   int      `json:"nodes"`
	Min     int      `json:"min"`
	Max     int      `json:"max"`
	PoolID  string   `json:"pool_id,omitempty"`
	// Rolling says which nodes keep something older; see POST roll.
	Rolling []string `json:"rolling,omitempty"`
	// Rotating is the step that a rotation of secrets is at; see POST rotate.
	Rotating string `json:"rotating,omitempty"`
	// Reports are the last words of the nodes themselves.
	Reports []site.Report `json:"reports,omitempty"`
	// Failures are what the nodes said that could not start.
	Failures []failure `json:"failures,omitempty"`
	Volumes  any       `json:"volumes,omitempty"`
	Created  time.Time `json:"created"`
	Page     string    `json:"page,omitempty"` // a signed link that needs no login
}

// show answers with the site's progress and address: as JSON, or as lines to those who ask for plain text.
func (d *deployer) show(w http.ResponseWriter, r *http.Request, v visit) {
	out, err := d.see(r.Context(), v)
	if err != nil {
		function.Fail(w, r, v.explain(err))
		return
	}
	out.Page = d.pageLink(v)
	if strings.HasPrefix(r.Header.Get("Accept"), "text/plain") || r.URL.Query().Get("follow") == "lines" {
		out.lines(w)
		return
	}
	function.JSON(w, r, http.StatusOK, out)
}

// see reads a site.
func (d *deployer) see(ctx context.Context, v visit) (view, error) {
	stack, events, err := d.look(ctx, v)
	if err != nil {
		return view{}, err
	}
	h := have(stack)
	if !h.Ours() {
		return view{}, noSite(nil)
	}
	reports, err := d.reports(ctx, v, stack)
	if err != nil {
		return view{}, noSiteIfGone(err)
	}
	out := view{
		Name: v.name, Progress: site.Follow(h, history(stack, events)), Created: stack.Created, Reports: reports,
		Address: text(stack.Outputs["address"]), PoolID: text(stack.Outputs["pool_id"]), Volumes: stack.Outputs["volumes"],
		Nodes: whole(h.Parameters["app_count"]), Min: whole(h.Parameters["app_min"]), Max: whole(h.Parameters["app_max"]),
	}
	out.Operation = operation(stack)
	if out.State == site.Ready {
		d.proven(ctx, v, &out)
	}
	out.Reason = reason(out.State)
	if out.Serving != nil && out.Serving.Online == 0 && out.State == site.Ready && out.Nodes > 0 {
		out.Reason = "The site is ready; its load balancer has not said yet that it reaches a node."
	}
	out.Rolling, out.Rotating = rolling(h), site.Rotating(h.Parameters)
	if out.State == site.Failed {
		if out.Failures, err = d.failures(ctx, v, stack.StackRef); err != nil {
			return view{}, noSiteIfGone(err)
		}
	}
	if out.Address != "" {
		out.URL = "http://" + h.Parameters["lms_host"]
		if h.Parameters["tls_container"] != "" {
			out.URL = "https://" + h.Parameters["lms_host"]
		}
		if port := h.Parameters["listen_port"]; port != "80" && port != "443" {
			out.URL += ":" + port
		}
		for _, name := range []string{"lms_host", "studio_host", "mfe_host", "search_host"} {
			out.Hosts = append(out.Hosts, h.Parameters[name])
		}
	}
	return out, nil
}

// rolling are the nodes that keep something older.
func rolling(h site.Have) []string {
	var list []string
	for _, role := range []string{"backend", "app"} {
		for name := range site.KeptIn(h.Parameters, role) {
			if role == "backend" || slices.Contains(h.Nodes, name) {
				list = append(list, role+" "+name)
			}
		}
	}
	slices.Sort(list)
	return list
}

// progressHandle is where the nodes say how far they are.
const progressHandle = "progress"

// reports reads what the nodes said. A site whose handle is not there yet has heard nothing.
func (d *deployer) reports(ctx context.Context, v visit, stack openstack.Stack) ([]site.Report, error) {
	if stack.Action == "DELETE" {
		return nil, nil
	}
	said, err := v.door.Metadata(ctx, stack.StackRef, progressHandle)
	if code := openstack.CodeOf(err); code == openstack.Gone || code == openstack.Refused {
		return nil, nil
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // its Op says it all
	}
	signals := make([]site.Signal, 0, len(said))
	for id, raw := range said {
		m, _ := raw.(map[string]any)
		signals = append(signals, site.Signal{ID: id, Status: text(m["status"]), Reason: text(m["reason"]), Data: m["data"]})
	}
	return site.ReportsOf(signals), nil
}

// failure is why a node could not start, in its own words.
type failure struct {
	Node   string   `json:"node"` // its place: node_0 to node_2 of the backend, or an application node's number
	Reason string   `json:"reason"`
	Last   []string `json:"last,omitempty"`
}

// depthOfNodes is how deep below the site's stack the resources of nodes are.
const depthOfNodes = 3

// maxFailures bounds how many nodes are asked why they failed.
const maxFailures = 4

// failures reads the words of nodes whose wait for readiness failed, from their own handles: one request, and one a node.
func (d *deployer) failures(ctx context.Context, v visit, ref openstack.StackRef) ([]failure, error) {
	all, err := v.door.Resources(ctx, ref, depthOfNodes)
	if err != nil {
		return nil, err //nolint:wrapcheck // its Op says it all
	}
	var out []failure
	for _, r := range all {
		if r.Type != "OS::Heat::WaitCondition" || r.Status != "FAILED" || len(out) == maxFailures || r.Stack.ID == "" {
			continue
		}
		said, err := v.door.Metadata(ctx, r.Stack, "handle")
		if code := openstack.CodeOf(err); code != "" && code != openstack.Gone {
			return nil, err //nolint:wrapcheck // its Op says it all
		}
		f := failure{Node: r.Parent, Reason: "It did not say in time that it is ready."}
		for _, raw := range said {
			m, _ := raw.(map[string]any)
			if text(m["status"]) == "FAILURE" {
				f.Reason, f.Last = site.Words(text(m["reason"]), m["data"])
			}
		}
		out = append(out, f)
	}
	return out, nil
}

// look reads a site: find it if this process does not know it yet, read it, read its events.
func (d *deployer) look(ctx context.Context, v visit) (openstack.Stack, []openstack.Event, error) {
	ref, known := d.ref(v)
	if !known {
		found, err := v.door.FindStack(ctx, v.name)
		if err != nil {
			return openstack.Stack{}, nil, noSiteIfGone(err)
		}
		ref = found.StackRef
	}
	stack, err := v.door.Stack(ctx, ref)
	if openstack.CodeOf(err) == openstack.Gone && known {
		// It was deleted, and perhaps made again under the name: find it, and leave the events to the next request.
		d.remember(v, openstack.StackRef{})
		found, err := v.door.FindStack(ctx, v.name)
		if err != nil {
			return openstack.Stack{}, nil, noSiteIfGone(err)
		}
		stack, err = v.door.Stack(ctx, found.StackRef)
		return stack, nil, noSiteIfGone(err)
	}
	if err != nil {
		return openstack.Stack{}, nil, noSiteIfGone(err)
	}
	d.remember(v, ref)
	events, err := v.door.Events(ctx, ref, "")
	return stack, events, noSiteIfGone(err)
}

// read is the site with its outputs, looked up by name; it must be one of ours.
func (d *deployer) read(ctx context.Context, v visit) (openstack.Stack, error) {
	found, err := v.door.FindStack(ctx, v.name)
	if err != nil {
		return openstack.Stack{}, noSiteIfGone(err)
	}
	stack, err := v.door.Stack(ctx, found.StackRef)
	if err != nil {
		return openstack.Stack{}, noSiteIfGone(err)
	}
	if !have(stack).Ours() {
		return openstack.Stack{}, noSite(nil)
	}
	return stack, nil
}

// history makes events of Heat's events.
func history(stack openstack.Stack, events []openstack.Event) []site.Event {
	list := make([]site.Event, len(events))
	for i, e := range events {
		list[i] = site.Event{
			Resource: e.Resource, Action: e.Action, Status: e.Status,
			Stack: e.PhysicalID == stack.ID || e.Resource == stack.Name,
		}
	}
	return list
}

// item is one site of GET /sites.
type item struct {
	Name    string     `json:"name"`
	State   string     `json:"state"`
	Created time.Time  `json:"created"`
	Updated *time.Time `json:"updated,omitempty"`
	URL     string     `json:"url"` // of the site's own page here
}

// list answers with all sites.
func (d *deployer) list(w http.ResponseWriter, r *http.Request, v visit) {
	items := []item{}
	for stack, err := range v.door.Stacks(r.Context(), site.TagOurs, site.TagSite) {
		if err != nil {
			function.Fail(w, r, v.explain(err))
			return
		}
		it := item{Name: stack.Name, State: site.StateOf(stack.Action, stack.Status), Created: stack.Created, URL: d.address(stack.Name)}
		if !stack.Updated.IsZero() {
			it.Updated = &stack.Updated
		}
		items = append(items, it)
	}
	function.JSON(w, r, http.StatusOK, map[string][]item{"sites": items})
}

func reason(state string) string {
	switch state {
	case site.Creating:
		return "The site is being made."
	case site.Updating:
		return "The site is being changed."
	case site.Ready:
		return "The site is ready."
	case site.Unserved:
		return "The site is made, and its load balancer reaches none of its application nodes. See what the nodes say below; put the site again or roll them if that does not change."
	case site.Suspended:
		return "The site is suspended."
	case site.Deleting:
		return "The site is being deleted."
	}
	return "A step failed. Put the site again to have it tried once more; if it fails again, ask the operator of the cloud."
}

func noSiteIfGone(err error) error {
	if openstack.CodeOf(err) == openstack.Gone {
		return noSite(err)
	}
	return err
}

func noSite(err error) error {
	return &function.Error{
		Code: "no_such_site", Status: http.StatusNotFound, Err: err, Public: "There is no site of this name. Put it to make it.",
	}
}

// explain makes an answer of an OpenStack error that has none yet.
func (v visit) explain(err error) error {
	if _, done := errors.AsType[*function.Error](err); done {
		return err
	}
	failed, ok := errors.AsType[*openstack.Error](err)
	if !ok {
		return err
	}
	status, retry := failed.Code.HTTP()
	e := &function.Error{Code: string(failed.Code), Status: status, RetryAfter: retry, Err: err}
	switch failed.Code {
	case openstack.Forbidden:
		e.Public = "OpenStack refused the request. Give the reference to the operator; the log has the cause."
		if v.who.Kind == caller.Keystone {
			e.Status, e.Public = http.StatusForbidden, "Your rights in OpenStack do not allow it. Use a token of the project that owns the site, with a role that may make stacks."
		}
		if v.who.Kind == caller.Keystone && failed.Status == http.StatusUnauthorized {
			e.Code, e.Status, e.Public = "unauthorized", http.StatusUnauthorized, "OpenStack does not accept the token in X-Auth-Token. Get a new one and send the request again."
		}
	case openstack.Refused:
		e.Status, e.Public = http.StatusUnprocessableEntity, "OpenStack refused what was asked. See that network.zone and tls_container exist there, and set alarm.off on a cloud without Aodh."
	case openstack.Unavailable:
		e.Public = "OpenStack does not answer. Send the request again; what was begun is not done twice."
	case openstack.Quota:
		e.Public = "The project's quota at OpenStack is used up. Ask the operator to raise it."
	case openstack.Busy, openstack.Conflict:
		e.Status, e.RetryAfter = openstack.Busy.HTTP()
		e.Public = "OpenStack is at work on the site. Send the request again when it is done."
	case openstack.Gone:
		e.Public = "The site is not there any more. Put it to make it."
	case openstack.Broken:
		fallthrough
	default:
		e.Public = "OpenStack gave an answer that makes no sense. Give the reference to the operator; the log has the cause."
	}
	return e
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func whole(text string) int {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return int(f)
}

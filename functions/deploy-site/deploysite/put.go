package deploysite

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/site"
)

// answer is what requests that change a site are told.
type answer struct {
	Name string `json:"name"`
	// Code is created, changed, unchanged, deleting, deleted, cancelled, rolling, rolled, recovering or rotating.
	Code string `json:"code"`
	// State is what the site is at now; see site.Progress.
	State   string       `json:"state"`
	Verdict site.Verdict `json:"verdict,omitempty"`
	Changed []string     `json:"changed,omitempty"`
	// Volumes are those that stay when the site goes.
	Volumes []string `json:"volumes,omitempty"`
	Reason  string   `json:"reason"`
	// Operation is the change that was written; see view.
	Operation string `json:"operation,omitempty"`
	URL       string `json:"url"` // where to follow it

	status int
}

// Status implements the edge's optional interface.
func (a answer) Status() int { return a.status }

// Headers implements the edge's optional interface.
func (a answer) Headers(h http.Header) {
	if a.status == http.StatusAccepted {
		h.Set("Location", a.URL)
	}
}

// put makes the site what the body says.
func (d *deployer) put(ctx context.Context, r *http.Request, v visit) (any, error) {
	q, err := d.question(ctx, r, v)
	if err != nil {
		return nil, err
	}
	if q.there {
		return d.again(ctx, v, q.ref, q.want, q.ask)
	}
	return d.create(ctx, v, q.want)
}

// question is what PUT and preview are asked, and whether there is such a site.
type question struct {
	want  site.Want
	ask   site.Ask
	ref   openstack.StackRef
	there bool
}

// question reads the request, refuses what is wrong with it, and then looks for the site.
func (d *deployer) question(ctx context.Context, r *http.Request, v visit) (question, error) {
	spec, err := d.spec(r)
	if err != nil {
		return question{}, err
	}
	ask, err := d.asked(r, v)
	if err != nil {
		return question{}, err
	}
	q := question{want: d.want(v.name, spec), ask: ask}
	q.ref, q.there, err = d.find(ctx, v)
	return q, err
}

// find looks for a stack of the site's name.
func (d *deployer) find(ctx context.Context, v visit) (openstack.StackRef, bool, error) {
	found, err := v.door.FindStack(ctx, v.name)
	if openstack.CodeOf(err) == openstack.Gone {
		return openstack.StackRef{}, false, nil
	}
	if err != nil {
		return openstack.StackRef{}, false, fmt.Errorf("look for site %s: %w", v.name, err)
	}
	return found.StackRef, true, nil
}

// overridden says whether the request allows the data nodes to be made anew.
func overridden(r *http.Request) (bool, error) {
	switch r.URL.Query().Get("override") {
	case "":
		return false, nil
	case site.Override:
		return true, nil
	}
	return false, function.Invalid(function.Fault{Field: "override", Message: "must be " + site.Override + ", or be left out."})
}

// ask is a change that the caller wants, without a word about how.
func (d *deployer) ask(v visit) site.Ask {
	return site.Ask{Who: v.who.Name, Token: rand.Text(), Now: d.now()}
}

// asked is what the request itself says of the change it wants.
func (d *deployer) asked(r *http.Request, v visit) (site.Ask, error) {
	ask := d.ask(v)
	switch r.URL.Query().Get("wins") {
	case "":
	case "latest":
		ask.Latest = true
	default:
		return ask, function.Invalid(function.Fault{Field: "wins", Message: "must be latest, or be left out."})
	}
	var err error
	ask.Override, err = overridden(r)
	return ask, err
}

// want is what a Spec comes to here.
func (d *deployer) want(name string, spec site.Spec) site.Want {
	want := site.Want{Spec: spec, Template: d.facts, URLs: d.urls(name, spec)}
	if spec.Storage.AccessKey != "" {
		want.Keys, want.SameKeys = d.proof(name, spec.Storage)
	}
	return want
}

// purposeKeys is what the proof of the object store's keys is signed for.
const purposeKeys = "site-keys"

// create makes a new site, after everything that can be checked was.
func (d *deployer) create(ctx context.Context, v visit, want site.Want) (any, error) {
	f, err := d.examine(ctx, v, want.Spec)
	if err != nil {
		return nil, err
	}
	key, err := d.key()
	if err != nil {
		return nil, fmt.Errorf("make key of site %s: %w", v.name, err)
	}
	secrets, err := site.NewSecrets(rand.Reader, key, want.Spec.Storage)
	if err != nil {
		return nil, fmt.Errorf("make secrets of site %s: %w", v.name, err)
	}
	ref, created, err := v.door.EnsureStack(ctx, openstack.NewStack{
		Name: v.name, Template: d.template.Text, Files: d.template.Files, Timeout: createTimeout,
		Parameters: want.Create(f.kind, f.volumes, secrets), Tags: []string{site.TagOurs, site.TagSite},
	})
	if err != nil {
		return nil, fmt.Errorf("ensure site %s: %w", v.name, err)
	}
	if !created {
		return d.again(ctx, v, ref, want, d.ask(v))
	}
	// Not remembered: if another process created it in the same second, the earlier stack is the site, and only the next
	// look by name says which that is.
	return d.say(ctx, v, answer{
		Code: "created", State: site.Creating, Reason: "The site is being made.", status: http.StatusAccepted,
	}), nil
}

// again is a request for a site that is there.
func (d *deployer) again(ctx context.Context, v visit, ref openstack.StackRef, want site.Want, ask site.Ask) (any, error) {
	d.remember(v, ref)
	stack, err := v.door.StackParameters(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("read site %s: %w", v.name, err)
	}
	stack, change, err := d.plan(ctx, v, stack, want, ask)
	if err != nil {
		return nil, err
	}
	switch change.Code {
	case site.Changed:
		if err := d.possible(ctx, v, want.Spec, change); err != nil {
			return nil, err
		}
		return d.change(ctx, v, stack, change, ask)
	case site.Unchanged:
	default:
		return nil, refusal(change, stack)
	}
	return d.say(ctx, v, answer{
		Code: "unchanged", State: site.StateOf(stack.Action, stack.Status), Verdict: site.Nothing,
		Reason: "The site is as it should be; nothing was changed.", status: http.StatusOK,
	}), nil
}

// plan compares, reads the names of the nodes if they matter, and has Heat look at a template that is another one by now.
func (d *deployer) plan(ctx context.Context, v visit, stack openstack.Stack, want site.Want, ask site.Ask) (openstack.Stack, site.Change, error) {
	h := have(stack)
	change := site.Plan(want, h, ask)
	if change.NeedsNodes {
		whole, err := v.door.Stack(ctx, stack.StackRef)
		if err != nil {
			return stack, change, fmt.Errorf("read nodes of site %s: %w", v.name, err)
		}
		stack, h = whole, have(whole)
		change = site.Plan(want, h, ask)
	}
	if !change.Template || change.Code != site.Changed {
		return stack, change, nil
	}
	touched, err := d.touched(ctx, v, stack, change)
	if err != nil {
		return stack, change, err
	}
	if change.Verdict = site.Weigh(change.Verdict, touched); change.Verdict == site.ReplacesBackend && !ask.Override {
		change.Code, change.Parameters = site.Guarded, nil
	}
	return stack, change, nil
}

func (d *deployer) touched(ctx context.Context, v visit, stack openstack.Stack, change site.Change) ([]site.Touched, error) {
	list, err := v.door.PreviewNested(ctx, stack.StackRef, d.update(change))
	if err != nil {
		return nil, fmt.Errorf("preview change of site %s: %w", v.name, err)
	}
	out := make([]site.Touched, len(list))
	for i, t := range list {
		out[i] = site.Touched{Name: t.Name, Type: t.Type, Parent: t.Parent, Gone: t.Kind == "replaced" || t.Kind == "deleted"}
	}
	return out, nil
}

// possible asks whether the cloud has what a change is to be made of.
func (d *deployer) possible(ctx context.Context, v visit, s site.Spec, change site.Change) error {
	f := &findings{}
	asked := func(parameter string) bool { return slices.Contains(change.Fields, parameter) }
	questions := d.madeOf(ctx, v, s, f, asked)
	if asked("app_flavor") || asked("backend_flavor") {
		questions = append(questions, func() error {
			all, err := v.door.Flavors(ctx)
			if err != nil {
				return err
			}
			_, okApp := flavorOf(all, s.App.Flavor)
			_, okBackend := flavorOf(all, s.Backend.Flavor)
			f.missing("app.flavor", okApp || !asked("app_flavor"), "flavor")
			f.missing("backend.flavor", okBackend || !asked("backend_flavor"), "flavor")
			return nil
		})
	}
	if asked("external_network") && *s.Network.External != "" {
		questions = append(questions, func() error { return external(ctx, v, s, f) })
	}
	f.ask(questions)
	return f.outcome()
}

func (d *deployer) update(c site.Change) openstack.StackChange {
	update := openstack.StackChange{Parameters: c.Parameters}
	if c.Template {
		update.Template, update.Files = d.template.Text, d.template.Files
	}
	return update
}

// change writes the difference and reads back whether it stands.
func (d *deployer) change(ctx context.Context, v visit, stack openstack.Stack, c site.Change, ask site.Ask) (any, error) {
	if err := d.write(ctx, v, stack.StackRef, d.update(c), ask.Token); err != nil {
		return nil, err
	}
	reason := "The site is being changed."
	switch c.Verdict {
	case site.RestartsApps:
		reason = "The change is recorded. New application nodes are made of it; post to roll, until it says rolled, to have the present ones replaced one by one."
	case site.ReplacesBackend:
		reason = "The change is recorded, and no data node was touched. Post to roll, until it says rolled, to have them made anew one by one."
	case site.Nothing, site.Safe:
	}
	return d.say(ctx, v, answer{
		Code: "changed", State: site.Updating, Verdict: c.Verdict, Changed: c.Fields, Reason: reason, Operation: ask.Token, status: http.StatusAccepted,
	}), nil
}

// write makes an update that carries the token in its memory, and reads back whether it stands: Heat drops one of two
// updates at one time without a word.
func (d *deployer) write(ctx context.Context, v visit, ref openstack.StackRef, update openstack.StackChange, token string) error {
	patchErr := v.door.PatchStack(ctx, ref, update)
	if code := openstack.CodeOf(patchErr); code != "" && code != openstack.Unavailable {
		return fmt.Errorf("change site %s: %w", v.name, patchErr)
	}
	after, err := v.door.StackParameters(ctx, ref)
	if err != nil {
		return fmt.Errorf("read back site %s: %w", v.name, err)
	}
	memory, _ := cluster.Remember(after.Parameters["scale_state"])
	switch {
	case memory.Token == token:
		return nil
	case patchErr != nil:
		return fmt.Errorf("change site %s: %w", v.name, patchErr)
	}
	status, retry := openstack.Busy.HTTP()
	return &function.Error{
		Code: "superseded", Status: status, RetryAfter: retry,
		Public: "Another change of the site was made at the same time and won. Send the request again when it is done.",
	}
}

func (d *deployer) say(ctx context.Context, v visit, a answer) answer {
	a.Name, a.URL = v.name, d.address(v.name)
	logging.Note(ctx, "decision", a.Code)
	if len(a.Changed) > 0 {
		logging.Note(ctx, "changed", strings.Join(a.Changed, " "))
	}
	return a
}

// address is where a site is found here.
func (d *deployer) address(name string) string {
	return d.publicURL + "/" + ownFunction + "/sites/" + name
}

// urls are what the site's alarms call, each signed for what it does.
func (d *deployer) urls(name string, spec site.Spec) site.URLs {
	if spec.Alarm.Off {
		return site.URLs{}
	}
	return d.signed(name)
}

func have(s openstack.Stack) site.Have {
	h := site.Have{Action: s.Action, Status: s.Status, Tags: slices.Clone(s.Tags), Parameters: maps.Clone(s.Parameters)}
	if nodes, ok := s.Outputs["nodes"].(map[string]any); ok {
		h.Nodes = slices.Sorted(maps.Keys(nodes))
	}
	return h
}

// refusal says why a change is not made.
func refusal(c site.Change, stack openstack.Stack) error {
	busy, retry := openstack.Busy.HTTP()
	e := &function.Error{Code: string(c.Code), Status: http.StatusConflict}
	switch c.Code {
	case site.Busy:
		e.Status, e.RetryAfter = busy, retry
		e.Public = "An earlier change of the site is still being made; nothing was changed. Send the request again when it is done, or with ?wins=latest to overtake an update."
		if id := operation(stack); id != "" {
			e.Faults = []function.Fault{{Field: "operation", Message: id + " is at work."}}
		}
	case site.Immutable:
		e.Public = "Some of it cannot be changed. Make another site with it, or take it back out of the request."
		for _, f := range c.Faults {
			e.Faults = append(e.Faults, function.Fault{Field: f.Field, Message: f.Message})
		}
	case site.NotOurs:
		e.Public = "A stack of this name exists that is not a site of ours. Choose another name."
	case site.Stopped:
		e.Public = "The site is suspended. Resume it, then send the request again."
	case site.NewKeys:
		e.Public = "The object store's keys are other ones than the site has, and a put does not change them. Leave them out, or post them to rotate."
		e.Faults = []function.Fault{{Field: "storage.secret_key", Message: "is not what the site has, or access_key is not; rotate takes new ones, as storage."}}
	case site.Guarded:
		e.Public = "This makes the three data nodes anew. If that is meant, send the request again with ?override=" + site.Override + "; they are then replaced one by one as you post to roll."
	case site.Changed, site.Unchanged: // not refusals
	}
	return e
}

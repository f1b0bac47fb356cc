package deploysite

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/site"
)

// answer is what PUT says.
type answer struct {
	Name string `json:"name"`
	// Code is created, changed or unchanged.
	Code string `json:"code"`
	// State is what the site is at now; see site.Progress.
	State   string   `json:"state"`
	Changed []string `json:"changed,omitempty"`
	Reason  string   `json:"reason"`
	URL     string   `json:"url"` // where to follow it

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

// put makes the site what spec says.
func (d *deployer) put(ctx context.Context, v visit, spec site.Spec) (answer, error) {
	spec = spec.Fill(d.defaults)
	if faults := site.Check(spec); len(faults) > 0 {
		return answer{}, invalid(faults)
	}
	want := site.Want{Spec: spec, Template: d.facts, URLs: d.urls(v.name, spec)}
	ref, created, err := v.door.EnsureStack(ctx, openstack.NewStack{
		Name: v.name, Template: d.template.Text, Files: d.template.Files,
		Parameters: want.Parameters(), Tags: []string{site.TagOurs, site.TagSite},
	})
	if err != nil {
		return answer{}, fmt.Errorf("ensure site %s: %w", v.name, err)
	}
	if created {
		// Not remembered: if another process created it in the same second, the earlier stack is the site, and only the
		// next look by name says which that is.
		return d.say(ctx, v, answer{
			Code: "created", State: site.Creating, Reason: "The site is being made.", status: http.StatusAccepted,
		}), nil
	}
	d.remember(v, ref)
	stack, err := v.door.StackParameters(ctx, ref)
	if err != nil {
		return answer{}, fmt.Errorf("read site %s: %w", v.name, err)
	}
	token := rand.Text()
	change := site.Plan(want, have(stack), v.who.Name, token, d.now())
	switch change.Code {
	case site.Busy, site.Immutable, site.NotOurs, site.Stopped:
		return answer{}, refusal(change)
	case site.Changed:
		return d.change(ctx, v, stack, change, token)
	case site.Unchanged:
	}
	return d.say(ctx, v, answer{
		Code: "unchanged", State: site.StateOf(stack.Action, stack.Status),
		Reason: "The site is as it should be; nothing was changed.", status: http.StatusOK,
	}), nil
}

// change writes the difference and reads back whether it stands.
func (d *deployer) change(ctx context.Context, v visit, stack openstack.Stack, c site.Change, token string) (answer, error) {
	update := openstack.StackChange{Parameters: c.Parameters}
	if c.Template {
		update.Template, update.Files = d.template.Text, d.template.Files
	}
	patchErr := v.door.PatchStack(ctx, stack.StackRef, update)
	if code := openstack.CodeOf(patchErr); code != "" && code != openstack.Unavailable {
		return answer{}, fmt.Errorf("change site %s: %w", v.name, patchErr)
	}
	after, err := v.door.StackParameters(ctx, stack.StackRef)
	if err != nil {
		return answer{}, fmt.Errorf("read back site %s: %w", v.name, err)
	}
	memory, _ := cluster.Remember(after.Parameters["scale_state"])
	switch {
	case memory.Token == token:
		return d.say(ctx, v, answer{
			Code: "changed", State: site.Updating, Changed: c.Fields, Reason: "The site is being changed.", status: http.StatusAccepted,
		}), nil
	case patchErr != nil:
		return answer{}, fmt.Errorf("change site %s: %w", v.name, patchErr)
	}
	status, retry := openstack.Busy.HTTP()
	return answer{}, &function.Error{
		Code: "superseded", Status: status, RetryAfter: retry,
		Public: "Another change of the site was made at the same time and won. Send the request again when it is done.",
	}
}

func (d *deployer) say(ctx context.Context, v visit, a answer) answer {
	a.Name, a.URL = v.name, d.publicURL+"/"+ownFunction+"/sites/"+v.name
	logging.Note(ctx, "decision", a.Code)
	if len(a.Changed) > 0 {
		logging.Note(ctx, "changed", strings.Join(a.Changed, " "))
	}
	return a
}

// urls are what the site's alarms call, each signed for what it does.
func (d *deployer) urls(name string, spec site.Spec) site.URLs {
	if spec.Alarm.Off {
		return site.URLs{}
	}
	return site.URLs{
		Out: caller.ScaleAddress(d.box, d.publicURL, name, "out"),
		In:  caller.ScaleAddress(d.box, d.publicURL, name, "in"),
	}
}

func have(s openstack.Stack) site.Have {
	return site.Have{Action: s.Action, Status: s.Status, Tags: slices.Clone(s.Tags), Parameters: maps.Clone(s.Parameters)}
}

// refusal says why a change is not made.
func refusal(c site.Change) error {
	busy, retry := openstack.Busy.HTTP()
	e := &function.Error{Code: string(c.Code), Status: http.StatusConflict}
	switch c.Code {
	case site.Busy:
		e.Status, e.RetryAfter = busy, retry
		e.Public = "An earlier change of the site is still being made; nothing was changed. Send the request again when it is done."
	case site.Immutable:
		e.Public = "The network of a site cannot be changed. Make another site with the new one, and delete this one."
		for _, field := range c.Fields {
			if field == "network" || field == "subnet" || field == "cidr" {
				e.Faults = append(e.Faults, function.Fault{Field: field, Message: "cannot be changed."})
			}
		}
	case site.NotOurs:
		e.Public = "A stack of this name exists that is not a site of ours. Choose another name."
	case site.Stopped:
		e.Public = "The site is suspended. Resume it, then send the request again."
	case site.Changed, site.Unchanged: // not refusals
	}
	return e
}

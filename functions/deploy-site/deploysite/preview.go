package deploysite

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/site"
)

// outlook is what a PUT would do.
type outlook struct {
	Name string `json:"name"`
	// Action is create, update or none.
	Action  string       `json:"action"`
	Verdict site.Verdict `json:"verdict"`
	// Code is what PUT would answer or, where it would refuse, why.
	Code    string   `json:"code"`
	Changed []string `json:"changed,omitempty"`
	// Fixed are the fields that a site keeps for life and that this request has otherwise.
	Fixed []string `json:"fixed,omitempty"`
	// LoadBalancer is its kind.
	LoadBalancer string     `json:"load_balancer,omitempty"`
	Sizes        site.Sizes `json:"sizes"`
	// Resources counts what would be made, by type, for a new site; for a change, how many of Heat's resources it touches.
	Resources map[string]int `json:"resources,omitempty"`
	// Calls is how many requests to OpenStack the answer took.
	Calls int `json:"calls"`
}

// preview says what a PUT of the body would do, and does nothing.
func (d *deployer) preview(ctx context.Context, r *http.Request, v visit) (any, error) {
	q, err := d.question(ctx, r, v)
	if err != nil {
		return nil, err
	}
	var out outlook
	if q.there {
		out, err = d.previewChange(ctx, v, q.ref, q.want, q.ask)
	} else {
		out, err = d.previewCreate(ctx, v, q.want)
	}
	if err != nil {
		return nil, fmt.Errorf("preview site %s: %w", v.name, err)
	}
	out.Name, out.Calls = v.name, len(logging.Calls(ctx))
	return out, nil
}

func (d *deployer) previewCreate(ctx context.Context, v visit, want site.Want) (outlook, error) {
	f, err := d.examine(ctx, v, want.Spec)
	if err != nil {
		return outlook{}, err
	}
	resources, err := v.door.PreviewStack(ctx, openstack.NewStack{
		Name: v.name, Template: d.template.Text, Files: d.template.Files,
		Parameters: want.Create(f.kind, f.volumes, site.NoSecrets()), Tags: []string{site.TagOurs, site.TagSite},
	})
	if err != nil {
		return outlook{}, err
	}
	out := outlook{Action: "create", Verdict: site.Safe, Code: "created", LoadBalancer: f.kind, Sizes: f.sizes, Resources: map[string]int{}}
	for _, r := range resources {
		out.Resources[r.Type]++
	}
	return out, nil
}

func (d *deployer) previewChange(ctx context.Context, v visit, ref openstack.StackRef, want site.Want, ask site.Ask) (outlook, error) {
	stack, err := v.door.StackParameters(ctx, ref)
	if err != nil {
		return outlook{}, err
	}
	override := ask.Override
	ask.Override = true // to see what it would come to
	stack, change, err := d.plan(ctx, v, stack, want, ask)
	if err != nil {
		return outlook{}, err
	}
	out := outlook{
		Action: "update", Verdict: change.Verdict, Code: string(change.Code), Changed: change.Fields,
		LoadBalancer: stack.Parameters["lb_kind"],
	}
	for _, f := range change.Faults {
		out.Fixed = append(out.Fixed, f.Field)
	}
	switch change.Code {
	case site.Changed:
		if err := d.possible(ctx, v, want.Spec, change); err != nil {
			return outlook{}, err
		}
		touched, err := d.touched(ctx, v, stack, change)
		if err != nil {
			return outlook{}, err
		}
		out.Resources = map[string]int{"touched": len(touched)}
		if out.Verdict == site.ReplacesBackend && !override {
			out.Code = string(site.Guarded)
		}
	case site.Unchanged:
		out.Action = "none"
	case site.NotOurs:
		return outlook{}, refusal(change, stack)
	case site.Busy, site.Immutable, site.Stopped, site.NewKeys, site.Guarded:
		out.Action = "none"
	}
	all, err := v.door.Flavors(ctx)
	if err != nil {
		return outlook{}, err
	}
	app, _ := flavorOf(all, want.Spec.App.Flavor)
	backend, _ := flavorOf(all, want.Spec.Backend.Flavor)
	now, _ := strconv.Atoi(stack.Parameters["app_count"])
	out.Sizes = site.SizesOf(want.Spec, app, backend, now)
	return out, nil
}

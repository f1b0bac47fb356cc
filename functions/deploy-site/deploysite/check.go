package deploysite

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"

	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/site"
)

// drift is how a site differs from what Heat remembers of it.
type drift struct {
	Name string `json:"name"`
	// Code is as_recorded or drifted.
	Code    string         `json:"code"`
	State   string         `json:"state"`
	Drifted []site.Drifted `json:"drifted"`
	Reason  string         `json:"reason"`
}

// check compares a site with what there really is: servers with their images and flavors, members of the pool, volumes. It changes nothing, and does not
// use Heat's own check, which would mark the stack.
func (d *deployer) check(ctx context.Context, _ *http.Request, v visit) (any, error) {
	stack, err := d.read(ctx, v)
	if err != nil {
		return nil, err
	}
	out := drift{Name: v.name, State: site.StateOf(stack.Action, stack.Status), Code: "as_recorded", Drifted: []site.Drifted{}}
	if stack.Busy() {
		out.Reason = "The site is being changed; what differs now says nothing. Ask again when it is done."
		return out, nil
	}
	recorded := recordOf(stack)
	found, err := d.reality(ctx, v, stack, recorded)
	if err != nil {
		return nil, err
	}
	out.Drifted = append(out.Drifted, site.Compare(recorded, found)...)
	out.Reason = "Everything is as it was made."
	if len(out.Drifted) > 0 {
		out.Code = "drifted"
		out.Reason = fmt.Sprintf("%d things are not as they were made. Roll or scale what is lost; put the site again for the rest.", len(out.Drifted))
	}
	return out, nil
}

// recordOf is what the stack's outputs say there is.
func recordOf(stack openstack.Stack) site.Record {
	r := site.Record{Absent: stack.Parameters["backend_absent"], Volumes: map[string]string{}}
	nodes, _ := stack.Outputs["nodes"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		node, _ := nodes[name].(map[string]any)
		r.Apps = append(r.Apps, site.AppRecord{Name: name, Server: text(node["server"]), Member: text(node["member"])})
	}
	servers, _ := stack.Outputs["backend_servers"].([]any)
	for _, id := range servers {
		r.Backend = append(r.Backend, text(id))
	}
	volumes, _ := stack.Outputs["volumes"].(map[string]any)
	for key, id := range volumes {
		r.Volumes[key] = text(id)
	}
	r.Made = r.MadeOf(stack.Parameters)
	return r
}

func (d *deployer) reality(ctx context.Context, v visit, stack openstack.Stack, recorded site.Record) (site.Reality, error) {
	out := site.Reality{
		Servers: map[string]string{}, Members: map[string]string{}, Volumes: map[string]site.VolumeFound{}, Made: map[string]site.Made{},
	}
	var errs [4]error
	var wg sync.WaitGroup
	wg.Go(func() {
		servers, err := v.door.Servers(ctx, recorded.Servers()...)
		for _, s := range servers {
			out.Servers[s.ID] = s.Status
			out.Made[s.ID] = site.Made{Image: s.ImageID, Flavor: s.FlavorID}
		}
		errs[0] = err
	})
	wg.Go(func() {
		volumes, err := v.door.Volumes(ctx, nil)
		for _, volume := range volumes {
			out.Volumes[volume.ID] = site.VolumeFound{Status: volume.Status, Servers: volume.Servers}
		}
		errs[1] = err
	})
	wg.Go(func() {
		balancer, err := v.door.LoadBalancer(ctx, text(stack.Outputs["loadbalancer_id"]))
		if openstack.CodeOf(err) == openstack.Gone || openstack.CodeOf(err) == openstack.Refused {
			out.Balancer, err = "gone", nil
		} else {
			out.Balancer = balancer.ProvisioningStatus
		}
		for _, pool := range balancer.Pools {
			for _, m := range pool.Members {
				out.Members[m.ID] = m.OperatingStatus
			}
		}
		errs[2] = err
	})
	wg.Go(func() { out.Known, errs[3] = known(ctx, v, recorded) })
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return out, fmt.Errorf("look at site %s: %w", v.name, err)
		}
	}
	return out, nil
}

// known are the ids of the images and flavors that servers are to be made of, by what they are called.
func known(ctx context.Context, v visit, recorded site.Record) (map[string][]string, error) {
	out := map[string][]string{}
	for _, image := range recorded.Images() {
		ids, err := v.door.ImageIDs(ctx, image)
		if err != nil {
			return nil, err //nolint:wrapcheck // its Op says it all
		}
		out[image] = ids
	}
	flavors, err := v.door.Flavors(ctx)
	for _, f := range flavors {
		out[f.Name] = append(out[f.Name], f.ID)
		if f.ID != f.Name {
			out[f.ID] = append(out[f.ID], f.ID)
		}
	}
	return out, err //nolint:wrapcheck // its Op says it all
}

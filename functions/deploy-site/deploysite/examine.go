package deploysite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/site"
)

// atOnce bounds how many questions of one request are under way.
const atOnce = 6

// findings are what is known of a cloud before anything is made there.
type findings struct {
	kind    string            // of the load balancer
	volumes map[string]string // to take over
	sizes   site.Sizes

	mu     sync.Mutex
	faults []site.Fault
	err    error
}

func (f *findings) fault(field, message string) { f.add(site.Fault{Field: field, Message: message}) }

func (f *findings) add(faults ...site.Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, faults...)
}

func (f *findings) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = errors.Join(f.err, err)
}

// ask puts all questions, atOnce at a time.
func (f *findings) ask(questions []func() error) {
	var wg sync.WaitGroup
	turns := make(chan struct{}, atOnce)
	for _, question := range questions {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			if err := question(); err != nil {
				f.fail(err)
			}
		})
	}
	wg.Wait()
}

// outcome is the fault of the caller, or of the cloud, or none.
func (f *findings) outcome() error {
	if f.err != nil {
		return f.err
	}
	if len(f.faults) > 0 {
		return invalid(f.faults)
	}
	return nil
}

// examine asks the cloud whether it has what a new site is to be made of, whether there is room for it, which load balancer
// it gets, which volumes it takes over, and whether Heat can read the template. Nothing is made.
func (d *deployer) examine(ctx context.Context, v visit, s site.Spec) (*findings, error) {
	f := &findings{}
	if faults := site.CheckNew(s); len(faults) > 0 {
		return nil, invalid(faults)
	}
	var room openstack.Room
	var balancers int
	var all []openstack.Flavor
	questions := append(d.madeOf(ctx, v, s, f, allFields), d.surroundings(ctx, v, s, f)...)
	questions = append(questions,
		func() (err error) { all, err = v.door.Flavors(ctx); return err },
		func() (err error) { room, err = v.door.Room(ctx); return err },
		func() (err error) { balancers, err = v.door.BalancerRoom(ctx); return err },
		func() error { return d.balancing(ctx, v, s, f) },
		func() error { return takeOver(ctx, v, s, f) },
		func() error {
			err := v.door.ValidateTemplate(ctx, d.template.Text, d.template.Files)
			if openstack.CodeOf(err) == openstack.Refused {
				logging.Note(ctx, "refused", err.Error())
				f.fault("template", "is refused by the cloud's orchestration service; the log says why.")
				return nil
			}
			return err
		},
	)
	f.ask(questions)
	if f.err == nil {
		app, okApp := flavorOf(all, s.App.Flavor)
		backend, okBackend := flavorOf(all, s.Backend.Flavor)
		f.missing("app.flavor", okApp, "flavor")
		f.missing("backend.flavor", okBackend, "flavor")
		nodes := *s.App.Min
		if s.App.Nodes != nil {
			nodes = *s.App.Nodes
		}
		f.sizes = site.SizesOf(s, app, backend, nodes)
		if okApp && okBackend {
			f.add(site.Short(s, f.sizes.Now, roomOf(room, balancers))...)
		}
	}
	return f, f.outcome()
}

func (f *findings) missing(field string, there bool, what string) {
	if !there {
		f.fault(field, "is not a "+what+" of the project.")
	}
}

func flavorOf(all []openstack.Flavor, ref string) (site.Flavor, bool) {
	for _, f := range all {
		if f.ID == ref || f.Name == ref {
			return site.Flavor{VCPUs: f.Cores, RAMMB: f.RAM, DiskGB: f.Disk}, true
		}
	}
	return site.Flavor{}, false
}

func roomOf(r openstack.Room, balancers int) site.Room {
	return site.Room{
		Servers: r.Servers, VCPUs: r.Cores, RAMMB: r.RAM, Ports: r.Ports, FloatingIPs: r.FloatingIPs, Volumes: r.Volumes,
		VolumesGB: r.Gigabytes, Networks: r.Networks, Subnets: r.Subnets, Routers: r.Routers, SecurityGroups: r.SecurityGroups,
		LoadBalancers: balancers,
	}
}

// allFields asks for everything, where a change asks for what it changes.
func allFields(string) bool { return true }

// madeOf asks for the images, each once.
func (d *deployer) madeOf(ctx context.Context, v visit, s site.Spec, f *findings, asked func(parameter string) bool) []func() error {
	fields := map[string][]string{}
	if asked("app_image") {
		fields[s.App.Image] = append(fields[s.App.Image], "app.image")
	}
	if asked("backend_image") {
		fields[s.Backend.Image] = append(fields[s.Backend.Image], "backend.image")
	}
	var questions []func() error
	for image, names := range fields {
		questions = append(questions, func() error {
			there, err := v.door.HasImage(ctx, image)
			for _, field := range names {
				f.missing(field, there || err != nil, "image that the project can use")
			}
			return err
		})
	}
	return questions
}

// surroundings asks for the key pair, the networks and the volume type, those that the Spec names.
func (d *deployer) surroundings(ctx context.Context, v visit, s site.Spec, f *findings) []func() error {
	var questions []func() error
	if s.KeyName != "" {
		questions = append(questions, func() error {
			_, err := v.door.KeyPair(ctx, s.KeyName)
			return f.unlessGone(err, "key_name", "key pair")
		})
	}
	if *s.Network.External != "" {
		questions = append(questions, func() error { return external(ctx, v, s, f) })
	}
	if s.Network.ID != "" {
		questions = append(questions, func() error { return given(ctx, v, s, f) })
	}
	if s.Backend.VolumeType != "" {
		questions = append(questions, func() error {
			there, err := v.door.HasVolumeType(ctx, s.Backend.VolumeType)
			f.missing("backend.volume_type", there || err != nil, "volume type")
			return err
		})
	}
	return questions
}

func external(ctx context.Context, v visit, s site.Spec, f *findings) error {
	network, err := v.door.FindNetwork(ctx, *s.Network.External)
	if err == nil && !network.External {
		f.fault("network.external", "is not an external network: no floating IP can come from it.")
	}
	return f.unlessGone(err, "network.external", "network")
}

// given looks at network and subnet, which must belong together.
func given(ctx context.Context, v visit, s site.Spec, f *findings) error {
	network, err := v.door.FindNetwork(ctx, s.Network.ID)
	if err != nil {
		return f.unlessGone(err, "network.id", "network")
	}
	subnet, err := v.door.FindSubnet(ctx, s.Network.Subnet)
	switch {
	case err != nil:
	case subnet.NetworkID != network.ID:
		f.fault("network.subnet", "is not a subnet of network.id.")
	case subnet.ID != s.Network.Subnet: // the template looks at it as an external resource, which Heat finds by id alone
		f.fault("network.subnet", "must be the subnet's id, "+subnet.ID+", and not its name.")
	}
	return f.unlessGone(err, "network.subnet", "subnet")
}

// unlessGone makes a fault of what is not there, and leaves every other error.
func (f *findings) unlessGone(err error, field, what string) error {
	if openstack.CodeOf(err) == openstack.Gone {
		f.missing(field, false, what)
		return nil
	}
	return err
}

func (d *deployer) balancing(ctx context.Context, v visit, s site.Spec, f *findings) error {
	b, err := v.door.Balancing(ctx, s.LoadBalancer.Kind == site.KindLBaaSv2)
	if err != nil {
		return fmt.Errorf("choose load balancer: %w", err)
	}
	kind, fault := site.Choose(s.LoadBalancer.Kind, site.Balancing(b))
	if fault != nil {
		f.add(*fault)
	}
	f.kind = kind
	return nil
}

// takeOver finds the volumes of an earlier site that the Spec asks for. If it asks for none and there are some of this name,
// that is a fault: a second set would make it a guess which one is meant, later.
func takeOver(ctx context.Context, v visit, s site.Spec, f *findings) error {
	found, err := v.door.Volumes(ctx, nil)
	if err != nil {
		return fmt.Errorf("look for volumes: %w", err)
	}
	all := volumesOf(found)
	switch {
	case s.Backend.Volumes.Retained:
		ids, faults := site.Retained(v.name, all)
		f.volumes = ids
		f.add(faults...)
	case s.Backend.Volumes.IDs != nil:
		f.volumes = s.Backend.Volumes.IDs
		f.add(site.Named(v.name, s.Backend.Volumes.IDs, all)...)
	default:
		left := lines(all, v.name)
		if len(left) > 0 {
			f.fault("backend.volumes", `is needed: the project has volumes of an earlier site of this name, `+strings.Join(left, "; ")+
				`. Write volumes: retained to take them over, or choose another name.`)
		}
	}
	return nil
}

func volumesOf(found []openstack.Volume) []site.Volume {
	list := make([]site.Volume, len(found))
	for i, v := range found {
		list[i] = site.Volume{
			ID: v.ID, Name: v.Name, Status: v.Status, SizeGB: v.SizeGB,
			Site: v.Metadata[site.MetadataSite], Role: v.Metadata[site.MetadataRole], Index: v.Metadata[site.MetadataIndex],
		}
	}
	return list
}

// lines are those of the volumes of a site, in order.
func lines(all []site.Volume, name string) []string {
	var list []string
	for _, v := range all {
		if v.Site == name {
			list = append(list, v.Line())
		}
	}
	slices.Sort(list)
	return list
}

package openstack_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/stackhook/stackhook/shared/openstack"
)

func listKeyPairs(h *harness) {
	t := h.t
	const public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKrvVwPBuqYcFvZJcPFDE6VkFF6wbcg0FDfKKSKJtWwd lab-0123456789abcdef01 1767600000"
	name := "stackhook-claim-" + fresh()
	if err := h.cloud.CreateKeyPair(t.Context(), name, public); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.cloud.DeleteKeyPair(context.WithoutCancel(t.Context()), name) })
	all, err := h.cloud.KeyPairs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(all, func(k openstack.KeyPair) bool { return k.Name == name })
	if at < 0 || all[at].PublicKey != public || !all[at].Created.IsZero() {
		t.Errorf("%s is not in %+v", name, all)
	}
}

func roomShrinks(h *harness) {
	t := h.t
	before := h.room(t)
	if before.Servers < 1 || before.Cores < 1 || before.RAM < 64 || before.Ports < 1 || before.Networks < 1 || before.Volumes < 1 || before.KeyPairs < 1 {
		t.Fatalf("room is %+v", before)
	}
	h.built(t, openstack.NewStack{Template: served})
	after := h.room(t)
	// Other rows make and delete servers meanwhile, but what has no bound keeps none.
	for name, pair := range map[string][2]int{
		"servers": {before.Servers, after.Servers}, "cores": {before.Cores, after.Cores}, "ram": {before.RAM, after.RAM},
		"ports": {before.Ports, after.Ports}, "networks": {before.Networks, after.Networks}, "volumes": {before.Volumes, after.Volumes},
	} {
		if pair[1] < 0 || (pair[0] == math.MaxInt) != (pair[1] == math.MaxInt) {
			t.Errorf("room for %s: %d, then %d", name, pair[0], pair[1])
		}
	}
}

func (h *harness) room(t *testing.T) openstack.Room {
	t.Helper()
	room, err := h.cloud.Room(t.Context())
	if err != nil {
		t.Fatalf("room: %v", err)
	}
	return room
}

func flavors(h *harness) {
	t := h.t
	all, err := h.cloud.Flavors(t.Context())
	if err != nil || len(all) == 0 {
		t.Fatalf("flavors: %+v, %v", all, err)
	}
	for _, f := range all {
		if f.ID == "" || f.Name == "" || f.Cores < 1 || f.RAM < 1 {
			t.Errorf("flavor %+v", f)
		}
	}
	if !slices.ContainsFunc(all, func(f openstack.Flavor) bool { return f.Name == "m1.tiny" && f.Cores == 1 }) {
		t.Errorf("no m1.tiny in %+v", all)
	}
}

// floating is an address that leads nowhere.
const floating = `
heat_template_version: 2018-03-02
resources: {ip: {type: OS::Neutron::FloatingIP, properties: {floating_network: public}}}
outputs: {ip: {value: {get_resource: ip}}}
`

func floatingIPs(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: floating})
	id, _ := h.read(t, ref).Outputs["ip"].(string)
	find := func() (openstack.FloatingIP, bool) {
		all, err := h.cloud.FloatingIPs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(all, func(f openstack.FloatingIP) bool { return f.ID == id })
		if at < 0 {
			return openstack.FloatingIP{}, false
		}
		return all[at], true
	}
	if f, there := find(); !there || f.Address == "" || f.PortID != "" || f.Status != "DOWN" || f.Created.IsZero() {
		t.Errorf("there: %v, %+v", there, f)
	}
	if err := h.cloud.DeleteFloatingIP(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	wantCode(t, h.cloud.DeleteFloatingIP(t.Context(), id), openstack.Gone)
	if f, there := find(); there {
		t.Errorf("still there: %+v", f)
	}
	h.gone(t, ref)
}

func previewProperties(h *harness) {
	t := h.t
	const outer = `
heat_template_version: 2018-03-02
resources:
  group:
    type: OS::Heat::ResourceGroup
    properties: {count: 2, resource_def: {type: inner.yaml, properties: {flavor: m1.tiny}}}
  net: {type: OS::Neutron::Net}
  volume: {type: OS::Cinder::Volume, properties: {size: 3}}
`
	const inner = `
heat_template_version: 2018-03-02
parameters: {flavor: {type: string}}
resources:
  port: {type: OS::Neutron::Port, properties: {network: public}}
  server: {type: OS::Nova::Server, properties: {flavor: {get_param: flavor}, image: cirros, networks: [{port: {get_resource: port}}]}}
`
	all, err := h.cloud.PreviewStack(t.Context(), openstack.NewStack{
		Name: fresh(), Template: outer,
		Files: map[string]string{"inner.yaml": inner},
	})
	if err != nil {
		t.Fatal(err)
	}
	servers, volumes := 0, 0
	for _, r := range all {
		switch r.Type {
		case "OS::Nova::Server":
			servers++
			networks, _ := r.Properties["networks"].([]any)
			if len(networks) != 1 || r.Properties["flavor"] != "m1.tiny" {
				t.Fatalf("server has %v", r.Properties)
			}
			// What is not there yet is no null, so that it tells a port of the template's from one that Nova makes.
			if network, _ := networks[0].(map[string]any); network["port"] == nil {
				t.Errorf("network is %v", network)
			}
		case "OS::Cinder::Volume":
			volumes++
			if r.Properties["size"] != 3.0 {
				t.Errorf("volume has %v", r.Properties)
			}
		}
	}
	if servers != 2 || volumes != 1 {
		t.Errorf("%d servers and %d volumes in %+v", servers, volumes, all)
	}
}

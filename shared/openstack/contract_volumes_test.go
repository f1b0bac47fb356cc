package openstack_test

import (
	"context"
	"math"
	"slices"

	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// kept has a volume that outlives it, and a server in a stack of its own.
const kept = `
heat_template_version: 2018-03-02
parameters: {flavor: {type: string, default: m1.tiny}, site: {type: string}}
resources:
  volume:
    type: OS::Cinder::Volume
    deletion_policy: Retain
    properties: {size: 1, name: {get_param: site}, metadata: {stackhook-site: {get_param: site}, role: mysql, index: "0"}}
outputs:
  volume: {value: {get_resource: volume}}
`

func volumeRows() []row {
	return []row{
		{"a retained volume outlives its stack, is found by its metadata and is free", foundVolume},
		{"the catalogue: images, networks, subnets, volume types and key pairs by name and id, and none of what there is not", catalogue},
		{"load balancing: Octavia in the catalogue; without the extension there is no LBaaSv2", balancing},
		{"a preview of an update shows what it does in nested stacks", previewNested},
	}
}

func foundVolume(h *harness) {
	t := h.t
	name := fresh()
	ref := h.built(t, openstack.NewStack{Template: kept, Parameters: map[string]any{"site": name}})
	id, _ := h.read(t, ref).Outputs["volume"].(string)
	t.Cleanup(func() { h.dropVolume(context.WithoutCancel(t.Context()), id) })
	mark := map[string]string{"stackhook-site": name}
	find := func() (openstack.Volume, bool) {
		all, err := h.cloud.Volumes(t.Context(), mark)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) > 1 {
			t.Errorf("volumes %+v", all)
		}
		return append(all, openstack.Volume{})[0], len(all) == 1
	}
	h.gone(t, ref)
	v, there := find()
	if !there || v.ID != id || v.Status != "available" || v.SizeGB != 1 || v.Name != name || v.Metadata["role"] != "mysql" || v.Metadata["index"] != "0" || len(v.Servers) > 0 {
		t.Errorf("there: %v, %+v", there, v)
	}
	all, err := h.cloud.Volumes(t.Context(), nil)
	if err != nil || !slices.ContainsFunc(all, func(v openstack.Volume) bool { return v.ID == id }) {
		t.Errorf("all volumes: %+v, %v", all, err)
	}
	if none, err := h.cloud.Volumes(t.Context(), map[string]string{"stackhook-site": name, "role": "mongodb"}); err != nil || len(none) > 0 {
		t.Errorf("volumes with other metadata: %+v, %v", none, err)
	}
}

func catalogue(h *harness) {
	t := h.t
	const nobody = "00000000-0000-4000-8000-000000000000"
	for ref, want := range map[string]bool{"cirros": true, "no-such-image": false, nobody: false} {
		if there, err := h.cloud.HasImage(t.Context(), ref); err != nil || there != want {
			t.Errorf("image %s: %v, %v", ref, there, err)
		}
	}
	for ref, want := range map[string]bool{"__DEFAULT__": true, "gold": false} {
		if there, err := h.cloud.HasVolumeType(t.Context(), ref); err != nil || there != want {
			t.Errorf("volume type %s: %v, %v", ref, there, err)
		}
	}
	public, err := h.cloud.FindNetwork(t.Context(), "public")
	if err != nil || public.ID == "" || !public.External {
		t.Errorf("public: %+v, %v", public, err)
	}
	if same, err := h.cloud.FindNetwork(t.Context(), public.ID); err != nil || same != public {
		t.Errorf("by id: %+v, %v", same, err)
	}
	ref := h.built(t, openstack.NewStack{Template: served})
	made, _ := h.read(t, ref).Outputs["net"].(string)
	ids := h.physical(t, ref, 0)
	net, err := h.cloud.FindNetwork(t.Context(), made)
	if err != nil || net.External {
		t.Errorf("a network of our own: %+v, %v", net, err)
	}
	subnet, err := h.cloud.FindSubnet(t.Context(), ids["subnet"])
	if err != nil || subnet.NetworkID != net.ID || subnet.CIDR != "10.78.0.0/24" {
		t.Errorf("its subnet: %+v, %v", subnet, err)
	}
	for _, none := range []string{nobody, "no-such-thing"} {
		_, err := h.cloud.FindNetwork(t.Context(), none)
		wantCode(t, err, openstack.Gone)
		_, err = h.cloud.FindSubnet(t.Context(), none)
		wantCode(t, err, openstack.Gone)
	}
	_, err = h.cloud.KeyPair(t.Context(), "no-such-key")
	wantCode(t, err, openstack.Gone)
}

func balancing(h *harness) {
	t := h.t
	b, err := h.cloud.Balancing(t.Context(), false)
	if err != nil || !b.Octavia || b.Extension || b.Heat {
		t.Errorf("%+v, %v", b, err)
	}
	b, err = h.cloud.Balancing(t.Context(), true)
	if err != nil || !b.Octavia || b.Extension || b.Heat || b.Shell != (h.release(t) == openstacktest.Epoxy) {
		t.Errorf("LBaaSv2: %+v, %v", b, err)
	}
	if n, err := h.cloud.BalancerRoom(t.Context()); err != nil || n != math.MaxInt {
		t.Errorf("room for %d load balancers, %v", n, err)
	}
}

// A nested stack always reads as updated; what is in it tells.
// outer and inner are a site in small: a nested stack with something that has to be made anew.
const (
	outer = `
heat_template_version: 2018-03-02
parameters: {salt: {type: string, default: a}, note: {type: string, default: n}}
resources:
  backend: {type: inner.yaml, properties: {salt: {get_param: salt}}}
  top: {type: OS::Heat::Value, properties: {value: {get_param: note}}}
`
	inner = `
heat_template_version: 2018-03-02
parameters: {salt: {type: string}}
resources:
  node: {type: OS::Heat::RandomString, properties: {salt: {get_param: salt}}}
  calm: {type: OS::Heat::RandomString}
`
)

func previewNested(h *harness) {
	t := h.t
	files := map[string]string{"inner.yaml": inner}
	ref := h.built(t, openstack.NewStack{Template: outer, Files: files})
	for _, row := range []struct {
		change map[string]any
		want   []string
	}{
		{map[string]any{"note": "other"}, []string{"backend updated", "top updated"}},
		{map[string]any{"salt": "b"}, []string{"backend updated", "node replaced"}},
	} {
		list, err := h.cloud.PreviewNested(t.Context(), ref, openstack.StackChange{Parameters: row.change, Template: outer, Files: files})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range list {
			got = append(got, c.Name+" "+c.Kind)
			if c.Name == "node" && (c.Type != "OS::Heat::RandomString" || c.Parent != "backend") {
				t.Errorf("%+v", c)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, row.want) {
			t.Errorf("%v: %v, want %v", row.change, got, row.want)
		}
	}
}

// dropVolume deletes a volume that no stack has any more; the fake forgets it with the row.
func (h *harness) dropVolume(ctx context.Context, id string) {
	h.t.Helper()
	if h.deleteVolume == nil {
		return
	}
	if err := h.deleteVolume(ctx, id); err != nil {
		h.t.Errorf("delete volume %s: %v", id, err)
	}
}

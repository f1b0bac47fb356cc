package openstack_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/openstack"
)

// What the templates of a site rest on: heat-templates/README.md.

func siteRows() []row {
	return []row{
		{"a retained volume outlives its stack, and is one again", retainedVolume},
		{"a volume of a server's own is free when the server is gone, and no second server has it before", serverVolume},
		{"an attachment holds its volume as long as it is there", attachedVolume},
		{"parts of user data are as they were, or base64 if they are not ASCII", multipartUserData},
		{"server groups are made by policy", serverGroups},
		{"a condition of a nested stack follows what its parent passes down", nestedConditions},
		{"a condition may look up a name in a map by another parameter", lookedUp},
	}
}

const volumeStack = `
heat_template_version: 2018-03-02
resources:
  kept: {type: OS::Cinder::Volume, deletion_policy: Retain, properties: {size: 1, metadata: {role: mysql, index: "0"}}}
outputs: {id: {value: {get_resource: kept}}}
`

const externalVolume = `
heat_template_version: 2018-03-02
parameters: {id: {type: string}}
resources:
  volume: {type: OS::Cinder::Volume, external_id: {get_param: id}, properties: {size: 1}}
outputs: {id: {value: {get_resource: volume}}}
`

// volume is one as Cinder shows it.
func (h *harness) volume(t *testing.T, id string) (map[string]any, int) {
	t.Helper()
	a := h.raw(t, "cinder", http.MethodGet, "/volumes/"+id, nil)
	v, _ := a.body["volume"].(map[string]any)
	return v, a.status
}

func (h *harness) volumeIs(t *testing.T, id, status string) {
	t.Helper()
	h.eventually(t, func() bool { v, _ := h.volume(t, id); return v["status"] == status }, "the volume never is "+status)
}

// keptVolume makes a volume, and the stack of it.
func (h *harness) keptVolume(t *testing.T) (string, openstack.StackRef) {
	t.Helper()
	ref := h.built(t, openstack.NewStack{Template: volumeStack})
	id := fmt.Sprint(h.read(t, ref).Outputs["id"])
	t.Cleanup(func() { h.raw(t, "cinder", http.MethodDelete, "/volumes/"+id, nil) })
	return id, ref
}

func (h *harness) deleted(t *testing.T, ref openstack.StackRef) {
	t.Helper()
	if err := h.cloud.DeleteStack(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	h.eventually(t, func() bool {
		_, err := h.cloud.Stack(t.Context(), ref)
		return openstack.CodeOf(err) == openstack.Gone
	}, "the stack stays")
}

func retainedVolume(h *harness) {
	t := h.t
	id, ref := h.keptVolume(t)
	h.deleted(t, ref)
	v, status := h.volume(t, id)
	meta, _ := v["metadata"].(map[string]any)
	if status != http.StatusOK || v["status"] != "available" || meta["role"] != "mysql" || meta["index"] != "0" {
		t.Fatalf("%d, %v", status, v)
	}
	// external_id takes it in, and lets it alone at the end.
	again := h.built(t, openstack.NewStack{Template: externalVolume, Parameters: map[string]any{"id": id}})
	if got := h.read(t, again).Outputs["id"]; got != id {
		t.Errorf("the volume is %v", got)
	}
	h.deleted(t, again)
	if _, status := h.volume(t, id); status != http.StatusOK {
		t.Errorf("the volume went: %d", status)
	}
}

const bootedVolume = `
heat_template_version: 2018-03-02
parameters: {id: {type: string}, there: {type: boolean, default: true}}
conditions: {there: {equals: [{get_param: there}, true]}}
resources:
  net: {type: OS::Neutron::Net}
  subnet: {type: OS::Neutron::Subnet, properties: {network: {get_resource: net}, cidr: 10.7.0.0/24}}
  port: {type: OS::Neutron::Port, properties: {network: {get_resource: net}, fixed_ips: [{subnet: {get_resource: subnet}}]}}
  server:
    type: OS::Nova::Server
    condition: there
    properties:
      image: cirros
      flavor: m1.tiny
      networks: [{port: {get_resource: port}}]
      block_device_mapping_v2: [{volume_id: {get_param: id}, boot_index: -1, delete_on_termination: false}]
`

func serverVolume(h *harness) {
	t := h.t
	id, _ := h.keptVolume(t)
	ref := h.built(t, openstack.NewStack{Template: bootedVolume, Parameters: map[string]any{"id": id}})
	h.volumeIs(t, id, "in-use")
	thief := h.settled(t, h.make(t, openstack.NewStack{Template: bootedVolume, Parameters: map[string]any{"id": id}}))
	if thief.State() != "CREATE_FAILED" || !strings.Contains(thief.Reason, "in-use") {
		t.Errorf("%s: %s", thief.State(), thief.Reason)
	}
	wantState(t, h.patched(t, ref, openstack.StackChange{Parameters: map[string]any{"there": false}}), "UPDATE_COMPLETE")
	h.volumeIs(t, id, "available")
	wantState(t, h.patched(t, ref, openstack.StackChange{Parameters: map[string]any{"there": true}}), "UPDATE_COMPLETE")
	h.volumeIs(t, id, "in-use")
	h.deleted(t, ref)
	h.volumeIs(t, id, "available")
}

const attachment = `
heat_template_version: 2018-03-02
parameters: {id: {type: string}, there: {type: boolean, default: true}}
conditions: {there: {equals: [{get_param: there}, true]}}
resources:
  net: {type: OS::Neutron::Net}
  subnet: {type: OS::Neutron::Subnet, properties: {network: {get_resource: net}, cidr: 10.7.0.0/24}}
  port: {type: OS::Neutron::Port, properties: {network: {get_resource: net}, fixed_ips: [{subnet: {get_resource: subnet}}]}}
  server: {type: OS::Nova::Server, properties: {image: cirros, flavor: m1.tiny, networks: [{port: {get_resource: port}}]}}
  attachment:
    type: OS::Cinder::VolumeAttachment
    condition: there
    properties: {instance_uuid: {get_resource: server}, volume_id: {get_param: id}}
`

func attachedVolume(h *harness) {
	t := h.t
	id, _ := h.keptVolume(t)
	ref := h.built(t, openstack.NewStack{Template: attachment, Parameters: map[string]any{"id": id}})
	h.volumeIs(t, id, "in-use")
	wantState(t, h.patched(t, ref, openstack.StackChange{Parameters: map[string]any{"there": false}}), "UPDATE_COMPLETE")
	h.volumeIs(t, id, "available")
	h.deleted(t, ref)
}

func multipartUserData(h *harness) {
	t := h.t
	const text = `
heat_template_version: 2018-03-02
resources:
  mime:
    type: OS::Heat::MultipartMime
    properties:
      parts:
        - {config: "#cloud-config\npackages: [curl]\n", subtype: cloud-config, filename: a.yaml}
        - {config: "#!/bin/sh\necho Größe\n", subtype: x-shellscript, filename: b.sh}
outputs: {text: {value: {get_attr: [mime, config]}}}
`
	ref := h.built(t, openstack.NewStack{Template: text})
	got := fmt.Sprint(h.read(t, ref).Outputs["text"])
	for _, want := range []string{
		"Content-Type: multipart/mixed; boundary=", "Content-Type: text/cloud-config; charset=\"us-ascii\"", "#cloud-config\npackages: [curl]\n", `filename="a.yaml"`,
		"Content-Type: text/x-shellscript; charset=\"utf-8\"", "Content-Transfer-Encoding: base64", "IyEvYmluL3NoCmVjaG8gR3LDtsOfZQo=",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
}

func serverGroups(h *harness) {
	t := h.t
	const text = `
heat_template_version: 2018-03-02
parameters: {kind: {type: string, default: soft}}
conditions: {hard: {equals: [{get_param: kind}, hard]}}
resources:
  apart: {type: OS::Nova::ServerGroup, properties: {policies: [{if: [hard, anti-affinity, soft-anti-affinity]}]}}
outputs: {id: {value: {get_resource: apart}}}
`
	ref := h.built(t, openstack.NewStack{Template: text})
	before := h.read(t, ref).Outputs["id"]
	// Another policy is another group: what is in it would be made anew.
	if got := h.patched(t, ref, openstack.StackChange{Parameters: map[string]any{"kind": "hard"}}); got.State() != "UPDATE_COMPLETE" || got.Outputs["id"] == before || before == "" {
		t.Errorf("%s, group was %v, is %v", got.State(), before, got.Outputs["id"])
	}
}

const conditional = `
heat_template_version: 2018-03-02
parameters: {index: {type: string}, absent: {type: string, default: ""}}
conditions: {here: {not: {equals: [{get_param: absent}, {get_param: index}]}}}
resources:
  stays: {type: OS::Heat::RandomString}
  goes: {type: OS::Heat::RandomString, condition: here}
outputs: {word: {value: {if: [here, {get_attr: [goes, value]}, ""]}}}
`

func nestedConditions(h *harness) {
	t := h.t
	const text = `
heat_template_version: 2018-03-02
parameters: {absent: {type: string, default: ""}}
resources:
  one: {type: node.yaml, properties: {index: "1", absent: {get_param: absent}}}
  two: {type: node.yaml, properties: {index: "2", absent: {get_param: absent}}}
outputs: {words: {value: [{get_attr: [one, word]}, {get_attr: [two, word]}]}}
`
	ref := h.built(t, openstack.NewStack{Template: text, Files: map[string]string{"node.yaml": conditional}})
	before := h.physical(t, ref, 2)
	got := h.patched(t, ref, openstack.StackChange{Parameters: map[string]any{"absent": "1"}})
	now := h.physical(t, ref, 2)
	words, _ := got.Outputs["words"].([]any)
	if _, left := now["one/goes"]; left || now["one/stays"] != before["one/stays"] || now["two/goes"] != before["two/goes"] || len(words) != 2 || words[0] != "" || words[1] == "" {
		t.Errorf("was %v, is %v, words %v", before, now, words)
	}
	got = h.patched(t, ref, openstack.StackChange{Parameters: map[string]any{"absent": ""}})
	now = h.physical(t, ref, 2)
	if now["one/goes"] == "" || now["one/goes"] == before["one/goes"] || now["one/stays"] != before["one/stays"] {
		t.Errorf("was %v, is %v, %s", before, now, got.State())
	}
}

func lookedUp(h *harness) {
	t := h.t
	const text = `
heat_template_version: 2018-03-02
parameters: {kept: {type: json, default: {"1": {image: old}}}, index: {type: string, default: "1"}}
conditions: {takes_new: {equals: [{get_param: [kept, {get_param: index}, image]}, ""]}}
resources:
  image: {type: OS::Heat::Value, properties: {value: {if: [takes_new, new, {get_param: [kept, {get_param: index}, image]}]}}}
outputs: {image: {value: {get_attr: [image, value]}}}
`
	ref := h.built(t, openstack.NewStack{Template: text})
	if got := h.read(t, ref).Outputs["image"]; got != "old" {
		t.Errorf("the image is %v", got)
	}
	if got := h.patched(t, ref, openstack.StackChange{Parameters: map[string]any{"index": "2"}}).Outputs["image"]; got != "new" {
		t.Errorf("the image is %v", got)
	}
}

package openstacktest_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// TestOutputsWhileMade: what the contract's outputsWhileMade says, of what our templates are made of.
func TestOutputsWhileMade(t *testing.T) {
	t.Parallel()
	fake := openstacktest.Start(t, func(o *openstacktest.Options) {
		o.Build = func(string) time.Duration { return 10 * time.Second }
	})
	cloud := client(t, fake.Env())
	ref := create(t, cloud, openstack.NewStack{Name: "s1", Template: `
heat_template_version: 2018-08-31
resources:
  lb: {type: OS::Octavia::LoadBalancer, properties: {vip_subnet: private}}
  ip: {type: OS::Neutron::FloatingIP, properties: {floating_network: public}}
  port: {type: OS::Neutron::Port, properties: {network: private, fixed_ips: [{ip_address: 10.0.0.77}]}}
  volume: {type: OS::Cinder::Volume, properties: {size: 1}}
  handle: {type: OS::Heat::WaitConditionHandle, properties: {signal_transport: HEAT_SIGNAL}}
  server: {type: OS::Nova::Server, properties: {name: node, flavor: m1.small, image: debian, networks: [{network: private}]}}
  behind: {type: OS::Neutron::Port, depends_on: server, properties: {network: private}}
outputs:
  vip: {value: {get_attr: [lb, vip_address]}}
  ip: {value: {get_attr: [ip, floating_ip_address]}}
  port: {value: {get_attr: [port, fixed_ips, 0, ip_address]}}
  volume: {value: {get_attr: [volume, size]}}
  signal: {value: {get_attr: [handle, signal]}}
  name: {value: {get_attr: [server, name]}}
  address: {value: {get_attr: [server, first_address]}}
  zone: {value: {get_attr: [server, show, "OS-EXT-AZ:availability_zone"]}}
  behind: {value: {get_attr: [behind, fixed_ips, 0, ip_address]}}
`})
	outputs := func(want string) map[string]any { return wantState(t, cloud, ref, want).Outputs }
	for name, v := range outputs("CREATE_IN_PROGRESS") {
		if v != nil {
			t.Errorf("before anything is begun, %s is %v", name, v)
		}
	}
	fake.Advance(time.Second)
	begun := outputs("CREATE_IN_PROGRESS")
	for _, name := range []string{"vip", "ip", "volume", "signal"} {
		if begun[name] == nil || begun[name] == "" {
			t.Errorf("%s of what is being made is %v", name, begun[name])
		}
	}
	for name, want := range map[string]any{"port": "10.0.0.77", "name": "node", "address": "", "zone": "", "behind": nil} {
		if begun[name] != want {
			t.Errorf("%s is %v while no host has the server, want %v", name, begun[name], want)
		}
	}
	fake.Advance(5 * time.Second)
	spawning := outputs("CREATE_IN_PROGRESS")
	if spawning["address"] == "" || spawning["zone"] != "nova" {
		t.Errorf("once a host has the server, address is %v and zone %v", spawning["address"], spawning["zone"])
	}
	fake.Settle()
	made := outputs("CREATE_COMPLETE")
	if made["behind"] == nil {
		t.Error("no address of the port that is made last")
	}
	delete(made, "behind")
	delete(spawning, "behind")
	if !reflect.DeepEqual(made, spawning) {
		t.Errorf("outputs are %v when all is made, were %v", made, spawning)
	}
}

// TestOutputsOfAServerThatNoHostTook: the server is there, in ERROR, and has no address.
func TestOutputsOfAServerThatNoHostTook(t *testing.T) {
	t.Parallel()
	fake, cloud := start(t)
	fake.FailServer("server", 1)
	ref := create(t, cloud, openstack.NewStack{Name: "s1", Template: `
heat_template_version: 2018-08-31
resources:
  server: {type: OS::Nova::Server, properties: {flavor: m1.small, image: debian, networks: [{network: private}]}}
outputs:
  address: {value: {get_attr: [server, first_address]}}
  networks: {value: {get_attr: [server, networks]}}
  status: {value: {get_attr: [server, show, status]}}
`})
	fake.Settle()
	want := map[string]any{"address": "", "networks": map[string]any{}, "status": "ERROR"}
	if got := wantState(t, cloud, ref, "CREATE_FAILED").Outputs; !reflect.DeepEqual(got, want) {
		t.Errorf("outputs are %v, want %v", got, want)
	}
}

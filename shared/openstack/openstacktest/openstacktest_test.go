package openstacktest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// client is the real client on a fake cloud.
func client(t *testing.T, env map[string]string) *openstack.Cloud {
	t.Helper()
	cloud, err := openstack.New(openstack.Options{Getenv: func(name string) string { return env[name] }})
	if err != nil {
		t.Fatalf("make the client: %v", err)
	}
	return cloud
}

func start(t *testing.T, opts ...openstacktest.Option) (*openstacktest.Cloud, *openstack.Cloud) {
	t.Helper()
	fake := openstacktest.Start(t, opts...)
	return fake, client(t, fake.Env())
}

func create(t *testing.T, cloud *openstack.Cloud, s openstack.NewStack) openstack.StackRef {
	t.Helper()
	ref, err := cloud.CreateStack(t.Context(), s)
	if err != nil {
		t.Fatalf("create %s: %v", s.Name, err)
	}
	return ref
}

func wantState(t *testing.T, cloud *openstack.Cloud, ref openstack.StackRef, want string) openstack.Stack {
	t.Helper()
	s, err := cloud.Stack(t.Context(), ref)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	if s.State() != want {
		t.Errorf("state is %s (%s), want %s", s.State(), s.Reason, want)
	}
	return s
}

func wantCode(t *testing.T, err error, want openstack.Code) {
	t.Helper()
	if got := openstack.CodeOf(err); got != want {
		t.Errorf("error %v has code %q, want %q", err, got, want)
	}
}

// call is a request without the client.
func call(t *testing.T, fake *openstacktest.Cloud, method, path, token, body string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, fake.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Auth-Token", token)
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, _ := io.ReadAll(reply.Body)
	var out map[string]any
	_ = json.Unmarshal(text, &out)
	return reply.StatusCode, out
}

// node is a server with a port and a pool member; its guest signals the handle it is given.
const node = `
heat_template_version: 2018-03-02
parameters:
  pool: {type: string}
  index: {type: string}
  user_data: {type: string, default: ""}
resources:
  port: {type: OS::Neutron::Port, properties: {network: private}}
  server:
    type: OS::Nova::Server
    properties:
      name: {str_replace: {template: app-$i, params: {$i: {get_param: index}}}}
      flavor: m1.small
      image: debian
      networks: [{port: {get_resource: port}}]
      user_data: {get_param: user_data}
  member:
    type: OS::Octavia::PoolMember
    properties: {pool: {get_param: pool}, address: {get_attr: [server, first_address]}, protocol_port: 80}
outputs:
  ip: {value: {get_attr: [server, first_address]}}
  OS::stack_id: {value: {get_resource: server}}
`

const cluster = `
heat_template_version: 2018-03-02
parameters:
  app_count: {type: number, default: 2}
  removal: {type: json, default: []}
resources:
  lb: {type: OS::Octavia::LoadBalancer, properties: {vip_subnet: private}}
  listener: {type: OS::Octavia::Listener, properties: {loadbalancer: {get_resource: lb}, protocol: HTTP, protocol_port: 80}}
  pool: {type: OS::Octavia::Pool, properties: {listener: {get_resource: listener}, protocol: HTTP, lb_algorithm: ROUND_ROBIN}}
  monitor: {type: OS::Octavia::HealthMonitor, properties: {pool: {get_resource: pool}, type: HTTP, delay: 5, timeout: 3, max_retries: 2}}
  nodes:
    type: OS::Heat::ResourceGroup
    properties:
      count: {get_param: app_count}
      removal_policies: [{resource_list: {get_param: removal}}]
      resource_def: {type: node.yaml, properties: {pool: {get_resource: pool}, index: "%index%"}}
outputs:
  lb: {value: {get_resource: lb}}
  pool: {value: {get_resource: pool}}
  vip: {value: {get_attr: [lb, vip_address]}}
  ips: {value: {get_attr: [nodes, ip]}}
  servers: {value: {get_attr: [nodes, refs_map]}}
`

func clusterStack() openstack.NewStack {
	return openstack.NewStack{Name: "c1", Template: cluster, Files: map[string]string{"node.yaml": node}}
}

// lab waits for its guest.
const lab = `
heat_template_version: 2018-03-02
resources:
  ready: {type: OS::Heat::WaitConditionHandle}
  booted: {type: OS::Heat::WaitCondition, depends_on: web, properties: {handle: {get_resource: ready}, timeout: 600}}
  init:
    type: OS::Heat::SoftwareConfig
    properties:
      group: ungrouped
      config: {str_replace: {template: "#!/bin/sh\nnotify --data-binary '{}'\n", params: {notify: {get_attr: [ready, curl_cli]}}}}
  web: {type: OS::Nova::Server, properties: {flavor: m1.small, image: debian, networks: [{network: private}], user_data_format: RAW, user_data: {get_resource: init}}}
  key: {type: OS::Nova::KeyPair, properties: {name: {get_param: "OS::stack_name"}, save_private_key: true}}
  ip: {type: OS::Neutron::FloatingIP, properties: {floating_network: public}}
outputs:
  public_ip: {value: {get_attr: [ip, floating_ip_address]}}
  private_key: {value: {get_attr: [key, private_key]}}
`

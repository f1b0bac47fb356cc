package openstacktest_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// resources is a template of these resources, each on a line of its own.
func resources(lines ...string) string {
	return "heat_template_version: 2018-03-02\nresources:\n  " + strings.Join(lines, "\n  ") + "\n"
}

// TestQuotaIsEnforced makes each quota refuse what exceeds it, with the words that a real cloud was seen to use.
func TestQuotaIsEnforced(t *testing.T) {
	t.Parallel()
	const (
		net    = "net: {type: OS::Neutron::Net}"
		server = "server: {type: OS::Nova::Server, properties: {flavor: m1.small, image: cirros, networks: [{network: private}]}}"
		volume = "volume: {type: OS::Cinder::Volume, properties: {size: 3}}"
	)
	for _, row := range []struct {
		name   string
		bound  func(q *openstacktest.Quota)
		fits   int // how many stacks are made before the refusal
		line   string
		reason string
	}{
		{"servers and RAM together", func(q *openstacktest.Quota) { q.Servers, q.RAM = 1, 3000 }, 1, server, "Forbidden: resources.server: Quota exceeded for instances, ram: Requested 1, 2048, but already used 1, 2048 of 1, 3000 instances, ram (HTTP 403)"},
		{"cores", func(q *openstacktest.Quota) { q.Cores = 2 }, 2, server, "Quota exceeded for cores: Requested 1, but already used 2 of 2 cores (HTTP 403)"},
		{"ports that Nova makes", func(q *openstacktest.Quota) { q.Ports = 1 }, 1, server, "Forbidden: resources.server: Maximum number of ports exceeded (HTTP 403)"},
		{"networks", func(q *openstacktest.Quota) { q.Networks = 2 }, 2, net, "OverQuotaClient: resources.net: Quota exceeded for resources: ['network'].\nNeutron server returns request_ids: ['req-"},
		{"security groups, of which the project has one", func(q *openstacktest.Quota) { q.SecurityGroups = 2 }, 1, "group: {type: OS::Neutron::SecurityGroup}", "Quota exceeded for resources: ['security_group']"},
		{"floating IPs", func(q *openstacktest.Quota) { q.FloatingIPs = 0 }, 0, "ip: {type: OS::Neutron::FloatingIP, properties: {floating_network: public}}", "Quota exceeded for resources: ['floatingip']"},
		{"volumes", func(q *openstacktest.Quota) { q.Volumes = 1 }, 1, volume, "OverLimit: resources.volume: VolumeLimitExceeded: Maximum number of volumes allowed (1) exceeded for quota 'volumes'. (HTTP 413)"},
		{"gigabytes", func(q *openstacktest.Quota) { q.Gigabytes = 5 }, 1, volume, "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested 3G, quota is 5G and 3G has been consumed."},
		{"key pairs", func(q *openstacktest.Quota) { q.KeyPairs = 0 }, 0, "key: {type: OS::Nova::KeyPair, properties: {name: a}}", "Forbidden: resources.key: Quota exceeded, too many key pairs. (HTTP 403)"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			fake, cloud := start(t)
			quota := openstacktest.NoQuota()
			row.bound(&quota)
			fake.SetQuota(quota)
			for i := range row.fits + 1 {
				name := fmt.Sprint("lab-", i)
				create(t, cloud, openstack.NewStack{Name: name, Template: resources(row.line)})
				fake.Settle()
				s, _ := fake.Stack(name)
				switch {
				case i < row.fits && s.State != "CREATE_COMPLETE":
					t.Fatalf("stack %d of %d that fit: %s %s", i+1, row.fits, s.State, s.Reason)
				case i == row.fits && (s.State != "CREATE_FAILED" || !strings.Contains(s.Reason, row.reason)):
					t.Errorf("one too many: %s %q, want %q", s.State, s.Reason, row.reason)
				}
			}
		})
	}
}

// TestRoomTellsTheQuota compares what the client reads with what was set and used, and what a deleted stack gives back.
func TestRoomTellsTheQuota(t *testing.T) {
	t.Parallel()
	fake, cloud := start(t)
	fake.SetQuota(openstacktest.Quota{
		Stacks: -1, Servers: 5, Cores: 20, RAM: 9000, KeyPairs: 7, Ports: 10, Networks: 4, Subnets: 3, Routers: 2, FloatingIPs: 6,
		SecurityGroups: 9, Volumes: 8, Gigabytes: 100,
	})
	room := func() openstack.Room {
		t.Helper()
		r, err := cloud.Room(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	empty := openstack.Room{
		Servers: 5, Cores: 20, RAM: 9000, KeyPairs: 7, Ports: 10, Networks: 4, Subnets: 3, Routers: 2, FloatingIPs: 6,
		SecurityGroups: 8, Volumes: 8, Gigabytes: 100,
	}
	if got := room(); got != empty {
		t.Errorf("room of an empty project: %+v, want %+v", got, empty)
	}
	ref := create(t, cloud, openstack.NewStack{Name: "lab", Template: resources(
		"key: {type: OS::Nova::KeyPair, properties: {name: a}}",
		"net: {type: OS::Neutron::Net}",
		"subnet: {type: OS::Neutron::Subnet, properties: {network: {get_resource: net}, cidr: 10.9.0.0/24}}",
		"router: {type: OS::Neutron::Router}",
		"interface: {type: OS::Neutron::RouterInterface, properties: {router: {get_resource: router}, subnet: {get_resource: subnet}}}",
		"server: {type: OS::Nova::Server, properties: {flavor: m1.large, image: cirros, networks: [{subnet: {get_resource: subnet}}]}}",
		"volume: {type: OS::Cinder::Volume, properties: {size: 30}}",
		"ip: {type: OS::Neutron::FloatingIP, properties: {floating_network: public}}",
	)})
	fake.Settle()
	used := openstack.Room{
		Servers: 4, Cores: 16, RAM: 808, KeyPairs: 6, Ports: 8, Networks: 3, Subnets: 2, Routers: 1, FloatingIPs: 5,
		SecurityGroups: 8, Volumes: 7, Gigabytes: 70,
	}
	if got := room(); got != used {
		t.Errorf("room with a lab: %+v, want %+v", got, used)
	}
	if err := cloud.DeleteStack(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	fake.Settle()
	if got := room(); got != empty {
		t.Errorf("room after it: %+v, want %+v", got, empty)
	}
}

// TestStackLimit refuses a stack too many at its create and in a preview, and takes one again once the name of a deleted
// one is free.
func TestStackLimit(t *testing.T) {
	t.Parallel()
	fake, cloud := start(t)
	quota := openstacktest.NoQuota()
	quota.Stacks = 2
	fake.SetQuota(quota)
	ref := create(t, cloud, openstack.NewStack{Name: "a", Template: tiny})
	create(t, cloud, openstack.NewStack{Name: "b", Template: tiny})
	fake.Settle()
	third := openstack.NewStack{Name: "c", Template: tiny}
	_, err := cloud.CreateStack(t.Context(), third)
	wantCode(t, err, openstack.Quota)
	if !strings.Contains(err.Error(), "You have reached the maximum stacks per tenant, 2. Please delete some stacks.") {
		t.Errorf("refused with %v", err)
	}
	_, err = cloud.PreviewStack(t.Context(), third)
	wantCode(t, err, openstack.Quota)
	if err := cloud.DeleteStack(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	_, err = cloud.CreateStack(t.Context(), third) // the first is still being deleted
	wantCode(t, err, openstack.Quota)
	fake.Settle()
	create(t, cloud, third)
}

// TestChaos spoils requests by what they are: refused, cut off before or after the work was done.
func TestChaos(t *testing.T) {
	t.Parallel()
	fake, cloud := start(t)
	if _, err := cloud.Project(t.Context()); err != nil { // the token comes before
		t.Fatal(err)
	}
	var asked atomic.Int64
	spoil := func(f openstacktest.Fault) {
		fake.Chaos(func(call openstacktest.Call) openstacktest.Fault {
			asked.Add(1)
			fake.Now() // it may use the cloud
			if call.Method == http.MethodPost {
				return f
			}
			return openstacktest.Fault{}
		})
	}
	for _, row := range []struct {
		fault openstacktest.Fault
		made  bool
	}{
		{openstacktest.Fault{Status: http.StatusServiceUnavailable}, false},
		{openstacktest.Fault{DropRequest: true}, false},
		{openstacktest.Fault{DropReply: true}, true},
	} {
		spoil(row.fault)
		name := fmt.Sprint("lab-", asked.Load())
		_, err := cloud.CreateStack(t.Context(), openstack.NewStack{Name: name, Template: tiny})
		wantCode(t, err, openstack.Unavailable)
		if _, made := fake.Stack(name); made != row.made {
			t.Errorf("%+v: made %v", row.fault, made)
		}
	}
	before := asked.Load()
	fake.Chaos(nil)
	create(t, cloud, openstack.NewStack{Name: "calm", Template: tiny})
	if asked.Load() != before || before < 3 {
		t.Errorf("asked %d times, then %d", before, asked.Load())
	}
}

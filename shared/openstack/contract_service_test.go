package openstack_test

import (
	"context"
	"math"
	"net/http"
	"slices"
	"sync"

	"github.com/stackhook/stackhook/shared/openstack"
)

// balanced is a load balancer with one member, on a network of its own.
const balanced = `
heat_template_version: 2018-03-02
parameters: {note: {type: string, default: none}}
resources:
  net: {type: OS::Neutron::Net}
  subnet: {type: OS::Neutron::Subnet, properties: {network: {get_resource: net}, cidr: 10.77.0.0/24}}
  lb: {type: OS::Octavia::LoadBalancer, properties: {vip_subnet: {get_resource: subnet}}}
  listener: {type: OS::Octavia::Listener, properties: {loadbalancer: {get_resource: lb}, protocol: HTTP, protocol_port: 80}}
  pool: {type: OS::Octavia::Pool, properties: {listener: {get_resource: listener}, protocol: HTTP, lb_algorithm: ROUND_ROBIN}}
  member: {type: OS::Octavia::PoolMember, properties: {pool: {get_resource: pool}, address: 10.77.0.9, protocol_port: 80, subnet: {get_resource: subnet}}}
outputs:
  lb: {value: {get_resource: lb}}
  pool: {value: {get_resource: pool}}
  vip: {value: {get_attr: [lb, vip_address]}}
`

// served is one server, on a network of its own.
const served = `
heat_template_version: 2018-03-02
resources:
  net: {type: OS::Neutron::Net}
  subnet: {type: OS::Neutron::Subnet, properties: {network: {get_resource: net}, cidr: 10.78.0.0/24}}
  port: {type: OS::Neutron::Port, properties: {network: {get_resource: net}, fixed_ips: [{subnet: {get_resource: subnet}}]}}
  server: {type: OS::Nova::Server, properties: {flavor: m1.tiny, image: cirros, networks: [{port: {get_resource: port}}]}}
outputs:
  address: {value: {get_attr: [server, first_address]}}
  networks: {value: {get_attr: [server, networks]}}
  net: {value: {get_resource: net}}
`

func serviceRows() []row {
	return []row{
		{"a token that is none is refused, a person's own works", tokens},
		{"a trust's token: Keystone does not show it, Heat takes it", trustedToken},
		{"load balancer: tree, weight and tags by PUT, busy meanwhile, kept by an update", loadBalancer},
		{"the room for servers shrinks by one with a server, if it is bounded", serverRoom},
		{"a key pair's name has one winner, says when it was taken, and is free again once deleted", keyPairs},
		{"the list of key pairs has their public keys with comments, and no times", listKeyPairs},
		{"the room shrinks by what a stack takes, in all services", roomShrinks},
		{"flavors have names, cores and memory", flavors},
		{"floating IPs are listed with their time and can be deleted behind Heat's back", floatingIPs},
		{"a preview tells each resource's properties, nested ones too", previewProperties},
		{"a server: address, suspend, resume; deleted behind Heat's back", serverLife},
	}
}

func tokens(h *harness) {
	t := h.t
	_, err := h.cloud.As("nonsense").Project(t.Context())
	wantCode(t, err, openstack.Forbidden)
	own, err := h.cloud.Project(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	person := h.cloud.As(h.token(t))
	if project, err := person.Project(t.Context()); err != nil || project != own {
		t.Errorf("a person's project is %q, %v; want %q", project, err, own)
	}
	_, err = person.FindStack(t.Context(), fresh())
	wantCode(t, err, openstack.Gone)
}

func trustedToken(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: "heat_template_version: 2018-03-02\nresources: {word: {type: OS::Heat::RandomString}}\n"})
	theirs := h.cloud.As(h.trusted(t))
	s, err := theirs.Stack(t.Context(), ref)
	if err != nil || s.ID != ref.ID {
		t.Fatalf("with a trust's token: %+v, %v", s, err)
	}
	if err := theirs.PatchStack(t.Context(), ref, openstack.StackChange{}); err != nil {
		t.Errorf("update: %v", err)
	}
	h.settled(t, ref)
}

func loadBalancer(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: balanced})
	out := h.read(t, ref).Outputs
	lbID, _ := out["lb"].(string)
	poolID, _ := out["pool"].(string)
	active := func() openstack.LoadBalancer {
		var lb openstack.LoadBalancer
		h.eventually(t, func() bool {
			var err error
			if lb, err = h.cloud.LoadBalancer(t.Context(), lbID); err != nil {
				t.Fatal(err)
			}
			return lb.ProvisioningStatus == "ACTIVE"
		}, "the load balancer is not ACTIVE again")
		return lb
	}
	lb := active()
	if lb.VIPAddress != out["vip"] || len(lb.Pools) != 1 || lb.Pools[0].ID != poolID || len(lb.Pools[0].Members) != 1 {
		t.Fatalf("load balancer is %+v, outputs %v", lb, out)
	}
	members, err := h.cloud.Members(t.Context(), poolID)
	if err != nil || len(members) != 1 {
		t.Fatalf("members: %+v, %v", members, err)
	}
	m := members[0]
	if m.Weight != 1 || !m.AdminUp || m.Address != "10.77.0.9" || m.Port != 80 || len(m.Tags) != 0 || m.ID != lb.Pools[0].Members[0].ID {
		t.Errorf("member is %+v", m)
	}
	weight, tags := 0, []string{"drain-since=2026-01-05T09:00:00Z", "drain=1"}
	// A real Octavia may be done before the next request comes in, so one refusal in several tries is what can be had.
	refused := func() bool {
		err := h.cloud.ChangeMember(t.Context(), poolID, m.ID, openstack.MemberChange{Weight: &weight, Tags: &tags})
		if err != nil {
			wantCode(t, err, openstack.Busy)
		}
		return err != nil
	}
	h.eventually(t, func() bool {
		first := refused()
		return first || refused()
	}, "no change was refused while another was being made")
	active()
	marked := func() bool {
		members, err := h.cloud.Members(t.Context(), poolID)
		if err != nil || len(members) != 1 || members[0].Weight != 0 {
			return false
		}
		slices.Sort(members[0].Tags) // Octavia keeps them as a set
		return slices.Equal(members[0].Tags, tags)
	}
	if !marked() {
		t.Error("weight and tags are not set")
	}
	h.patched(t, ref, openstack.StackChange{Parameters: params("note", "x")})
	if !marked() {
		t.Error("an update of the stack took the marks away")
	}
	none, other := []string{}, 1
	h.eventually(t, func() bool {
		err := h.cloud.ChangeMember(t.Context(), poolID, m.ID, openstack.MemberChange{Weight: &other, Tags: &none})
		return err == nil
	}, "the marks cannot be taken away")
	active()
	if members, err := h.cloud.Members(t.Context(), poolID); err != nil || members[0].Weight != 1 || len(members[0].Tags) != 0 {
		t.Errorf("unmarked: %+v, %v", members, err)
	}
	wantCode(t, h.cloud.ChangeMember(t.Context(), poolID, "00000000-0000-4000-8000-000000000000", openstack.MemberChange{Weight: &other}), openstack.Gone)
	h.gone(t, ref)
}

func serverRoom(h *harness) {
	t := h.t
	before, err := h.cloud.ServerRoom(t.Context())
	if err != nil || before.Servers < 1 || before.Cores < 1 || before.RAM < 64 {
		t.Fatalf("room is %+v, %v", before, err)
	}
	h.built(t, openstack.NewStack{Template: served})
	// Other rows make and delete servers meanwhile.
	if after, err := h.cloud.ServerRoom(t.Context()); err != nil || after.Servers < 0 || before.Servers == math.MaxInt && after != before {
		t.Errorf("room is %+v, %v; %+v before", after, err, before)
	}
}

func keyPairs(h *harness) {
	t := h.t
	const public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKrvVwPBuqYcFvZJcPFDE6VkFF6wbcg0FDfKKSKJtWwd owner"
	name := fresh()
	t.Cleanup(func() { _ = h.cloud.DeleteKeyPair(context.WithoutCancel(t.Context()), name) })
	_, err := h.cloud.KeyPair(t.Context(), name)
	wantCode(t, err, openstack.Gone)
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = h.cloud.CreateKeyPair(t.Context(), name, public) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		wantCode(t, err, openstack.Conflict)
	}
	if won != 1 {
		t.Errorf("%d of %d won", won, len(errs))
	}
	if k, err := h.cloud.KeyPair(t.Context(), name); err != nil || k.Name != name || k.PublicKey != public || k.Created.IsZero() {
		t.Errorf("read: %+v, %v", k, err)
	}
	if err := h.cloud.DeleteKeyPair(t.Context(), name); err != nil {
		t.Errorf("delete: %v", err)
	}
	wantCode(t, h.cloud.DeleteKeyPair(t.Context(), name), openstack.Gone)
	if err := h.cloud.CreateKeyPair(t.Context(), name, public); err != nil {
		t.Errorf("once more: %v", err)
	}
}

func serverLife(h *harness) {
	t := h.t
	ref := h.built(t, openstack.NewStack{Template: served})
	s, ids := h.read(t, ref), h.physical(t, ref, 0)
	one := func() openstack.Server {
		t.Helper()
		servers, err := h.cloud.Servers(t.Context(), ids["server"])
		if err != nil || len(servers) != 1 {
			t.Fatalf("servers: %+v, %v", servers, err)
		}
		return servers[0]
	}
	if got := one(); got.Status != "ACTIVE" || len(got.Addresses) != 1 || got.Addresses[0] != s.Outputs["address"] {
		t.Errorf("server is %+v, outputs %v", got, s.Outputs)
	}
	nets, _ := s.Outputs["networks"].(map[string]any)
	if net, _ := s.Outputs["net"].(string); nets[net] == nil {
		t.Errorf("networks are %v, want the key %s", nets, net)
	}
	wantState(t, h.acted(t, ref, openstack.Suspend), "SUSPEND_COMPLETE")
	if got := one(); got.Status != "SUSPENDED" {
		t.Errorf("suspended server is %s", got.Status)
	}
	wantState(t, h.acted(t, ref, openstack.Resume), "RESUME_COMPLETE")
	if got := one(); got.Status != "ACTIVE" {
		t.Errorf("resumed server is %s", got.Status)
	}
	if got := h.raw(t, "nova", http.MethodDelete, "/servers/"+ids["server"], nil); got.status != http.StatusNoContent {
		t.Fatalf("delete behind Heat's back: %d", got.status)
	}
	h.eventually(t, func() bool {
		servers, err := h.cloud.Servers(t.Context(), ids["server"])
		return err == nil && len(servers) == 0
	}, "the server does not go")
	wantState(t, h.patched(t, ref, openstack.StackChange{}), "UPDATE_COMPLETE") // notices nothing
	if again := h.physical(t, ref, 0); again["server"] != ids["server"] {
		t.Errorf("a plain update replaced the server: %v", again)
	}
	s = h.acted(t, ref, openstack.Check)
	wantState(t, s, "CHECK_FAILED")
	t.Logf("reason: %s", s.Reason)
	wantState(t, h.patched(t, ref, openstack.StackChange{}), "UPDATE_COMPLETE")
	if again := h.physical(t, ref, 0); again["server"] == ids["server"] {
		t.Error("the server was not rebuilt after check")
	}
}

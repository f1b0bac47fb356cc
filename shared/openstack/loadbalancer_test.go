package openstack_test

import (
	"net/http"
	"reflect"
	"testing"

	"github.com/stackhook/stackhook/shared/openstack"
)

const shownBalancer = `{"loadbalancer": {"id": "lb1", "name": "web", "vip_address": "10.0.0.9", "provisioning_status": "ACTIVE"}}`

func TestOctaviaTree(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.handle("GET /octavia/v2.0/lbaas/loadbalancers/lb1", answers(http.StatusOK, shownBalancer))
	p.handle("GET /octavia/v2.0/lbaas/loadbalancers/lb1/status", answers(http.StatusOK, `{"statuses": {"loadbalancer": {
		"id": "lb1", "name": "web", "provisioning_status": "PENDING_UPDATE", "operating_status": "ONLINE", "listeners": [
		{"id": "l1", "pools": [{"id": "p1", "name": "app", "provisioning_status": "ACTIVE", "operating_status": "ONLINE", "members": [
			{"id": "m1", "name": "0", "address": "10.0.0.1", "protocol_port": 80, "provisioning_status": "ACTIVE", "operating_status": "DRAINING"}]}]},
		{"id": "l2", "pools": [{"id": "p1"}, {"id": "p2"}]}]}}}`))
	ctx := counting(t)
	got, err := p.cloud(t).LoadBalancer(ctx, "lb1")
	want := openstack.LoadBalancer{
		ID: "lb1", Name: "web", VIPAddress: "10.0.0.9", ProvisioningStatus: "PENDING_UPDATE", OperatingStatus: "ONLINE",
		Pools: []openstack.Pool{
			{ID: "p1", Name: "app", ProvisioningStatus: "ACTIVE", OperatingStatus: "ONLINE", Members: []openstack.Member{
				{ID: "m1", Name: "0", Address: "10.0.0.1", Port: 80, ProvisioningStatus: "ACTIVE", OperatingStatus: "DRAINING"},
			}},
			{ID: "p2", Members: []openstack.Member{}},
		},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("load balancer:\n got %+v, %v\nwant %+v", got, err, want)
	}
	wantCalls(ctx, t, "keystone POST /auth/tokens", "octavia GET /lbaas/loadbalancers/{}", "octavia GET /lbaas/loadbalancers/{}/status")
}

func TestLBaaSv2WithoutOctavia(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.skip = []string{"load-balancer"}
	p.handle("GET /neutron/v2.0/lbaas/loadbalancers/lb1", answers(http.StatusOK, shownBalancer))
	p.handle("GET /neutron/v2.0/lbaas/loadbalancers/lb1/statuses", answers(http.StatusOK, `{"statuses": {"loadbalancer": {
		"id": "lb1", "provisioning_status": "ACTIVE", "operating_status": "ONLINE",
		"pools": [{"id": "p1", "members": []}, {"id": "p2", "members": []}], "listeners": [{"id": "l1", "pools": [{"id": "p1", "members": []}]}]}}}`))
	p.handle("GET /neutron/v2.0/lbaas/pools/p1/members", answers(http.StatusOK, `{"members": [{"id": "m1", "weight": 1, "admin_state_up": true}]}`))
	last := record(t, p, "PUT /neutron/v2.0/lbaas/pools/p1/members/m1", http.StatusOK, `{"member": {}}`)
	ctx := counting(t)
	cloud := p.cloud(t)
	got, err := cloud.LoadBalancer(ctx, "lb1")
	if err != nil || len(got.Pools) != 2 || got.VIPAddress != "10.0.0.9" {
		t.Errorf("load balancer: got %+v, %v", got, err)
	}
	members, err := cloud.Members(ctx, "p1")
	if want := []openstack.Member{{ID: "m1", Weight: 1, AdminUp: true}}; err != nil || !reflect.DeepEqual(members, want) {
		t.Errorf("members: got %+v, %v", members, err)
	}
	tags, weight := []string{"draining"}, 0
	if err := cloud.ChangeMember(ctx, "p1", "m1", openstack.MemberChange{Weight: &weight, Tags: &tags}); err != nil || last.Body != `{"member":{"weight":0}}` {
		t.Errorf("change: sent %s, %v", last.Body, err)
	}
	if err := cloud.ChangeMember(ctx, "p1", "m1", openstack.MemberChange{Tags: &tags}); err != nil {
		t.Errorf("change of tags alone: %v", err)
	}
	wantCalls(ctx, t, "keystone POST /auth/tokens", "neutron GET /lbaas/loadbalancers/{}", "neutron GET /lbaas/loadbalancers/{}/statuses",
		"neutron GET /lbaas/pools/{}/members", "neutron PUT /lbaas/pools/{}/members/{}")
}

func TestMembersArePaged(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.handle("GET /octavia/v2.0/lbaas/pools/p1/members", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("marker") == "m1" {
			answers(http.StatusOK, `{"members": [{"id": "m2", "tags": ["a"]}], "members_links": [{"rel": "previous"}]}`)(w, r)
			return
		}
		answers(http.StatusOK, `{"members": [{"id": "m1", "weight": 5}], "members_links": [{"rel": "next", "href": "http://inside/"}]}`)(w, r)
	})
	got, err := p.cloud(t).Members(t.Context(), "p1")
	if want := []openstack.Member{{ID: "m1", Weight: 5}, {ID: "m2", Tags: []string{"a"}}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("members: got %+v, %v", got, err)
	}
}

func TestChangeMember(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	last := record(t, p, "PUT /octavia/v2.0/lbaas/pools/p1/members/m1", http.StatusOK, `{"member": {}}`)
	cloud := p.cloud(t)
	zero, down, none, some := 0, false, []string(nil), []string{"draining=2026"}
	for want, change := range map[string]openstack.MemberChange{
		`{"member":{"weight":0}}`:             {Weight: &zero},
		`{"member":{"admin_state_up":false}}`: {AdminUp: &down},
		`{"member":{"tags":[]}}`:              {Tags: &none},
		`{"member":{"admin_state_up":false,"tags":["draining=2026"],"weight":0}}`: {Weight: &zero, AdminUp: &down, Tags: &some},
	} {
		for range 2 { // the same again changes nothing
			if err := cloud.ChangeMember(t.Context(), "p1", "m1", change); err != nil || last.Body != want {
				t.Errorf("sent %s, %v; want %s", last.Body, err, want)
			}
		}
	}
}

// One request each, and only one: a pool's persistence, and a load balancer's status.
func TestPoolAndStatus(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.handle("GET /octavia/v2.0/lbaas/pools/p1", answers(http.StatusOK, `{"pool": {"id": "p1", "provisioning_status": "ERROR",
		"session_persistence": {"type": "APP_COOKIE", "cookie_name": "sessionid"}, "loadbalancers": [{"id": "lb1"}]}}`))
	p.handle("GET /octavia/v2.0/lbaas/pools/p2", answers(http.StatusOK, `{"pool": {"id": "p2", "session_persistence": null, "loadbalancers": []}}`))
	p.handle("GET /octavia/v2.0/lbaas/pools/p3", answers(http.StatusOK, `{"pools": []}`))
	p.handle("GET /octavia/v2.0/lbaas/loadbalancers/lb1", answers(http.StatusOK, shownBalancer))
	p.handle("GET /octavia/v2.0/lbaas/loadbalancers/lb2", answers(http.StatusOK, `{}`))
	ctx, cloud := counting(t), p.cloud(t)
	for id, want := range map[string]openstack.PoolSettings{
		"p1": {ID: "p1", ProvisioningStatus: "ERROR", Persistence: "APP_COOKIE", LoadBalancer: "lb1"}, "p2": {ID: "p2"},
	} {
		if got, err := cloud.Pool(ctx, id); err != nil || got != want {
			t.Errorf("pool %s: got %+v, %v", id, got, err)
		}
	}
	if got, err := cloud.LoadBalancerStatus(ctx, "lb1"); err != nil || got != "ACTIVE" {
		t.Errorf("status %q, %v", got, err)
	}
	wantCalls(ctx, t, "keystone POST /auth/tokens", "octavia GET /lbaas/pools/{}", "octavia GET /lbaas/pools/{}", "octavia GET /lbaas/loadbalancers/{}")
	_, err := cloud.Pool(ctx, "p3")
	wantCode(t, err, openstack.Broken)
	_, err = cloud.LoadBalancerStatus(ctx, "lb2")
	wantCode(t, err, openstack.Broken)
}

package openstacktest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

func TestDrain(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]openstacktest.Option{"octavia": nil, "lbaasv2": {openstacktest.NoOctavia()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, cloud := start(t, opts...)
			s := clusterStack()
			if opts != nil {
				s.Template = strings.ReplaceAll(s.Template, "OS::Octavia", "OS::Neutron::LBaaS")
			}
			ref := create(t, cloud, s)
			fake.Settle()
			out := wantState(t, cloud, ref, "CREATE_COMPLETE").Outputs
			pool, _ := out["pool"].(string)
			lbID, _ := out["lb"].(string)
			m := fake.Members()[0]
			weight := 0
			change := openstack.MemberChange{Weight: &weight, Tags: &[]string{"drain=1"}}
			if err := cloud.ChangeMember(t.Context(), pool, m.ID, change); err != nil {
				t.Fatal(err)
			}
			wantCode(t, cloud.ChangeMember(t.Context(), pool, m.ID, change), openstack.Busy)
			fake.Advance(2 * time.Second)
			lb, err := cloud.LoadBalancer(t.Context(), lbID)
			if err != nil || lb.ProvisioningStatus != "ACTIVE" || len(lb.Pools) != 1 || len(lb.Pools[0].Members) != 2 || lb.Pools[0].Members[0].OperatingStatus != "DRAINING" {
				t.Errorf("load balancer is %+v, %v", lb, err)
			}
			members, err := cloud.Members(t.Context(), pool)
			if err != nil || members[0].Weight != 0 || members[1].Weight != 1 || (len(members[0].Tags) == 1) != (opts == nil) {
				t.Errorf("members are %+v, %v", members, err)
			}
			fake.SetMemberStatus(members[1].ID, "ERROR")
			if lb, err := cloud.LoadBalancer(t.Context(), lbID); err != nil || lb.Pools[0].Members[1].OperatingStatus != "ERROR" {
				t.Errorf("load balancer is %+v, %v", lb, err)
			}
			fake.SetLoadBalancerStatus(lbID, "ERROR")
			wantCode(t, cloud.ChangeMember(t.Context(), pool, m.ID, change), openstack.Busy)
		})
	}
}

// A batch that does not name the weight sets it back to 1, and members it does not name are deleted.
func TestBatchResetsWeight(t *testing.T) {
	t.Parallel()
	fake, cloud := start(t)
	ref := create(t, cloud, clusterStack())
	fake.Settle()
	pool, _ := wantState(t, cloud, ref, "CREATE_COMPLETE").Outputs["pool"].(string)
	m, weight := fake.Members()[0], 0
	if err := cloud.ChangeMember(t.Context(), pool, m.ID, openstack.MemberChange{Weight: &weight}); err != nil {
		t.Fatal(err)
	}
	fake.Settle()
	body := `{"members": [{"address": "` + m.Address + `", "protocol_port": 80}]}`
	if status, got := call(t, fake, http.MethodPut, "/octavia/v2.0/lbaas/pools/"+pool+"/members", fake.Token(), body); status != http.StatusAccepted {
		t.Fatalf("batch: %d %v", status, got)
	}
	if left := fake.Members(); len(left) != 1 || left[0].ID != m.ID || left[0].Weight != 1 {
		t.Errorf("members are %+v", left)
	}
}

func TestAlarms(t *testing.T) {
	t.Parallel()
	fake, cloud := start(t)
	ref := create(t, cloud, openstack.NewStack{Name: "c1", Template: `
heat_template_version: 2018-03-02
resources:
  busy:
    type: OS::Aodh::GnocchiAggregationByResourcesAlarm
    properties: {metric: cpu, threshold: 80, resource_type: instance, query: "{}", alarm_actions: ["https://hooks.example.org/out"], repeat_actions: true}
`})
	fake.Settle()
	alarms := fake.Alarms()
	if len(alarms) != 1 || alarms[0].StackID != ref.ID || alarms[0].AlarmActions[0] != "https://hooks.example.org/out" || !strings.HasPrefix(alarms[0].Name, "c1-busy-") {
		t.Errorf("alarms are %+v", alarms)
	}
}

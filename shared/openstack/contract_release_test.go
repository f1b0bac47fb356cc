package openstack_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// Rows whose answer depends on the release: the cloud itself says which one it is.

func releaseRows() []row {
	return []row{
		{"resource types that are shown, hidden, or not known, by release", typesOfRelease},
		{"LBaaSv2 without the extension: refused, or taken and nothing made, by release", emptyShell},
		{"an alarm on Prometheus, where the release has it", prometheusAlarm},
	}
}

const (
	prometheusType = "OS::Aodh::PrometheusAlarm"
	lbaasType      = "OS::Neutron::LBaaS::LoadBalancer"
)

// release is Epoxy for every Heat from 22 on, and Zed for those before.
func (h *harness) release(t *testing.T) openstacktest.Release {
	t.Helper()
	switch got := h.raw(t, "heat", http.MethodGet, "/resource_types/"+prometheusType, nil); got.status {
	case http.StatusOK:
		return openstacktest.Epoxy
	case http.StatusNotFound:
		return openstacktest.Zed
	default:
		t.Fatalf("which release is it? %d %v", got.status, got.body)
		return ""
	}
}

func typesOfRelease(h *harness) {
	t := h.t
	want := map[string]string{lbaasType: "ResourceTypeUnavailable", prometheusType: "EntityNotFound", "OS::Octavia::LoadBalancer": ""}
	if h.release(t) == openstacktest.Epoxy {
		want = map[string]string{
			lbaasType: "NotSupported", prometheusType: "", "OS::Octavia::LoadBalancer": "",
			"OS::Neutron::LBaaS::PoolMember": "NotSupported", "OS::Senlin::Cluster": "NotSupported", "OS::Glance::Image": "NotSupported",
		}
	}
	for name, kind := range want {
		got := h.raw(t, "heat", http.MethodGet, "/resource_types/"+name, nil)
		fault, _ := got.body["error"].(map[string]any)
		if said, _ := fault["type"].(string); said != kind || (kind == "") != (got.status == http.StatusOK) {
			t.Errorf("%s: %d %v, want %q", name, got.status, got.body, kind)
		}
	}
}

const shell = `
heat_template_version: 2018-03-02
resources:
  lb: {type: OS::Neutron::LBaaS::LoadBalancer, properties: {vip_subnet: none}}
outputs:
  id: {value: {get_resource: lb}}
  vip: {value: {get_attr: [lb, vip_address]}}
`

func emptyShell(h *harness) {
	t := h.t
	if h.release(t) != openstacktest.Epoxy {
		_, err := h.cloud.CreateStack(t.Context(), openstack.NewStack{Name: fresh(), Template: shell})
		if err == nil || !strings.Contains(err.Error(), "lbaasv2") {
			t.Errorf("without the extension: %v", err)
		}
		wantCode(t, err, openstack.Refused)
		return
	}
	ref := h.built(t, openstack.NewStack{Template: shell})
	got := h.read(t, ref)
	if id, _ := got.Outputs["id"].(string); len(id) != 36 || got.Outputs["vip"] != nil {
		t.Errorf("a load balancer made of nothing: %v", got.Outputs)
	}
	h.gone(t, ref)
}

const onPrometheus = `
heat_template_version: 2018-03-02
resources:
  busy: {type: OS::Aodh::PrometheusAlarm, properties: {query: up, comparison_operator: gt, threshold: 0.5, alarm_actions: ["http://127.0.0.1:9/"]}}
`

func prometheusAlarm(h *harness) {
	t := h.t
	s := openstack.NewStack{Name: fresh(), Template: onPrometheus}
	if h.release(t) == openstacktest.Epoxy {
		h.gone(t, h.built(t, s))
		return
	}
	_, err := h.cloud.CreateStack(t.Context(), s)
	wantCode(t, err, openstack.Refused)
}

//go:build integration

package heattemplates_test

import (
	"slices"
	"testing"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
	"github.com/stackhook/stackhook/shared/openstack"
)

// A real Heat and a real Aodh make every kind of alarm that a cluster may have.
func TestContractRealClusterAlarms(t *testing.T) {
	t.Parallel()
	template, err := heattemplates.Load("cluster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r := makeStack(t, template, map[string]any{
		"image": "debian-12", "flavor": "m1.tiny", "app_count": 0, "alarm_ticks": true, "replace_url": "http://127.0.0.1:9/replace",
		"scale_out_url": "http://127.0.0.1:9/out", "scale_in_url": "http://127.0.0.1:9/in", "alarm_second_metric": "memory.usage", "alarm_granularity": 60,
	})
	r.until("complete", func(s openstack.Stack) bool { return s.Status != "IN_PROGRESS" })
	list, err := r.cloud.Resources(t.Context(), r.ref, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"alarm_out_either", "alarm_in", "alarm_health"} {
		i := slices.IndexFunc(list, func(r openstack.Resource) bool { return r.Name == name })
		if i < 0 || list[i].Action+list[i].Status != "CREATECOMPLETE" || list[i].PhysicalID == "" {
			t.Errorf("%s is not there: %+v", name, list)
		}
	}
	if err := r.cloud.DeleteStack(t.Context(), r.ref); err != nil {
		t.Error(err)
	}
}

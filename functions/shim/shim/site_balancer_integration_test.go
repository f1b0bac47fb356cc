//go:build integration

package shim_test

import (
	"crypto/rand"
	"net/http"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/openstack"
)

// TestRealSiteAsksForLBaaSv2: no cloud of today makes one, and 2025.1 would take the site without a word and make no load
// balancer. It is refused with the reason before anything is made.
func TestRealSiteAsksForLBaaSv2(t *testing.T) {
	t.Parallel()
	c, cloud, _ := onRealCloud(t)
	found, err := cloud.Balancing(t.Context(), true)
	if err != nil || !found.Octavia || found.Heat || found.Extension {
		t.Fatalf("load balancing: %+v, %v", found, err)
	}
	reason := "the cloud's network service does not have that extension"
	if found.Shell {
		reason = "takes such load balancers and makes nothing of them"
	}
	name := "site-" + strings.ToLower(rand.Text()[:8])
	t.Cleanup(func() { removeStack(t, cloud, name) })
	for _, ask := range []struct{ method, path string }{{http.MethodPost, "/preview"}, {http.MethodPut, ""}} {
		r := c.call(ask.method, "/deploy-site/sites/"+name+ask.path, "application/json", `{"hosts": {"lms": "`+name+`.example.org"},
			"contact_email": "ops@example.org", "network": {"external": ""}, "app": {"flavor": "m1.tiny"}, "backend": {"flavor": "m1.tiny"},
			"load_balancer": {"kind": "lbaasv2"}}`, "Authorization", "Bearer "+c.s.Keys().APIToken)
		if r.code != http.StatusUnprocessableEntity || !strings.Contains(r.body, "load_balancer.kind") || !strings.Contains(r.body, reason) {
			t.Errorf("%s: %d %s", ask.method, r.code, r.body)
		}
	}
	if made, err := cloud.FindStack(t.Context(), name); openstack.CodeOf(err) != openstack.Gone {
		t.Errorf("made after all: %+v, %v", made, err)
	}
}

//go:build integration

package heattemplates_test

import (
	"crypto/rand"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
	"github.com/stackhook/stackhook/shared/openstack"
)

// variant is a site with something that not every site has.
type variant struct {
	parameters map[string]any
	up         func(*realSite, openstack.Stack) // what is seen of it when the site is up; nil if that it comes up says all
	gone       func()                           // and when it was deleted
}

func only(parameters map[string]any) func(*testing.T) variant {
	return func(*testing.T) variant { return variant{parameters: parameters} }
}

// TestRealRowsVariants has Heat look at each variant as at a new stack, and make it: all services that a site can ask for are there, but
// for LBaaSv2. What Heat makes in them is looked at in the services themselves. The other tests make the site that has none of it.
func TestRealRowsVariants(t *testing.T) {
	t.Parallel()
	cloud := realCloud(t)
	template := siteTemplate(t)
	for name, prepared := range map[string]func(*testing.T) variant{
		"inside":  only(map[string]any{"external_network": ""}),
		"tls":     terminated,
		"alarms":  only(map[string]any{"scale_out_url": "http://127.0.0.1:9/o", "scale_in_url": "http://127.0.0.1:9/i"}),
		"waiting": only(map[string]any{"app_wait": 5, "admin_cidr": "10.9.0.0/16"}),
		"apart":   apart,
		"rotating": only(map[string]any{
			"slots": map[string]any{
				"mysql": map[string]any{"data": "b", "both": "yes"}, "redis": map[string]any{"app": "b", "both": "yes"}, "mongodb": map[string]any{"data": "b", "app": "b", "both": "yes"},
				"word": map[string]any{"data": "one", "app": "two"},
			},
			"mysql_b": map[string]any{"mysql_password": secret}, "redis_b": map[string]any{"redis_password": secret}, "mongodb_b": map[string]any{"mongodb_key": secret},
		}),
		"dns":     named,
		"given":   only(map[string]any{"s3_public_bucket": "faces"}),
		"buckets": stored,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := prepared(t)
			v.parameters = siteParameters(map[string]any{"external_network": "public"}, v.parameters)
			list, err := cloud.PreviewStack(t.Context(), openstack.NewStack{
				Name: "template-" + strings.ToLower(rand.Text()), Template: template.Text, Files: template.Files, Parameters: v.parameters,
			})
			if err != nil || len(list) < 25 {
				t.Fatalf("%d resources, %v", len(list), err)
			}
			comesUp(t, v)
		})
	}
	// Of a type that is missing in a nested template Zed's Heat says 500, as it cannot read its own error; 2025.1 takes it and makes
	// nothing. deploy-site finds out beforehand ([openstack.Cloud.Balancing]), and so do we here, by the nested template.
	balancer, err := heattemplates.Load("site-lb-lbaasv2.yaml")
	if err != nil {
		t.Fatal(err)
	}
	found, err := cloud.Balancing(t.Context(), true)
	if err != nil || found.Heat {
		t.Errorf("load balancing: %+v, %v", found, err)
	}
	err = cloud.ValidateTemplate(t.Context(), balancer.Text, balancer.Files)
	if found.Shell != (err == nil) || err != nil && !strings.Contains(err.Error(), "Required extension lbaasv2") {
		t.Errorf("lbaasv2: %v, and %+v", err, found)
	}
}

// comesUp makes a site and takes it away.
func comesUp(t *testing.T, v variant) {
	t.Helper()
	s := makeSite(t, v.parameters)
	up := s.placed()
	for name, id := range s.volumesOf(up.Outputs) {
		s.blocks.want(t, id, s.ref.Name, name, "in-use")
	}
	if v.up != nil {
		v.up(s, up)
	}
	s.removed(slices.Collect(maps.Values(s.byName())), up.Outputs["address"])
	if v.gone != nil {
		v.gone()
	}
}

// outOfHosts is how Nova says that it gave up: Zed, and 2025.1.
var outOfHosts = regexp.MustCompile("Exhausted all hosts|Exceeded max scheduling attempts")

// placed waits for a site. Of three servers made at once Nova looks only afterwards whether they are apart, and gives one up that has met
// another on each of three hosts: that node is made again, as the templates' page has it.
func (s *realSite) placed() openstack.Stack {
	s.t.Helper()
	got := s.ends()
	for _, index := range []string{"0", "1", "2"} {
		if got.State() == "CREATE_FAILED" && outOfHosts.MatchString(got.Reason) && strings.Contains(got.Reason, "node_"+index) {
			s.t.Logf("Nova gave up node_%s: %s", index, got.Reason)
			s.change(map[string]any{"backend_absent": index})
			return s.change(map[string]any{"backend_absent": ""})
		}
	}
	if got.State() != "CREATE_COMPLETE" {
		s.t.Fatalf("%s: %s", got.State(), got.Reason)
	}
	return got
}

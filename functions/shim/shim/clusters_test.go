package shim_test

import (
	"net/http"
	"strings"
	"testing"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/openstack"
)

// cluster makes a cluster of n nodes by hand, as an operator may.
func (o office) cluster(name string, n int) {
	o.t.Helper()
	template, err := heattemplates.Load("cluster.yaml")
	if err != nil {
		o.t.Fatal(err)
	}
	cloud, err := openstack.New(openstack.Options{Getenv: config.Map(o.fake.Env()).Getenv})
	if err != nil {
		o.t.Fatal(err)
	}
	_, err = cloud.CreateStack(o.t.Context(), openstack.NewStack{
		Name: name, Template: template.Text, Files: template.Files, Tags: []string{"stackhook"},
		Parameters: map[string]any{"image": "debian-12", "flavor": "m1.small", "app_count": n, "app_max": 4, "cooldown_out": 0, "cooldown_in": 0},
	})
	if err != nil {
		o.t.Fatal(err)
	}
	eventually(o.t, "a cluster that is up", func() (string, bool) {
		s, _ := o.fake.Stack(name)
		return s.State, s.State == "CREATE_COMPLETE"
	})
}

// TestClustersPages: all clusters, one of them with its members, decisions and the chart of its size, and a dry run that
// changes nothing.
func TestClustersPages(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	if page := o.page("/dev/clusters"); !strings.Contains(page, "No clusters yet") {
		t.Errorf("without clusters:\n%s", page)
	}
	o.cluster("academy", 1)
	o.holds("/dev/clusters/academy", "<h1>academy</h1>", "Its size was not changed yet", `<tr role="row" data-node="0">`, "ONLINE")
	set := o.call(http.MethodPost, "/scale-cluster/academy/set", "application/json", `{"to": 3}`, "Authorization", "Bearer "+o.s.Keys().APIToken)
	if set.code != http.StatusAccepted {
		t.Fatalf("set: %d %s", set.code, set.body)
	}
	eventually(t, "three nodes", func() (string, bool) {
		s, _ := o.fake.Stack("academy")
		return s.State, s.State == "UPDATE_COMPLETE"
	})
	o.holds("/dev/clusters", `data-name="academy"`, `<a href="/dev/clusters/academy">`, "1 to 4")
	o.holds("/dev/clusters/academy", `<polyline points="`, `data-node="2"`, `data-code="scaled"`, "1 → 3")
	o.holds("/dev/clusters/academy?try=in&by=2", `data-code="scaled"`, "from 3 nodes to 1", "It would be the turn of 0, 1.",
		`data-work="0">Node 0: ONLINE, removed at once.`, `data-work="1">`)
	o.holds("/dev/clusters/academy?try=out&by=x", "Say out or in, and how many nodes")
	if s, _ := o.fake.Stack("academy"); s.State != "UPDATE_COMPLETE" || s.Parameters["app_count"] != "3" {
		t.Errorf("a dry run left %s with %v", s.State, s.Parameters["app_count"])
	}
	o.holds("/dev/clusters/nobody", `role="alert"`, "There is no cluster of this name")
	if r := o.call(http.MethodPost, "/dev/clusters/academy/delete", "", ""); r.code != http.StatusNotFound {
		t.Errorf("an order that is none: %d", r.code)
	}
}

// holds says what of the texts a page lacks.
func (o office) holds(path string, texts ...string) {
	o.t.Helper()
	page := o.page(path)
	for _, text := range texts {
		if !strings.Contains(page, text) {
			o.t.Errorf("%s lacks %q:\n%s", path, text, page)
		}
	}
}

//go:build integration && compare

package shim_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
	"github.com/stackhook/stackhook/shared/openstack"
)

// webhook posts what Aodh would.
func webhook(t *testing.T, address string, n int) sent {
	t.Helper()
	id := rand.Text()
	note := aodhSays("", id, "alarm", 80+float64(n)/100)
	client := &http.Client{Timeout: time.Minute}
	defer client.CloseIdleConnections()
	begun := time.Now()
	reply, err := client.Post(address, "application/json", strings.NewReader(note.body))
	if err != nil {
		t.Logf("notification %d: %v", n, err)
		return sent{took: time.Since(begun)}
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Logf("notification %d: %v", n, err)
	}
	return sent{time.Since(begun), reply.StatusCode, string(text)}
}

func stackhook(t *testing.T) *rival {
	t.Helper()
	f := newFleet(t, 1, fmt.Sprintf(`{min: 1, max: %d, cooldown_out: 0s, cooldown_in: 0s}`, mostNodes))
	return &rival{
		name: "Stackhook", pool: f.pool,
		post: func(n int) sent { return webhook(t, f.s.ScaleURL(f.name, "out"), n) },
		idle: func() bool {
			s, err := f.cloud.StackParameters(t.Context(), f.ref)
			return err == nil && s.Status == "COMPLETE"
		},
		recorded: func([]sent) int { return 0 },
	}
}

// ground is what nodes that are not ours stand on: the network, pool and load balancer of a cluster without nodes.
type ground struct {
	*fleet

	api    *gnocchi
	values map[string]any // parameters of cluster-node.yaml
}

func newGround(t *testing.T) *ground {
	t.Helper()
	f := newFleet(t, 0, `{min: 1, max: 2}`)
	g := &ground{fleet: f, api: newGnocchi(t)}
	stack, err := f.cloud.Stack(t.Context(), f.ref)
	if err != nil {
		t.Fatal(err)
	}
	list, err := f.cloud.Resources(t.Context(), f.ref, 0)
	if err != nil {
		t.Fatal(err)
	}
	id := map[string]string{}
	for _, r := range list {
		id[r.Name] = r.PhysicalID
	}
	g.values = map[string]any{
		"name": f.name, "image": "debian-12", "flavor": "m1.tiny", "network": id["net"], "subnet": id["net_subnet"],
		"security_group": id["security_group"], "pool": stack.Outputs["pool_id"], "app_port": 80, "server_group": f.name,
	}
	return g
}

// heatPolicy is an OS::Heat::ScalingPolicy of an OS::Heat::AutoScalingGroup, called at its alarm_url.
func heatPolicy(t *testing.T) *rival {
	t.Helper()
	g := newGround(t)
	node, err := heattemplates.Load("cluster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	template := map[string]any{
		"heat_template_version": "2018-08-31",
		"resources": map[string]any{
			"group": map[string]any{"type": "OS::Heat::AutoScalingGroup", "properties": map[string]any{
				"min_size": 1, "max_size": mostNodes, "cooldown": 0,
				"resource": map[string]any{"type": "cluster-node.yaml", "properties": g.values},
			}},
			"policy": map[string]any{"type": "OS::Heat::ScalingPolicy", "properties": map[string]any{
				"auto_scaling_group_id": map[string]any{"get_resource": "group"}, "adjustment_type": "change_in_capacity", "scaling_adjustment": 1, "cooldown": 0,
			}},
		},
		"outputs": map[string]any{"url": map[string]any{"value": map[string]any{"get_attr": []string{"policy", "alarm_url"}}}},
	}
	text, err := yaml.Marshal(template)
	if err != nil {
		t.Fatal(err)
	}
	name := g.name + "-policy"
	ref, err := g.cloud.CreateStack(t.Context(), openstack.NewStack{Name: name, Template: string(text), Files: node.Files})
	t.Cleanup(func() { removeStack(t, g.cloud, name) })
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the group is there", patience, func() (string, bool) {
		s, err := g.cloud.StackParameters(t.Context(), ref)
		return s.State(), err == nil && s.State() == "CREATE_COMPLETE"
	})
	stack, err := g.cloud.Stack(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	list, err := g.cloud.Resources(t.Context(), ref, 0)
	if err != nil {
		t.Fatal(err)
	}
	nested := list[slices.IndexFunc(list, func(r openstack.Resource) bool { return r.Name == "group" })].PhysicalID
	events := func() int {
		var reply struct {
			Events []struct {
				Status string `json:"resource_status"`
			}
		}
		for !g.look(g.api.heat+"/stacks/"+name+"/"+ref.ID+"/resources/policy/events?limit=1000", &reply) {
			if t.Context().Err() != nil {
				t.Fatal("Heat does not tell its events")
			}
		}
		n := 0
		for _, e := range reply.Events {
			if strings.HasPrefix(e.Status, "SIGNAL_") {
				n++
			}
		}
		return n
	}
	address, _ := stack.Outputs["url"].(string)
	before := 0
	return &rival{
		name: "Heat's ScalingPolicy, `alarm_url`", pool: g.pool,
		post: func(n int) sent {
			if n == 1 {
				before = events()
			}
			return webhook(t, address, n)
		},
		idle: func() bool {
			var reply struct {
				Stack struct {
					Status string `json:"stack_status"`
				}
			}
			return g.look(g.api.heat+"/stacks/"+nested, &reply) && strings.HasSuffix(reply.Stack.Status, "_COMPLETE")
		},
		recorded: func([]sent) int { return events() - before },
	}
}

// senlin is a cluster of os.heat.stack nodes, one stack of cluster-node.yaml each, called at its receiver's webhook.
func senlin(t *testing.T) *rival {
	t.Helper()
	g := newGround(t)
	node, err := heattemplates.Load("cluster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var template map[string]any
	if err := yaml.Unmarshal([]byte(node.Files["cluster-node.yaml"]), &template); err != nil || template == nil {
		t.Fatalf("read cluster-node.yaml: %v", err)
	}
	template["heat_template_version"] = "2018-08-31" // YAML makes a time of it
	const base = "http://127.0.0.1:8777/v1"
	var profile, cluster, receiver struct {
		Profile, Cluster, Receiver struct {
			ID      string
			Channel struct {
				URL string `json:"alarm_url"`
			}
		}
	}
	g.api.send(http.MethodPost, base+"/profiles", map[string]any{"profile": map[string]any{"name": g.name, "spec": map[string]any{
		"type": "os.heat.stack", "version": "1.0", "properties": map[string]any{"template": template, "parameters": g.values},
	}}}, &profile)
	g.api.send(http.MethodPost, base+"/clusters", map[string]any{"cluster": map[string]any{
		"name": g.name, "profile_id": profile.Profile.ID, "min_size": 0, "max_size": mostNodes, "desired_capacity": 1,
	}}, &cluster)
	t.Cleanup(func() { g.removeSenlin(base, cluster.Cluster.ID) })
	idle := func() bool {
		var v struct {
			Cluster struct {
				Status string
				Nodes  []string
				Want   int `json:"desired_capacity"`
			}
		}
		if !g.look(base+"/clusters/"+cluster.Cluster.ID, &v) {
			return false
		}
		if v.Cluster.Status == "ERROR" {
			t.Fatalf("Senlin's cluster is in ERROR: see /var/log/devcloud/senlin-engine.log")
		}
		var actions struct{ Actions []struct{ Status string } }
		if !g.look(base+"/actions?target="+cluster.Cluster.ID+"&limit=300", &actions) {
			return false
		}
		for _, a := range actions.Actions {
			if !slices.Contains([]string{"SUCCEEDED", "FAILED", "CANCELLED"}, a.Status) {
				return false
			}
		}
		return v.Cluster.Status == "ACTIVE" && len(v.Cluster.Nodes) == v.Cluster.Want
	}
	until(t, "Senlin's cluster is there", patience, func() (string, bool) { return "", idle() })
	g.api.send(http.MethodPost, base+"/receivers", map[string]any{"receiver": map[string]any{
		"name": g.name, "cluster_id": cluster.Cluster.ID, "type": "webhook", "action": "CLUSTER_SCALE_OUT", "params": map[string]any{"count": 1},
	}}, &receiver)
	return &rival{
		name: "Senlin's receiver, `os.heat.stack` nodes", pool: g.pool, idle: idle,
		post: func(n int) sent { return webhook(t, receiver.Receiver.Channel.URL, n) },
		recorded: func(list []sent) int { // each that was taken is an action, which says how it ended
			found := 0
			for _, s := range list {
				var v struct{ Action string }
				if json.NewDecoder(bytes.NewReader([]byte(s.text))).Decode(&v) != nil || v.Action == "" {
					continue
				}
				var a struct {
					Action struct {
						Status string
						Reason string `json:"status_reason"`
					}
				}
				if g.look(base+"/actions/"+v.Action, &a) && a.Action.Status != "" {
					found++
				}
			}
			return found
		},
	}
}

// look reads something. Heat's engine has no time for that in a storm, and Senlin's conductor stands still now and then.
func (g *ground) look(address string, into any) bool {
	r, err := http.NewRequest(http.MethodGet, address, http.NoBody) // also after the test, to tidy up
	if err != nil {
		g.t.Fatal(err)
	}
	r.Header.Set("X-Auth-Token", g.api.token)
	client := &http.Client{Timeout: 90 * time.Second}
	defer client.CloseIdleConnections()
	reply, err := client.Do(r)
	if err != nil {
		g.t.Logf("look at it: %v", err)
		return false
	}
	defer reply.Body.Close()
	return reply.StatusCode == http.StatusOK && json.NewDecoder(reply.Body).Decode(into) == nil
}

func (g *ground) removeSenlin(base, id string) {
	g.api.send(http.MethodDelete, base+"/clusters/"+id+"?force=true", nil, nil)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Second) {
		var v struct{ Clusters []struct{ ID string } }
		if g.look(base+"/clusters", &v) && !slices.ContainsFunc(v.Clusters, func(c struct{ ID string }) bool { return c.ID == id }) {
			return
		}
	}
	g.t.Errorf("Senlin's cluster %s is left over", id)
}

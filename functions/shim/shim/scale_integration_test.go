//go:build integration

package shim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/stackhook/stackhook/shared/logging/loggingtest"
	"github.com/stackhook/stackhook/shared/openstack"
)

// lines is the shim's log, to see what the real alarm was told and what each request asked of the cloud.
type lines struct{ *loggingtest.Log }

// decisions counts what scale-cluster decided on notifications of Aodh.
func (l lines) decisions() map[string]int {
	counts := map[string]int{}
	for line := range strings.Lines(l.String()) {
		v := decodeLine(line)
		if word, ok := v["decision"].(string); ok && v["function"] == "scale-cluster" && v["sender"] == "aodh" {
			counts[word]++
		}
	}
	return counts
}

// scaledByRealAlarm pushes measures over the threshold and waits for what follows: Gnocchi, Aodh, webhook, Heat, Octavia.
func scaledByRealAlarm(c caller, cloud *openstack.Cloud, log lines, name, pool string) {
	t := c.t
	stack, err := cloud.FindStack(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if n := members(t, cloud, pool); n != 1 {
		t.Fatalf("%d members before", n)
	}
	newGnocchi(t).busy(stack.ID, 80)
	until(t, "the alarm has set the count to 2", time.Minute, func() (string, bool) {
		s, err := cloud.StackParameters(t.Context(), stack.StackRef)
		if err != nil {
			t.Fatal(err)
		}
		return s.State() + " " + s.Parameters["app_count"], s.Parameters["app_count"] == "2"
	})
	// While Heat is at work, another notification changes nothing, and is kept for when it is done.
	told := post(c, name, "while busy")
	if told.Code != "kept" || told.Applied || told.Reason == "" {
		t.Errorf("while busy: %+v", told)
	}
	until(t, "the pool has two members", 4*time.Minute, func() (string, bool) {
		n := members(t, cloud, pool)
		return fmt.Sprint(n, " members"), n == 2
	})
	until(t, "the stack is complete", 4*time.Minute, func() (string, bool) {
		s, err := cloud.StackParameters(t.Context(), stack.StackRef)
		if err != nil {
			t.Fatal(err)
		}
		return s.State(), s.State() == "UPDATE_COMPLETE"
	})
	// At the bound too, by hand and by the alarm itself, which repeats at each evaluation.
	told = post(c, name, "at the bound")
	if told.Code != "at_max" || told.Applied || told.Reason == "" {
		t.Errorf("at the bound: %+v", told)
	}
	before := log.decisions()["at_max"]
	until(t, "the alarm's own repeat was told at_max", time.Minute, func() (string, bool) {
		counts := log.decisions()
		return fmt.Sprint(counts), counts["at_max"] > before && counts["scaled"] == 1
	})
	s, err := cloud.StackParameters(t.Context(), stack.StackRef)
	if err != nil || s.Parameters["app_count"] != "2" || members(t, cloud, pool) != 2 {
		t.Errorf("in the end: count %s, %v", s.Parameters["app_count"], err)
	}
	get := c.call(http.MethodGet, "/scale-cluster/"+name, "", "", "Authorization", "Bearer "+c.s.Keys().APIToken)
	var view struct {
		Nodes     int
		Decisions []struct{ Code, By string }
	}
	get.decode(t, &view)
	if view.Nodes != 2 || len(view.Decisions) != 1 || !strings.HasPrefix(view.Decisions[0].By, "aodh ") {
		t.Errorf("the cluster remembers %s", get.body)
	}
}

// told is an answer of scale-cluster.
type told struct {
	Code, Reason string
	Applied      bool
}

// post is one more notification, sent to the signed address as Aodh would.
func post(c caller, name, alarm string) told {
	c.t.Helper()
	body := fmt.Sprintf(`{"alarm_name":%q,"alarm_id":%q,"severity":"low","previous":"ok","current":"alarm","reason":"Transition to alarm","reason_data":{"type":"threshold","disposition":"outside","count":1,"most_recent":80.0}}`, alarm, alarm)
	answer := c.call(http.MethodPost, c.s.ScaleURL(name, "out"), "application/json", body)
	var v told
	answer.decode(c.t, &v)
	if answer.code != http.StatusOK && answer.code != http.StatusAccepted {
		c.t.Errorf("Aodh was answered %d %s", answer.code, answer.body)
	}
	return v
}

func members(t *testing.T, cloud *openstack.Cloud, pool string) int {
	t.Helper()
	list, err := cloud.Members(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, m := range list {
		if m.ProvisioningStatus == "ACTIVE" {
			n++
		}
	}
	return n
}

// gnocchi is the metric service, as a ceilometer would use it.
type gnocchi struct {
	t     *testing.T
	url   string
	heat  string
	token string
	// volumes is where Cinder is, for what outlives a site; network and servers where Neutron and Nova are, for what outlives an
	// engine.
	volumes, network, servers string
}

func newGnocchi(t *testing.T) *gnocchi {
	t.Helper()
	auth := cloudLogin(t)
	scope := map[string]any{"project": map[string]any{"name": auth["project_name"], "domain": map[string]any{"name": auth["project_domain_name"]}}}
	user := map[string]any{"name": auth["username"], "password": auth["password"], "domain": map[string]any{"name": auth["user_domain_name"]}}
	g := &gnocchi{t: t}
	var reply struct {
		Token struct {
			Catalog []struct {
				Type      string
				Endpoints []struct{ Interface, URL string }
			}
		}
	}
	header := g.send(http.MethodPost, strings.TrimSuffix(strings.TrimSuffix(auth["auth_url"], "/"), "/v3")+"/v3/auth/tokens",
		map[string]any{"auth": map[string]any{"identity": map[string]any{"methods": []string{"password"}, "password": map[string]any{"user": user}}, "scope": scope}}, &reply)
	g.token = header.Get("X-Subject-Token")
	for _, entry := range reply.Token.Catalog {
		for _, e := range entry.Endpoints {
			place := map[string]*string{"volumev3": &g.volumes, "metric": &g.url, "orchestration": &g.heat, "network": &g.network, "compute": &g.servers}[entry.Type]
			if place != nil && e.Interface == "public" {
				*place = strings.TrimSuffix(e.URL, "/")
			}
		}
	}
	if g.url == "" {
		t.Fatal("the cloud has no metric service, and Aodh nothing to evaluate")
	}
	return g
}

// cloudLogin is the password login of the environment, by clouds.yaml's names.
func cloudLogin(t *testing.T) map[string]string {
	t.Helper()
	auth := map[string]string{}
	if name := os.Getenv("OS_CLOUD"); name != "" {
		file := os.Getenv("OS_CLIENT_CONFIG_FILE")
		if file == "" {
			file = filepath.Join(os.Getenv("HOME"), ".config", "openstack", "clouds.yaml")
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("read clouds.yaml: %v", err)
		}
		var all struct {
			Clouds map[string]struct{ Auth map[string]string }
		}
		if err := yaml.Unmarshal(text, &all); err != nil {
			t.Fatalf("read clouds.yaml: %v", err)
		}
		auth = all.Clouds[name].Auth
	} else {
		for _, key := range []string{"auth_url", "username", "password", "project_name", "user_domain_name", "project_domain_name"} {
			auth[key] = os.Getenv("OS_" + strings.ToUpper(key))
		}
	}
	for _, key := range []string{"user_domain_name", "project_domain_name"} {
		if auth[key] == "" {
			auth[key] = "Default"
		}
	}
	if auth["password"] == "" {
		t.Fatal("this story pushes measures with the cloud's password, and the login has none")
	}
	return auth
}

// busy makes a server's resource in the stack's group and pushes measures of the last two minutes. The resource must be
// made by the stack's own project: the alarm does not see others.
func (g *gnocchi) busy(group string, value float64) {
	g.t.Helper()
	id := group // any UUID will do for a server that never lived
	g.measure(id, group, value)
	g.t.Cleanup(func() { g.send(http.MethodDelete, g.url+"/v1/resource/instance/"+id, nil, nil) })
}

// measure makes the resource of a server and pushes measures of the last two minutes.
func (g *gnocchi) measure(id, group string, value float64) {
	g.t.Helper()
	var resource struct {
		Metrics map[string]string
	}
	g.send(http.MethodPost, g.url+"/v1/resource/instance", map[string]any{
		"id": id, "server_group": group, "display_name": "story", "metrics": map[string]any{"busy": map[string]any{"archive_policy_name": "high"}},
	}, &resource)
	var measures []map[string]any
	for ago := 2 * time.Minute; ago >= 0; ago -= 10 * time.Second {
		measures = append(measures, map[string]any{"timestamp": time.Now().Add(-ago).UTC().Format("2006-01-02T15:04:05"), "value": value})
	}
	g.send(http.MethodPost, g.url+"/v1/metric/"+resource.Metrics["busy"]+"/measures", measures, nil)
}

func (g *gnocchi) send(method, address string, body, into any) http.Header {
	g.t.Helper()
	var text []byte
	if body != nil { // Cinder takes a body of null for a broken one
		var err error
		if text, err = json.Marshal(body); err != nil {
			g.t.Fatal(err)
		}
	}
	r, err := http.NewRequest(method, address, bytes.NewReader(text)) // also after the test, to tidy up
	if err != nil {
		g.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Auth-Token", g.token)
	client := &http.Client{Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	reply, err := client.Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	defer reply.Body.Close()
	answer, err := io.ReadAll(reply.Body)
	if err == nil && into != nil && len(answer) > 0 {
		err = json.Unmarshal(answer, into)
	}
	if err != nil || reply.StatusCode >= 300 {
		g.t.Fatalf("%s %s: %d %s %v", method, address, reply.StatusCode, answer, err)
	}
	return reply.Header
}

//go:build integration

package scalecluster_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/scale-cluster/scalecluster"
	heattemplates "github.com/stackhook/stackhook/heat-templates"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/metrics"
	"github.com/stackhook/stackhook/shared/openstack"
)

// onCloud is the function on the cloud that OS_CLOUD or OS_* name, with one cluster of its own.
type onCloud struct {
	t     *testing.T
	cloud *openstack.Cloud
	h     http.Handler
	name  string
	entry string // more of its configuration
	ref   openstack.StackRef
}

func startReal(t *testing.T) *onCloud {
	t.Helper()
	template, err := heattemplates.Load("cluster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return startRealWith(t, template, "")
}

// startRealWith is on a cluster of this template; the entry is more of its configuration.
func startRealWith(t *testing.T, template heattemplates.Template, entry string) *onCloud {
	t.Helper()
	cloud, err := openstack.New(openstack.Options{Getenv: os.Getenv, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	r := &onCloud{t: t, cloud: cloud, name: "scale-" + strings.ToLower(rand.Text()[:10]), entry: entry}
	r.h = r.process(cloud, time.Now)
	r.ref, err = cloud.CreateStack(t.Context(), openstack.NewStack{
		Name: r.name, Template: template.Text, Files: template.Files, Tags: []string{"stackhook"},
		Parameters: map[string]any{"image": "cirros", "flavor": "m1.tiny", "cidr": "10.93.0.0/24", "app_max": 4},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.remove)
	if state := r.steady(); state != "CREATE_COMPLETE" {
		t.Fatalf("the cluster is %s", state)
	}
	return r
}

// process is one with the cluster's entry, by a client and a clock of its own.
func (r *onCloud) process(cloud *openstack.Cloud, now function.Clock) http.Handler {
	r.t.Helper()
	cfg, err := config.Map(map[string]string{"STACKHOOK_CONFIG": strings.Replace(configText, "clusters:\n", "clusters:\n  "+r.name+": {min: 1, max: 4, cooldown_out: 0s, cooldown_in: 0s"+r.entry+"}\n", 1)}).Load()
	if err != nil {
		r.t.Fatal(err)
	}
	h, err := scalecluster.New(cfg, cloud, now, metrics.NewRegistry())
	if err != nil {
		r.t.Fatal(err)
	}
	return h
}

// remove deletes the cluster of a test that is over, and whose context is.
func (r *onCloud) remove() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := r.cloud.DeleteStack(ctx, r.ref); err != nil && openstack.CodeOf(err) != openstack.Gone {
		r.t.Errorf("delete %s: %v", r.name, err)
	}
}

// steady waits until the stack is at rest.
func (r *onCloud) steady() string {
	r.t.Helper()
	for range 300 {
		s, err := r.cloud.StackParameters(r.t.Context(), r.ref)
		if err == nil && !s.Busy() {
			return s.State()
		}
		time.Sleep(time.Second)
	}
	r.t.Fatal("the stack never rests")
	return ""
}

func (r *onCloud) post(path, body string) (status int, answer map[string]any) {
	r.t.Helper()
	request := httptest.NewRequestWithContext(r.t.Context(), http.MethodPost, "/"+r.name+path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+ciToken)
	w := httptest.NewRecorder()
	begun := time.Now()
	r.h.ServeHTTP(w, request)
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		r.t.Fatalf("%s: %s", path, w.Body)
	}
	r.t.Logf("%s %s: %d %v in %s", path, body, w.Code, answer["code"], time.Since(begun).Round(time.Millisecond))
	return w.Code, answer
}

// want posts, and checks status and code.
func (r *onCloud) want(path, body string, status int, code string) map[string]any {
	r.t.Helper()
	got, answer := r.post(path, body)
	if got != status || answer["code"] != code {
		r.t.Errorf("%s %s: %d %v, want %d %s", path, body, got, answer, status, code)
	}
	return answer
}

func (r *onCloud) stack() openstack.Stack {
	r.t.Helper()
	s, err := r.cloud.Stack(r.t.Context(), r.ref)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// N4, F12, N11, F18 on a real cloud: what is asked for while an update runs is made after it, once; a node is made anew by one update;
// a dry run shows Heat's own preview; a pause leaves the nodes alone.
func TestRealKeptReplacedPaused(t *testing.T) {
	t.Parallel()
	r := startReal(t)
	r.want("/set", `{"to": 2}`, http.StatusAccepted, "scaled")
	r.want("/set", `{"to": 3}`, http.StatusAccepted, "kept")
	r.want("/set?strict=1", `{"to": 4}`, http.StatusConflict, "busy")
	r.want("/pause", ``, http.StatusConflict, "busy")
	if state := r.steady(); state != "UPDATE_COMPLETE" {
		t.Fatalf("after an update with a signal in it: %s", state)
	}
	plan, _ := r.want("/reconcile?dry_run=1", ``, http.StatusOK, "scaled")["plan"].(map[string]any)
	t.Logf("plan of the pass: %v", plan)
	r.want("/reconcile", ``, http.StatusAccepted, "scaled")
	r.steady()
	r.want("/reconcile", ``, http.StatusOK, "steady")
	if s := r.stack(); s.Parameters["app_count"] != "3" {
		t.Errorf("count %s", s.Parameters["app_count"])
	}
	answer := r.want("/replace?dry_run=1", `{"nodes": ["1"]}`, http.StatusOK, "replaced")
	plan, _ = answer["plan"].(map[string]any)
	changes, _ := plan["changes"].(map[string]any)
	if updated, _ := changes["updated"].([]any); len(updated) == 0 {
		t.Errorf("no preview: %v", answer)
	}
	r.want("/replace", `{"nodes": ["1"]}`, http.StatusAccepted, "replaced")
	if state := r.steady(); state != "UPDATE_COMPLETE" {
		t.Fatalf("after the replacement: %s", state)
	}
	nodes, _ := r.stack().Outputs["nodes"].(map[string]any)
	for index, want := range map[int]bool{0: true, 1: false, 2: true, 3: true} {
		if _, there := nodes[strconv.Itoa(index)]; there != want {
			t.Errorf("node %d: %v", index, nodes)
		}
	}
	r.want("/reconcile", ``, http.StatusOK, "steady")
	r.want("/pause", `{"direction": "in"}`, http.StatusAccepted, "paused")
	r.steady()
	r.want("/pause", `{"direction": "in"}`, http.StatusOK, "unchanged")
	r.want("/resume", ``, http.StatusAccepted, "resumed")
	r.steady()
	after, _ := r.stack().Outputs["nodes"].(map[string]any)
	if len(after) != 3 || len(r.stack().Tags) != 1 {
		t.Errorf("%v, tags %v", after, r.stack().Tags)
	}
}

// F22 on a real cloud: an update that hangs is kept, another process's pass makes it, and when the first one comes through after
// all, it is the same one step.
func TestRealSlowUpdate(t *testing.T) {
	t.Parallel()
	r := startReal(t)
	late := make(chan struct{})
	cloud, err := openstack.New(openstack.Options{Getenv: os.Getenv, Transport: &laggard{late: late}, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/"+r.name+"/out", strings.NewReader(aodh("alarm", 1)))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+ciToken)
	w := httptest.NewRecorder()
	r.process(cloud, time.Now).ServeHTTP(w, request)
	if w.Code != http.StatusAccepted || !strings.Contains(w.Body.String(), `"code":"kept"`) || ctx.Err() != nil {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	time.Sleep(time.Second) // a signal shows some half a second after its answer
	r.want("/reconcile", ``, http.StatusAccepted, "scaled")
	if state := r.steady(); state != "UPDATE_COMPLETE" {
		t.Fatalf("after the pass: %s", state)
	}
	made := r.stack().Parameters["scale_state"]
	close(late)
	for r.stack().Parameters["scale_state"] == made {
		time.Sleep(time.Second / 5)
	}
	r.steady()
	r.want("/reconcile", ``, http.StatusOK, "steady")
	if s := r.stack(); s.Parameters["app_count"] != "2" {
		t.Errorf("count %s", s.Parameters["app_count"])
	}
}

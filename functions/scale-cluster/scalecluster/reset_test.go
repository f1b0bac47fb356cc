package scalecluster_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
)

// operator sends an update of a stack as openstack stack update does: PATCH with --existing, PUT without.
func (h *house) operator(method, name string, body map[string]any) {
	h.t.Helper()
	s, err := h.same().FindStack(h.t.Context(), name)
	if err != nil {
		h.t.Fatal(err)
	}
	text, err := json.Marshal(body)
	if err != nil {
		h.t.Fatal(err)
	}
	path := h.cloud.URL() + "/heat/v1/" + h.cloud.ProjectID() + "/stacks/" + name + "/" + s.ID
	r, err := http.NewRequestWithContext(h.t.Context(), method, path, bytes.NewReader(text))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("X-Auth-Token", h.cloud.Token())
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusAccepted {
		h.t.Fatalf("%s %s: %s", method, name, answer.Status)
	}
	h.cloud.Settle()
	h.cloud.ResetCalls()
}

// template is that of a cluster, for an operator's update.
func (h *house) template(parameters map[string]any) map[string]any {
	h.t.Helper()
	t, err := heattemplates.Load("cluster.yaml")
	if err != nil {
		h.t.Fatal(err)
	}
	return map[string]any{"template": t.Text, "files": t.Files, "parameters": parameters}
}

// F9: an operator's updates keep the size that scaling made: an empty one, and one with a new template.
func TestF9OperatorsUpdateKeepsTheSize(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(app, 1)
	h.post("/academy/set", `{"to": 3}`, ci()).want(t, http.StatusAccepted, "scaled")
	h.settle(0)
	before, servers := h.memory(app), h.servers(app)
	h.operator(http.MethodPatch, app, map[string]any{})
	with := h.template(nil)
	with["template"] = strings.Replace(with["template"].(string), "delay: 5", "delay: 6", 1)
	h.operator(http.MethodPatch, app, with)
	if h.count(app) != 3 || h.memory(app).Token != before.Token {
		t.Errorf("count %d, memory %+v", h.count(app), h.memory(app))
	}
	for index, server := range h.servers(app) {
		if servers[index] != server {
			t.Errorf("node %s: server %s, was %s", index, server, servers[index])
		}
	}
	h.settle(longEnough)
	h.post("/academy/out", aodh("alarm", 1), theAlarm()).want(t, http.StatusAccepted, "scaled")
	if h.count(app) != 4 {
		t.Errorf("count %d", h.count(app))
	}
}

// F9: an update without --existing resets the memory and the size (live on Zed). It is known for what it is: the history
// says so, nothing shrinks before the cooldown, growing is not held up, and a bound is made good by the next pass.
func TestF9OperatorsReset(t *testing.T) {
	t.Parallel()
	h := start(t) // 09:00 of a Monday; the schedule of exam begins at 10:10
	h.cluster("exam", 3)
	h.post("/exam/set", `{"to": 4}`, ci()).want(t, http.StatusAccepted, "scaled")
	h.settle(time.Hour)
	needed := map[string]any{"image": "debian-12", "flavor": "m1.small", "app_count": 3}
	h.operator(http.MethodPut, "exam", h.template(needed))
	shown := h.send(http.MethodGet, "/exam", ``, ci())
	decisions, _ := shown.body["decisions"].([]any)
	if first, _ := decisions[0].(map[string]any); len(decisions) != 1 || first["code"] != "reset" || shown.body["nodes"] != 3.0 {
		t.Errorf("%s", shown.text)
	}
	r := h.post(h.signed("exam", "in"), aodh("alarm", 1), nobody())
	r.want(t, http.StatusOK, "cooldown")
	if seconds, _ := r.body["retry_after"].(float64); seconds < 500 || seconds > 600 {
		t.Errorf("%s", r.text)
	}
	h.post(h.signed("exam", "out"), aodh("alarm", 2), nobody()).want(t, http.StatusAccepted, "scaled")
	if m := h.memory("exam"); m.Gen != 1 || m.From != 3 || m.To != 4 || len(m.Ring) != 2 {
		t.Errorf("%+v", m)
	}
	h.settle(time.Hour)
	delete(needed, "app_count")
	h.operator(http.MethodPut, "exam", h.template(needed))
	if h.count("exam") != 1 {
		t.Fatalf("count %d", h.count("exam"))
	}
	h.post("/exam/reconcile", ``, ci()).want(t, http.StatusAccepted, "scaled")
	h.settle(0)
	if h.count("exam") != 3 {
		t.Errorf("count %d", h.count("exam"))
	}
}

// F9: a cluster that only its tag made ours is ours no more after such an update, and the answer says how to mend it.
func TestF9ResetTakesTheTags(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cluster(alone, 2, "stackhook")
	h.operator(http.MethodPut, alone, h.template(map[string]any{"image": "debian-12", "flavor": "m1.small", "app_count": 2}))
	r := h.post("/alone/out", ``, ci())
	r.want(t, http.StatusNotFound, "no_such_cluster")
	if !strings.Contains(r.text, "--tags stackhook") || slices.Contains(h.calls(), update) {
		t.Errorf("%s", r.text)
	}
	h.operator(http.MethodPatch, alone, map[string]any{"tags": "stackhook"})
	h.post("/alone/out", ``, ci()).want(t, http.StatusAccepted, "scaled")
}

package scalecluster_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/functions/scale-cluster/scalecluster"
	heattemplates "github.com/stackhook/stackhook/heat-templates"
	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/logging/loggingtest"
	"github.com/stackhook/stackhook/shared/metrics"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
	"github.com/stackhook/stackhook/shared/seal"
)

const (
	ciToken      = "ci-token-hunter2-hunter2-hunte-0123"
	scrapeToken  = "scrape-hunter2-hunter2-hunte-012345"
	otherToken   = "only-sites-hunter2-hunter2-hunte-01"
	alarmToken   = "hunter2-token-of-academy"
	alarmSecret  = "hunter2-password-of-academy"
	strangeToken = "hunter2-of-the-other-cluster"
	sealSecret   = "seal-secret-hunter2-hunter2-hunte-0"
)

const configText = `
public_url: https://hooks.example.org
naming_key: naming-key-hunter2-hunter2-hunte-01
seal_keys: [{id: one, secret: ` + sealSecret + `}]
clusters:
  academy:
    stack: academy-app
    min: 1
    max: 4
    auth: [{kind: basic, user: alarm, password: ` + alarmSecret + `}, {kind: bearer, token: ` + alarmToken + `}]
  gentle: {min: 1, max: 4, cooldown_out: 0s, cooldown_in: 0s, drain: {timeout: 5m}}
  careful:
    {min: 1, max: 6, cooldown_out: 0s, cooldown_in: 0s, stabilization: 10m, max_step: 2, steps_per_hour: 2, ready_timeout: 10m, victims: newest,
     steps_out: [{at: 80, by: 1}, {at: 90, by: 2}, {at: 130, by: 3}]}
  bounded: {min: 1, max: 9, cooldown_out: 0s, quota: true}
  shared: {min: 1, max: 4, cooldown_out: 0s, cooldown_in: 0s, lease: true}
  exam:
    min: 1
    max: 4
    schedules: [{name: exam, start: "10 10 * * 1-5", length: 2h, min: 3}]
    auth: [{kind: mtls, header: X-Client-Subject, subject: "CN=aodh,O=hunter2"}]
  guarded: {min: 1, max: 12, cooldown_out: 0s, cooldown_in: 0s, healthy_percent: 60, max_in_percent: 25, steps_per_hour: 3, node_hours: 150, ready_timeout: 10m}
  floor: {min: 2, max: 12, cooldown_out: 0s, cooldown_in: 0s}
  other: {min: 1, max: 2, auth: [{kind: bearer, token: ` + strangeToken + `}]}
api:
  tokens:
    - {name: ci, token: ` + ciToken + `, may: [clusters]}
    - {name: sites, token: ` + otherToken + `, may: [sites]}
    - {name: prometheus, token: ` + scrapeToken + `, may: [metrics]}
`

// house is the function on a fake cloud.
type house struct {
	t     testing.TB
	cloud *openstacktest.Cloud
	h     http.Handler
	log   *loggingtest.Log
	one   *openstack.Cloud // see same
	clock function.Clock   // of the processes made from now on; nil for the cloud's
	more  string           // entries of clusters
}

func start(tb testing.TB, options ...openstacktest.Option) *house {
	tb.Helper()
	return startWith(tb, "", options...)
}

// startWith is a house with more entries of clusters.
func startWith(tb testing.TB, more string, options ...openstacktest.Option) *house {
	tb.Helper()
	h := &house{t: tb, cloud: openstacktest.Start(tb, options...), log: loggingtest.Catch(tb, "sig="), more: more}
	h.h = h.process()
	return h
}

// process is one more process with the same configuration.
func (h *house) process() http.Handler {
	h.t.Helper()
	return h.through(nil)
}

// through is a process whose requests to the cloud go by a transport of its own; nil is the usual one.
func (h *house) through(transport http.RoundTripper) http.Handler {
	h.t.Helper()
	env := maps.Clone(h.cloud.Env())
	env["STACKHOOK_CONFIG"] = strings.Replace(configText, "\nclusters:\n", "\nclusters:\n"+h.more, 1)
	cfg, err := config.Map(env).Load()
	if err != nil {
		h.t.Fatal(err)
	}
	cloud, err := openstack.New(openstack.Options{Getenv: config.Map(env).Getenv, Transport: transport})
	if err != nil {
		h.t.Fatal(err)
	}
	clock := h.cloud.Now
	if h.clock != nil {
		clock = h.clock
	}
	numbers := metrics.NewRegistry()
	handler, err := scalecluster.New(cfg, cloud, clock, numbers)
	if err != nil {
		h.t.Fatal(err)
	}
	return function.Wrap("scale-cluster", logging.New(h.log, "scale-cluster"), caller.Scraped(handler, cfg.API, numbers))
}

func (h *house) client() *openstack.Cloud {
	h.t.Helper()
	cloud, err := openstack.New(openstack.Options{Getenv: config.Map(h.cloud.Env()).Getenv})
	if err != nil {
		h.t.Fatal(err)
	}
	return cloud
}

// same is one client for many requests of the test's own: client logs in each time.
func (h *house) same() *openstack.Cloud {
	h.t.Helper()
	if h.one == nil {
		h.one = h.client()
	}
	return h.one
}

// cluster makes a cluster's stack of n nodes and waits for it.
func (h *house) cluster(name string, n int, tags ...string) {
	h.t.Helper()
	template, err := heattemplates.Load("cluster.yaml")
	if err != nil {
		h.t.Fatal(err)
	}
	_, err = h.client().CreateStack(h.t.Context(), openstack.NewStack{
		Name: name, Template: template.Text, Files: template.Files, Tags: tags,
		Parameters: map[string]any{"image": "debian-12", "flavor": "m1.small", "app_count": n, "app_max": 4},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.cloud.Settle()
	if s, _ := h.cloud.Stack(name); s.State != "CREATE_COMPLETE" {
		h.t.Fatalf("stack %s is %s: %s", name, s.State, s.Reason)
	}
	h.cloud.ResetCalls()
}

// reply is an answer, decoded.
type reply struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

func (r reply) code() string {
	s, _ := r.body["code"].(string)
	return s
}

// want checks status and code of an answer.
func (r reply) want(t *testing.T, status int, code string) {
	t.Helper()
	if r.status != status || r.code() != code {
		t.Errorf("got %d %s, want %d %s: %s", r.status, r.code(), status, code, r.text)
	}
	problem := r.header.Get("Content-Type") == "application/problem+json"
	if problem != (status >= 400) {
		t.Errorf("%d is of type %s", status, r.header.Get("Content-Type"))
	}
}

// holdTime is long beside the milliseconds of any other request here.
const holdTime = 2 * time.Second

// The configured clusters of the rows about limits.
const (
	guarded = "guarded"
	floor   = "floor"
	careful = "careful"
)

// Ways to say who one is.
// wantCode is want for an answer whose status is not what is looked at.
func (r reply) wantCode(t *testing.T, code string) {
	t.Helper()
	if r.code() != code {
		t.Errorf("got %s, want %s: %s", r.code(), code, r.text)
	}
}

func ci() []string       { return []string{"Authorization", "Bearer " + ciToken} }
func theAlarm() []string { return []string{"Authorization", "Bearer " + alarmToken} }
func nobody() []string   { return nil }

func (h *house) send(method, path, body string, headers []string) reply {
	h.t.Helper()
	return h.sendTo(h.h, method, path, body, headers)
}

func (h *house) sendTo(to http.Handler, method, path, body string, headers []string) reply {
	h.t.Helper()
	r := httptest.NewRequestWithContext(h.t.Context(), method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return h.do(to, r)
}

// do sends a request and looks at what no answer may say.
func (h *house) do(to http.Handler, r *http.Request) reply {
	h.t.Helper()
	method, path := r.Method, r.URL.Path
	w := httptest.NewRecorder()
	to.ServeHTTP(w, r)
	result := w.Result()
	text, _ := io.ReadAll(result.Body)
	out := reply{status: result.StatusCode, header: result.Header, text: string(text)}
	if strings.HasPrefix(out.header.Get("Content-Type"), "text/plain") {
		return out // metrics
	}
	if code := out.header.Get("Stackhook-Code"); code != "" && len(text) == 0 {
		out.body = map[string]any{"code": code} // for a sender of events, which must get no body
		return out
	}
	if err := json.Unmarshal(text, &out.body); err != nil && (method != http.MethodOptions || len(text) > 0) {
		h.t.Errorf("%s %s: %d %q is not JSON", method, path, out.status, text)
	}
	openstacktest.NoInternals(h.t, out.text, "Heat", "keystone", sealSecret)
	if out.status >= 300 && out.status < 400 {
		h.t.Errorf("%s %s: redirects with %d", method, path, out.status)
	}
	return out
}

func (h *house) post(path, body string, headers []string) reply {
	h.t.Helper()
	return h.send(http.MethodPost, path, body, headers)
}

// signed is an address as deploy-site makes it.
func (h *house) signed(name, direction string) string {
	h.t.Helper()
	box, err := seal.New(seal.Key{ID: "one", Secret: []byte(sealSecret)})
	if err != nil {
		h.t.Fatal(err)
	}
	text := name + "/" + direction
	return "/" + text + "?sig=" + box.Sign("scale", text)
}

// aodh is a notification of Aodh; each n is another alarm.
func aodh(state string, n int) string {
	return fmt.Sprintf(`{"alarm_name":"busy","alarm_id":"alarm-%d","severity":"low","previous":"ok","current":%q,"reason":"Transition","reason_data":{"type":"threshold","disposition":"outside","count":1,"most_recent":80.0}}`, n, state)
}

// firing is a notification of Alertmanager; each n is another alert.
func firing(n int) string {
	return fmt.Sprintf(`{"version":"4","status":"firing","groupKey":"g%d","receiver":"hook","alerts":[{"status":"firing","labels":{"alertname":"Busy","scale":"out"},"annotations":{},"startsAt":"2026-01-05T09:00:00Z","fingerprint":"f"}]}`, n)
}

// calls are those made since the last look, without Keystone's.
func (h *house) calls() []string {
	var list []string
	for _, name := range h.cloud.CallNames() {
		if !strings.HasPrefix(name, "identity ") {
			list = append(list, name)
		}
	}
	h.cloud.ResetCalls()
	return list
}

// count is the cluster's size as Heat has it.
func (h *house) count(name string) int {
	h.t.Helper()
	s, ok := h.cloud.Stack(name)
	if !ok {
		h.t.Fatalf("no stack %s", name)
	}
	n, err := strconv.Atoi(s.Parameters["app_count"])
	if err != nil {
		h.t.Fatalf("app_count: %v", err)
	}
	return n
}

func (h *house) memory(name string) cluster.Memory {
	h.t.Helper()
	s, _ := h.cloud.Stack(name)
	m, ok := cluster.Remember(s.Parameters["scale_state"])
	if !ok {
		h.t.Fatalf("no memory in %s", s.Parameters["scale_state"])
	}
	return m
}

// settle lets Heat finish, and the cooldowns pass.
func (h *house) settle(cooldown time.Duration) {
	h.cloud.Settle()
	h.cloud.Advance(cooldown)
	h.cloud.Settle()
}

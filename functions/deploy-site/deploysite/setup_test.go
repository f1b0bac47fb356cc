package deploysite_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stackhook/stackhook/functions/deploy-site/deploysite"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/logging/loggingtest"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
	"github.com/stackhook/stackhook/shared/site"
)

const (
	ciToken    = "ci-token-hunter2-hunter2-hunte-0123"
	otherToken = "only-clusters-hunter2-hunter2-hunte"
	sealSecret = "seal-secret-hunter2-hunter2-hunte-0"
)

const configText = `
public_url: https://hooks.example.org
naming_key: naming-key-hunter2-hunter2-hunte-01
seal_keys: [{id: one, secret: ` + sealSecret + `}]
sites: {defaults: {image: debian-12, app_flavor: m1.small, backend_flavor: m1.large}}
api:
  tokens:
    - {name: ci, token: ` + ciToken + `, may: [sites]}
    - {name: other, token: ` + otherToken + `, may: [clusters]}
`

// oneKey is the same for all sites of all tests.
var oneKey = sync.OnceValues(site.NewKey)

// house is the function on a fake cloud.
type house struct {
	t     *testing.T
	cloud *openstacktest.Cloud
	h     http.Handler
	log   *loggingtest.Log
	yaml  string
}

func start(t *testing.T, options ...openstacktest.Option) *house {
	t.Helper()
	h := &house{t: t, cloud: openstacktest.Start(t, options...), log: loggingtest.Catch(t, "OS_PASSWORD"), yaml: configText}
	h.restart()
	return h
}

// spec is one of site academy, or of another name, with parts put in place of the usual ones; a part is a key and its value in JSON, and an
// empty value leaves the key out.
func spec(parts ...string) string {
	all := map[string]string{
		"hosts": `{"lms": "learn.example.org"}`, "contact_email": `"ops@example.org"`, "network": `{"external": "public"}`,
		"app": `{"nodes": 2, "min": 1, "max": 5}`,
	}
	for i := 0; i+1 < len(parts); i += 2 {
		all[parts[i]] = parts[i+1]
	}
	var list []string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if all[key] != "" {
			list = append(list, `"`+key+`": `+all[key])
		}
	}
	return "{" + strings.Join(list, ", ") + "}"
}

// restart is another process with the same configuration.
func (h *house) restart() {
	h.t.Helper()
	env := maps.Clone(h.cloud.Env())
	env["STACKHOOK_CONFIG"] = h.yaml
	src := config.Map(env)
	cfg, err := src.Load()
	if err != nil {
		h.t.Fatal(err)
	}
	cloud, err := openstack.New(openstack.Options{Getenv: src.Getenv})
	if err != nil {
		h.t.Fatal(err)
	}
	handler, err := deploysite.New(cfg, cloud, h.cloud.Now, deploysite.WithKey(oneKey))
	if err != nil {
		h.t.Fatal(err)
	}
	h.h = function.Wrap("deploy-site", logging.New(h.log, "deploy-site"), handler)
}

// reply is an answer, decoded.
type reply struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

func (r reply) str(key string) string {
	s, _ := r.body[key].(string)
	return s
}

// sealed is a text of the seal: chance writes any word into it, and did, in one of some 600 lives.
var sealed = regexp.MustCompile(`one\.[A-Za-z0-9_-]{20,}`)

// send makes a request as CI does, unless headers say otherwise; "-" as their first sends none.
func (h *house) send(method, path, body string, headers ...string) reply {
	h.t.Helper()
	r := httptest.NewRequestWithContext(h.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if !strings.HasPrefix(strings.TrimSpace(body), "{") {
		r.Header.Set("Content-Type", "application/yaml")
	}
	if len(headers) == 0 {
		headers = []string{"Authorization", "Bearer " + ciToken}
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.h.ServeHTTP(w, r)
	result := w.Result()
	text, _ := io.ReadAll(result.Body)
	out := reply{status: result.StatusCode, header: result.Header, text: string(text)}
	if err := json.Unmarshal(text, &out.body); err != nil && method != http.MethodHead && strings.HasSuffix(strings.Split(out.header.Get("Content-Type"), ";")[0], "json") {
		h.t.Errorf("%s %s: %d %q is not JSON", method, path, out.status, text)
	}
	said := sealed.ReplaceAllString(strings.ReplaceAll(out.text, "OS::Heat::", ""), "")
	openstacktest.NoInternals(h.t, said, "Heat", "keystone", "hunter2")
	return out
}

func (h *house) put(name, spec string, headers ...string) reply {
	h.t.Helper()
	return h.send(http.MethodPut, "/sites/"+name, spec, headers...)
}

func (h *house) get(name string) reply {
	h.t.Helper()
	return h.send(http.MethodGet, "/sites/"+name, "")
}

// ready puts a site and lets it become ready.
func (h *house) ready(name, spec string) {
	h.t.Helper()
	if r := h.put(name, spec); r.status != http.StatusAccepted {
		h.t.Fatalf("put: %d %s", r.status, r.text)
	}
	h.cloud.Settle()
	s, ok := h.cloud.Stack(name)
	if !ok || s.State != "CREATE_COMPLETE" {
		h.t.Fatalf("stack %s: %s %s", name, s.State, s.Reason)
	}
	h.cloud.ResetCalls()
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

// parameters are those of the site academy.
func (h *house) parameters() map[string]string {
	h.t.Helper()
	s, ok := h.cloud.Stack(academy)
	if !ok {
		h.t.Fatalf("no stack %s", academy)
	}
	return s.Parameters
}

// want checks status and code of an answer.
func (r reply) want(t *testing.T, status int, code string) {
	t.Helper()
	if r.status != status || r.str("code") != code {
		t.Errorf("got %d %s, want %d %s: %s", r.status, r.str("code"), status, code, r.text)
	}
	problem := r.header.Get("Content-Type") == "application/problem+json"
	if problem != (status >= 400) {
		t.Errorf("%d is of type %s", status, r.header.Get("Content-Type"))
	}
}

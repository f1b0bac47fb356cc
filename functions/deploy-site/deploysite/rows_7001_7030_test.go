package deploysite_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Row "exactly 3, count not a parameter".
func TestRow7001ThreeNodeDataCluster(t *testing.T) {
	t.Parallel()
	h := start(t)
	for _, n := range []string{"1", "2", "4", "5"} {
		if r := h.put(academy, spec("backend", `{"nodes": `+n+`}`)); !slices.Equal(r.faults(), []string{"backend.nodes"}) {
			t.Errorf("%s nodes: %s", n, r.text)
		}
	}
	h.ready(academy, spec("backend", `{"nodes": 3}`))
	s, _ := h.cloud.Stack(academy)
	n := 0
	for name := range s.Resources {
		if strings.HasPrefix(name, "backend/node_") && strings.HasSuffix(name, "/server") {
			n++
		}
	}
	if n != 3 || len(h.volumesOf(academy)) != 6 {
		t.Errorf("%d data nodes, volumes %v", n, h.volumesOf(academy))
	}
}

// A change of the data nodes is made for those alone who say that they mean it, and then touches none of them by itself.
func TestRow7004RebuildBackendNeedsANamedOverride(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	h.cloud.AddImage("debian-13")
	before, servers := h.volumesOf(academy), h.servers()
	other := spec("backend", `{"image": "debian-13"}`)
	for range 2 {
		h.put(academy, other).want(t, http.StatusConflict, "replaces_backend")
	}
	if got := h.wrote(); len(got) > 0 {
		t.Errorf("wrote %v", got)
	}
	r := h.send(http.MethodPut, "/sites/academy?override=replaces-backend", other)
	r.want(t, http.StatusAccepted, "changed")
	h.cloud.Settle()
	h.put(academy, other).want(t, http.StatusOK, "unchanged")
	if !slices.Equal(servers, h.servers()) {
		t.Error("servers were touched by the change itself")
	}
	// Without a quorum of the two others none goes.
	r = h.post(academy+"/roll", "")
	r.want(t, http.StatusConflict, "no_quorum")
	steps := 0
	for ; steps < 12; steps++ {
		h.nodesSay("join", map[int]int{0: 9, 1: 9, 2: 9})
		r = h.post(academy+"/roll", "")
		if r.str("code") != "rolling" {
			break
		}
		h.post(academy+"/roll", "").want(t, http.StatusConflict, "busy")
		h.cloud.Settle()
	}
	r.want(t, http.StatusOK, "rolled")
	after := h.servers()
	if steps != 6 || len(after) != len(servers) {
		t.Errorf("%d steps; servers %v, then %v", steps, servers, after)
	}
	kept := 0
	for _, id := range after {
		if slices.Contains(servers, id) {
			kept++
		}
	}
	if kept != 2 || !maps.Equal(before, h.volumesOf(academy)) {
		t.Errorf("%d servers are the old ones; volumes %v, then %v", kept, before, h.volumesOf(academy))
	}
	if got := h.get(academy); got.str("state") != "ready" || strings.Contains(got.text, "rolling") {
		t.Errorf("%s", got.text)
	}
}

// A data node that never came up is made anew by name, though nobody is in a cluster yet.
func TestLostDataNodeIsRolledWithoutQuorum(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.cloud.FailServer("server", 1)
	h.put(academy, spec()).want(t, http.StatusAccepted, "created")
	h.cloud.Settle()
	for i := range 3 {
		h.post(academy+fmt.Sprintf("/roll?node=%d", i), "")
		if h.parameters()["backend_absent"] != "" {
			break
		}
	}
	for range 4 {
		h.cloud.Settle()
		h.post(academy+"/roll?role=backend", "")
	}
	h.cloud.Settle()
	h.put(academy, spec())
	h.cloud.Settle()
	if r := h.get(academy); r.str("state") != "ready" || len(h.volumesOf(academy)) != 6 {
		t.Errorf("%s", r.text)
	}
}

// Row "rolling update": as many application nodes serve during a roll as before, and all are new after it.
func TestRow7015RollingUpdateOfApplicationNodes(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	servers := h.servers()
	changed := spec("platform_name", `"Another name"`)
	r := h.put(academy, changed)
	r.want(t, http.StatusAccepted, "changed")
	if r.str("verdict") != "restarts apps" {
		t.Errorf("%s", r.text)
	}
	h.cloud.Settle()
	if !slices.Equal(servers, h.servers()) {
		t.Error("servers were touched by the change itself")
	}
	steps := 0
	for ; steps < 10; steps++ {
		if r = h.post(academy+"/roll?role=app", ""); r.str("code") != "rolling" {
			break
		}
		h.cloud.Settle()
		if n := len(h.cloud.Members()); n < 2 {
			t.Errorf("%d members", n)
		}
	}
	r.want(t, http.StatusOK, "rolled")
	kept := slices.DeleteFunc(h.servers(), func(id string) bool { return !slices.Contains(servers, id) })
	if steps != 4 || len(h.cloud.Members()) != 2 || len(kept) != 3 || h.parameters()["app_count"] != "2" {
		t.Errorf("%d steps, %d members, kept %v, count %s", steps, len(h.cloud.Members()), kept, h.parameters()["app_count"])
	}
	h.put(academy, changed).want(t, http.StatusOK, "unchanged")
}

// Row "secrets generated, equal on all nodes": made once, never changed by a PUT, never shown.
func TestRow7019SecretsAreMadeOnceAndNeverShown(t *testing.T) {
	t.Parallel()
	h := start(t)
	storage := func(access, secret string) string {
		keys := ""
		if access != "" {
			keys = `, "access_key": "` + access + `", "secret_key": "` + secret + `"`
		}
		return spec("storage", `{"endpoint": "https://s3.example.org", "bucket": "uploads"`+keys+`}`)
	}
	h.ready(academy, storage("hunter2-access", "hunter2-secret-key"))
	first := h.parameters()["secrets"]
	var made map[string]string
	if err := json.Unmarshal([]byte(first), &made); err != nil {
		t.Fatal(err)
	}
	plain := regexp.MustCompile(`^[A-Za-z0-9+/=_-]+$`)
	for _, name := range []string{
		"mysql_root_password", "mysql_password", "mysql_sst_password", "mongodb_key", "mongodb_admin_password", "mongodb_password", "redis_password",
		"search_key", "openedx_secret_key", "cms_oauth2_secret", "jwt_rsa_private_key", "s3_access_key", "s3_secret_key",
	} {
		if !plain.MatchString(made[name]) || len(made[name]) < 14 {
			t.Errorf("%s has %d characters, or others than it may", name, len(made[name]))
		}
	}
	text, err := base64.StdEncoding.DecodeString(made["jwt_rsa_private_key"])
	if block, _ := pem.Decode(text); err != nil || block == nil || block.Type != "RSA PRIVATE KEY" {
		t.Errorf("the RSA key is none: %v", err)
	}
	seen := map[string]bool{}
	for name, value := range made {
		if seen[value] {
			t.Errorf("%s is another secret, too", name)
		}
		seen[value] = true
	}
	for _, again := range []string{storage("hunter2-access", "hunter2-secret-key"), storage("", "")} {
		h.put(academy, again).want(t, http.StatusOK, "unchanged")
	}
	h.put(academy, storage("hunter2-access", "hunter2-another-one")).want(t, http.StatusConflict, "secrets")
	h.put(academy, strings.Replace(storage("", ""), `"max": 5`, `"max": 6`, 1)).want(t, http.StatusAccepted, "changed")
	h.cloud.Settle()
	if h.parameters()["secrets"] != first {
		t.Error("the secrets changed")
	}
	shown := h.get(academy).text + h.send(http.MethodGet, "/sites", "").text + h.post(academy+"/preview", storage("", "")).text + h.log.String()
	for name, value := range made {
		if strings.Contains(shown, value) {
			t.Errorf("%s is shown", name)
		}
	}
	stack, err := h.client().FindStack(t.Context(), academy)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := h.client().Stack(t.Context(), stack.StackRef)
	if err != nil || strings.Trim(whole.Parameters["secrets"], "*") != "" {
		t.Errorf("OpenStack shows the secrets, or: %v", err)
	}
}

// Row "cancel running operation", and 7.1.4: data nodes are never rolled back.
func TestRow7023CancelAndRow7104RollbackWithDataRules(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.post(academy+"/cancel", "").want(t, http.StatusNotFound, "no_such_site")
	h.put(academy, spec()).want(t, http.StatusAccepted, "created")
	h.post(academy+"/cancel?rollback=1", "").want(t, http.StatusConflict, "no_rollback")
	h.cloud.Advance(3 * time.Second)
	h.post(academy+"/cancel", "").want(t, http.StatusAccepted, "cancelled")
	h.cloud.Settle()
	h.put(academy, spec()).want(t, http.StatusAccepted, "changed")
	h.cloud.Settle()
	if got := h.get(academy); got.str("state") != "ready" {
		t.Fatalf("%s", got.text)
	}
	h.post(academy+"/cancel", "").want(t, http.StatusOK, "unchanged")
	h.post(academy+"/cancel?rollback=maybe", "").want(t, http.StatusUnprocessableEntity, "invalid")
	h.put(academy, three()).want(t, http.StatusAccepted, "changed")
	h.post(academy+"/cancel?rollback=1", "").want(t, http.StatusAccepted, "cancelled")
	h.cloud.Settle()
	h.put(academy, three())
	h.cloud.Settle()
	h.nodesSay("join", map[int]int{0: 1, 1: 1, 2: 1})
	h.post(academy+"/roll?node=2", "").want(t, http.StatusAccepted, "rolling")
	h.cloud.Advance(time.Second)
	h.post(academy+"/cancel?rollback=1", "").want(t, http.StatusConflict, "touches_backend")
}

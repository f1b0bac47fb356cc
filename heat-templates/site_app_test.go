package heattemplates_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const sitePEM = "-----BEGIN RSA PRIVATE KEY-----\nhunter2rsa\n-----END RSA PRIVATE KEY-----\n"

// appNode is an app node whose Tutor and database proxy only write down what they are told.
func appNode(t *testing.T, name string, set map[string]string) *siteNode {
	t.Helper()
	all := map[string]string{
		"ROLE": "app", "NAME": name, "LMS_HOST": "learn.example", "STUDIO_HOST": "studio.example", "MFE_HOST": "apps.example", "SEARCH_HOST": "search.example",
		"PLATFORM_NAME": "School \"one\": ", "CONTACT_EMAIL": "help@example", "RELEASE": "ulmo", "SETTINGS": `{"LANGUAGE_CODE": "de", "MYSQL_HOST": "elsewhere"}`,
		"APP_PORT": "80", "HEALTH_PORT": "8079", "JWT_RSA_PRIVATE_KEY": base64.StdEncoding.EncodeToString([]byte(sitePEM)),
		"S3_ENDPOINT": "https://objects.example:8443", "S3_REGION": "here", "S3_BUCKET": "school", "BACKUP_BUCKET": "backup", "PEERS": "10.0.0.4 10.0.0.5 10.0.0.6",
	}
	maps.Copy(all, set)
	n := newSiteNode(t, all)
	n.write("/opt/tutor/bin/tutor", tutorStub)
	if err := os.Chmod(filepath.Join(n.root, "/opt/tutor/bin/tutor"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"db-proxy", "app-migrate", "s3"} { // what other tests are about
		if err := os.Remove(filepath.Join(n.root, "/opt/stackhook", name)); err != nil {
			t.Fatal(err)
		}
	}
	n.program("db-proxy", `echo "db-proxy $DB_BIND" >>"$SITE_ROOT/told"`)
	n.program("app-migrate", `echo "app-migrate $1" >>"$SITE_ROOT/told"; shift; "$@"`)
	n.program("s3", `echo "s3 $1 $3" >>"$SITE_ROOT/told"; gunzip -c "$2" >>"$SITE_ROOT/sent"`)
	return n
}

const tutorStub = `#!/bin/bash
if [ "$1" = --version ]; then echo "tutor, version 21.0.8"; exit; fi
echo "tutor $*" >>"$SITE_ROOT/told"
[ "${FAILS:-}" != "$*" ] || { for i in {1..30}; do echo "line $i of hunter2secret" >&2; done; exit 3; }
`

func (n *siteNode) told() []string { return strings.Split(strings.TrimSpace(n.read("/told")), "\n") }

// yaml is what Tutor would read of a file: the scripts write JSON, which PyYAML, Tutor's reader, takes as it is.
func (n *siteNode) yaml(name string, into any) {
	n.t.Helper()
	const reader = `import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)`
	out, err := exec.CommandContext(n.t.Context(), "/usr/bin/python3", "-c", reader, filepath.Join(n.root, name)).Output()
	if err != nil {
		n.t.Fatalf("%s: %v", name, err)
	}
	if err := json.Unmarshal(out, into); err != nil {
		n.t.Fatal(err)
	}
}

func (n *siteNode) config() {
	n.t.Helper()
	n.must("bash", "-c", `set -a; . "$SITE_ROOT/etc/stackhook/site.env"; exec python3 "$SITE_ROOT/opt/stackhook/app-config.py" "$SITE_ROOT/srv/tutor" "$SITE_ROOT/srv/tutor-plugins"`)
}

// 3.2: secrets are the site's and equal on all nodes, and what runs elsewhere is not run here.
func TestRow32ConfigIsEqualOnEveryNodeAndRow7020ObjectStorage(t *testing.T) {
	t.Parallel()
	a, b := appNode(t, "app-1", nil), appNode(t, "app-2", nil)
	a.config()
	b.config()
	for _, name := range []string{"config.yml", "env/local/docker-compose.override.yml", "env/local/docker-compose.jobs.override.yml"} {
		if x := a.read("/srv/tutor/" + name); x == "" || x != b.read("/srv/tutor/"+name) {
			t.Errorf("%s differs between two nodes", name)
		}
	}
	if a.mode("/srv/tutor/config.yml") != 0o600 {
		t.Errorf("config.yml has mode %v", a.mode("/srv/tutor/config.yml"))
	}
	var got map[string]any
	a.yaml("/srv/tutor/config.yml", &got)
	for key, want := range map[string]any{
		"RUN_MYSQL": false, "RUN_MONGODB": false, "RUN_REDIS": false, "RUN_MEILISEARCH": false, "ENABLE_WEB_PROXY": false, "ENABLE_HTTPS": true,
		"LMS_HOST": "learn.example", "CMS_HOST": "studio.example", "MFE_HOST": "apps.example", "PLATFORM_NAME": "School \"one\": ", "LANGUAGE_CODE": "de",
		"MYSQL_HOST": "data.site.internal", "MYSQL_ROOT_PASSWORD": "hunter2root", "OPENEDX_MYSQL_PASSWORD": "hunter2mysql",
		"MONGODB_HOST": "mongodb.site.internal", "MONGODB_REPLICA_SET": "openedx", "MONGODB_USERNAME": "openedx", "MONGODB_PASSWORD": "hunter2mongo", "MONGODB_AUTH_SOURCE": "admin",
		"REDIS_HOST": "data.site.internal", "REDIS_USERNAME": "openedx", "REDIS_PASSWORD": "hunter2redis",
		"MEILISEARCH_URL": "http://10.0.0.4:7700", "MEILISEARCH_PUBLIC_URL": "https://search.example", "MEILISEARCH_MASTER_KEY": "hunter2search",
		"OPENEDX_SECRET_KEY": "hunter2secret", "CMS_OAUTH2_SECRET": "hunter2oauth", "JWT_RSA_PRIVATE_KEY": sitePEM, "RUN_SMTP": true,
		"S3_HOST": "objects.example", "S3_PORT": "8443", "S3_USE_SSL": true, "S3_STORAGE_BUCKET": "school", "S3_ADDRESSING_STYLE": "path", "OPENEDX_AWS_ACCESS_KEY": "hunter2access",
	} {
		if got[key] != want {
			t.Errorf("%s is not as the site has it", key)
		}
	}
	if id, _ := got["ID"].(string); len(id) != 24 { // base.yml would make another one on each node
		t.Errorf("ID is %q", id)
	}
	if strings.Contains(fmt.Sprint(got["MONGODB_HOST"]), ",") {
		t.Error("a comma list breaks the LMS's init (tutor#1473)")
	}
	b.settings(map[string]string{
		"OPENEDX_SECRET_KEY": "hunter2other", "ROLE": "app", "LMS_HOST": "learn.example", "STUDIO_HOST": "s", "MFE_HOST": "m", "PLATFORM_NAME": "p",
		"CONTACT_EMAIL": "c", "JWT_RSA_PRIVATE_KEY": "", "SETTINGS": `{"SMTP_HOST": "mail.example"}`,
	})
	b.config()
	var other map[string]any
	b.yaml("/srv/tutor/config.yml", &other)
	if other["ID"] == got["ID"] || other["S3_HOST"] != nil || other["RUN_SMTP"] != false {
		t.Error("another site without a bucket, with its own mail server, has the same settings")
	}
}

// 3.2: containers do not see the node's names, so Compose has to give them to each that needs one, jobs too.
func TestRow32ContainersFindTheBackends(t *testing.T) {
	t.Parallel()
	n := appNode(t, "app-1", nil)
	n.config()
	type compose struct {
		Services map[string]struct {
			Hosts []string `json:"extra_hosts"`
			Ports []string
			Grace string `json:"stop_grace_period"`
		}
	}
	var services, jobs compose
	n.yaml("/srv/tutor/env/local/docker-compose.override.yml", &services)
	n.yaml("/srv/tutor/env/local/docker-compose.jobs.override.yml", &jobs)
	want := []string{"data.site.internal:host-gateway", "mongo-0.site.internal:10.0.0.4", "mongodb.site.internal:10.0.0.4", "mongo-1.site.internal:10.0.0.5", "mongodb.site.internal:10.0.0.5", "mongo-2.site.internal:10.0.0.6", "mongodb.site.internal:10.0.0.6"}
	for _, name := range []string{"lms", "cms", "lms-worker", "cms-worker"} {
		if got := services.Services[name].Hosts; !slices.Equal(got, want) {
			t.Errorf("%s finds %v", name, got)
		}
	}
	for _, name := range []string{"lms-job", "cms-job", "mysql-job"} {
		if got := jobs.Services[name].Hosts; !slices.Equal(got, want) {
			t.Errorf("%s finds %v", name, got)
		}
	}
	if services.Services["lms-worker"].Grace != "5m" || !slices.Equal(services.Services["caddy"].Ports, []string{"8079:8079"}) {
		t.Errorf("services are %+v", services.Services)
	}
}

// lms is the LMS as Caddy finds it: at lms:8000 and cms:8000 in Compose's network, here at a port of its own.
type lms struct {
	dead         bool
	host, scheme string
}

func (l *lms) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.host, l.scheme = r.Host, r.Header.Get("X-Forwarded-Proto")
	if l.dead {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	fmt.Fprint(w, r.URL.Path)
}

// 3.2 [M] and 7 "HTTP health of the LMS itself", with the real Caddy: at its site port it says 200 to a Host it does not know even if
// the LMS is dead; at the health port it says what the LMS says, who is asked by its own name, as if by HTTPS.
func TestRow7013HealthListenerSeesADeadLMSAndRow7017ForwardedProto(t *testing.T) {
	t.Parallel()
	n := appNode(t, "app-1", map[string]string{"HEALTH_PORT": freePort(t)})
	n.config()
	var plugin struct {
		Name    string
		Patches map[string]string
	}
	n.yaml("/srv/tutor-plugins/stackhook.yml", &plugin)
	l, backend := &lms{}, &http.Server{ReadHeaderTimeout: time.Minute}
	backend.Handler = l
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = backend.Serve(listener) }()
	t.Cleanup(func() { _ = backend.Close() })

	// The head is as Tutor's own Caddyfile has it: a site by its name, at a port without TLS.
	port := freePort(t)
	text := "{\n\tadmin off\n\tauto_https off\n}\nlearn.example:" + port + " {\n\t" + plugin.Patches["caddyfile-lms"] + "\treverse_proxy lms:8000\n}\n" + plugin.Patches["caddyfile"]
	text = strings.ReplaceAll(text, "{$default_site_port}", ":"+port)
	n.write("/Caddyfile", strings.ReplaceAll(strings.ReplaceAll(text, "lms:8000", listener.Addr().String()), "learn.example:", "http://learn.example:"))
	n.write("/Caddyfile", strings.ReplaceAll(n.read("/Caddyfile"), "search.example:", "http://search.example:"))
	n.program("start-caddy", `. "$SITE_ROOT/opt/stackhook/lib.sh"; service web caddy run --config "$SITE_ROOT/Caddyfile" --adapter caddyfile`)
	n.must(filepath.Join(n.path, "start-caddy"))
	get := func(port, host string) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+port+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = host
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return 0, ""
		}
		defer func() { _ = answer.Body.Close() }()
		body := make([]byte, 100)
		length, _ := answer.Body.Read(body)
		return answer.StatusCode, string(body[:length])
	}
	health := strings.TrimPrefix(strings.Fields(plugin.Patches["caddyfile"])[0], ":")
	until(t, 60*time.Second, "Caddy answers", func() bool { code, _ := get(health, "x"); return code != 0 })
	if code, body := get(health, "10.0.0.9"); code != 200 || body != "/heartbeat" || l.host != "learn.example" || l.scheme != "https" {
		t.Errorf("a good LMS: %d %q, asked as %s by %s", code, body, l.host, l.scheme)
	}
	l.dead = true
	if code, _ := get(port, "10.0.0.9"); code != 200 {
		t.Errorf("the trap is gone: a request for nobody is answered %d", code)
	}
	if code, _ := get(health, "10.0.0.9"); code != 503 {
		t.Errorf("a dead LMS: %d", code)
	}
	_ = backend.Close()
	if code, _ := get(health, "10.0.0.9"); code != 502 {
		t.Errorf("no LMS at all: %d", code)
	}
}

// health answers in place of Caddy's listener.
func health(t *testing.T, code int) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/heartbeat" {
			code = http.StatusNotFound
		}
		w.WriteHeader(code)
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

// 4.7 and 7.1 no. 13: SUCCESS when the LMS answers and not before, else FAILURE with the place, and the last lines without secrets.
func TestRow47AppNodeSaysHowItsBootEnded(t *testing.T) {
	t.Parallel()
	const initialised = "tutor local do init"
	good := []string{
		"db-proxy 0.0.0.0:3306", "tutor plugins enable stackhook mfe s3", "tutor config save", "tutor local dc pull --quiet",
		"app-migrate ulmo 21.0.8", initialised, "tutor local start --detach",
	}
	for name, row := range map[string]struct {
		answer       int
		fails        string
		release      string
		reason, last string
		told         []string
	}{
		"well":            {answer: 200, told: good, reason: "app app-1 is ready"},
		"a dead LMS":      {answer: 503, told: good, reason: "boot-app:", last: "the LMS does not answer 200 at its heartbeat"},
		"init fails":      {answer: 200, fails: "local do init", told: good[:6], reason: `: app-migrate "$RELEASE $version"`, last: "line 30 of ***"},
		"unknown release": {answer: 200, release: "nutmeg", told: []string{""}, reason: "release nutmeg is not known here", last: "sumac, teak or ulmo"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutside(t)
			release := row.release
			if release == "" {
				release = "ulmo"
			}
			n := appNode(t, "app-1", map[string]string{"HEALTH_PORT": health(t, row.answer), "RELEASE": release})
			n.write("/etc/stackhook/signal", o.details())
			n.env = append(n.env, "HEALTH_WAIT=1", "FAILS="+row.fails)
			_, code := n.run("boot-app")
			heard := o.heard()
			if len(heard) != 1 || (heard[0].Status == "SUCCESS") != (row.reason == "app app-1 is ready") || (code == 0) != (heard[0].Status == "SUCCESS") {
				t.Fatalf("code %d, heard %+v: %s", code, heard, n.read("/var/log/stackhook/boot.log"))
			}
			if !strings.Contains(heard[0].Reason, row.reason) || !strings.Contains(fmt.Sprint(heard[0].Data), row.last) || strings.Contains(fmt.Sprint(heard), "hunter2") {
				t.Errorf("heard %+v", heard)
			}
			if got := n.told(); !slices.Equal(got, row.told) {
				t.Errorf("did %q", got)
			}
			_ = os.Remove(filepath.Join(n.root, "var/log/stackhook/boot.log")) // the stub's own words
		})
	}
}

// 3.3 and 7 "drain before node removal": workers first, by SIGTERM and with time; then the sites; then what they logged goes out.
func TestRow7014NodeThatGoesEndsItsWorkAndShipsItsLogs(t *testing.T) {
	t.Parallel()
	n := appNode(t, "app-3", nil)
	n.env = append(n.env, "LOGS_PAUSE=0")
	n.write("/srv/tutor/data/lms/logs/tracking.log", "enrolled\n")
	n.write("/srv/tutor/data/lms/logs/tracking.log-20261122T000000.gz", "") // of a try before: no gzip, so it stays
	n.write("/srv/tutor/data/cms/logs/all.log", "published\n")
	n.program("s3", `[ -s "$2" ] || exit 1; echo "s3 $1 ${3%-2*}" >>"$SITE_ROOT/told"; gunzip -c "$2" >>"$SITE_ROOT/sent"`)
	if out, code := n.run("app-stop"); code == 0 || !strings.Contains(out, "not all logs could be sent") {
		t.Errorf("code %d: %s", code, out)
	}
	want := []string{"tutor local dc stop --timeout 300 lms-worker cms-worker", "tutor local dc stop --timeout 30 caddy lms cms", "s3 put school/logs/app-3/lms-tracking.log", "s3 put school/logs/app-3/cms-all.log"}
	if got := n.told(); !slices.Equal(got, want) {
		t.Errorf("did %q", got)
	}
	if n.read("/sent") != "enrolled\npublished\n" {
		t.Errorf("sent %q", n.read("/sent"))
	}
	left, _ := filepath.Glob(filepath.Join(n.root, "srv/tutor/data/*/logs/*"))
	if len(left) != 1 || !strings.HasSuffix(left[0], "22T000000.gz") {
		t.Errorf("left are %v", left)
	}
}

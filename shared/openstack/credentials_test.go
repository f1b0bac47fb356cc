package openstack_test

import (
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/openstack"
)

// loggedIn opens a cloud of vars and returns what it sent to Keystone, as compact JSON.
func loggedIn(t *testing.T, p *peer, o openstack.Options) string {
	t.Helper()
	if _, err := open(t, o).Project(t.Context()); err != nil {
		t.Fatalf("project: %v", err)
	}
	return p.logins[len(p.logins)-1]
}

func canonical(t *testing.T, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	out, _ := json.Marshal(v)
	return string(out)
}

func TestLoginForms(t *testing.T) {
	t.Parallel()
	const demo = `{"name":"demo","password":"` + password + `","domain":{"name":"Default"}}`
	const inLab = `"scope":{"project":{"name":"lab","domain":{"name":"Default"}}}`
	tests := []struct {
		name  string
		set   map[string]string // over the peer's env; "" takes away
		drop  []string
		wants string
	}{
		{name: "password by names", wants: `{"auth":{"identity":{"methods":["password"],"password":{"user":` + demo + `}},` + inLab + `}}`},
		{
			name: "password by ids", set: map[string]string{"OS_USER_ID": "u1", "OS_PROJECT_ID": "p1"},
			wants: `{"auth":{"identity":{"methods":["password"],"password":{"user":{"id":"u1","password":"` + password + `"}}},"scope":{"project":{"id":"p1"}}}}`,
		},
		{
			name: "one domain for both", set: map[string]string{"OS_DOMAIN_ID": "d1"}, drop: []string{"OS_USER_DOMAIN_NAME", "OS_PROJECT_DOMAIN_NAME"},
			wants: `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"demo","password":"` + password + `","domain":{"id":"d1"}}}},"scope":{"project":{"name":"lab","domain":{"id":"d1"}}}}}`,
		},
		{
			name: "no domain", drop: []string{"OS_USER_DOMAIN_NAME", "OS_PROJECT_DOMAIN_NAME"},
			wants: `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"demo","password":"` + password + `","domain":{"id":"default"}}}},"scope":{"project":{"name":"lab","domain":{"id":"default"}}}}}`,
		},
		{
			name: "application credential by id comes before the password", set: map[string]string{"OS_APPLICATION_CREDENTIAL_ID": "a1", "OS_APPLICATION_CREDENTIAL_SECRET": "s"},
			wants: `{"auth":{"identity":{"methods":["application_credential"],"application_credential":{"id":"a1","secret":"s"}}}}`,
		},
		{
			name: "application credential by name", set: map[string]string{"OS_APPLICATION_CREDENTIAL_NAME": "hooks", "OS_APPLICATION_CREDENTIAL_SECRET": "s"},
			wants: `{"auth":{"identity":{"methods":["application_credential"],"application_credential":{"name":"hooks","user":{"name":"demo","domain":{"name":"Default"}},"secret":"s"}}}}`,
		},
		{
			name: "auth_type decides", set: map[string]string{"OS_APPLICATION_CREDENTIAL_ID": "a1", "OS_APPLICATION_CREDENTIAL_SECRET": "s", "OS_AUTH_TYPE": "password"},
			wants: `{"auth":{"identity":{"methods":["password"],"password":{"user":` + demo + `}},` + inLab + `}}`,
		},
		{
			name: "token for a project", set: map[string]string{"OS_TOKEN": "t0"}, drop: []string{"OS_USERNAME", "OS_PASSWORD"},
			wants: `{"auth":{"identity":{"methods":["token"],"token":{"id":"t0"}},` + inLab + `}}`,
		},
		{
			name: "trust", set: map[string]string{"OS_TRUST_ID": "x1"},
			wants: `{"auth":{"identity":{"methods":["password"],"password":{"user":` + demo + `}},"scope":{"OS-TRUST:trust":{"id":"x1"}}}}`,
		},
		{
			name: "versioned auth_url", set: map[string]string{"OS_AUTH_URL": "URL/v3/"},
			wants: `{"auth":{"identity":{"methods":["password"],"password":{"user":` + demo + `}},` + inLab + `}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t)
			vars := p.env()
			maps.Copy(vars, tt.set)
			for _, name := range tt.drop {
				delete(vars, name)
			}
			vars["OS_AUTH_URL"] = strings.Replace(vars["OS_AUTH_URL"], "URL", p.url, 1)
			got := loggedIn(t, p, openstack.Options{Getenv: getenv(vars)})
			if got, want := canonical(t, got), canonical(t, tt.wants); got != want {
				t.Errorf("login:\n got %s\nwant %s", got, want)
			}
		})
	}
}

func TestCloudsYAML(t *testing.T) {
	t.Parallel()
	const entry = `
clouds:
  lab:
    auth: {auth_url: URL, username: demo, project_id: p1}
    region_name: north
  other:
    auth: {auth_url: "http://127.0.0.1:1", username: x, password: y, project_id: z}
`
	const secret = `
clouds:
  lab: {auth: {password: from-secure}}
`
	const public = `
public-clouds:
  vendor:
    auth: {auth_url: URL, user_domain_name: vendors, username: hidden}
    region_name: north
`
	const profiled = `
clouds:
  lab:
    profile: vendor
    auth: {username: demo, password: from-clouds, project_id: p1}
    regions: [south, {name: north, values: {auth: {project_id: p2}}}]
`
	by := func(user, password, domain, project string) string {
		return `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"` + user + `","password":"` + password +
			`","domain":` + domain + `}}},"scope":{"project":{"id":"` + project + `"}}}}`
	}
	tests := []struct {
		name  string
		files map[string]string // below the directory
		vars  map[string]string // DIR stands for the directory
		cloud string
		wants string
	}{
		{
			name: "OS_CLIENT_CONFIG_FILE and secure.yaml", files: map[string]string{"c.yaml": entry, "secure.yaml": secret},
			vars: map[string]string{"OS_CLIENT_CONFIG_FILE": "DIR/c.yaml", "OS_CLOUD": "lab"}, wants: by("demo", "from-secure", `{"id":"default"}`, "p1"),
		},
		{
			name: "XDG_CONFIG_HOME, named by the caller", files: map[string]string{"openstack/clouds.yaml": entry, "openstack/secure.yaml": secret},
			vars: map[string]string{"XDG_CONFIG_HOME": "DIR", "OS_CLOUD": "other"}, cloud: "lab", wants: by("demo", "from-secure", `{"id":"default"}`, "p1"),
		},
		{
			name: "home", files: map[string]string{".config/openstack/clouds.yaml": entry, ".config/openstack/secure.yaml": secret},
			vars: map[string]string{"HOME": "DIR", "OS_CLOUD": "lab", "OS_PASSWORD": "not this one"}, wants: by("demo", "from-secure", `{"id":"default"}`, "p1"),
		},
		{
			name: "profile and regions", files: map[string]string{"clouds.yaml": profiled, "clouds-public.yaml": public},
			vars: map[string]string{"OS_CLIENT_CONFIG_FILE": "DIR/clouds.yaml", "OS_CLOUD": "lab"}, wants: by("demo", "from-clouds", `{"name":"vendors"}`, "p2"),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, dir := newPeer(t), t.TempDir()
			for name, text := range tt.files {
				write(t, filepath.Join(dir, name), strings.ReplaceAll(text, "URL", p.url))
			}
			vars := map[string]string{}
			for name, value := range tt.vars {
				vars[name] = strings.ReplaceAll(value, "DIR", dir)
			}
			got := loggedIn(t, p, openstack.Options{Cloud: tt.cloud, Getenv: getenv(vars)})
			if got, want := canonical(t, got), canonical(t, tt.wants); got != want {
				t.Errorf("login:\n got %s\nwant %s", got, want)
			}
		})
	}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMissingCredentialsAreNamed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		vars  map[string]string
		yaml  string
		wants []string
	}{
		{name: "nothing", wants: []string{"OS_CLOUD", "clouds.yaml", "OS_AUTH_URL", "OS_APPLICATION_CREDENTIAL_ID", "OS_APPLICATION_CREDENTIAL_SECRET"}},
		{name: "address alone", vars: map[string]string{"OS_AUTH_URL": "http://h"}, wants: []string{"application_credential_id (OS_APPLICATION_CREDENTIAL_ID)"}},
		{
			name: "several at once", vars: map[string]string{"OS_AUTH_URL": "ftp://h", "OS_USERNAME": "u"},
			wants: []string{"http://", "auth.password (OS_PASSWORD)", "auth.project_name (OS_PROJECT_NAME)"},
		},
		{
			name: "application credential by name", vars: map[string]string{"OS_AUTH_URL": "http://h", "OS_APPLICATION_CREDENTIAL_NAME": "n"},
			wants: []string{"auth.username (OS_USERNAME)", "auth.application_credential_secret (OS_APPLICATION_CREDENTIAL_SECRET)"},
		},
		{name: "federation", vars: map[string]string{"OS_AUTH_URL": "http://h", "OS_AUTH_TYPE": "v3oidcpassword"}, wants: []string{"v3oidcpassword is not supported", "v3applicationcredential"}},
		{name: "no such file", vars: map[string]string{"OS_CLIENT_CONFIG_FILE": "/nowhere/c.yaml", "OS_CLOUD": "lab"}, wants: []string{"no clouds.yaml", "/nowhere/c.yaml"}},
		{name: "no such cloud", yaml: "clouds: {b: {}, a: {}}", wants: []string{"no such entry", "OS_CLOUD", "a, b"}},
		{name: "empty cloud", yaml: "clouds: {lab: {}}", wants: []string{"cloud lab of clouds.yaml", "auth.auth_url (OS_AUTH_URL)"}},
		{name: "unknown profile", yaml: "clouds: {lab: {profile: vendor}}", wants: []string{"vendor", "clouds-public.yaml", "auth.auth_url"}},
		{name: "broken file", yaml: "clouds: [", wants: []string{"parse", "clouds.yaml"}},
		{name: "lone certificate", yaml: "clouds: {lab: {cert: c.pem, auth: {auth_url: 'http://h', username: u, password: s3cret, project_id: p}}}", wants: []string{"cert (OS_CERT)", "key (OS_KEY)"}},
		{name: "no CA file", yaml: "clouds: {lab: {cacert: /nowhere/ca.pem, auth: {auth_url: 'http://h', username: u, password: s3cret, project_id: p}}}", wants: []string{"cacert (OS_CACERT)"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			vars := tt.vars
			if tt.yaml != "" {
				vars = map[string]string{"OS_CLOUD": "lab", "OS_CLIENT_CONFIG_FILE": write(t, filepath.Join(t.TempDir(), "clouds.yaml"), tt.yaml)}
			}
			_, err := openstack.New(openstack.Options{Getenv: getenv(vars)})
			if err == nil {
				t.Fatal("got no error")
			}
			for _, want := range tt.wants {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("error tells the password: %q", err)
			}
		})
	}
}

func TestNewNeedsGetenv(t *testing.T) {
	t.Parallel()
	if _, err := openstack.New(openstack.Options{}); err == nil {
		t.Error("got no error")
	}
}

func TestEndpointOfRegionAndInterface(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		set  map[string]string
		path string
		code openstack.Code
	}{
		{name: "region", set: map[string]string{"OS_REGION_NAME": "south"}, path: "/south/heat/v1/p1/stacks"},
		{name: "interface", set: map[string]string{"OS_INTERFACE": "internal"}, path: "/internal/heat/v1/p1/stacks"},
		{name: "old form", set: map[string]string{"OS_ENDPOINT_TYPE": "internalURL"}, path: "/internal/heat/v1/p1/stacks"},
		{name: "any region", set: map[string]string{"OS_REGION_NAME": ""}, path: "/south/heat/v1/p1/stacks"},
		{name: "override", set: map[string]string{"OS_ORCHESTRATION_ENDPOINT_OVERRIDE": "PEER/direct"}, path: "/direct/v1/p1/stacks"},
		{name: "no such region", set: map[string]string{"OS_REGION_NAME": "west"}, code: openstack.Broken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t)
			var path string
			p.handle("GET /", func(w http.ResponseWriter, r *http.Request) {
				path = r.URL.Path
				reply(w, http.StatusOK, map[string]any{"stacks": []any{}})
			})
			vars := p.env()
			for name, value := range tt.set {
				vars[name] = strings.ReplaceAll(value, "PEER", p.url)
			}
			for _, err := range open(t, openstack.Options{Getenv: getenv(vars)}).Stacks(t.Context()) {
				wantCode(t, err, tt.code)
			}
			if path != tt.path {
				t.Errorf("path: got %s, want %s", path, tt.path)
			}
		})
	}
}

// Programs are shipped without HTTP/2, so here, too, a cloud that offers it is asked over HTTP/1.1.
func TestCloudsAreAskedOverHTTP1(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Proto != "HTTP/1.1" {
			t.Errorf("%s %s over %s", r.Method, r.URL.Path, r.Proto)
		}
		p.ServeHTTP(w, r)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	vars := p.env()
	vars["OS_AUTH_URL"], vars["OS_INSECURE"] = server.URL, "True"
	_, err := open(t, openstack.Options{Getenv: getenv(vars)}).Project(t.Context())
	wantCode(t, err, "")
}

func TestTLS(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	server := httptest.NewUnstartedServer(p)
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = discardLog()
	server.StartTLS()
	t.Cleanup(server.Close)
	authority := write(t, filepath.Join(t.TempDir(), "ca.pem"),
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	tests := []struct {
		name string
		set  map[string]string
		code openstack.Code
	}{
		{name: "unknown authority", code: openstack.Unavailable},
		{name: "its authority", set: map[string]string{"OS_CACERT": authority}},
		{name: "not verified", set: map[string]string{"OS_INSECURE": "True"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			vars := p.env()
			vars["OS_AUTH_URL"] = server.URL
			maps.Copy(vars, tt.set)
			_, err := open(t, openstack.Options{Getenv: getenv(vars)}).Project(t.Context())
			wantCode(t, err, tt.code)
		})
	}
}

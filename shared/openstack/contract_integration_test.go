//go:build integration

package openstack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/stackhook/stackhook/shared/openstack"
)

// rowsAtOnce is how many rows run at a time: a real Heat with two workers gains nothing from more.
const rowsAtOnce = 4

// TestContractReal runs the contract on the cloud that OS_CLOUD or OS_* name. Without any it fails: who asks for the
// integration tests wants them run.
func TestContractReal(t *testing.T) {
	t.Parallel()
	h := onReal(t)
	slots := make(chan struct{}, rowsAtOnce)
	for _, r := range contract() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			start := time.Now()
			own := *h
			own.t = t
			r.run(&own)
			t.Logf("took %s", time.Since(start).Round(100*time.Millisecond))
		})
	}
}

func onReal(t *testing.T) *harness {
	t.Helper()
	login := realLogin(t)
	client := func(t *testing.T, transport http.RoundTripper) *openstack.Cloud {
		t.Helper()
		cloud, err := openstack.New(openstack.Options{Getenv: os.Getenv, Timeout: time.Minute, Transport: transport})
		if err != nil {
			t.Fatalf("make a client: %v", err)
		}
		return cloud
	}
	return &harness{
		t:       t,
		cloud:   client(t, nil),
		another: client,
		pass: func(ctx context.Context, d time.Duration) {
			timer := time.NewTimer(d)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
		},
		token:   func(t *testing.T) string { t.Helper(); token, _ := login.issue(t); return token },
		trusted: login.trust,
		deleteVolume: func(ctx context.Context, id string) error {
			token, endpoints := login.issue(t)
			r, err := http.NewRequestWithContext(ctx, http.MethodDelete, strings.TrimSuffix(endpoints["volumev3"], "/")+"/volumes/"+id, nil)
			if err != nil {
				return err
			}
			r.Header.Set("X-Auth-Token", token)
			reply, err := http.DefaultClient.Do(r)
			if err == nil {
				err = reply.Body.Close()
			}
			return err
		},
		raw: func(t *testing.T, service, method, path string, body any) answer {
			t.Helper()
			token, endpoints := login.issue(t)
			return rawRequest(t, token, method, strings.TrimSuffix(endpoints[map[string]string{"heat": "orchestration", "nova": "compute", "cinder": "volumev3"}[service]], "/")+path, body)
		},
	}
}

// login is a password and where to use it.
type login struct {
	AuthURL       string `yaml:"auth_url"`
	Username      string `yaml:"username"`
	Password      string `yaml:"password"`
	Project       string `yaml:"project_name"`
	UserDomain    string `yaml:"user_domain_name"`
	ProjectDomain string `yaml:"project_domain_name"`
}

// realLogin reads clouds.yaml or OS_*, for the requests that the client never sends.
func realLogin(t *testing.T) login {
	t.Helper()
	env := os.Getenv
	l := login{
		AuthURL: env("OS_AUTH_URL"), Username: env("OS_USERNAME"), Password: env("OS_PASSWORD"), Project: env("OS_PROJECT_NAME"),
		UserDomain: env("OS_USER_DOMAIN_NAME"), ProjectDomain: env("OS_PROJECT_DOMAIN_NAME"),
	}
	if name := env("OS_CLOUD"); name != "" {
		file := env("OS_CLIENT_CONFIG_FILE")
		if file == "" {
			file = filepath.Join(env("HOME"), ".config", "openstack", "clouds.yaml")
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("read clouds.yaml: %v", err)
		}
		var all struct {
			Clouds map[string]struct {
				Auth login `yaml:"auth"`
			} `yaml:"clouds"`
		}
		if err := yaml.Unmarshal(text, &all); err != nil {
			t.Fatalf("read clouds.yaml: %v", err)
		}
		l = all.Clouds[name].Auth
	}
	if l.AuthURL == "" {
		t.Fatal("no cloud to test on: set OS_CLOUD, or OS_AUTH_URL and the other OS_* variables (make openstack-up starts one)")
	}
	return l
}

// trust gets a token of a trust that the user gives to themselves.
func (l login) trust(t *testing.T) string {
	t.Helper()
	own := l.post(t, "/auth/tokens", "", l.body(map[string]any{"project": map[string]any{"name": l.Project, "domain": named(l.ProjectDomain)}}))
	roles := make([]map[string]string, len(own.Token.Roles))
	for i, role := range own.Token.Roles {
		roles[i] = map[string]string{"id": role.ID} // Keystone takes nothing else of what it gave
	}
	trust := l.post(t, "/OS-TRUST/trusts", own.header.Get("X-Subject-Token"), map[string]any{"trust": map[string]any{
		"trustor_user_id": own.Token.User.ID, "trustee_user_id": own.Token.User.ID, "project_id": own.Token.Project.ID,
		"impersonation": true, "roles": roles,
	}})
	scoped := l.post(t, "/auth/tokens", "", l.body(map[string]any{"OS-TRUST:trust": map[string]any{"id": trust.Trust.ID}}))
	return scoped.header.Get("X-Subject-Token")
}

// keystone is what Keystone answered.
type keystone struct {
	header http.Header
	Token  struct {
		User, Project struct{ ID string }
		Roles         []struct{ ID string }
		Catalog       []struct {
			Type      string
			Endpoints []struct{ Interface, URL string }
		}
	}
	Trust struct{ ID string }
}

func named(domain string) map[string]any {
	if domain == "" {
		domain = "Default"
	}
	return map[string]any{"name": domain}
}

// body asks for a token of this scope.
func (l login) body(scope map[string]any) map[string]any {
	user := map[string]any{"name": l.Username, "password": l.Password, "domain": named(l.UserDomain)}
	return map[string]any{"auth": map[string]any{
		"identity": map[string]any{"methods": []string{"password"}, "password": map[string]any{"user": user}}, "scope": scope,
	}}
}

func (l login) post(t *testing.T, path, token string, content any) keystone {
	t.Helper()
	text, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	url := strings.TrimSuffix(strings.TrimSuffix(l.AuthURL, "/"), "/v3") + "/v3" + path
	r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, url, bytes.NewReader(text)) // clean-up needs it, too
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("X-Auth-Token", token)
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	defer reply.Body.Close()
	got := keystone{header: reply.Header}
	if err := json.NewDecoder(reply.Body).Decode(&got); err != nil || reply.StatusCode != http.StatusCreated {
		t.Fatalf("%s: %d, %v", path, reply.StatusCode, err)
	}
	return got
}

// issue gets a token and the public endpoints by type.
func (l login) issue(t *testing.T) (token string, endpoints map[string]string) {
	t.Helper()
	got := l.post(t, "/auth/tokens", "", l.body(map[string]any{"project": map[string]any{"name": l.Project, "domain": named(l.ProjectDomain)}}))
	endpoints = map[string]string{}
	for _, entry := range got.Token.Catalog {
		for _, e := range entry.Endpoints {
			if e.Interface == "public" {
				endpoints[entry.Type] = e.URL
			}
		}
	}
	return got.header.Get("X-Subject-Token"), endpoints
}

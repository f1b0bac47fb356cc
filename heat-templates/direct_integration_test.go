//go:build integration

package heattemplates_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// direct is the APIs of a cloud in clouds.yaml, by password: for what our client never asks.
type direct struct {
	token, user, project string
	keystone             string
	at                   map[string]string // public addresses by the type of the service
}

func newDirect(t *testing.T) *direct {
	t.Helper()
	return directTo(t, os.Getenv("OS_CLOUD"))
}

func directTo(t *testing.T, cloud string) *direct {
	t.Helper()
	text, err := os.ReadFile(os.Getenv("OS_CLIENT_CONFIG_FILE"))
	if err != nil {
		t.Fatalf("read clouds.yaml: %v", err)
	}
	var all struct {
		Clouds map[string]struct {
			Auth struct {
				AuthURL  string `yaml:"auth_url"`
				Username string `yaml:"username"`
				Password string `yaml:"password"`
				Project  string `yaml:"project_name"`
			} `yaml:"auth"`
		} `yaml:"clouds"`
	}
	if err := yaml.Unmarshal(text, &all); err != nil {
		t.Fatalf("read clouds.yaml: %v", err)
	}
	a := all.Clouds[cloud].Auth
	domain := map[string]any{"name": "Default"}
	body := map[string]any{"auth": map[string]any{
		"identity": map[string]any{"methods": []string{"password"}, "password": map[string]any{"user": map[string]any{"name": a.Username, "password": a.Password, "domain": domain}}},
		"scope":    map[string]any{"project": map[string]any{"name": a.Project, "domain": domain}},
	}}
	var reply struct {
		Token struct {
			User, Project struct{ ID string }
			Catalog       []struct {
				Type      string
				Endpoints []struct{ Interface, URL string }
			}
		}
	}
	d := &direct{keystone: strings.TrimSuffix(strings.TrimSuffix(a.AuthURL, "/"), "/v3") + "/v3", at: map[string]string{}}
	answer := d.call(t, http.MethodPost, d.keystone+"/auth/tokens", body, &reply)
	d.token, d.user, d.project = answer.Get("X-Subject-Token"), reply.Token.User.ID, reply.Token.Project.ID
	for _, s := range reply.Token.Catalog {
		for _, e := range s.Endpoints {
			if e.Interface == "public" {
				d.at[s.Type] = e.URL
			}
		}
	}
	if d.token == "" {
		t.Fatal("no token")
	}
	return d
}

// call sends and reads JSON. A refusal is an error of the test where an answer was wanted.
func (d *direct) call(t *testing.T, method, url string, body, into any) http.Header {
	t.Helper()
	var text []byte // with a body Cinder refuses a GET
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	status, header, answer := ask(t, method, url, d.token, text)
	if into == nil || header == nil {
		return header
	}
	if status >= 300 {
		t.Errorf("%s %s: %d", method, url, status)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		t.Errorf("%s %s: %v", method, url, err)
	}
	return header
}

// ask is one request; without a token it is one of all the world. Its header is nil if there was no answer.
func ask(t *testing.T, method, url, token string, body []byte) (status int, header http.Header, answer []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("X-OpenStack-Nova-API-Version", "2.3") // with user data, for an administrator; no other service knows this header
	if token != "" {
		r.Header.Set("X-Auth-Token", token)
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Errorf("%s: %v", method, err)
		return 0, nil, nil
	}
	defer reply.Body.Close()
	answer, err = io.ReadAll(reply.Body)
	if err != nil {
		t.Errorf("%s %s: %v", method, url, err)
	}
	return reply.StatusCode, reply.Header, answer
}

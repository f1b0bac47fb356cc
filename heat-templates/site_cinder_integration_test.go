//go:build integration

package heattemplates_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/stackhook/stackhook/shared/openstack"
)

// cinder is the block storage of the cloud that OS_CLOUD names, by password, and its Heat for what our client never asks.
type cinder struct{ url, heat, token string }

// block is a volume.
type block struct {
	ID, Name, Status string
	Metadata         map[string]string
}

func newCinder(t *testing.T) *cinder {
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
	a := all.Clouds[os.Getenv("OS_CLOUD")].Auth
	domain := map[string]any{"name": "Default"}
	body := map[string]any{"auth": map[string]any{
		"identity": map[string]any{"methods": []string{"password"}, "password": map[string]any{"user": map[string]any{"name": a.Username, "password": a.Password, "domain": domain}}},
		"scope":    map[string]any{"project": map[string]any{"name": a.Project, "domain": domain}},
	}}
	var reply struct {
		Token struct {
			Catalog []struct {
				Type      string
				Endpoints []struct{ Interface, URL string }
			}
		}
	}
	c := &cinder{}
	answer := c.call(t, http.MethodPost, strings.TrimSuffix(strings.TrimSuffix(a.AuthURL, "/"), "/v3")+"/v3/auth/tokens", body, &reply)
	c.token = answer.Get("X-Subject-Token")
	for _, s := range reply.Token.Catalog {
		for _, e := range s.Endpoints {
			if e.Interface == "public" && strings.HasPrefix(s.Type, "volumev3") || e.Interface == "public" && s.Type == "block-storage" {
				c.url = e.URL
			}
			if e.Interface == "public" && s.Type == "orchestration" {
				c.heat = e.URL
			}
		}
	}
	if c.url == "" || c.token == "" {
		t.Fatal("this cloud has no Cinder")
	}
	return c
}

func (c *cinder) call(t *testing.T, method, url string, body, into any) http.Header {
	t.Helper()
	var text []byte // with a body Cinder refuses a GET
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Auth-Token", c.token)
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Errorf("%s: %v", method, err)
		return nil
	}
	defer reply.Body.Close()
	if reply.StatusCode >= 300 && into != nil {
		t.Errorf("%s %s: %d", method, url, reply.StatusCode)
	}
	if into != nil {
		if err := json.NewDecoder(reply.Body).Decode(into); err != nil {
			t.Errorf("%s %s: %v", method, url, err)
		}
	}
	return reply.Header
}

func (c *cinder) volume(t *testing.T, id string) block {
	t.Helper()
	var reply struct{ Volume block }
	c.call(t, http.MethodGet, c.url+"/volumes/"+id, nil, &reply)
	return reply.Volume
}

// want checks a site's volume, by the name that the output volumes has for it.
func (c *cinder) want(t *testing.T, id any, site, name, status string) {
	t.Helper()
	v := c.volume(t, fmt.Sprint(id))
	role, index, _ := strings.Cut(name, "-")
	if v.Status != status || v.Name != site+"-"+name || v.Metadata["stackhook-site"] != site || v.Metadata["role"] != role || v.Metadata["index"] != index {
		t.Errorf("%s: %+v, want it %s", name, v, status)
	}
}

// wait is a wait condition: its node, its status, and its handle's address.
type wait struct{ node, action, status, handle string }

// waits are those of a site.
func (c *cinder) waits(t *testing.T, site openstack.StackRef) []wait {
	t.Helper()
	var reply struct {
		Resources []struct {
			Name   string `json:"resource_name"`
			Status string `json:"resource_status"`
			Parent string `json:"parent_resource"`
			Links  []struct{ Href, Rel string }
		}
	}
	c.call(t, http.MethodGet, c.heat+"/stacks/"+site.Name+"/"+site.ID+"/resources?nested_depth=5", nil, &reply)
	var out []wait
	for _, r := range reply.Resources {
		action, status, _ := strings.Cut(r.Status, "_")
		for _, link := range r.Links {
			if r.Name == "ready" && link.Rel == "stack" {
				out = append(out, wait{r.Parent, action, status, link.Href + "/resources/handle"})
			}
		}
	}
	return out
}

// removeOf deletes the volumes of a site.
func (c *cinder) removeOf(t *testing.T, site string) {
	t.Helper()
	var reply struct{ Volumes []block }
	c.call(t, http.MethodGet, c.url+"/volumes/detail?limit=1000", nil, &reply)
	for _, v := range reply.Volumes {
		if v.Metadata["stackhook-site"] == site && v.Status == "available" {
			c.call(t, http.MethodDelete, c.url+"/volumes/"+v.ID, nil, nil)
		}
	}
}

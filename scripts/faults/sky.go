package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// sky is the cloud, and the way to it that our programs are given: each service through the weather, Keystone besides through a
// door that remembers the tokens it saw.
type sky struct {
	direct map[string]string // the cloud's variables, past everything
	env    map[string]string // the same for our programs
	cloud  *openstack.Cloud  // direct
	fake   *openstacktest.Cloud
	door   *door
}

// newSky is the cloud of that name in clouds.yaml, or a fake one without a name.
func newSky(ctx context.Context, name, cloudsYAML string, w *weather) (*sky, error) {
	s := &sky{}
	if name == "" {
		fake, err := openstacktest.New(openstacktest.Options{Wall: true, Build: func(string) time.Duration { return time.Second }})
		if err != nil {
			return nil, fmt.Errorf("start the fake cloud: %w", err)
		}
		s.fake, s.direct = fake, fake.Env()
	} else {
		var err error
		if s.direct, err = readCloud(name, cloudsYAML); err != nil {
			return nil, err
		}
	}
	var err error
	if s.cloud, err = openstack.New(openstack.Options{Getenv: func(name string) string { return s.direct[name] }, Timeout: time.Minute}); err != nil {
		return nil, fmt.Errorf("open the cloud: %w", err)
	}
	return s, s.cover(ctx, w)
}

// readCloud is an entry of clouds.yaml with a password, as variables.
func readCloud(name, path string) (map[string]string, error) {
	text, err := os.ReadFile(path) //nolint:gosec // named by the person who typed the command
	if err != nil {
		return nil, fmt.Errorf("read clouds.yaml: %w", err)
	}
	var file struct {
		Clouds map[string]struct {
			Region string            `yaml:"region_name"`
			Auth   map[string]string `yaml:"auth"`
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("read clouds.yaml: %w", err)
	}
	entry, ok := file.Clouds[name]
	if !ok {
		return nil, fmt.Errorf("%s has no cloud %s", path, name)
	}
	env := map[string]string{"OS_REGION_NAME": entry.Region, "OS_IDENTITY_API_VERSION": "3"}
	for key, value := range entry.Auth {
		env["OS_"+strings.ToUpper(key)] = value
	}
	return env, nil
}

// cover puts the weather over every service.
func (s *sky) cover(ctx context.Context, w *weather) error {
	catalog, err := login(ctx, s.direct)
	if err != nil {
		return err
	}
	s.env = map[string]string{}
	maps.Copy(s.env, s.direct)
	for kind, variable := range map[string]string{
		"orchestration": "OS_ORCHESTRATION_ENDPOINT_OVERRIDE", "compute": "OS_COMPUTE_ENDPOINT_OVERRIDE",
		"network": "OS_NETWORK_ENDPOINT_OVERRIDE", "load-balancer": "OS_LOAD_BALANCER_ENDPOINT_OVERRIDE",
	} {
		at, err := url.Parse(catalog[kind])
		if err != nil || at.Host == "" {
			return fmt.Errorf("the catalog has no address of %s", kind)
		}
		if at.Host, err = w.over(ctx, kind, at.Host); err != nil {
			return err
		}
		s.env[variable] = at.String()
	}
	keystone, err := url.Parse(s.direct["OS_AUTH_URL"])
	if err != nil {
		return fmt.Errorf("read OS_AUTH_URL: %w", err)
	}
	if s.door, err = openDoor(ctx, *keystone); err != nil {
		return err
	}
	if keystone.Host, err = w.over(ctx, "identity", s.door.address); err != nil {
		return err
	}
	s.env["OS_AUTH_URL"] = keystone.String()
	return nil
}

// login gives the catalog's public addresses by service type.
func login(ctx context.Context, env map[string]string) (map[string]string, error) {
	body, _ := json.Marshal(map[string]any{"auth": map[string]any{ //nolint:errchkjson // texts
		"identity": map[string]any{"methods": []string{"password"}, "password": map[string]any{"user": map[string]any{
			"name": env["OS_USERNAME"], "password": env["OS_PASSWORD"], "domain": map[string]any{"name": env["OS_USER_DOMAIN_NAME"]},
		}}},
		"scope": map[string]any{"project": map[string]any{"name": env["OS_PROJECT_NAME"], "domain": map[string]any{"name": env["OS_PROJECT_DOMAIN_NAME"]}}},
	}})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(env["OS_AUTH_URL"], "/")+"/auth/tokens", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("log in: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{Timeout: 30 * time.Second}).Do(request)
	if err != nil {
		return nil, fmt.Errorf("log in: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Token struct {
			Catalog []struct {
				Type      string
				Endpoints []struct{ Interface, URL string }
			}
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || response.StatusCode != http.StatusCreated {
		return nil, fmt.Errorf("log in: %d, %w", response.StatusCode, err)
	}
	catalog := map[string]string{}
	for _, service := range answer.Token.Catalog {
		for _, e := range service.Endpoints {
			if e.Interface == "public" {
				catalog[service.Type] = e.URL
			}
		}
	}
	return catalog, nil
}

// door stands before Keystone and remembers the tokens that it gave: nobody else could name our processes' own.
type door struct {
	address  string
	keystone url.URL

	mu     sync.Mutex
	tokens []string
}

func openDoor(ctx context.Context, keystone url.URL) (*door, error) {
	address, _, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	d := &door{address: address, keystone: keystone}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = keystone.Scheme, keystone.Host
		},
		ModifyResponse: func(r *http.Response) error {
			if token := r.Header.Get("X-Subject-Token"); token != "" && r.StatusCode == http.StatusCreated {
				d.mu.Lock()
				defer d.mu.Unlock()
				d.tokens = append(d.tokens, token)
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	server := &http.Server{Addr: address, Handler: proxy, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	go func() { _ = server.ListenAndServe() }()
	return d, nil
}

// revoke ends all tokens that were given until now, each by its own word, and says how many.
func (s *sky) revoke(ctx context.Context) (int, error) {
	s.door.mu.Lock()
	tokens := slices.Clone(s.door.tokens)
	s.door.tokens = nil
	s.door.mu.Unlock()
	if s.fake != nil {
		s.fake.RevokeTokens()
		return len(tokens), nil
	}
	client := &http.Client{Timeout: 30 * time.Second}
	for _, token := range tokens {
		request, err := http.NewRequestWithContext(ctx, http.MethodDelete, strings.TrimSuffix(s.direct["OS_AUTH_URL"], "/")+"/auth/tokens", nil) //nolint:gosec // the cloud of clouds.yaml
		if err != nil {
			return 0, fmt.Errorf("revoke a token: %w", err)
		}
		request.Header.Set("X-Auth-Token", token)
		request.Header.Set("X-Subject-Token", token)
		response, err := client.Do(request) //nolint:gosec // the cloud of clouds.yaml
		if err != nil {
			return 0, fmt.Errorf("revoke a token: %w", err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if response.StatusCode != http.StatusNoContent && response.StatusCode != http.StatusUnauthorized && response.StatusCode != http.StatusNotFound {
			return 0, fmt.Errorf("revoke a token: %d", response.StatusCode)
		}
	}
	return len(tokens), nil
}

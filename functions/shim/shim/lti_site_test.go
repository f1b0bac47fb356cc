package shim_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stackhook/stackhook/functions/shim/shim"
	"github.com/stackhook/stackhook/scripts/browsertest"
	"github.com/stackhook/stackhook/scripts/peers"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/logging/loggingtest"
)

const (
	ltiClientID   = "3f2c6d0e-client"
	ltiDeployment = "1"
)

var ltiHosts = []string{"lms.test", "hooks.test"}

// ltiConfiguration registers one LTI 1.3 platform, which offers two labs. Without a public address the shim takes its own.
func ltiConfiguration(t *testing.T, p *peers.Platform, publicURL string) string {
	t.Helper()
	text := fmt.Sprintf(`
naming_key: naming-test-secret-hunter2-12-abcdefgh
seal_keys: [{id: "1", secret: sealing-test-secret-hunter2-12-abcdefg}]
lti:
  tool_keys:
    current: %q
  platforms:
    - issuer: %s
      client_id: %s
      deployments: [%q]
      auth_url: %s/auth
      jwks_url: %s/jwks.json
      labs: [web, small]
      frame_ancestors: [%s]
      instructors: true
labs:
  web:
    title: Web server basics
    description: A server of your own, to be set up by hand.
    template: labs/web.yaml
    access: [{kind: url, output: lab_url, title: Open the lab}]
  small:
    title: A smaller one
    template: labs/web.yaml
    parameters: {flavor: m1.tiny}
    access: [{kind: url, output: lab_url, title: Open the lab}]
`, toolKey(t), p.Issuer, ltiClientID, ltiDeployment, p.Issuer, p.Loopback, p.Issuer)
	if publicURL != "" {
		text += "public_url: " + publicURL + "\n"
	}
	return text
}

// toolKey is a new RSA key as PEM.
func toolKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// startWith is a shim on the fake cloud with this configuration; secrets and tokens must not get into its log.
func startWith(t *testing.T, text string) *shim.Shim {
	t.Helper()
	log := loggingtest.Catch(t, "id_token=", "lti_message_hint=", "browser_secret=")
	s, err := shim.Start(t.Context(), shim.Options{
		Source: config.Map(map[string]string{config.Variable: text}), Listen: "127.0.0.1:0", Fake: quick(), Log: io.MultiWriter(t.Output(), log),
	})
	if err != nil {
		t.Fatalf("start the shim: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the shim: %v", err)
		}
	})
	return s
}

// toolAt is where a platform finds a tool that browsers reach at public and the platform itself at direct.
func toolAt(public, direct string) peers.Tool {
	return peers.Tool{Login: public + "/launch-lab/login", Launch: public + "/launch-lab/launch", JWKS: direct + "/launch-lab/jwks.json"}
}

// ltiSites are a course site and our functions as browsers find them: two sites, over TLS.
type ltiSites struct {
	platform *peers.Platform
	hooks    string // our public address
	launches *ltiLaunches
}

func newLTISites(t *testing.T) ltiSites {
	t.Helper()
	site := browsertest.NewSite(t, "hooks.test")
	c := ltiSites{hooks: site.URL, launches: &ltiLaunches{}}
	c.platform = peers.StartPlatform(t, peers.PlatformOptions{
		Host: "lms.test", Certificate: browsertest.Certificate(t, "lms.test"), ClientID: ltiClientID, Deployment: ltiDeployment, Tool: toolAt(site.URL, ""),
	})
	s := startWith(t, ltiConfiguration(t, c.platform, site.URL))
	direct := httptest.NewServer(s.Handler())
	t.Cleanup(direct.Close)
	c.platform.SetTool(t, toolAt(site.URL, direct.URL))
	site.Serve(t, c.launches.note(s.Handler()))
	return c
}

// ltiLaunches notes what each launch came with, as seen by the proxy before us.
type ltiLaunches struct {
	mu   sync.Mutex
	list []ltiLaunch
}

type ltiLaunch struct {
	Cookie, Secret bool // what proves that the browser is the login's
	Lab            bool // the answer is the lab page
}

func (l *ltiLaunches) note(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/launch-lab/launch" {
			next.ServeHTTP(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		form, _ := url.ParseQuery(string(body))
		seen := ltiLaunch{Secret: form.Get("browser_secret") != ""}
		seen.Cookie = slices.ContainsFunc(r.Cookies(), func(c *http.Cookie) bool { return strings.HasPrefix(c.Name, "__Host-stackhook-") })
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		seen.Lab = answer.Code == http.StatusOK && strings.Contains(answer.Body.String(), `name="ticket"`)
		l.mu.Lock()
		l.list = append(l.list, seen)
		l.mu.Unlock()
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

func (l *ltiLaunches) all() []ltiLaunch {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.list)
}

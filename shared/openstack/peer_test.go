package openstack_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// peer is a cloud with no more than a Keystone; a test adds the answers it needs with handle.
type peer struct {
	*http.ServeMux
	url string

	mu     sync.Mutex
	logins []string        // bodies of POST /v3/auth/tokens
	valid  map[string]bool // tokens that the services accept
	life   time.Duration
	// skip leaves these service types out of the catalog.
	skip []string
}

const (
	project  = "p1"
	password = "hunter2-hunter2"
)

func newPeer(t *testing.T) *peer {
	t.Helper()
	p := &peer{ServeMux: http.NewServeMux(), valid: map[string]bool{}, life: time.Hour}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.url = server.URL
	p.HandleFunc("POST /v3/auth/tokens", p.logIn)
	return p
}

func (p *peer) logIn(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	p.logins = append(p.logins, string(body))
	token := fmt.Sprintf("token-%d", len(p.logins))
	p.valid[token] = true
	p.mu.Unlock()
	w.Header().Set("X-Subject-Token", token)
	reply(w, http.StatusCreated, p.token())
}

func (p *peer) token() map[string]any {
	// Keystone's clock is two hours behind ours on purpose.
	now := time.Now().Add(-2 * time.Hour)
	var catalog []any
	for kind, path := range map[string]string{
		"orchestration": "/heat/v1/" + project, "compute": "/nova/v2.1", "network": "/neutron", "load-balancer": "/octavia",
	} {
		if slices.Contains(p.skip, kind) {
			continue
		}
		catalog = append(catalog, map[string]any{"type": kind, "endpoints": []any{
			endpoint("internal", "north", p.url+"/internal"+path),
			endpoint("public", "south", p.url+"/south"+path),
			endpoint("public", "north", p.url+path),
		}})
	}
	return map[string]any{"token": map[string]any{
		"issued_at": now, "expires_at": now.Add(p.life), "project": map[string]any{"id": project}, "catalog": catalog,
	}}
}

func endpoint(kind, region, address string) map[string]any {
	return map[string]any{"interface": kind, "region": region, "region_id": region, "url": address}
}

// handle answers pattern for those who bring a valid token.
func (p *peer) handle(pattern string, h http.HandlerFunc) {
	p.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		ok := p.valid[r.Header.Get("X-Auth-Token")]
		p.mu.Unlock()
		if !ok {
			reply(w, http.StatusUnauthorized, keystoneError(401, "The request you have made requires authentication."))
			return
		}
		h(w, r)
	})
}

// revoke makes all tokens so far worthless.
func (p *peer) revoke() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.valid)
}

func (p *peer) loginCount() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.logins)
}

func (p *peer) env() map[string]string {
	return map[string]string{
		"OS_AUTH_URL": p.url, "OS_USERNAME": "demo", "OS_PASSWORD": password, "OS_PROJECT_NAME": "lab",
		"OS_USER_DOMAIN_NAME": "Default", "OS_PROJECT_DOMAIN_NAME": "Default", "OS_REGION_NAME": "north",
	}
}

func (p *peer) cloud(t *testing.T) *openstack.Cloud {
	t.Helper()
	return open(t, openstack.Options{Getenv: getenv(p.env())})
}

func open(t *testing.T, o openstack.Options) *openstack.Cloud {
	t.Helper()
	cloud, err := openstack.New(o)
	if err != nil {
		t.Fatalf("open cloud: %v", err)
	}
	return cloud
}

func getenv(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// answers always replies the same; body is JSON text.
func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func heatError(status int, kind, message string) string {
	text, _ := json.Marshal(map[string]any{
		"code": status, "title": http.StatusText(status),
		"error": map[string]any{"type": kind, "message": message, "traceback": nil},
	})
	return string(text)
}

func keystoneError(status int, message string) map[string]any {
	return map[string]any{"error": map[string]any{"code": status, "message": message, "title": http.StatusText(status)}}
}

// bodyOf decodes what a request sent.
func bodyOf(t *testing.T, r *http.Request) map[string]any {
	t.Helper()
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		t.Errorf("%s %s: body: %v", r.Method, r.URL.Path, err)
	}
	return body
}

// counting is a context that counts calls.
func counting(t *testing.T) context.Context {
	t.Helper()
	return logging.WithRequest(t.Context(), zerolog.Nop(), "0190c1d2-1111-7222-8333-444455556666")
}

func wantCalls(ctx context.Context, t *testing.T, want ...string) {
	t.Helper()
	if got := logging.Calls(ctx); !slices.Equal(got, want) {
		t.Errorf("calls:\n got %s\nwant %s", strings.Join(got, ", "), strings.Join(want, ", "))
	}
}

func wantCode(t *testing.T, err error, want openstack.Code) {
	t.Helper()
	if got := openstack.CodeOf(err); got != want {
		t.Errorf("code: got %q, want %q (error: %v)", got, want, err)
	}
}

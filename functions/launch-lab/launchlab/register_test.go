package launchlab_test

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lti/registration"
)

const registrationToken = "hunter2-registration-token"

// register lets the platform describe itself and take registrations, besides what it does anyway.
func (l *lms) register(posted *atomic.Int32, answer string) {
	inner := l.server.Config.Handler
	l.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/configuration":
			_ = json.NewEncoder(w).Encode(map[string]any{
				"issuer": l.Issuer, "registration_endpoint": l.Issuer + "/registration", "authorization_endpoint": l.AuthURL(),
				"token_endpoint": l.Issuer + "/token", "jwks_uri": l.JWKSURL(),
				"https://purl.imsglobal.org/spec/lti-platform-configuration": map[string]any{"product_family_code": "<i>exemplar</i>"},
			})
		case "/registration":
			posted.Add(1)
			if r.Header.Get("Authorization") != "Bearer "+registrationToken {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, answer)
		default:
			inner.ServeHTTP(w, r)
		}
	})
}

// invitation is the address that the platform opens, as the operator's link and the platform make it.
func (s *site13) invitation(t *testing.T) string {
	t.Helper()
	env := environment(s.Cloud, configuration)
	c, err := config.Map(env).Load()
	if err != nil {
		t.Fatal(err)
	}
	box, err := c.Box()
	if err != nil {
		t.Fatal(err)
	}
	address, err := registration.Address(box, "/register", s.lms.Issuer, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return address + "&" + url.Values{"openid_configuration": {s.lms.Issuer + "/configuration"}, "registration_token": {registrationToken}}.Encode()
}

func confirm(form url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/register", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

const registered = `{"client_id":"client-new","https://purl.imsglobal.org/spec/lti-tool-configuration":{"deployment_id":"d-7"}}`

// The whole way: the platform registers itself, its entry is in the folder, and with that it launches.
func TestRegistrationIntoTheFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	with := func(text string) string {
		return strings.Replace(text, "lti:\n", "lti:\n  platforms_dir: "+dir+"\n", 1)
	}
	s := start13(t, with)
	var posted atomic.Int32
	s.lms.register(&posted, registered)

	w := s.serve(httptest.NewRequest(http.MethodGet, s.invitation(t), nil))
	if w.Code != http.StatusOK || posted.Load() != 0 || !strings.Contains(w.Body.String(), s.lms.Issuer) {
		t.Fatalf("%d, %d registrations\n%s", w.Code, posted.Load(), said(w))
	}
	if policy := w.Header().Get("Content-Security-Policy"); !strings.HasSuffix(policy, "frame-ancestors https://registered.example.org") {
		t.Errorf("policy %q", policy)
	}
	form := hidden(w.Body.String())
	w = s.serve(confirm(form))
	if w.Code != http.StatusOK || posted.Load() != 1 {
		t.Fatalf("%d, %d registrations\n%s", w.Code, posted.Load(), said(w))
	}
	if text := w.Body.String(); strings.Contains(text, "<i>exemplar") || strings.Contains(text, registrationToken) || strings.Contains(text, dir) {
		t.Errorf("the page holds markup, the token or our folder:\n%s", said(w))
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 || !strings.Contains(w.Body.String(), files[0].Name()) {
		t.Fatalf("%v, %v\n%s", files, err, said(w))
	}
	text, err := os.ReadFile(filepath.Join(dir, files[0].Name()))
	for _, part := range []string{"client-new", "d-7", "https://registered.example.org"} {
		if err != nil || !strings.Contains(string(text), part) {
			t.Errorf("%s is missing: %s, %v", part, text, err)
		}
	}

	after := start13On(t, s.Cloud, s.lms, with)
	link := s.lms.link("u1")
	link.ClientID, link.Deployment = "client-new", "d-7"
	labPage(t, after.launch13(t, link))
	s.nothingOfSecrets(t)
}

func (s *site13) nothingOfSecrets(t *testing.T) {
	t.Helper()
	if strings.Contains(s.log.String(), registrationToken) {
		t.Error("the log holds the registration's token")
	}
}

// Without a folder a person puts the entry into the configuration.
func TestRegistrationGivesTheEntry(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		registered:                   "d-7",
		`{"client_id":"client-new"}`: "deployments: [] # the deployment id",
	} {
		s := start13(t)
		var posted atomic.Int32
		s.lms.register(&posted, answer)
		w := s.serve(confirm(hidden(s.serve(httptest.NewRequest(http.MethodGet, s.invitation(t), nil)).Body.String())))
		text := html.UnescapeString(said(w))
		for _, part := range []string{"client_id: client-new", "issuer: " + s.lms.Issuer, "jwks_url: " + s.lms.JWKSURL(), "web", want} {
			if w.Code != http.StatusOK || !strings.Contains(text, part) {
				t.Errorf("%d, %q is missing:\n%s", w.Code, part, text)
			}
		}
	}
}

// What a folder cannot take is not lost.
func TestRegistrationThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "platforms")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s := start13(t, func(text string) string {
		return strings.Replace(text, "lti:\n", "lti:\n  platforms_dir: "+dir+"\n", 1)
	})
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	var posted atomic.Int32
	s.lms.register(&posted, registered)
	w := s.serve(confirm(hidden(s.serve(httptest.NewRequest(http.MethodGet, s.invitation(t), nil)).Body.String())))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "client_id: client-new") {
		t.Errorf("%d\n%s", w.Code, said(w))
	}
}

func TestRegistrationLinkWorksOnce(t *testing.T) {
	t.Parallel()
	s := start13(t)
	var posted atomic.Int32
	s.lms.register(&posted, registered)
	address := s.invitation(t)
	form := hidden(s.serve(httptest.NewRequest(http.MethodGet, address, nil)).Body.String())
	requests := make([]*http.Request, 10)
	for i := range requests {
		requests[i] = confirm(form)
	}
	done := 0
	for _, w := range s.atOnce(requests) {
		if w.Code == http.StatusOK {
			done++
		} else {
			problemPage(t, w, http.StatusConflict, "registration_busy")
		}
	}
	if done != 1 || posted.Load() != 1 {
		t.Errorf("%d told so, %d registrations", done, posted.Load())
	}
}

// Registrations that do not hold: nothing is called, nothing spent.
func TestRegistrationsThatDoNotHold(t *testing.T) {
	t.Parallel()
	s := start13(t)
	var posted atomic.Int32
	s.lms.register(&posted, registered)
	u, err := url.Parse(s.invitation(t))
	if err != nil {
		t.Fatal(err)
	}
	good := u.Query()
	for _, c := range []struct {
		name, field, value string
		status             int
		code               string
	}{
		{"no link", "link", "", 403, "registration_link"},
		{"forged link", "link", good.Get("link")[:30] + "AAAA", 403, "registration_link"},
		{"configuration elsewhere", "openid_configuration", "https://evil.example.org/configuration", 400, "registration_request"},
		{"configuration inside", "openid_configuration", "http://169.254.169.254/latest", 400, "registration_request"},
		{"no configuration", "openid_configuration", "", 400, "registration_request"},
	} {
		form := url.Values{}
		for name := range good {
			form.Set(name, good.Get(name))
		}
		form.Set(c.field, c.value)
		problemPage(t, s.serve(httptest.NewRequest(http.MethodGet, "/register?"+form.Encode(), nil)), c.status, c.code)
		problemPage(t, s.serve(confirm(form)), c.status, c.code)
	}
	for _, site := range []string{"cross-site", "same-site"} { // W04
		r := confirm(good)
		r.Header.Set("Sec-Fetch-Site", site)
		problemPage(t, s.serve(r), http.StatusForbidden, "cross_site")
	}
	problemPage(t, s.serve(httptest.NewRequest(http.MethodDelete, "/register", nil)), http.StatusNotFound, "not_found")
	if posted.Load() != 0 {
		t.Errorf("%d registrations", posted.Load())
	}
	if w := s.serve(confirm(good)); w.Code != http.StatusOK {
		t.Errorf("the link is gone: %d\n%s", w.Code, said(w))
	}
	s.nothingOfSecrets(t)
}

func TestRegistrationNeedsAKey(t *testing.T) {
	t.Parallel()
	s := start13(t, withoutKeys)
	problemPage(t, s.serve(httptest.NewRequest(http.MethodGet, s.invitation(t), nil)), http.StatusNotImplemented, "registration_keys")
}

package registration_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lti/registration"
	"github.com/stackhook/stackhook/shared/once"
	"github.com/stackhook/stackhook/shared/seal"
)

const (
	token    = "hunter2-registration-token"
	toolURL  = "https://hooks.example.org/launch-lab"
	toolConf = "https://purl.imsglobal.org/spec/lti-tool-configuration"
)

var now = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

// lms is a platform: its description can be spoilt and its answer to a registration replaced.
type lms struct {
	*httptest.Server
	describe func(map[string]any)             // changes the description
	page     func(http.ResponseWriter)        // instead of the description
	answer   func(w http.ResponseWriter) bool // instead of the registration's answer
	fetched  atomic.Int32
	posted   atomic.Int32
	mu       sync.Mutex
	received map[string]any
	bearer   string
	kind     string
}

func newLMS(t *testing.T) *lms {
	t.Helper()
	l := &lms{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		l.fetched.Add(1)
		if l.page != nil {
			l.page(w)
			return
		}
		d := map[string]any{
			"issuer": l.URL, "registration_endpoint": l.URL + "/register", "authorization_endpoint": l.URL + "/auth",
			"token_endpoint": l.URL + "/token", "jwks_uri": l.URL + "/jwks.json", "id_token_signing_alg_values_supported": []string{"RS256", "ES256"},
			"https://purl.imsglobal.org/spec/lti-platform-configuration": map[string]any{"product_family_code": "exemplar"},
		}
		if l.describe != nil {
			l.describe(d)
		}
		json.NewEncoder(w).Encode(d)
	})
	mux.HandleFunc("POST /register", func(w http.ResponseWriter, r *http.Request) {
		l.posted.Add(1)
		l.mu.Lock()
		l.received = map[string]any{}
		json.NewDecoder(r.Body).Decode(&l.received)
		l.bearer, l.kind = r.Header.Get("Authorization"), r.Header.Get("Content-Type")
		l.mu.Unlock()
		if l.answer != nil && l.answer(w) {
			return
		}
		w.WriteHeader(http.StatusCreated)
		json.NewEncoder(w).Encode(map[string]any{"client_id": "client-7", toolConf: map[string]any{"deployment_id": "d-1"}})
	})
	l.Server = httptest.NewServer(mux)
	t.Cleanup(l.Close)
	return l
}

func (l *lms) configuration() string { return l.URL + "/.well-known/openid-configuration" }

func box(t *testing.T) *seal.Box {
	t.Helper()
	b, err := seal.New(seal.Key{ID: "1", Secret: []byte("hunter2, a sealing key for tests, long enough")})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func registrar(t *testing.T, issuers ...string) registration.Registrar {
	t.Helper()
	allowed := map[string][]string{}
	for _, issuer := range issuers {
		allowed[issuer] = nil
	}
	clock := func() time.Time { return now }
	return registration.Registrar{
		Tool: registration.Tool{URL: toolURL, Name: "Labs", Description: "Labs of one's own", Choose: "Choose a lab"}, Issuers: allowed, Box: box(t),
		Seen: once.Memory(clock), Now: clock,
	}
}

// link is a link as it stands in the address that the operator was given.
func link(t *testing.T, r registration.Registrar, issuer string) string {
	t.Helper()
	address, err := registration.Address(r.Box, toolURL+"/register", issuer, now)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(address, toolURL+"/register?link=") {
		t.Fatalf("address %q, %v", address, err)
	}
	return u.Query().Get("link")
}

func read(t *testing.T, r registration.Registrar, l *lms) registration.Request {
	t.Helper()
	q, err := r.Read(link(t, r, l.URL), l.configuration(), token)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func refused(t *testing.T, err error, code registration.Code) {
	t.Helper()
	fault, ok := errors.AsType[*registration.Error](err)
	if !ok || fault.Code != code {
		t.Errorf("got %v, want %s", err, code)
		return
	}
	if fault.Status < 400 || len(fault.Public) < 30 || !strings.HasSuffix(fault.Public, ".") {
		t.Errorf("%s: status %d, %q", code, fault.Status, fault.Public)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%s: the error's text holds a secret", code)
	}
}

func TestRegister(t *testing.T) {
	t.Parallel()
	l := newLMS(t)
	r := registrar(t, l.URL)
	q := read(t, r, l)
	if l.fetched.Load() != 0 {
		t.Error("reading the request called the platform")
	}
	got, note, err := r.Register(t.Context(), q)
	want := registration.Registered{
		Issuer: l.URL, ClientID: "client-7", Deployment: "d-1", Product: "exemplar",
		AuthURL: l.URL + "/auth", TokenURL: l.URL + "/token", JWKSURL: l.URL + "/jwks.json",
	}
	if err != nil || note != nil || got != want {
		t.Fatalf("%+v, %v, %v", got, note, err)
	}
	if l.bearer != "Bearer "+token || l.kind != "application/json" {
		t.Errorf("sent with %q as %q", l.bearer, l.kind)
	}
	for name, want := range map[string]any{
		"application_type": "web", "initiate_login_uri": toolURL + "/login", "jwks_uri": toolURL + "/jwks.json", "token_endpoint_auth_method": "private_key_jwt",
		"id_token_signed_response_alg": "RS256", "client_name": "Labs",
	} {
		if l.received[name] != want {
			t.Errorf("%s is %v, want %v", name, l.received[name], want)
		}
	}
	for name, want := range map[string]string{
		"response_types": `["id_token"]`, "grant_types": `["client_credentials","implicit"]`, "redirect_uris": `["` + toolURL + `/launch"]`,
	} {
		if text, _ := json.Marshal(l.received[name]); string(text) != want {
			t.Errorf("%s is %s, want %s", name, text, want)
		}
	}
	if scope, _ := l.received["scope"].(string); !strings.Contains(scope, "lti-ags/scope/score") {
		t.Errorf("scope %q", scope)
	}
	tool, _ := l.received[toolConf].(map[string]any)
	if tool["domain"] != "hooks.example.org" || tool["target_link_uri"] != toolURL+"/launch" {
		t.Errorf("tool configuration %v", tool)
	}
	messages, _ := json.Marshal(tool["messages"])
	for _, kind := range []string{`"LtiResourceLinkRequest"`, `"LtiDeepLinkingRequest"`} {
		if !strings.Contains(string(messages), kind) {
			t.Errorf("messages %s", messages)
		}
	}
}

func TestDeploymentMayComeLater(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"client_id":"c"}`: "",
		`{"client_id":"c","` + toolConf + `":{"deployment_id":3}}`:    "3",
		`{"client_id":"c","` + toolConf + `":{"deployment_id":null}}`: "",
	} {
		l := newLMS(t)
		l.answer = func(w http.ResponseWriter) bool { _, err := io.WriteString(w, text); return err == nil }
		r := registrar(t, l.URL)
		if got, _, err := r.Register(t.Context(), read(t, r, l)); err != nil || got.Deployment != want {
			t.Errorf("%s: deployment %q, %v", text, got.Deployment, err)
		}
	}
}

// What is refused before any call.
func TestRequestsThatDoNotHold(t *testing.T) {
	t.Parallel()
	l := newLMS(t)
	r := registrar(t, l.URL)
	good := link(t, r, l.URL)
	other, err := r.Box.Seal("lab", registration.Link{ID: "x", Issuer: l.URL}, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		link, configuration string
		code                registration.Code
	}{
		"no link":                      {"", l.configuration(), registration.CodeLink},
		"forged link":                  {good[:len(good)-4] + "AAAA", l.configuration(), registration.CodeLink},
		"something sealed for another": {other, l.configuration(), registration.CodeLink},
		"issuer not on the list":       {link(t, r, "https://elsewhere.example.org"), "https://elsewhere.example.org/c", registration.CodeIssuer},
		"no configuration":             {good, "", registration.CodeRequest},
		"configuration elsewhere":      {good, "https://evil.example.org/.well-known/openid-configuration", registration.CodeRequest},
		"another port":                 {good, "http://127.0.0.1:1/c", registration.CodeRequest},
		"plain http":                   {good, "http://lms.example.org/c", registration.CodeRequest},
		"with a password":              {good, strings.Replace(l.configuration(), "http://", "http://a:b@", 1), registration.CodeRequest},
		"a file":                       {good, "file:///etc/passwd", registration.CodeRequest},
		"host as a user":               {good, strings.Replace(l.URL, "http://", "https://", 1) + "@evil.example.org/", registration.CodeRequest},
		"no host":                      {good, "https:/c", registration.CodeRequest},
		"overlong":                     {good, l.configuration() + "?" + strings.Repeat("x", 2048), registration.CodeRequest},
	} {
		_, err := r.Read(c.link, c.configuration, token)
		refused(t, err, c.code)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	late := r
	late.Now = func() time.Time { return now.Add(24*time.Hour + time.Second) }
	_, err = late.Read(good, l.configuration(), token)
	refused(t, err, registration.CodeLink)
	_, err = r.Read(good, l.configuration(), strings.Repeat("x", 16<<10+1))
	refused(t, err, registration.CodeRequest)
	if l.fetched.Load() != 0 {
		t.Error("the platform was called")
	}
}

// A description that cannot be used: nothing is posted, and the link stays good.
func TestDescriptionsThatDoNotHold(t *testing.T) {
	t.Parallel()
	set := func(name string, value any) func(*lms) {
		return func(l *lms) { l.describe = func(d map[string]any) { d[name] = value } }
	}
	page := func(status int, text string) func(*lms) {
		return func(l *lms) {
			l.page = func(w http.ResponseWriter) {
				w.WriteHeader(status)
				_, _ = io.WriteString(w, text)
			}
		}
	}
	for name, c := range map[string]struct {
		spoil func(*lms)
		code  registration.Code
	}{
		"another issuer":                      {set("issuer", "https://evil.example.org"), registration.CodePlatform},
		"issuer with a slash":                 {func(l *lms) { l.describe = func(d map[string]any) { d["issuer"] = l.URL + "/" } }, registration.CodePlatform},
		"no issuer":                           {set("issuer", nil), registration.CodePlatform},
		"issuer of another type":              {set("issuer", 1), registration.CodePlatform},
		"registration elsewhere":              {set("registration_endpoint", "https://evil.example.org/register"), registration.CodePlatform},
		"registration inside":                 {set("registration_endpoint", "http://169.254.169.254/"), registration.CodePlatform},
		"authorization by script":             {set("authorization_endpoint", "javascript:alert(1)"), registration.CodePlatform},
		"authorization elsewhere":             {set("authorization_endpoint", "https://evil.example.org/auth"), registration.CodePlatform},
		"token elsewhere":                     {set("token_endpoint", "https://evil.example.org/token"), registration.CodePlatform},
		"no key set":                          {set("jwks_uri", ""), registration.CodePlatform},
		"key set elsewhere":                   {set("jwks_uri", "https://evil.example.org/jwks"), registration.CodePlatform},
		"signs in another way":                {set("id_token_signing_alg_values_supported", []string{"ES256"}), registration.CodePlatform},
		"no JSON":                             {page(200, "<html>"), registration.CodePlatform},
		"more than 256 KiB":                   {page(200, `{"x":"`+strings.Repeat("x", 256<<10)+`"}`), registration.CodePlatform},
		"not found":                           {page(404, "{}"), registration.CodeUnreachable},
		"an error":                            {page(500, "{}"), registration.CodeUnreachable},
		"a redirect, which may lead anywhere": {page(302, "{}"), registration.CodeUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLMS(t)
			r := registrar(t, l.URL)
			q := read(t, r, l)
			c.spoil(l)
			_, _, err := r.Register(t.Context(), q)
			refused(t, err, c.code)
			if l.posted.Load() != 0 {
				t.Error("registered all the same")
			}
			l.describe, l.page = nil, nil
			if _, _, err := r.Register(t.Context(), q); err != nil {
				t.Errorf("the link is gone: %v", err)
			}
		})
	}
}

func TestListedHostsMayHoldThePlatformsAddresses(t *testing.T) {
	t.Parallel()
	l := newLMS(t)
	l.describe = func(d map[string]any) { d["jwks_uri"] = "https://keys.example.org/jwks" }
	r := registrar(t)
	r.Issuers[l.URL] = []string{"https://keys.example.org"}
	if got, _, err := r.Register(t.Context(), read(t, r, l)); err != nil || got.JWKSURL != "https://keys.example.org/jwks" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestPlatformThatIsNotThere(t *testing.T) {
	t.Parallel()
	l := newLMS(t)
	r := registrar(t, l.URL)
	q := read(t, r, l)
	l.Close()
	_, _, err := r.Register(t.Context(), q)
	refused(t, err, registration.CodeUnreachable)
}

// An issuer of the internet cannot lead to this machine, whatever its name resolves to.
func TestS04PublicIssuersAreNotCalledOnThisMachine(t *testing.T) {
	t.Parallel()
	const issuer = "https://localhost.example.invalid"
	r := registrar(t, issuer)
	q, err := r.Read(link(t, r, issuer), issuer+"/c", token)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = r.Register(t.Context(), q)
	refused(t, err, registration.CodeUnreachable)
}

func TestLinkWorksOnce(t *testing.T) {
	t.Parallel()
	l := newLMS(t)
	r := registrar(t, l.URL)
	at := now
	r.Seen = once.Memory(func() time.Time { return at })
	q := read(t, r, l)
	if _, _, err := r.Register(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	_, _, err := r.Register(t.Context(), q)
	refused(t, err, registration.CodeBusy)
	at = at.Add(31 * time.Second)
	_, _, err = r.Register(t.Context(), q)
	refused(t, err, registration.CodeUsed)
	if n := l.posted.Load(); n != 1 {
		t.Errorf("%d registrations", n)
	}
}

func TestLinkInParallelWorksOnce(t *testing.T) {
	t.Parallel()
	l := newLMS(t)
	r := registrar(t, l.URL)
	q := read(t, r, l)
	var done atomic.Int32
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, _, err := r.Register(t.Context(), q); err == nil {
				done.Add(1)
			}
		})
	}
	wg.Wait()
	if done.Load() != 1 || l.posted.Load() != 1 {
		t.Errorf("%d were told so, %d registrations", done.Load(), l.posted.Load())
	}
}

// A platform that says no has created nothing: the same link can be tried again, though not for ever.
func TestRefusalLeavesTheLinkGood(t *testing.T) {
	t.Parallel()
	l := newLMS(t)
	r := registrar(t, l.URL)
	at := now
	r.Seen = once.Memory(func() time.Time { return at })
	q := read(t, r, l)
	l.answer = func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusForbidden); return true }
	for range 2 {
		_, _, err := r.Register(t.Context(), q)
		refused(t, err, registration.CodeRefused)
		at = at.Add(31 * time.Second)
	}
	l.answer = nil
	if _, _, err := r.Register(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	at = at.Add(31 * time.Second)
	_, _, err := r.Register(t.Context(), q)
	refused(t, err, registration.CodeUsed)
}

// Where the platform may have created something, the link is gone.
func TestUnclearAnswersSpendTheLink(t *testing.T) {
	t.Parallel()
	text := func(status int, text string) func(http.ResponseWriter) bool {
		return func(w http.ResponseWriter) bool {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
			return true
		}
	}
	for name, answer := range map[string]func(http.ResponseWriter) bool{
		"an error":           text(500, `{"client_id":"c"}`),
		"a redirect":         text(302, `{"client_id":"c"}`),
		"no JSON":            text(201, "created"),
		"no client id":       text(201, "{}"),
		"client id too long": text(201, `{"client_id":"`+strings.Repeat("x", 256)+`"}`),
		"a number":           text(201, `{"client_id":7}`),
		"too much":           text(201, `{"client_id":"c","x":"`+strings.Repeat("x", 256<<10)+`"}`),
		"hung up":            func(http.ResponseWriter) bool { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLMS(t)
			l.answer = answer
			r := registrar(t, l.URL)
			at := now
			r.Seen = once.Memory(func() time.Time { return at })
			q := read(t, r, l)
			_, _, err := r.Register(t.Context(), q)
			refused(t, err, registration.CodeUnclear)
			at = at.Add(31 * time.Second)
			_, _, err = r.Register(t.Context(), q)
			refused(t, err, registration.CodeUsed)
		})
	}
}

// broken is a store that fails from the nth question on.
type broken struct {
	registration.Seen
	after int
}

func (b *broken) First(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	if b.after--; b.after < 0 {
		return false, errors.New("store is down")
	}
	return b.Seen.First(ctx, key, ttl)
}

func TestStoreThatIsDown(t *testing.T) {
	t.Parallel()
	for after := range 2 {
		l := newLMS(t)
		r := registrar(t, l.URL)
		r.Seen = &broken{r.Seen, after}
		_, _, err := r.Register(t.Context(), read(t, r, l))
		refused(t, err, registration.CodeUnavailable)
		if l.posted.Load() != 0 {
			t.Error("registered all the same")
		}
	}
	// What came about is told, whatever happens afterwards.
	l := newLMS(t)
	r := registrar(t, l.URL)
	r.Seen = &broken{r.Seen, 2}
	if got, note, err := r.Register(t.Context(), read(t, r, l)); err != nil || note == nil || got.ClientID != "client-7" {
		t.Errorf("%+v, %v, %v", got, note, err)
	}
}

package launchlab_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// loginRequest is a login initiation with other parameters.
func (s *site13) loginRequest(change func(q url.Values)) *http.Request {
	u, err := url.Parse(s.lms.LoginURL("/login", s.lms.link("u1")))
	if err != nil {
		panic(err)
	}
	q := u.Query()
	change(q)
	return httptest.NewRequest(http.MethodGet, "/login?"+q.Encode(), nil)
}

func TestB01LoginByGetAndPost(t *testing.T) {
	t.Parallel()
	s := start13(t)
	get := s.loginRequest(func(url.Values) {})
	if w := s.serve(get); w.Code != http.StatusOK {
		t.Errorf("GET: %d", w.Code)
	}
	byPost := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(get.URL.RawQuery))
	byPost.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	byPost.Header.Set("Origin", "null")
	byPost.Header.Set("Sec-Fetch-Site", "cross-site") // W04: logins come from other sites
	if w := s.serve(byPost); w.Code != http.StatusOK {
		t.Errorf("POST: %d\n%s", w.Code, said(w))
	}
	w := s.serve(httptest.NewRequest(http.MethodPut, "/login", nil))
	problemPage(t, w, http.StatusMethodNotAllowed, "lti_method")
	if got := w.Header().Get("Allow"); got != "GET, POST" {
		t.Errorf("Allow %q", got)
	}
}

// Logins that are refused: with no call to anybody, and no cookie.
func TestForgedLogins(t *testing.T) {
	t.Parallel()
	with := func(name, value string) func(url.Values) { return func(q url.Values) { q.Set(name, value) } }
	for _, c := range []struct {
		name   string
		change func(url.Values)
		status int
		code   string
	}{
		{"B01 a parameter twice", func(q url.Values) { q.Add("login_hint", "another") }, 400, "lti_duplicate"},
		{"B01 a parameter of 8 KiB and more", with("lti_message_hint", strings.Repeat("x", 8<<10+1)), 413, "lti_too_large"},
		{"B02 unknown issuer", with("iss", "https://evil.example.org"), 403, "lti_platform"},
		{"B02 issuer with a slash", func(q url.Values) { q.Set("iss", q.Get("iss")+"/") }, 403, "lti_platform"},
		{"B02 unknown client", with("client_id", "client-9"), 403, "lti_platform"},
		{"B02 no client where the issuer has two", func(q url.Values) { q.Del("client_id") }, 400, "lti_client"},
		{"B03 no login_hint", func(q url.Values) { q.Del("login_hint") }, 400, "lti_missing"},
		{"B03 unknown deployment", with("lti_deployment_id", "3"), 403, "lti_deployment"},
		{"B04 target elsewhere", with("target_link_uri", "https://evil.example.org/launch-lab/launch"), 403, "lti_target"},
		{"B04 target by http", with("target_link_uri", "http://hooks.example.org/launch-lab/launch"), 403, "lti_target"},
		{"B04 target with a user", with("target_link_uri", "https://a@hooks.example.org/launch-lab/launch"), 403, "lti_target"},
		{"B04 target is another route", with("target_link_uri", toolURL+"/pick"), 403, "lti_target"},
		{"B04 target is a script", with("target_link_uri", "javascript:alert(1)"), 403, "lti_target"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start13(t)
			w := s.serve(s.loginRequest(c.change))
			problemPage(t, w, c.status, c.code)
			if len(w.Result().Cookies()) > 0 {
				t.Error("a cookie is set")
			}
			s.nothingDone(t)
			if s.lms.Fetches() > 0 {
				t.Error("the platform was called")
			}
		})
	}
}

// B03, B05: the browser goes to the registered address with what the platform needs, its hints byte for byte.
func TestB05AuthenticationRequest(t *testing.T) {
	t.Parallel()
	s := start13(t)
	address := s.lms.LoginURL(toolURL+"/login", s.lms.link("u1"))
	sent, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	b := s.beginAt(t, address)
	got, err := url.Parse(b.authURL)
	if err != nil || !strings.HasPrefix(b.authURL, s.lms.AuthURL()+"?") {
		t.Fatalf("goes to %s, %v", b.authURL, err)
	}
	q := got.Query()
	for name, want := range map[string]string{
		"scope": "openid", "response_type": "id_token", "response_mode": "form_post", "prompt": "none", "client_id": "client-1",
		"redirect_uri": toolURL + "/launch", "login_hint": sent.Query().Get("login_hint"), "lti_message_hint": sent.Query().Get("lti_message_hint"),
	} {
		if len(q[name]) != 1 || q.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, q[name], want)
		}
	}
	if len(q.Get("nonce")) < 22 {
		t.Errorf("a nonce of %d characters", len(q.Get("nonce")))
	}
}

// B06: the state is ours, secret, and holds neither nonce nor browser secret.
func TestB06StateTellsNothing(t *testing.T) {
	t.Parallel()
	s := start13(t)
	b := s.begin(t, s.lms.link("u1"))
	u, err := url.Parse(b.authURL)
	if err != nil {
		t.Fatal(err)
	}
	for _, hidden := range []string{b.secret, nonceOf(t, b), s.lms.Issuer, "client-1"} {
		if strings.Contains(u.Query().Get("state"), hidden) {
			t.Errorf("the state holds %q", hidden)
		}
	}
	other := s.begin(t, s.lms.link("u1"))
	if other.id == b.id || other.secret == b.secret || nonceOf(t, other) == nonceOf(t, b) {
		t.Error("two logins have something in common")
	}
}

func TestB07CookieOfALogin(t *testing.T) {
	t.Parallel()
	s := start13(t)
	b := s.begin(t, s.lms.link("u1"))
	header := b.page.Header().Get("Set-Cookie")
	want := "__Host-stackhook-" + b.id + "=" + b.secret + "; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=None; Partitioned"
	if header != want {
		t.Errorf("cookie\n got %s\nwant %s", header, want)
	}
	w := s.serve(post(s.lms.answer(t, b), b.cookie))
	labPage(t, w)
	if got, want := w.Header().Get("Set-Cookie"), "__Host-stackhook-"+b.id+"=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=None; Partitioned"; got != want {
		t.Errorf("after use\n got %s\nwant %s", got, want)
	}
}

// B07: two frames of one course page begin before either ends, and both launch, in any order.
func TestB07TwoLoginsAtOnce(t *testing.T) {
	t.Parallel()
	s := start13(t)
	first, second := s.begin(t, s.lms.link("u1")), s.begin(t, s.lms.link("u1"))
	if first.cookie.Name == second.cookie.Name {
		t.Fatal("both logins have one cookie")
	}
	labPage(t, s.serve(post(s.lms.answer(t, second), first.cookie, second.cookie)))
	labPage(t, s.serve(post(s.lms.answer(t, first), first.cookie)))
	s.oneStack(t)
}

func TestB08LoginPageIsNotKept(t *testing.T) {
	t.Parallel()
	s := start13(t)
	header := s.begin(t, s.lms.link("u1")).page.Header()
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"} {
		if got := header.Get(name); got != want {
			t.Errorf("%s %q, want %q", name, got, want)
		}
	}
	if policy := header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "frame-ancestors https://lms13.example.org https://apps13.example.org") {
		t.Errorf("policy %q", policy)
	}
}

// R12: without script the login page leads on by itself.
func TestR12LoginWithoutScript(t *testing.T) {
	t.Parallel()
	s := start13(t)
	b := s.begin(t, s.lms.link("u1"))
	if !strings.Contains(b.page.Body.String(), `<noscript><meta http-equiv="refresh" content="0;url=`) {
		t.Errorf("no way on without script:\n%s", b.page.Body)
	}
	labPage(t, s.serve(post(s.lms.answer(t, b), b.cookie)))
}

func TestPlatformMayAnswerWithAnError(t *testing.T) {
	t.Parallel()
	s := start13(t)
	link := s.lms.link("u1")
	link.Error = "login_required"
	b := s.begin(t, link)
	w := s.serve(post(s.lms.answer(t, b), b.cookie))
	problemPage(t, w, http.StatusForbidden, "lti_platform_error")
	form := url.Values{"error": {`"><script>alert(1)</script>`}, "state": s.lms.answer(t, b)["state"]}
	w = s.serve(post(form, b.cookie))
	problemPage(t, w, http.StatusForbidden, "lti_platform_error")
	if strings.Contains(w.Body.String(), "<script>alert") {
		t.Error("C01: the platform's text is markup")
	}
	s.nothingDone(t)
}

func TestLoginWithoutClientWhereTheIssuerHasOne(t *testing.T) {
	t.Parallel()
	s := start13(t, func(text string) string {
		before, after, _ := strings.Cut(text, "client_id: client-2")
		before = before[:strings.LastIndex(before, "    - {issuer")]
		_, after, _ = strings.Cut(after, "\n")
		return before + after
	})
	if w := s.serve(s.loginRequest(func(q url.Values) { q.Del("client_id") })); w.Code != http.StatusOK {
		t.Errorf("%d\n%s", w.Code, said(w))
	}
}

package launchlab_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// bindPage checks that w asks the browser to show that the login was its own, and that nothing was done for it.
func (s *site13) bindPage(t *testing.T, w *httptest.ResponseRecorder, b begun) url.Values {
	t.Helper()
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `name="browser_secret"`) {
		t.Fatalf("got %d, want the page that binds:\n%s", w.Code, said(w))
	}
	if strings.Contains(w.Body.String(), b.secret) {
		t.Error("the page tells the secret that it asks for")
	}
	if len(w.Result().Cookies()) > 0 {
		t.Error("the page sets a cookie")
	}
	if got := w.Header().Get("Referrer-Policy"); got != "same-origin" {
		t.Errorf("Referrer-Policy %q: the browser could not say where the form comes from", got)
	}
	s.nothingDone(t)
	if n := s.lms.Fetches(); n > 0 {
		t.Errorf("%d fetches of the platform's keys", n)
	}
	return hidden(w.Body.String())
}

// C03: the tiers. Each way in which a browser may show that it began this login, and each that shows nothing.
func TestC03BindingToTheBrowser(t *testing.T) {
	t.Parallel()
	const own, none = "same-origin", "-"
	stale := func(b begun) *http.Cookie { return &http.Cookie{Name: b.cookie.Name, Value: "x"} }
	for _, c := range []struct {
		name   string
		posted func(b begun) string // browser_secret
		cookie func(b begun) *http.Cookie
		site   string // Sec-Fetch-Site
		origin string
		want   string // lab, bind, or the refusal's code
	}{
		{"cookie", nil, func(b begun) *http.Cookie { return b.cookie }, "cross-site", "null", "lab"},
		{"cookie, and an old browser", nil, func(b begun) *http.Cookie { return b.cookie }, none, "null", "lab"},
		{"nothing", nil, nil, "cross-site", "null", "bind"},
		{"empty cookie", nil, func(b begun) *http.Cookie { return &http.Cookie{Name: b.cookie.Name} }, "cross-site", "null", "bind"},
		{"another login's secret in the cookie", nil, stale, "cross-site", "null", "bind"},
		{"storage, posted by our page", func(b begun) string { return b.secret }, nil, own, toolOrigin, "lab"},
		{"storage, an old browser with the origin", func(b begun) string { return b.secret }, nil, none, toolOrigin, "lab"},
		{"storage and a cookie that does not fit", func(b begun) string { return b.secret }, stale, own, toolOrigin, "lab"},
		{"wrong secret, posted by our page", func(begun) string { return "x" }, nil, own, toolOrigin, "lti_binding"},
		{"right secret, posted by another site", func(b begun) string { return b.secret }, nil, "cross-site", toolOrigin, "bind"},
		{"right secret, posted by a sister site", func(b begun) string { return b.secret }, nil, "same-site", toolOrigin, "bind"},
		{"right secret, by an old browser from elsewhere", func(b begun) string { return b.secret }, nil, none, "https://evil.example.org", "bind"},
		{"right secret, by an old browser from nowhere", func(b begun) string { return b.secret }, nil, none, "null", "bind"},
		{"right secret, by an old browser that says nothing", func(b begun) string { return b.secret }, nil, none, none, "bind"},
		{"right secret, from our host by http", func(b begun) string { return b.secret }, nil, none, "http://hooks.example.org", "bind"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start13(t)
			b := s.begin(t, s.lms.link("u1"))
			form := s.lms.answer(t, b)
			if c.posted != nil {
				form.Set("browser_secret", c.posted(b))
			}
			r := post(form)
			if c.cookie != nil {
				r.AddCookie(c.cookie(b))
			}
			set := func(header, value string) {
				r.Header.Del(header)
				if value != none {
					r.Header.Set(header, value)
				}
			}
			set("Sec-Fetch-Site", c.site)
			set("Origin", c.origin)
			w := s.serve(r)
			switch c.want {
			case "lab":
				labPage(t, w)
			case "bind":
				s.bindPage(t, w, b)
			default:
				problemPage(t, w, http.StatusForbidden, c.want)
				s.nothingDone(t)
			}
		})
	}
}

// The page that binds posts the same answer again, with the secret that its script has found; and the answer is still good.
func TestC03AnswerIsPostedOnceMore(t *testing.T) {
	t.Parallel()
	s := start13(t)
	b := s.begin(t, s.lms.link("u1"))
	form := s.lms.answer(t, b)
	w := s.serve(post(form))
	fields := s.bindPage(t, w, b)
	for _, field := range []string{"id_token", "state"} {
		if fields.Get(field) != form.Get(field) {
			t.Errorf("%s is not the one that came", field)
		}
	}
	if !strings.Contains(w.Body.String(), `action="/launch-lab/launch"`) || !strings.Contains(w.Body.String(), `action="/launch-lab/login"`) {
		t.Errorf("forms:\n%s", said(w))
	}
	again := url.Values{"id_token": fields["id_token"], "state": fields["state"], "browser_secret": {b.secret}}
	r := post(again)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	labPage(t, s.serve(r))
}

// R12: a browser that keeps nothing in the frame begins again in a tab of its own, with the same parameters, by GET and so
// without script.
func TestR12BeginAgainInATab(t *testing.T) {
	t.Parallel()
	s := start13(t)
	link := s.lms.link("u1")
	b := s.begin(t, link)
	w := s.serve(post(s.lms.answer(t, b)))
	fields := s.bindPage(t, w, b)
	again := url.Values{}
	for _, name := range []string{"iss", "client_id", "login_hint", "lti_message_hint", "lti_deployment_id", "target_link_uri"} {
		if again[name] = fields[name]; len(again[name]) != 1 {
			t.Errorf("%s is %q", name, again[name])
		}
	}
	tab := s.beginAt(t, toolURL+"/login?"+again.Encode())
	if tab.id == b.id {
		t.Error("the tab has the frame's login")
	}
	labPage(t, s.serve(post(s.lms.answer(t, tab), tab.cookie)))
}

// Login CSRF: an attacker has the victim's browser post the attacker's own answer. The victim does not get into the
// attacker's lab, with or without a login of its own under way.
func TestC03AnswerOfSomebodyElse(t *testing.T) {
	t.Parallel()
	s := start13(t)
	attacker, victim := s.begin(t, s.lms.link("attacker")), s.begin(t, s.lms.link("victim"))
	form := s.lms.answer(t, attacker)
	s.bindPage(t, s.serve(post(form, victim.cookie)), attacker)
	renamed := *victim.cookie
	renamed.Name = attacker.cookie.Name
	s.bindPage(t, s.serve(post(form, &renamed)), attacker)
}

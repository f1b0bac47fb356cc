package ltitest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lti/ltitest"
)

const target = "https://hooks.example.org/launch-lab/launch"

func asked(t *testing.T, p *ltitest.Platform) url.Values {
	t.Helper()
	u, err := url.Parse(p.LoginURL("https://hooks.example.org/launch-lab/login", ltitest.Link{ClientID: "c", Deployment: "1", Target: target, User: "ada", ResourceLink: "r"}))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	return url.Values{
		"scope": {"openid"}, "response_type": {"id_token"}, "response_mode": {"form_post"}, "prompt": {"none"}, "client_id": {"c"},
		"redirect_uri": {target}, "state": {"s"}, "nonce": {"n"}, "login_hint": q["login_hint"], "lti_message_hint": q["lti_message_hint"],
	}
}

func answer(t *testing.T, p *ltitest.Platform, method string, q url.Values) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, p.AuthURL()+"?"+q.Encode(), nil)
	if method == http.MethodPost {
		r = httptest.NewRequestWithContext(t.Context(), method, p.AuthURL(), strings.NewReader(q.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(body)
}

// The platform is no better than its checks: a tool that asks wrongly must not get a token.
func TestPlatformAnswersGoodRequestsOnly(t *testing.T) {
	t.Parallel()
	p := ltitest.NewPlatform("https://lms.example.org")
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		code, body := answer(t, p, method, asked(t, p))
		for _, want := range []string{`action="` + target + `"`, `name="state" value="s"`, `name="id_token" value="ey`, "<button>", ".submit()"} {
			if code != http.StatusOK || !strings.Contains(body, want) {
				t.Errorf("%s: %d without %s: %s", method, code, want, body)
			}
		}
	}
	for name := range asked(t, p) {
		wrong := asked(t, p)
		if wrong.Set(name, "x"); name == "state" || name == "nonce" { // their values are the tool's own
			wrong.Del(name)
		}
		if code, _ := answer(t, p, http.MethodGet, wrong); code != http.StatusBadRequest {
			t.Errorf("a wrong %s is answered with %d", name, code)
		}
		twice := asked(t, p)
		twice.Add(name, twice.Get(name))
		if code, _ := answer(t, p, http.MethodGet, twice); code != http.StatusBadRequest {
			t.Errorf("%s twice is answered with %d", name, code)
		}
	}
}

func TestPlatformForgetsClicks(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	p := ltitest.NewPlatform("https://lms.example.org")
	p.Now = func() time.Time { return now }
	q := asked(t, p)
	now = now.Add(10 * time.Minute)
	if code, _ := answer(t, p, http.MethodGet, q); code != http.StatusOK {
		t.Errorf("after ten minutes: %d", code)
	}
	now = now.Add(time.Second)
	if code, _ := answer(t, p, http.MethodGet, q); code != http.StatusBadRequest {
		t.Errorf("later: %d", code)
	}
}

func TestPlatformUnderAPathOfItsOwn(t *testing.T) {
	t.Parallel()
	p := ltitest.NewPlatform("https://hooks.example.org/lms")
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, p.JWKSURL(), nil))
	kid, _ := p.Key()
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), kid) || p.Fetches() != 1 {
		t.Errorf("%d %s, %d fetches", w.Code, w.Body, p.Fetches())
	}
	w = httptest.NewRecorder()
	p.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, p.Issuer+"/other", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("another path: %d", w.Code)
	}
}

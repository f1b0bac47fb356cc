package launchlab_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lti/ltitest"
)

// forgery11 is a launch of LTI 1.1 with one fault.
type forgery11 struct {
	name   string
	make   func() *http.Request
	status int
	code   string
}

// refused11 checks that each is refused with its code, and that the cloud never hears of it.
func refused11(t *testing.T, forgeries []forgery11) {
	t.Helper()
	for _, f := range forgeries {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			for range 2 { // a second try does not do better
				problemPage(t, s.serve(f.make()), f.status, f.code)
			}
			s.nothingDone(t)
			if !strings.Contains(s.log.String(), `"problem":"`+f.code+`"`) {
				t.Errorf("the log does not say %s: %s", f.code, s.log)
			}
		})
	}
}

// signedBy makes a forgery that is signed.
func signedBy(change func(*ltitest.Launch)) func() *http.Request {
	return func() *http.Request {
		l := launch("u1")
		change(&l)
		return request(l)
	}
}

// A05: a launch that lacks one of its fields, or has it empty or of another protocol.
func TestA05IncompleteLaunches(t *testing.T) {
	t.Parallel()
	var all []forgery11
	for _, field := range []string{
		"oauth_consumer_key", "oauth_signature_method", "oauth_nonce", "oauth_timestamp", "lti_message_type", "lti_version", "resource_link_id", "user_id",
	} {
		all = append(all,
			forgery11{"no " + field, signedBy(func(l *ltitest.Launch) { *l = l.Without(field) }), 400, "lti_missing"},
			forgery11{"empty " + field, signedBy(func(l *ltitest.Launch) { *l = l.With(field, "") }), 400, "lti_missing"})
	}
	for _, c := range []struct{ field, value, code string }{
		{"lti_message_type", "ContentItemSelectionRequest", "lti_message_type"},
		{"lti_version", "1.3.0", "lti_version"},
		{"oauth_version", "2.0", "lti_version"},
		{"oauth_version", "", "lti_version"},
	} {
		all = append(all, forgery11{c.field + " " + c.value, signedBy(func(l *ltitest.Launch) { *l = l.With(c.field, c.value) }), 400, c.code})
	}
	for name, change := range map[string]func(url.Values){
		"no oauth_signature":    func(form url.Values) { form.Del("oauth_signature") },
		"empty oauth_signature": func(form url.Values) { form.Set("oauth_signature", "") },
	} {
		all = append(all, forgery11{name, func() *http.Request {
			form := launch("u1").Form()
			change(form)
			return post(form)
		}, 400, "lti_missing"})
	}
	refused11(t, all)
}

// Forged launches of the other rows.
func TestForgedLaunches(t *testing.T) {
	t.Parallel()
	at := func(age time.Duration) func() *http.Request {
		return func() *http.Request { return request(ltitest.New(launchURL, key, secret, "u1", time.Now().Add(age))) }
	}
	changed := func(change func(*http.Request)) func() *http.Request {
		return func() *http.Request {
			r := request(launch("u1"))
			change(r)
			return r
		}
	}
	body := func(text string) func() *http.Request {
		return func() *http.Request {
			r := httptest.NewRequest(http.MethodPost, "/launch", strings.NewReader(text))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return r
		}
	}
	refused11(t, []forgery11{
		{"A09 wrong signature", body(strings.Replace(launch("u1").Body(), "user_id=u1", "user_id=u2", 1)), 403, "lti_signature"},
		{"A09 wrong secret", signedBy(func(l *ltitest.Launch) { l.Secret = "not the secret" }), 403, "lti_signature"},
		{"A09 unknown key", signedBy(func(l *ltitest.Launch) { *l = l.With("oauth_consumer_key", "nobody") }), 403, "lti_signature"},
		{"A09 another consumer's key", signedBy(func(l *ltitest.Launch) { *l = l.With("oauth_consumer_key", "school") }), 403, "lti_signature"},
		{"A10 stale timestamp", at(-6 * time.Minute), 403, "lti_stale"},
		{"A10 future timestamp", at(6 * time.Minute), 403, "lti_future"},
		{"A04 parameter in query and body", signedBy(func(l *ltitest.Launch) { l.URL += "?theme=dark"; *l = l.With("theme", "light") }), 400, "lti_duplicate"},
		{"A04 user in the query", signedBy(func(l *ltitest.Launch) { l.URL += "?user_id=u2" }), 400, "lti_query"},
		{"A06 plain text signature", signedBy(func(l *ltitest.Launch) { *l = l.With("oauth_signature_method", "PLAINTEXT") }), 400, "lti_signature_method"},
		{"A01 wrong content type", changed(func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }), 415, "lti_media_type"},
		{"A01 no content type", changed(func(r *http.Request) { r.Header.Del("Content-Type") }), 415, "lti_media_type"},
		{"A02 1 MB body", body("x=" + strings.Repeat("x", 1<<20-2)), 413, "lti_too_large"},
		{"A05 empty body", body(""), 400, "lti_missing"},
		{"A02 301 fields", body(strings.Repeat("a=b&", 300) + launch("u1").Body()), 413, "lti_too_large"},
		{"A03 semicolon as a separator", body(strings.ReplaceAll(launch("u1").Body(), "&", ";")), 400, "lti_missing"},
		{"A06 SHA-256 without leave", signedBy(func(l *ltitest.Launch) { *l = l.With("oauth_signature_method", "HMAC-SHA256") }), 400, "lti_signature_method"},
		{"A07 signed for another address", signedBy(func(l *ltitest.Launch) { l.URL = "http://hooks.example.org/launch-lab/launch" }), 403, "lti_signature"},
		{"A08 a query that was not signed", changed(func(r *http.Request) { r.URL.RawQuery = "theme=dark" }), 403, "lti_signature"},
		{"A03 broken escape", body("user_id=%zz"), 400, "lti_encoding"},
	})
}

func TestA11ReplayedLaunch(t *testing.T) {
	t.Parallel()
	s := start(t)
	l := launch("u1")
	labPage(t, s.serve(request(l)))
	s.ResetCalls()
	w := s.serve(request(l))
	problemPage(t, w, http.StatusConflict, "lti_replayed")
	if !strings.Contains(w.Body.String(), "Open the lab again from your course page") {
		t.Errorf("the page does not say what to do:\n%s", w.Body)
	}
	s.nothingDone(t)
	s.oneStack(t)
}

// More than a megabyte is stopped by the edge, before the function.
func TestA02HugeLaunch(t *testing.T) {
	t.Parallel()
	s := start(t)
	r := httptest.NewRequest(http.MethodPost, "/launch", strings.NewReader(strings.Repeat("x", 3<<20)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if w := s.serve(r); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d", w.Code)
	}
	s.nothingDone(t)
}

// The log says what an operator needs and nothing of who it was.
func TestLogOfALaunch(t *testing.T) {
	t.Parallel()
	s := start(t)
	l := launch("learner-with-a-name").With("lis_person_contact_email_primary", "ada@example.org").With("lis_person_name_full", "Ada Lovelace")
	got := labPage(t, s.serve(request(l)))
	log := s.log.String()
	for _, want := range []string{`"consumer":"academy"`, `"decision":"create"`, `"stack":"lab-`, `"calls":3`} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not hold %s: %s", want, log)
		}
	}
	for _, hidden := range []string{"learner-with-a-name", "ada@", "Ada", got.Ticket, l.Form().Get("oauth_signature"), l.Fields["oauth_nonce"]} {
		if strings.Contains(log, hidden) {
			t.Errorf("the log holds %q", hidden)
		}
	}
}

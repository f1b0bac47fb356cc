package shim_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lti/ltitest"
)

const formKind = "application/x-www-form-urlencoded"

var (
	refreshTo   = regexp.MustCompile(`http-equiv="refresh" content="0; ?url=([^"]+)"`)
	hiddenField = regexp.MustCompile(`<input[^>]* name="([^"]*)"[^>]* value="([^"]*)"`)
	postTo      = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)
)

// noRedirect asks once, so that a story can look at each step of a login.
func (c caller) noRedirect(method, address, body string, headers ...string) reply {
	c.t.Helper()
	return c.with(&http.Client{
		Timeout:       20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, method, address, formKind, body, headers...)
}

// fieldsOf are the hidden fields of a page's form, and where it goes.
func fieldsOf(t *testing.T, page string) (action string, fields url.Values) {
	t.Helper()
	to := postTo.FindStringSubmatch(page)
	if to == nil {
		t.Fatalf("the page has no form:\n%s", page)
	}
	fields = url.Values{}
	for _, f := range hiddenField.FindAllStringSubmatch(page, -1) {
		fields.Set(html.UnescapeString(f[1]), html.UnescapeString(f[2]))
	}
	return html.UnescapeString(to[1]), fields
}

// follow goes the way of a browser without script from the tool's login address to the answer of its launch address:
// login, platform, form, and the cookie of the login goes with the form.
func (c caller) follow(login string) reply {
	c.t.Helper()
	page := c.noRedirect(http.MethodGet, login, "")
	answer := c.noRedirect(http.MethodGet, leadsTo(c.t, page), "")
	action, fields := fieldsOf(c.t, answer.body)
	cookie, _, _ := strings.Cut(page.Get("Set-Cookie"), ";")
	return c.noRedirect(http.MethodPost, action, fields.Encode(), "Cookie", cookie)
}

// leadsTo is where the login's answer sends a browser without script.
func leadsTo(t *testing.T, page reply) string {
	t.Helper()
	next := page.Get("Location")
	if found := refreshTo.FindStringSubmatch(page.body); found != nil {
		next = html.UnescapeString(found[1])
	}
	if page.code >= http.StatusBadRequest || next == "" {
		t.Fatalf("the login leads nowhere: %d\n%s", page.code, page.body)
	}
	return next
}

// played is a form of the developer's page, sent, and followed to the launch's answer.
func (c caller) played(address string, form url.Values) reply {
	c.t.Helper()
	sent := c.noRedirect(http.MethodPost, address, form.Encode())
	if sent.code != http.StatusSeeOther {
		c.t.Fatalf("the platform answers %d\n%s", sent.code, sent.body)
	}
	return c.follow(sent.Get("Location"))
}

func launchForm(changes ...string) url.Values {
	form := url.Values{"learner": {"Ada Lovelace"}, "course": {"Web servers 101"}, "lab": {"web"}, "version": {"1.3"}, "role": {"learner"}, "language": {"en"}}
	for i := 0; i+1 < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
	}
	return form
}

// By either version a learner of a course has the same lab, because the two entries are one tenant.
func TestPlayedLaunchBy13IsAccepted(t *testing.T) {
	t.Parallel()
	c := caller{t, start(t)}
	for _, learner := range []string{"Ada Lovelace", "Ådne <Ødegård> & \"Söhne\""} {
		for _, role := range []string{"learner", "instructor"} {
			page := c.played("/dev/launch", launchForm("learner", learner, "role", role))
			if page.code != http.StatusOK || ticketInPage.FindStringSubmatch(page.body) == nil {
				t.Fatalf("%s as %s: %d\n%s", learner, role, page.code, page.body)
			}
		}
		signed := c.call(http.MethodPost, "/dev/launch", formKind, launchForm("learner", learner, "version", "1.1").Encode())
		action, fields := fieldsOf(t, signed.body)
		if page := c.call(http.MethodPost, action, formKind, fields.Encode()); page.code != http.StatusOK {
			t.Errorf("%s by LTI 1.1: %d\n%s", learner, page.code, page.body)
		}
	}
	if n := len(c.state().Stacks); n != 2 {
		t.Errorf("two learners have %d labs, want one each, whatever the version", n)
	}
}

// The page is in the language that the platform names.
func TestPlayedLaunchSpeaksTheLearnersLanguage(t *testing.T) {
	t.Parallel()
	c := caller{t, start(t)}
	for tag, lang := range map[string]string{"en": "en", "de-DE": "de", "fr-FR": "fr", "es-419": "es"} {
		for _, version := range []string{"1.1", "1.3"} {
			form := launchForm("language", tag, "version", version)
			var page reply
			if version == "1.3" {
				page = c.played("/dev/launch", form)
			} else {
				action, fields := fieldsOf(t, c.call(http.MethodPost, "/dev/launch", formKind, form.Encode()).body)
				page = c.call(http.MethodPost, action, formKind, fields.Encode())
			}
			if got := page.Get("Content-Language"); got != lang {
				t.Errorf("%s by LTI %s: the page is in %q", tag, version, got)
			}
		}
	}
}

// An instructor picks a lab; the platform gets a signed answer, and shows it.
func TestPlayedPickReachesThePlatform(t *testing.T) {
	t.Parallel()
	c := caller{t, start(t)}
	picker := c.played("/dev/pick", launchForm())
	if picker.code != http.StatusOK || !strings.Contains(picker.body, "Web server basics") {
		t.Fatalf("the picker: %d\n%s", picker.code, picker.body)
	}
	action, fields := fieldsOf(t, picker.body)
	fields.Set("lab", "web")
	back := c.call(http.MethodPost, action, formKind, fields.Encode(), "Sec-Fetch-Site", "same-origin")
	action, fields = fieldsOf(t, back.body)
	if action != c.s.URL()+"/platform/picked" {
		t.Errorf("the answer goes to %s", action)
	}
	shown := c.call(http.MethodPost, action, formKind, fields.Encode())
	for _, words := range []string{"this is what the platform got", "Web server basics", "lab=web", "LtiDeepLinkingResponse"} {
		if !strings.Contains(shown.body, words) {
			t.Errorf("the platform's page does not show %q:\n%s", words, shown.body)
		}
	}
	// What is not signed by the tool is refused.
	foreign := ltitest.NewPlatform(c.s.URL()).Sign(map[string]any{"iss": "developer"})
	for _, jwt := range []string{"", "no.token.here", foreign, fields.Get("JWT") + "x"} {
		if got := c.call(http.MethodPost, action, formKind, url.Values{"JWT": {jwt}}.Encode()); !strings.Contains(got.body, "refuses the answer") {
			t.Errorf("%.20q was taken:\n%s", jwt, got.body)
		}
	}
}

func TestPlayedLaunchRefusesWhatThePlatformMayNot(t *testing.T) {
	t.Parallel()
	c := caller{t, start(t)}
	for _, address := range []string{"/dev/launch", "/dev/pick"} {
		for _, form := range []url.Values{launchForm("lab", "none"), launchForm("learner", " ")} {
			if got := c.noRedirect(http.MethodPost, address, form.Encode()); got.code != http.StatusUnprocessableEntity {
				t.Errorf("%s with %s: %d", address, form.Encode(), got.code)
			}
		}
	}
}

const studioValues = `Client ID: f0532860-cb34-47a9-b16c-53deb077d4de
Deployment ID: 1
Keyset URL: https://lms.example.org/api/lti_consumer/v1/public_keysets/88e45ecb
Access Token URL: https://lms.example.org/api/lti_consumer/v1/token/88e45ecb
Login URL: https://lms.example.org/api/lti_consumer/v1/launch/`

func TestPasteHelper(t *testing.T) {
	t.Parallel()
	c := caller{t, start(t)}
	ask := func(values, lab string) reply {
		return c.call(http.MethodPost, "/dev/open-edx", formKind, url.Values{"values": {values}, "lab": {lab}}.Encode())
	}
	good := html.UnescapeString(ask(studioValues, "web").body)
	for _, words := range []string{
		"client_id: f0532860-cb34-47a9-b16c-53deb077d4de", "issuer: https://lms.example.org\n", `- "1"`,
		c.s.URL() + "/launch-lab/login", c.s.URL() + "/launch-lab/jwks.json", `["lab=web"]`, "Tool Initiate Login URL",
	} {
		if !strings.Contains(good, words) {
			t.Errorf("the page does not say %q", words)
		}
	}
	bad := ask(`Client ID: <script>alert("x")</script>`, "web")
	if strings.Contains(bad.body, "<script>alert") || strings.Count(bad.body, "is missing") != 4 || bad.code != http.StatusOK {
		t.Errorf("a page of faults: %d\n%s", bad.code, bad.body)
	}
	if odd := ask(studioValues, "none"); odd.code != http.StatusUnprocessableEntity {
		t.Errorf("another lab: %d", odd.code)
	}
	if cross := c.call(http.MethodPost, "/dev/open-edx", formKind, "lab=web", "Sec-Fetch-Site", "cross-site"); cross.code != http.StatusForbidden {
		t.Errorf("another site's form: %d", cross.code)
	}
}

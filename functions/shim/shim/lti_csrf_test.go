package shim_test

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/scripts/browsertest"
)

var loginSecret = regexp.MustCompile(`"secret":"([^"]+)"`)

// C03: somebody begins a launch of their own and has another person's browser end it, so that the victim works in the
// attacker's lab. The attacker knows everything about that launch, its secret as well; what they cannot have is a page of
// ours that posts it.
func TestLaunchBegunElsewhereIsNotTaken(t *testing.T) {
	t.Parallel()
	for _, kind := range []browsertest.Kind{browsertest.Chromium, browsertest.Firefox} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			j := startJose(t)
			b := browsertest.Start(t, browsertest.Options{Kind: kind, Cookies: browsertest.Allowed, Hosts: []string{"evil.test"}})
			for name, page := range map[string]struct{ host, wrap string }{
				"from another site":                 {"evil.test", "%s"},
				"from another port of our own":      {"127.0.0.1", "%s"},
				"from a frame without an origin":    {"evil.test", `<iframe id="box" sandbox="allow-forms allow-scripts allow-top-navigation" srcdoc="%s"></iframe>`},
				"from a page that hides its origin": {"evil.test", `<meta name="referrer" content="no-referrer">%s`},
			} {
				launched := len(j.s.Fake().Stacks())
				action, form := j.steal()
				evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "text/html; charset=utf-8")
					body := selfPosting(action, form)
					if strings.Contains(page.wrap, "srcdoc") {
						body = html.EscapeString(body)
					}
					_, _ = io.WriteString(w, `<!doctype html><title>evil</title><link rel="icon" href="data:,">`+fmt.Sprintf(page.wrap, body))
				}))
				_, port, _ := strings.Cut(strings.TrimPrefix(evil.URL, "http://"), ":")
				b.Open("http://" + page.host + ":" + port + "/")
				b.Page(0).Until(name+": our answer", fmt.Sprintf(`location.origin === %q && document.querySelector("h1")`, j.s.URL()))
				b.Page(0).Until(name+": the sentence that nothing was found", `document.querySelector("#nothing")?.checkVisibility()`)
				if got := b.Page(0).String(labShown); got != "null" && got != "undefined" {
					t.Errorf("%s: the lab page is shown", name)
				}
				if n := len(j.s.Fake().Stacks()); n != launched {
					t.Errorf("%s: a lab was made", name)
				}
				evil.Close()
			}
		})
	}
}

// steal is a launch of the attacker's own, with the secret of its login.
func (j joseSite) steal() (action string, form url.Values) {
	j.t.Helper()
	login := j.get(j.get(j.platform.Loopback + "/start?user=attacker").Get("Location"))
	to, secret := goOnTo.FindStringSubmatch(login.body), loginSecret.FindStringSubmatch(login.body)
	if to == nil || secret == nil {
		j.t.Fatalf("login: %d\n%s", login.code, login.body)
	}
	action, form = formOf(j.t, j.get(html.UnescapeString(to[1])).body)
	form.Set("browser_secret", secret[1])
	return action, form
}

func selfPosting(action string, form url.Values) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<form method="post" target="_top" action="%s">`, html.EscapeString(action))
	for name := range form {
		fmt.Fprintf(&b, `<input type="hidden" name="%s" value="%s">`, html.EscapeString(name), html.EscapeString(form.Get(name)))
	}
	return b.String() + `</form><script>document.forms[0].submit()</script>`
}

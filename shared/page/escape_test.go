package page_test

import (
	"context"
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/page"
)

var address = regexp.MustCompile(`\s(?:href|action|formaction|src|content)="(?:0;url=)?([^"]*)"`)

// addresses are those that a page leads to or fetches from.
func addresses(body string) []string {
	var list []string
	for _, found := range address.FindAllStringSubmatch(element.ReplaceAllString(body, ""), -1) {
		list = append(list, html.UnescapeString(found[1]))
	}
	return list
}

// leadsTo draws what takes an address from elsewhere: a console, a way into a lab, the way back to the course, a form that
// goes there, a picture.
func leadsTo(t *testing.T, to string) map[string]string {
	t.Helper()
	painters := map[string]painter{
		"console": func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, _ said) {
			p.Console(w, r, to, texts, nil)
		},
		"login": func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, _ said) {
			p.Login(w, r, page.Login{AuthURL: to, Texts: texts})
		},
		"lab": func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, _ said) {
			status := lab.Status{State: lab.Ready, Access: []lab.Access{{Kind: lab.URL, URL: to}}}
			p.Lab(w, r, page.Lab{Status: page.NewStatus(status, p.Base(), texts), Texts: texts})
		},
		"problem": func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, _ said) {
			p.Problem(w, r, page.Problem{Status: 403, ReturnURL: to, Texts: texts})
		},
		"return": func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, _ said) {
			p.Return(w, r, page.Return{Action: to, Texts: texts})
		},
		"picker": func(p *page.Pages, w http.ResponseWriter, r *http.Request, texts page.Texts, _ said) {
			p.Picker(w, r, page.Picker{Action: to, Labs: []page.PickerLab{{Key: "web", Title: "Web", Picture: to}}, Texts: texts})
		},
	}
	bodies, p := map[string]string{}, pages(t)
	for name, draw := range painters {
		bodies[name] = paint(t, p, draw, "en", plain).Body.String()
	}
	return bodies
}

func TestPagesLeadToTheWebAlone(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)", "\x01javascript:alert(1)", "javascript&colon;alert(1):",
		"vbscript:x", "data:text/html,<script>alert(1)</script>", "data:text/html;base64,PHNjcmlwdD4=", "file:///etc/passwd", "ftp://files.example.org/", "mailto:x@example.org",
	} {
		for name, body := range leadsTo(t, bad) {
			nowhere := false
			for _, to := range addresses(body) {
				nowhere = nowhere || to == "about:invalid"
				if to != "about:invalid" && strings.Contains(to, ":") {
					t.Errorf("%s, %q: the page leads to %q", name, bad, to)
				}
			}
			if !nowhere || strings.Contains(body, "http-equiv") {
				t.Errorf("%s, %q: not what leads nowhere: %q", name, bad, addresses(body))
			}
		}
	}
	for _, good := range []string{"https://x.example.org/a?b=c&d=e:f#g", "HTTP://203.0.113.7:8080/", "/launch-lab/pick?a=b:c", "//x.example.org/"} {
		for name, body := range leadsTo(t, good) {
			if !strings.Contains(strings.Join(addresses(body), "\n"), good) {
				t.Errorf("%s: the page leads to %q, want %q", name, addresses(body), good)
			}
		}
	}
}

// What a stranger wrote is the same text to a reader wherever it stands, and never part of the page.
func TestStrangersWordsInEachPlace(t *testing.T) {
	t.Parallel()
	const evil = `</script></title><img src=x onerror="alert(1)">' <!--<script>`
	const shown = `&lt;/script&gt;&lt;/title&gt;&lt;img src=x onerror=&#34;alert(1)&#34;&gt;&#39; &lt;!--&lt;script&gt;`
	p := pages(t)
	texts := page.TextsFor("en")
	status := lab.Status{State: lab.Ready, Access: []lab.Access{{Kind: lab.URL, Title: evil, URL: "https://x.example.org/" + evil}}, Checks: []lab.Checked{{Name: "a", Title: evil}}}
	w := httptest.NewRecorder()
	p.Lab(w, httptest.NewRequest(http.MethodPost, "/", nil), page.Lab{
		Title: evil, Name: evil, Ticket: evil, Code: evil, Class: evil, Status: page.NewStatus(status, p.Base(), texts), Texts: texts,
	})
	body := w.Body.String()
	for where, want := range map[string]string{
		"window": "<title>Your lab is ready – " + shown + "</title>", "text": "<h1>" + shown + "</h1>", "code": "<code>" + shown + "</code>",
		"attribute": `name="ticket" value="` + shown + `">`, "address": `href="https://x.example.org/` + shown + `"`, "within a link": shown + `<span class="aside">`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%s: no %s", where, want)
		}
	}
	if strings.Contains(body, "<img") || strings.Contains(body, "<!--") || strings.Count(body, "<script") != 2 || strings.Count(body, "</script") != 2 {
		t.Error("a stranger's words are part of the page")
	}
	_, data, _ := strings.Cut(body, `<script type="application/json" id="data" nonce="`)
	_, data, _ = strings.Cut(data, `">`)
	data, _, _ = strings.Cut(data, "</script>")
	var told struct {
		Ticket string
		Status struct{ Access []struct{ Title string } }
	}
	if err := json.Unmarshal([]byte(data), &told); err != nil || told.Ticket != evil || told.Status.Access[0].Title != evil {
		t.Errorf("the script is told %+v, %v", told, err)
	}
}

// Who is told that the time is over has a request whose time is over.
func TestAPageIsDrawnAfterItsRequestsTime(t *testing.T) {
	t.Parallel()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for name, ctx := range map[string]context.Context{"drawn": over, "kept": logging.WithRequest(over, zerolog.Nop(), "reference-1")} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil)
		pages(t).Problem(w, r, page.Problem{Status: http.StatusGatewayTimeout, Code: "timeout", Sentence: "It took too long.", Texts: page.TextsFor("en")})
		if body := w.Body.String(); w.Code != http.StatusGatewayTimeout || !strings.Contains(body, "It took too long.") || !strings.HasSuffix(body, "</html>") {
			t.Errorf("%s: %d %s", name, w.Code, body)
		}
	}
}

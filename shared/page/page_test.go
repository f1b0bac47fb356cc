package page_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/page"
)

// each runs a test on every page in every language.
func each(t *testing.T, check func(t *testing.T, name, language string, w *httptest.ResponseRecorder)) {
	t.Helper()
	p := pages(t)
	for name, painter := range gallery() {
		for _, language := range page.Languages() {
			t.Run(name+" "+language, func(t *testing.T) {
				t.Parallel()
				check(t, name, language, paint(t, p, painter, language, plain))
			})
		}
	}
}

var (
	quoted    = regexp.MustCompile(`="[^"]*"`)
	leading   = regexp.MustCompile(`(?i)\s(href|action|formaction|src|content)="(0;url=)?(javascript|data:text)`)
	element   = regexp.MustCompile(`(?s)<(script|style)\b[^>]*>.*?</(script|style)>`)
	embedded  = regexp.MustCompile(`<(script|style)\b[^>]*>`)
	inline    = regexp.MustCompile(`(?i)<[^>]*\s(on[a-z]+|style)=`)
	fetched   = regexp.MustCompile(`(?i)(\s(src|srcset|poster|data)="?[^"]*"?|<link\b[^>]*>|@import|url\()`)
	control   = regexp.MustCompile(`<(input|select|textarea)\b[^>]*>`)
	labelled  = regexp.MustCompile(`(?s)<label\b.*?</label>`)
	identity  = regexp.MustCompile(`\sid="([^"]*)"`)
	button    = regexp.MustCompile(`(?s)<(button|summary|a)\b[^>]*>(.*?)</(button|summary|a)>`)
	tag       = regexp.MustCompile(`<[^>]*>`)
	titleText = regexp.MustCompile(`<title>([^<]+)</title>`)
)

func TestPagesAreSoundForEveryone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, _, language string, w *httptest.ResponseRecorder) {
		t.Helper()
		whole := w.Body.String()
		body := element.ReplaceAllString(whole, "")
		for what, want := range map[string]int{
			"<h1": 1, "</h1>": 1, "<main": 1, "<!doctype html>": 1, `<html lang="` + language + `">`: 1,
			`<meta name="viewport" content="width=device-width, initial-scale=1">`: 1, "<footer": 1, "<no value>": 0, "TemplFailed": 0, "about:invalid": 0, "%!": 0,
		} {
			if got := strings.Count(body, what); got != want {
				t.Errorf("%d × %s, want %d", got, what, want)
			}
		}
		if titleText.FindString(body) == "" {
			t.Error("no title")
		}
		if found := inline.FindString(quoted.ReplaceAllString(body, `=""`)); found != "" {
			t.Errorf("inline %s, which the policy forbids", found)
		}
		for _, found := range fetched.FindAllString(body, -1) {
			if !strings.HasPrefix(found, ` src="data:image/`) {
				t.Errorf("something is fetched: %s", found)
			}
		}
		for _, found := range control.FindAllString(labelled.ReplaceAllString(body, ""), -1) {
			if !strings.Contains(found, `type="hidden"`) {
				t.Errorf("without a label: %s", found)
			}
		}
		for _, found := range button.FindAllStringSubmatch(body, -1) {
			if strings.TrimSpace(tag.ReplaceAllString(found[2], "")) == "" {
				t.Errorf("without a name: %s", found[0])
			}
		}
		ids := map[string]bool{}
		for _, found := range identity.FindAllStringSubmatch(whole, -1) {
			if ids[found[1]] {
				t.Errorf("two elements have the id %q", found[1])
			}
			ids[found[1]] = true
		}
	})
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, name, language string, w *httptest.ResponseRecorder) {
		t.Helper()
		header := w.Header()
		rules := map[string]string{}
		for rule := range strings.SplitSeq(header.Get("Content-Security-Policy"), "; ") {
			what, value, _ := strings.Cut(rule, " ")
			rules[what] = value
		}
		nonce := rules["script-src"]
		value, ok := strings.CutPrefix(strings.Trim(nonce, "'"), "nonce-")
		if !ok || len(value) < 26 {
			t.Fatalf("policy %q", rules)
		}
		tags := embedded.FindAllString(w.Body.String(), -1)
		for _, found := range tags {
			if !strings.Contains(found, ` nonce="`+value+`"`) {
				t.Errorf("%s is without the nonce", found)
			}
		}
		want := map[string]string{
			"default-src": "'none'", "style-src": nonce, "script-src": nonce, "form-action": "'self'", "base-uri": "'none'", "frame-ancestors": "https://lms.example.org",
		}
		switch {
		case strings.HasPrefix(name, "lab-"):
			want["connect-src"] = "'self'"
		case name == "picker":
			want["img-src"], want["form-action"] = "data:", "'self' https://lms.example.org"
		case name == "picker-many", name == "picker-none":
			want["img-src"], want["frame-ancestors"] = "data:", "'none'"
		case name == "return":
			want["form-action"] = "https://lms.example.org"
		case name == "login", name == "console", strings.HasPrefix(name, "registered"):
			want["form-action"] = "'none'"
		}
		for what, value := range want {
			if rules[what] != value {
				t.Errorf("%s is %q, want %q", what, rules[what], value)
			}
		}
		if len(rules) != len(want) {
			t.Errorf("rules %q, want %q", rules, want)
		}
		wantHeader := map[string]string{
			"Content-Type": "text/html; charset=utf-8", "Content-Language": language, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "no-referrer", "X-Frame-Options": "",
		}
		if strings.HasPrefix(name, "bind") {
			wantHeader["Referrer-Policy"] = "same-origin"
		}
		for what, value := range wantHeader {
			if got := header.Get(what); got != value {
				t.Errorf("%s is %q, want %q", what, got, value)
			}
		}
	})
}

func TestNoTwoAnswersShareANonce(t *testing.T) {
	t.Parallel()
	p, seen := pages(t), map[string]bool{}
	for range 20 {
		policy := paint(t, p, gallery()["login"], "en", plain).Header().Get("Content-Security-Policy")
		if seen[policy] {
			t.Fatalf("policy %q came twice", policy)
		}
		seen[policy] = true
	}
}

func TestHostileTextsStayTexts(t *testing.T) {
	t.Parallel()
	p := pages(t)
	for _, evil := range []string{
		`</title></script></textarea><script>alert(1)</script><img src=x onerror=alert(1)>"'`,
		`javascript:alert(1)`,
		`" autofocus onfocus=alert(1) x="`,
		`<!--<script>`,
		"data:text/html,<script>alert(1)</script>",
		"\u2028\u0000{{.Nonce}}`${alert(1)}",
	} {
		for name, painter := range gallery() {
			body := paint(t, p, painter, "en", func(string) string { return evil }).Body.String()
			calm := paint(t, p, painter, "en", plain).Body.String()
			for _, bad := range []string{"<script>alert", "<img src=x", "<!--<script>"} {
				if strings.Contains(body, bad) {
					t.Errorf("%s: the page holds %s", name, bad)
				}
			}
			if got, want := len(embedded.FindAllString(body, -1)), len(embedded.FindAllString(calm, -1)); got != want {
				t.Errorf("%s: %d scripts and styles, want %d", name, got, want)
			}
			rest := element.ReplaceAllString(body, "")
			if found := leading.FindString(rest); found != "" {
				t.Errorf("%s: the page leads to %s", name, found)
			}
			if inline.MatchString(quoted.ReplaceAllString(rest, `=""`)) {
				t.Errorf("%s: %q got into a tag", name, evil)
			}
		}
	}
}

// A lab page has to come at once over a bad connection too. -v shows the figures.
func TestPagesAreSmall(t *testing.T) {
	t.Parallel()
	const most = 50 << 10
	largest := map[string]int{}
	p := pages(t)
	for name, painter := range gallery() {
		for _, language := range page.Languages() {
			size := paint(t, p, painter, language, func(s string) string {
				if s == "the.ticket" || s == "class.ticket" {
					return strings.Repeat("t", 800) // about as long as real ones
				}
				return s
			}).Body.Len()
			largest[name] = max(largest[name], size)
			if size > most {
				t.Errorf("%s in %s has %d bytes", name, language, size)
			}
		}
	}
	for name, size := range largest {
		t.Logf("%s: at most %d bytes", name, size)
	}
}

func problem(t *testing.T, problem page.Problem) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	pages(t).Problem(w, httptest.NewRequest(http.MethodPost, "/", nil), problem)
	return w
}

func TestProblemPage(t *testing.T) {
	t.Parallel()
	w := problem(t, page.Problem{
		Status: 503, Code: "some_code", Sentence: "Wait a minute <b>.", RetryAfter: 1500 * time.Millisecond, Ticket: "the.ticket",
		ReturnURL: "https://lms.example.org/course", Texts: page.TextsFor(""),
	})
	body := w.Body.String()
	if w.Code != 503 || w.Header().Get("Retry-After") != "2" || !strings.HasSuffix(w.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
	for _, want := range []string{"<code>some_code</code>", "Wait a minute &lt;b&gt;.", `value="the.ticket"`, `href="https://lms.example.org/course"`, "<h1>"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	for _, bad := range []string{"<script", "<details", "http-equiv"} {
		if strings.Contains(body, bad) {
			t.Errorf("such a problem page needs no %s", bad)
		}
	}
}

// A refusal that says a sentence alone goes out in net/http's one piece of 4 KB, with some 750 bytes of headers; one with a button has its style.
func TestRefusalGoesOutInOnePiece(t *testing.T) {
	t.Parallel()
	refusal := page.Problem{Status: 403, Code: "some_code", Sentence: "No.", Texts: page.TextsFor("")}
	short := problem(t, refusal).Body.String()
	refusal.Ticket = "the.ticket"
	long := problem(t, refusal).Body.String()
	if len(short) > 3200 || strings.Contains(short, ".button") || !strings.Contains(short, ".sentence{") || !strings.Contains(long, ".button{") {
		t.Errorf("%d and %d bytes:\n%s", len(short), len(long), short)
	}
}

func TestProblemPageInOtherLanguages(t *testing.T) {
	t.Parallel()
	for language, want := range map[string]string{
		"en": "Said in English.", "de": "Die Uhr Ihrer Kursplattform", "fr": "L’horloge de votre plateforme", "es": "El reloj de su plataforma",
	} {
		known := problem(t, page.Problem{Status: 403, Code: "lti_future", Sentence: "Said in English.", Texts: page.TextsFor(language)}).Body.String()
		if !strings.Contains(known, want) {
			t.Errorf("%s: no %q", language, want)
		}
		unknown := problem(t, page.Problem{Status: 403, Code: "no_such_code", Sentence: "Said in English.", Texts: page.TextsFor(language)}).Body.String()
		if !strings.Contains(unknown, "Said in English.") {
			t.Errorf("%s: an unknown code has no sentence", language)
		}
	}
}

func TestProblemPageForStaff(t *testing.T) {
	t.Parallel()
	p := page.Problem{Status: 403, Code: "lti_signature", Sentence: "No.", Texts: page.TextsFor("de"), Staff: &page.StaffNote{Check: "The signature.", Fix: "Compare the secret."}}
	body := problem(t, p).Body.String()
	for _, want := range []string{"<details", "<summary>Für das Kursteam</summary>", `<dd lang="en">The signature.</dd>`, `<dd lang="en">Compare the secret.</dd>`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
}

func TestStatusAsJSON(t *testing.T) {
	t.Parallel()
	s := statuses["building"]
	s.ExpiresAt = time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC)
	text, err := json.Marshal(page.NewStatus(s, "/stage/view-lab", page.TextsFor("nl")))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"state":"building","headline":"Your lab is being built","text":"It goes on by itself, even if you close this page.","step":"Machine",` +
		`"steps":[{"key":"network","title":"Network","state":"done","state_text":"done"},{"key":"machine","title":"Machine","state":"active","state_text":"in progress"},` +
		`{"key":"address","title":"Public address","state":"waiting","state_text":"waiting"}],"percent":40,"eta_seconds":42,"eta_text":"About 45 seconds left",` +
		`"elapsed_seconds":130,"expected_seconds":180,"expected_text":"2 minutes so far; labs like this one usually take about 3 minutes",` +
		`"access":[],"expires_at":"2026-11-22T17:00:00Z","actions":[{"key":"end","title":"End the lab",` +
		`"confirm":"Your lab is deleted with everything in it. This cannot be undone.","note":"Deletes this lab."}],` +
		`"next":{"method":"GET","url":"/stage/view-lab/status?look=events","after_ms":1000}}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

// Of a lab that is not in the making nobody needs to know how long that takes.
func TestPaceOfLabsInTheMakingOnly(t *testing.T) {
	t.Parallel()
	for _, state := range []lab.State{lab.Starting, lab.Building, lab.Resuming, lab.Ready, lab.Suspended, lab.Broken, lab.Gone} {
		got := page.NewStatus(lab.Status{State: state, Expected: time.Minute}, "", page.TextsFor("en")).ExpectedText
		if making := state == lab.Starting || state == lab.Building || state == lab.Resuming; making != (got != "") {
			t.Errorf("%s: %q", state, got)
		}
	}
}

func TestActionsWithoutScript(t *testing.T) {
	t.Parallel()
	p := pages(t)
	for name, want := range map[string][]string{
		"lab-ready":     {"extend", "suspend", "reset", "end", "password", "key", "console"},
		"lab-suspended": {"start", "reset", "end"},
		"lab-failed":    {"reset", "end"},
		"lab-staff":     {"class", "extend"},
	} {
		body := paint(t, p, gallery()[name], "en", plain).Body.String()
		for _, act := range want {
			if !strings.Contains(body, `action="/stage/view-lab/`+act+`"`) {
				t.Errorf("%s has no form for %s", name, act)
			}
		}
	}
	ready := paint(t, p, gallery()["lab-ready"], "en", plain).Body.String()
	confirmed := regexp.MustCompile(`(?s)<details class="sure">.*?</details>`).FindAllString(ready, -1)
	if len(confirmed) != 2 || !strings.Contains(confirmed[0], "/reset") || !strings.Contains(confirmed[1], "/end") {
		t.Errorf("reset and end must be confirmed, nothing else: %q", confirmed)
	}
	// Where a lab has ended there is nothing to lose.
	over := page.NewStatus(lab.Status{State: lab.Gone, Reason: lab.Ended, Actions: []lab.Act{lab.ActReset}}, p.Base(), page.TextsFor("en"))
	if len(over.Actions) != 1 || over.Actions[0].Confirm != "" || over.Actions[0].Title != "Start a new lab" {
		t.Errorf("actions %+v", over.Actions)
	}
}

func TestClassPageHoldsItsTicketOnce(t *testing.T) {
	t.Parallel()
	body := paint(t, pages(t), gallery()["class"], "en", plain).Body.String()
	if n := strings.Count(body, "class.ticket"); n != 1 {
		t.Errorf("the ticket is there %d times", n)
	}
	for _, want := range []string{
		`<button class="quiet" name="lab" value="lab-2" formaction="/stage/view-lab/class/extend">`,
		`<button class="danger" name="lab" value="lab-2" formaction="/stage/view-lab/class/reset">`,
		`<button class="danger" name="all" value="1" formaction="/stage/view-lab/class/end">`,
		`<form method="post" action="/stage/view-lab/class">`, "No room in the cloud", "yours", "There are more labs",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
}

func TestPickerShowsNobodyElsesPictures(t *testing.T) {
	t.Parallel()
	body := paint(t, pages(t), gallery()["picker"], "en", plain).Body.String()
	if strings.Contains(body, "spy.png") || strings.Count(body, "<img") != 1 || strings.Count(body, `type="radio"`) != 3 {
		t.Error(body)
	}
	if many := paint(t, pages(t), gallery()["picker-many"], "en", plain).Body.String(); strings.Count(many, `type="checkbox"`) != 2 || strings.Contains(many, "required") {
		t.Error(many)
	}
}

func TestBase(t *testing.T) {
	t.Parallel()
	for public, want := range map[string]string{
		"https://hooks.example.org": "/view-lab", "https://hooks.example.org/": "/view-lab", "http://127.0.0.1:8080": "/view-lab",
		"https://x.example.org/prod/a": "/prod/a/view-lab", "https://x.example.org/a%20b/": "/a%20b/view-lab",
	} {
		if got := page.Base(public); got != want {
			t.Errorf("%s: %s, want %s", public, got, want)
		}
	}
}

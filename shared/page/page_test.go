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

func pages(t *testing.T) *page.Pages {
	t.Helper()
	p, err := page.New("https://hooks.example.org/stage")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var statuses = map[string]lab.Status{
	"building": {
		State: lab.Building, Step: lab.StepMachine, Percent: 40, ETA: 42 * time.Second, Poll: lab.Poll{Look: lab.LookEvents, After: time.Second},
		Steps:     []lab.Step{{Key: lab.StepNetwork, State: lab.Done}, {Key: lab.StepMachine, State: lab.Active}, {Key: lab.StepAddress, State: lab.Waiting}},
		ExpiresAt: time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC),
	},
	"ready": {
		State: lab.Ready, Percent: 100, Access: []lab.Access{
			{Kind: lab.URL, Title: "Open", URL: "http://203.0.113.7/"},
			{Way: 1, Kind: lab.SSH, Host: "203.0.113.7", User: "learner", HasKey: true},
			{Way: 2, Kind: lab.Console},
		},
	},
	"starting":  lab.Unseen(lab.Entry{}, lab.CloudTrouble),
	"suspended": {State: lab.Suspended},
	"resuming":  {State: lab.Resuming},
	"failed":    {State: lab.Broken, Reason: lab.BuildFailed},
	"gone":      lab.Unseen(lab.Entry{}, lab.Ended),
}

func draw(t *testing.T, s lab.Status, title string) *httptest.ResponseRecorder {
	t.Helper()
	p := pages(t)
	w := httptest.NewRecorder()
	texts := page.TextsFor("en-GB")
	p.Lab(w, httptest.NewRequest(http.MethodPost, "/", nil), page.Lab{
		Title: title, Ticket: "the.ticket", Status: page.NewStatus(s, p.Base(), texts), Texts: texts, Ancestors: []string{"https://lms.example.org"},
	})
	return w
}

func TestPagesAreSoundForEveryone(t *testing.T) {
	t.Parallel()
	for name, status := range statuses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := draw(t, status, "Web server basics").Body.String()
			for what, want := range map[string]int{
				"<h1": 1, "<main": 1, `<html lang="en">`: 1, `aria-live="polite"`: 1, `<label for="progress">`: 1, `<progress id="progress"`: 1,
				`name="viewport" content="width=device-width, initial-scale=1"`: 1, "<title>": 1, `<form method="post" action="/stage/view-lab/" id="refresh">`: 1,
			} {
				if got := strings.Count(body, what); got != want {
					t.Errorf("%d × %s, want %d", got, what, want)
				}
			}
			if !strings.Contains(body, `<input type="hidden" name="ticket" value="the.ticket">`) {
				t.Error("no way to refresh without script")
			}
			if found := regexp.MustCompile(`(?i)\s(on[a-z]+|style)=`).FindString(regexp.MustCompile(`(?s)<(script|style).*?</(script|style)>`).ReplaceAllString(body, "")); found != "" {
				t.Errorf("inline %s, which the policy forbids", found)
			}
			if found := regexp.MustCompile(`(src|srcset|@import|url\()\s*[=(]?`).FindString(body); found != "" {
				t.Errorf("something is fetched: %s", found)
			}
		})
	}
}

func TestPolicyNamesTheNonceOfThePage(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 3 {
		w := draw(t, statuses["building"], "Web")
		policy := w.Header().Get("Content-Security-Policy")
		nonce := regexp.MustCompile(`script-src 'nonce-([^']+)'`).FindStringSubmatch(policy)
		if nonce == nil || seen[nonce[1]] {
			t.Fatalf("policy %q", policy)
		}
		seen[nonce[1]] = true
		if got := strings.Count(w.Body.String(), `nonce="`+nonce[1]+`"`); got != 3 {
			t.Errorf("the nonce is there %d times, want 3 (style, data, script)", got)
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("policy %q", policy)
		}
	}
}

func TestHostileTextsStayTexts(t *testing.T) {
	t.Parallel()
	const evil = `</title></script><script>alert(1)</script><img src=x onerror=alert(1)>"'`
	s := statuses["ready"]
	s.Access = []lab.Access{{Kind: lab.URL, Title: evil, URL: "javascript:alert(1)"}, {Kind: lab.SSH, Title: evil, Host: evil, User: evil, HasKey: true}}
	body := draw(t, s, evil).Body.String()
	for _, bad := range []string{"<script>alert", "<img", `href="javascript`} {
		if strings.Contains(body, bad) {
			t.Errorf("the page holds %s", bad)
		}
	}
}

func TestProblemPage(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	pages(t).Problem(w, httptest.NewRequest(http.MethodPost, "/", nil), page.Problem{
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
	if strings.Contains(body, "<script") {
		t.Error("a problem page needs no script")
	}
}

// Whatever package lab may say, there are words for it.
func TestEveryCodeHasWords(t *testing.T) {
	t.Parallel()
	texts := page.TextsFor("en")
	for _, state := range []lab.State{lab.Starting, lab.Building, lab.Ready, lab.Suspended, lab.Resuming, lab.Broken, lab.Gone} {
		if texts.States[string(state)].Headline == "" {
			t.Errorf("state %s has no words", state)
		}
	}
	reasons := []lab.Reason{
		lab.Missing, lab.CloudTrouble, lab.Clearing, lab.Slow, lab.Finishing, lab.Suspending, lab.Maintenance, lab.Degraded, lab.NoWayIn, lab.CloudFull,
		lab.TimedOut, lab.SetupFailed, lab.BuildFailed, lab.ResumeFailed, lab.SleepFailed, lab.DeleteFailed, lab.Ended, lab.LabRefused,
	}
	for _, reason := range reasons {
		if !strings.HasSuffix(texts.Reasons[string(reason)], ".") {
			t.Errorf("reason %s has no sentence", reason)
		}
	}
	if len(texts.Reasons) != len(reasons) {
		t.Errorf("%d reasons have words, %d exist", len(texts.Reasons), len(reasons))
	}
	for _, step := range lab.StepOrder {
		if texts.Steps[string(step)] == "" {
			t.Errorf("step %s has no words", step)
		}
	}
	for _, state := range []lab.StepState{lab.Waiting, lab.Active, lab.Done, lab.Failed} {
		if texts.StepIs[string(state)] == "" {
			t.Errorf("step state %s has no words", state)
		}
	}
	for _, kind := range []lab.Kind{lab.URL, lab.SSH, lab.Console} {
		if texts.Ways[string(kind)] == "" {
			t.Errorf("way %s has no words", kind)
		}
	}
}

func TestStatusAsJSON(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(page.NewStatus(statuses["building"], "/stage/view-lab", page.TextsFor("de")))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"state":"building","headline":"Your lab is being built","text":"It goes on by itself, even if you close this page.","step":"Machine",` +
		`"steps":[{"key":"network","title":"Network","state":"done","state_text":"done"},{"key":"machine","title":"Machine","state":"active","state_text":"in progress"},` +
		`{"key":"address","title":"Public address","state":"waiting","state_text":"waiting"}],"percent":40,"eta_seconds":42,"eta_text":"About 45 seconds left",` +
		`"access":[],"expires_at":"2026-11-22T17:00:00Z","next":{"method":"GET","url":"/stage/view-lab/status?look=events","after_ms":1000}}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
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

func TestTimeLeftInWords(t *testing.T) {
	t.Parallel()
	left := page.TextsFor("en").Left
	for d, want := range map[time.Duration]string{
		0: "", -time.Second: "", 3 * time.Second: "A few seconds left", 11 * time.Second: "About 15 seconds left", 90 * time.Second: "About 90 seconds left",
		100 * time.Second: "About 2 minutes left", 20 * time.Minute: "About 20 minutes left",
	} {
		if got := left(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

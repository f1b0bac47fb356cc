package page_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/page"
)

const chromium = "/usr/bin/chromium"

// lms serves one lab page and the answers that its script asks for.
type lms struct {
	t       *testing.T
	server  *httptest.Server
	ctx     context.Context //nolint:containedctx // a chromedp context is the browser itself
	mu      sync.Mutex
	asked   []string // method, path and ticket
	answers []func(http.ResponseWriter)
}

// open shows a page with this status in a browser. The script's requests get the answers in turn, the last one for ever.
func open(t *testing.T, s lab.Status, answers ...func(http.ResponseWriter)) *lms {
	t.Helper()
	if _, err := os.Stat(chromium); err != nil {
		t.Fatalf("there is no %s: run scripts/test-deps, which installs it.", chromium)
	}
	m := &lms{t: t, answers: answers}
	pages, err := page.New("http://127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	texts := page.TextsFor("en")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		pages.Lab(w, r, page.Lab{Title: "Web", Ticket: "first", Status: page.NewStatus(s, pages.Base(), texts), Texts: texts})
	})
	mux.HandleFunc("/view-lab/", func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		m.asked = append(m.asked, r.Method+" "+r.URL.RequestURI()+" "+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		answer := m.answers[0]
		if len(m.answers) > 1 {
			m.answers = m.answers[1:]
		}
		m.mu.Unlock()
		answer(w)
	})
	m.server = httptest.NewServer(mux)
	t.Cleanup(m.server.Close)
	// Without these flags Chromium talks to its maker at every start.
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-domain-reliability", true), chromedp.Flag("no-pings", true))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	m.ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(m.ctx, chromedp.Navigate(m.server.URL+"/")); err != nil {
		t.Fatalf("open the page: %v", err)
	}
	return m
}

func (m *lms) requests() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.asked...)
}

func (m *lms) eval(expression string) string {
	m.t.Helper()
	v, err := chromedp.Run(m.ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		m.t.Fatalf("evaluate %s: %v", expression, err)
	}
	return v
}

// until waits for an expression to have a value in the page.
func (m *lms) until(expression, want string) {
	m.t.Helper()
	got := ""
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if got = m.eval(expression); got == want {
			return
		}
	}
	m.t.Fatalf("%s is %q, want %q", expression, got, want)
}

// says answers with a status, given as JSON.
func says(format string, args ...any) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, format, args...)
	}
}

func fails(status int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.WriteHeader(status)
		fmt.Fprint(w, `{"code":"some_code","detail":"Open the lab again from your course page."}`)
	}
}

const (
	headline = `document.getElementById("headline").textContent`
	hurry    = `"next":{"method":"GET","url":"/view-lab/status?look=events","after_ms":20}`
	building = `{"state":"building","headline":"Being built","steps":[{"key":"machine","title":"Machine","state":"active","state_text":"in progress"}],"percent":40,"access":[],` + hurry + `}`
	ready    = `{"state":"ready","headline":"Ready now","steps":[],"percent":100,"ticket":"second","access":[{"way":0,"kind":"url","title":"Go in","url":"http://203.0.113.7/"},` +
		`{"way":1,"kind":"ssh","title":"Log in","host":"203.0.113.7","user":"learner","command":"ssh learner@203.0.113.7","has_key":true},{"way":2,"kind":"console","title":"Screen"}]}`
)

func soon(start bool) lab.Status {
	return lab.Status{State: lab.Starting, Access: []lab.Access{}, Poll: lab.Poll{Start: start, Look: lab.LookName, After: 20 * time.Millisecond}}
}

func TestScriptFollowsALabToReady(t *testing.T) {
	t.Parallel()
	m := open(t, soon(true), says(building), says(building), says(ready))
	m.until(headline, "Ready now")
	want := []string{"POST /view-lab/start first", "GET /view-lab/status?look=events first", "GET /view-lab/status?look=events first"}
	if got := m.requests(); strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("asked %q, want %q", got, want)
	}
	for expression, want := range map[string]string{
		`document.querySelector("#ways a").href`:                                                "http://203.0.113.7/",
		`document.querySelector("#ways a").rel`:                                                 "noopener noreferrer",
		`document.querySelector("#ways code").textContent`:                                      "ssh learner@203.0.113.7",
		`[...document.querySelectorAll("#ways form")].map(f => new URL(f.action).pathname)`:     "/view-lab/key,/view-lab/console",
		`[...document.querySelectorAll("input[name=ticket]")].every(i => i.value === "second")`: "true",
		`document.title`: "Ready now – Web",
		`document.getElementById("lab").dataset.state`:              "ready",
		`getComputedStyle(document.getElementById("work")).display`: "none",
	} {
		if got := m.eval(expression); got != want {
			t.Errorf("%s is %q, want %q", expression, got, want)
		}
	}
}

func TestScriptOutlastsTrouble(t *testing.T) {
	t.Parallel()
	m := open(t, soon(false), fails(503), fails(503), says(ready))
	m.until(`document.getElementById("offline").hidden`, "false")
	m.until(headline, "Ready now")
	m.until(`document.getElementById("offline").hidden`, "true")
}

func TestScriptStopsWhenItsTicketNoLongerCounts(t *testing.T) {
	t.Parallel()
	m := open(t, soon(false), fails(401))
	m.until(`document.getElementById("reason").textContent`, "Open the lab again from your course page.")
	before := len(m.requests())
	time.Sleep(300 * time.Millisecond)
	if after := len(m.requests()); after != before {
		t.Errorf("%d more requests", after-before)
	}
}

func TestScriptRestsWhileNobodyLooks(t *testing.T) {
	t.Parallel()
	m := open(t, soon(false), says(building))
	m.until(headline, "Being built")
	const hide = `(Object.defineProperty(document, "hidden", { value: %t, configurable: true }), document.dispatchEvent(new Event("visibilitychange")))`
	m.eval(fmt.Sprintf(hide, true))
	time.Sleep(200 * time.Millisecond) // a request may be on its way
	before := len(m.requests())
	time.Sleep(500 * time.Millisecond)
	if after := len(m.requests()); after != before {
		t.Errorf("%d requests of a hidden page", after-before)
	}
	m.eval(fmt.Sprintf(hide, false))
	for end := time.Now().Add(10 * time.Second); len(m.requests()) == before; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the page does not go on when it is seen again")
		}
	}
}

func TestScriptAsksLessWhileNothingChanges(t *testing.T) {
	t.Parallel()
	m := open(t, soon(false), says(building))
	m.until(headline, "Being built")
	time.Sleep(2 * time.Second)
	// At 20 ms each it would be a hundred; growing by 1.3 it is fewer than twenty.
	if n := len(m.requests()); n > 25 || n < 5 {
		t.Errorf("%d requests in two seconds", n)
	}
}

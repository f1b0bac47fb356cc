package page_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
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
	forms   []string // what was posted
	beats   []string // tickets that said that the page is in use
	answers []func(http.ResponseWriter)
}

// open shows a page with this status in a browser. The script's requests get the answers in turn, the last one for ever.
func open(t *testing.T, s lab.Status, answers ...func(http.ResponseWriter)) *lms {
	t.Helper()
	return openWith(t, s, "", answers...)
}

// openWith is open, with a script that runs before the page's own.
func openWith(t *testing.T, s lab.Status, before string, answers ...func(http.ResponseWriter)) *lms {
	t.Helper()
	return openPage(t, page.Lab{Class: "class.ticket"}, s, before, answers...)
}

// openPage is openWith, with more about the page.
func openPage(t *testing.T, l page.Lab, s lab.Status, before string, answers ...func(http.ResponseWriter)) *lms {
	t.Helper()
	m := &lms{t: t, answers: answers}
	pages, err := page.New("http://127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	texts := page.TextsFor("en")
	mux := http.NewServeMux()
	l.Title, l.Ticket, l.Status, l.Texts = "Web", "first", page.NewStatus(s, pages.Base(), texts), texts
	mux.Handle("GET /{$}", spoil(before, func(w http.ResponseWriter, r *http.Request) { pages.Lab(w, r, l) }))
	mux.HandleFunc("POST /view-lab/heartbeat", func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		m.beats = append(m.beats, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		m.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("/view-lab/", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		m.mu.Lock()
		m.forms = append(m.forms, r.PostForm.Encode())
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
	m.ctx = chrome(t)
	if err := chromedp.Do(m.ctx, chromedp.Navigate(m.server.URL+"/")); err != nil {
		t.Fatalf("open the page: %v", err)
	}
	return m
}

// spoil has a script run in a page before the page's own.
func spoil(script string, page http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		page(answer, r)
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, nonce, _ := strings.Cut(answer.Header().Get("Content-Security-Policy"), "script-src 'nonce-")
		nonce, _, _ = strings.Cut(nonce, "'")
		fmt.Fprint(w, strings.Replace(answer.Body.String(), "<head>", `<head><script nonce="`+nonce+`">`+script+"</script>", 1))
	})
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
		`document.querySelector("#ways a").href`:                                            "http://203.0.113.7/",
		`document.querySelector("#ways a").rel`:                                             "noopener noreferrer",
		`document.querySelector("#ways code").textContent`:                                  "ssh learner@203.0.113.7",
		`[...document.querySelectorAll("#ways form")].map(f => new URL(f.action).pathname)`: "/view-lab/key,/view-lab/console",
		`[...document.querySelectorAll("input[name=ticket]")].every(i => i.value === (i.form.id === "class" ? "class.ticket" : "second"))`: "true",
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

// While a lab is in the making the looks get rarer, but a lab that is ready is seen within seconds.
func TestScriptLooksSeldomButSoonEnough(t *testing.T) {
	t.Parallel()
	const hurried = `const later = window.setTimeout; window.waits = []; window.setTimeout = (f, ms) => { window.waits.push(ms); return later(f, Math.min(ms, 5)) }`
	s := lab.Status{State: lab.Building, Access: []lab.Access{}, Poll: lab.Poll{Look: lab.LookEvents, After: 1500 * time.Millisecond}}
	m := openWith(t, s, hurried, says(`{"state":"building","headline":"Being built","steps":[],"percent":0,"access":[],"next":{"method":"GET","url":"/view-lab/status","after_ms":1500}}`))
	m.until(`window.waits.length > 30`, "true")
	for expression, want := range map[string]string{
		`window.waits.every(ms => ms >= 1200 && ms <= 4000)`:                            "true",
		`window.waits.slice(10).every(ms => ms >= 3200)`:                                "true",
		`new Set(window.waits.slice(10)).size > 10`:                                     "true",
		`window.waits[0] <= 1500 && window.waits[1] <= 2000 && window.waits[2] <= 2600`: "true",
	} {
		if got := m.eval(expression); got != want {
			t.Errorf("%s is %s: %s", expression, got, m.eval(`window.waits.map(Math.round)`))
		}
	}
}

// up is a ready lab of which everything may be done.
func up() lab.Status {
	return lab.Status{
		State: lab.Ready, ExpiresAt: time.Now().Add(time.Hour), Actions: []lab.Act{lab.ActExtend, lab.ActSuspend, lab.ActReset, lab.ActEnd},
		Access: []lab.Access{{Kind: lab.URL, URL: "http://203.0.113.7/", HasPassword: true}},
	}
}

// same is an answer in the words of the page that up makes.
const same = `{"state":"ready","headline":"Your lab is ready","steps":[],"percent":100,"access":[{"way":0,"kind":"url","title":"Open the lab","url":"http://203.0.113.7/","has_password":true}],` +
	`"actions":[{"key":"extend","title":"More time"},{"key":"reset","title":"Start over","confirm":"Sure?"}],"expires_at":"2099-01-01T00:00:00Z","ticket":"second"}`

func (m *lms) click(selector string) {
	m.t.Helper()
	if err := chromedp.Do(m.ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		m.t.Fatalf("click %s: %v", selector, err)
	}
}

func TestScriptExtendsInPlace(t *testing.T) {
	t.Parallel()
	m := open(t, up(), says(same))
	m.eval(`window.mark = document.getElementById("expires").textContent`)
	m.click("#longer button")
	m.until(`document.getElementById("notice").textContent`, "You have more time now.")
	if got := m.requests(); len(got) != 1 || got[0] != "POST /view-lab/extend first" {
		t.Errorf("asked %q", got)
	}
	for expression, want := range map[string]string{
		`window.mark === document.getElementById("expires").textContent`: "false",
		`document.getElementById("notice").hidden`:                       "false",
		`document.querySelector("#longer input").value`:                  "second",
		`document.getElementById("trouble").hidden`:                      "true",
		`document.querySelectorAll("#acts li").length`:                   "1",
	} {
		if got := m.eval(expression); got != want {
			t.Errorf("%s is %q, want %q", expression, got, want)
		}
	}
}

func TestScriptAsksBeforeItDeletes(t *testing.T) {
	t.Parallel()
	m := open(t, up(), says(building), says(building))
	m.click("#manage > summary")
	m.click(`li[data-act="reset"] summary`)
	time.Sleep(100 * time.Millisecond)
	if got := m.requests(); len(got) != 0 {
		t.Fatalf("opening the question asked for %q", got)
	}
	m.click(`li[data-act="reset"] form button`)
	m.until(headline, "Being built")
	if got := m.requests(); got[0] != "POST /view-lab/reset first" {
		t.Errorf("asked %q", got)
	}
	// The button is gone: whoever pressed it is led to what is said instead.
	m.until(`document.activeElement.id`, "headline")
	m.until(`document.getElementById("time").hidden`, "true")
}

func TestScriptSaysWhyNothingWasDone(t *testing.T) {
	t.Parallel()
	m := open(t, up(), func(w http.ResponseWriter) {
		w.Header().Set("X-Request-Id", "ref-2")
		w.WriteHeader(http.StatusConflict)
		fmt.Fprint(w, `{"code":"some_code","detail":"The lab is at its limit <b>.","reference":"ref-2"}`)
	}, says(same))
	m.click("#longer button")
	m.until(`document.getElementById("trouble").textContent`, "The lab is at its limit <b>. Reference ref-2")
	if got := m.eval(`document.querySelector("#longer button").getAttribute("aria-busy") + document.activeElement.textContent`); got != "nullMore time" {
		t.Errorf("the button is %s", got)
	}
	m.click("#longer button")
	m.until(`document.getElementById("notice").textContent`, "You have more time now.")
	m.until(`document.getElementById("trouble").hidden`, "true")
}

func TestScriptShowsAPasswordInPlace(t *testing.T) {
	t.Parallel()
	m := open(t, up(), says(`{"password":"<i>hunter2"}`))
	m.click(".secret button")
	m.until(`/^<i>hunter.$/.test(document.querySelector(".secret output")?.textContent)`, "true")
	for expression, want := range map[string]string{
		`document.activeElement.textContent`:                                 "Hide the password",
		`document.activeElement.getAttribute("aria-expanded")`:               "true",
		`document.querySelector(".secret button").getAttribute("aria-busy")`: "null",
	} {
		if got := m.eval(expression); got != want {
			t.Errorf("%s is %q, want %q", expression, got, want)
		}
	}
	m.mu.Lock()
	if len(m.asked) != 1 || m.asked[0] != "POST /view-lab/password first" || m.forms[0] != "ticket=first&way=0" {
		t.Errorf("asked %q with %q", m.asked, m.forms)
	}
	m.mu.Unlock()
	m.click(".secret button")
	m.until(`document.querySelector(".secret output") === null && document.activeElement.textContent`, "Show the password")
}

func TestScriptKeepsAPasswordThatItWasNotGiven(t *testing.T) {
	t.Parallel()
	m := open(t, up(), fails(503))
	m.click(".secret button")
	m.until(`document.getElementById("trouble").textContent`, "Open the lab again from your course page.")
	if got := m.eval(`document.querySelector(".secret button").textContent`); got != "Show the password" {
		t.Errorf("the button says %q", got)
	}
}

func TestScriptWakesInPlace(t *testing.T) {
	t.Parallel()
	m := open(t, lab.Status{State: lab.Suspended, Access: []lab.Access{}}, says(building))
	m.click("#wake button")
	m.until(headline, "Being built")
	if got := m.requests()[0]; got != "POST /view-lab/start first" {
		t.Errorf("asked %q", got)
	}
}

func TestScriptCountsDown(t *testing.T) {
	t.Parallel()
	s := up()
	s.ExpiresAt = time.Now().Add(12*time.Minute + 30*time.Second)
	// The page's clock goes ahead as the test says, and a page that is seen again looks at it.
	const clock = `window.waits = []; const timeout = window.setTimeout; window.setTimeout = (f, ms) => { window.waits.push(ms); return timeout(f, ms) }; window.ahead = 0; const now = Date.now; Date.now = () => now() + window.ahead; const later = (ms) => { window.ahead = ms; document.dispatchEvent(new Event("visibilitychange")) };`
	m := openWith(t, s, clock+`addEventListener("DOMContentLoaded", () => { window.said = 0; new MutationObserver(() => window.said++).observe(document.getElementById("soon"), { childList: true }) })`, says(same))
	m.until(`/^1[23] minutes left$/.test(document.getElementById("left").textContent)`, "true")
	m.until(`window.waits.length === 1 && window.waits[0] >= 50 && window.waits[0] <= 60050`, "true") // by the minute
	m.eval(`later(60000)`)
	m.until(`/^1[12] minutes left$/.test(document.getElementById("left").textContent)`, "true")
	if got := m.eval(`document.getElementById("soon").textContent + document.getElementById("time").className`); got != "time" {
		t.Errorf("it warns too early: %q", got)
	}
	m.eval(`later(180000)`)
	m.until(`/^(9|10) minutes left$/.test(document.getElementById("left").textContent)`, "true")
	m.until(`document.getElementById("soon").textContent`, "Your lab ends in less than 10 minutes. Save your work.")
	m.until(`document.getElementById("time").classList.contains("warning")`, "true")
	m.eval(`later(300000)`)
	m.until(`/^[78] minutes left$/.test(document.getElementById("left").textContent)`, "true")
	if got := m.eval(`window.said`); got != "1" {
		t.Errorf("it was said %s times", got)
	}
	m.click("#longer button") // the answer moves the end far away
	m.until(`document.getElementById("soon").textContent`, "")
	m.until(`document.getElementById("time").classList.contains("warning")`, "false")
	if got := m.eval(`document.getElementById("left").textContent`); !strings.Contains(got, "days") {
		t.Errorf("left: %q", got)
	}
}

func TestScriptSaysThatTimeIsUp(t *testing.T) {
	t.Parallel()
	s := up()
	s.ExpiresAt = time.Now().Add(-time.Minute)
	m := open(t, s, says(same))
	m.until(`document.getElementById("left").textContent`, "Time is up")
}

// The learner's word counts, not the look that was under way when it was given.
func TestScriptForgetsALookFromBefore(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := up()
	s.Poll = lab.Poll{Look: lab.LookStack, After: 10 * time.Millisecond}
	m := open(t, s, func(w http.ResponseWriter) {
		<-release
		says(same)(w)
	}, says(`{"state":"suspended","headline":"Asleep","steps":[],"percent":0,"access":[]}`))
	for end := time.Now().Add(10 * time.Second); len(m.requests()) == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the page does not look")
		}
	}
	m.click("#manage > summary")
	m.click(`li[data-act="suspend"] button`)
	m.until(headline, "Asleep")
	close(release)
	time.Sleep(300 * time.Millisecond)
	if got := m.eval(headline); got != "Asleep" {
		t.Errorf("an old look made it %q", got)
	}
}

// Everything can be reached and done with the keyboard alone, in the order in which it is read.
func TestKeyboardAlone(t *testing.T) {
	t.Parallel()
	m := open(t, up(), says(same), says(building))
	press := func(keys string) {
		t.Helper()
		if err := chromedp.Do(m.ctx, chromedp.KeyEvent(keys)); err != nil {
			t.Fatalf("press a key: %v", err)
		}
	}
	focus := func(want string) {
		t.Helper()
		press("\t")
		m.until(`document.activeElement.textContent.trim()`, want)
	}
	for _, want := range []string{"Open the labopens in a new tab", "Show the password", "More time", "Manage the lab", "Refresh", "Labs of this course"} {
		focus(want)
	}
	m.eval(`document.querySelector("#longer button").focus()`)
	press("\r")
	m.until(`document.getElementById("notice").textContent`, "You have more time now.")
	m.eval(`document.querySelector("#manage > summary").focus()`)
	press("\r")
	focus("Start over")
	press(" ")
	focus("Yes, I am sure")
	press("\r")
	m.until(headline, "Being built")
	if got := m.requests()[1]; got != "POST /view-lab/reset second" {
		t.Errorf("asked %q", got)
	}
}

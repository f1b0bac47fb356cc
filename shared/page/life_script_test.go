package page_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/page"
)

// hide makes the page believe that nobody sees it, or that somebody does again.
const hide = `(Object.defineProperty(document, "hidden", { value: %t, configurable: true }), document.dispatchEvent(new Event("visibilitychange")))`

// metronome lets a test turn the page's clock, see what it posts as heartbeats, and have the beats that it put off come due.
const metronome = `window.ahead = 0; const now = Date.now; Date.now = () => now() + window.ahead;
window.beats = 0; const ask = window.fetch; window.fetch = (to, how) => { if (String(to).endsWith("/heartbeat")) window.beats++; return ask(to, how) };
window.off = []; const later = window.setTimeout; window.setTimeout = (f, ms) => { if (ms > 10000) { window.off.push(f); return -1 } return later(f, ms) };
const pass = (ms) => { window.ahead += ms; document.dispatchEvent(new Event("visibilitychange")); for (const f of window.off.splice(0)) f(); return window.beats };`

func beating(t *testing.T, s lab.Status) *lms {
	t.Helper()
	return openPage(t, page.Lab{Beat: true}, s, metronome, says(same))
}

func (m *lms) do(actions ...chromedp.Action[chromedp.Void]) {
	m.t.Helper()
	if err := chromedp.Do(m.ctx, actions...); err != nil {
		m.t.Fatalf("use the page: %v", err)
	}
}

func (m *lms) want(expression, want string) {
	m.t.Helper()
	if got := m.eval(expression); got != want {
		m.t.Errorf("%s is %q, want %q", expression, got, want)
	}
}

// W20: who uses the page keeps the lab, and an open page alone does not.
func TestW20HeartbeatOnlyOnRealUse(t *testing.T) {
	t.Parallel()
	m := beating(t, up())
	m.want(`pass(3600000)`, "0")
	// A script of anybody's that plays a person is none.
	m.eval(`["pointerdown", "keydown", "touchstart", "wheel", "focus"].forEach((name) => window.dispatchEvent(new Event(name)))`)
	m.want(`pass(3600000)`, "0")
	m.do(chromedp.KeyEvent("x"))
	m.want(`window.beats`, "1")
	m.do(chromedp.KeyEvent("x"), chromedp.MouseClickXY(5, 5))
	m.want(`pass(2 * 60000)`, "1") // what is done at once is one
	m.do(chromedp.KeyEvent("x"), chromedp.MouseClickXY(5, 5))
	m.want(`pass(2 * 60000)`, "1") // not more often than every five minutes, and a minute is left
	m.want(`pass(60000)`, "2")     // what was done in between counts
	m.want(`pass(24 * 3600000)`, "2")
	m.do(chromedp.MouseClickXY(5, 5))
	m.want(`window.beats`, "3")
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		m.mu.Lock()
		got := slices.Clone(m.beats)
		m.mu.Unlock()
		if slices.Equal(got, []string{"first", "first", "first"}) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("heartbeats %q", got)
		}
	}
}

// Who comes back from the lab's own tab was at work there.
func TestW20HeartbeatOnComingBackFromTheLab(t *testing.T) {
	t.Parallel()
	m := beating(t, up())
	m.click("#ways a")
	m.want(`window.beats`, "1")
	m.want(`pass(3600000)`, "1") // it stays open, and nobody is there
	// A page without a screen keeps the focus when a tab opens before it, so a frame takes it away and gives it back.
	if _, err := chromedp.Call(m.ctx, cdppage.BringToFront, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	m.until(`document.hidden`, "false")
	m.eval(`(() => {
		const frame = document.body.appendChild(document.createElement("iframe"));
		frame.contentWindow.focus();
		window.focus();
	})()`)
	m.until(`window.beats`, "2")
}

func TestNoHeartbeatOfALabThatIsNotUp(t *testing.T) {
	t.Parallel()
	m := beating(t, lab.Status{State: lab.Suspended, Access: []lab.Access{}})
	m.do(chromedp.KeyEvent("x"), chromedp.MouseClickXY(5, 5))
	m.want(`pass(3600000)`, "0")
	plain := openPage(t, page.Lab{}, up(), metronome, says(same)) // a lab that never goes to sleep
	plain.do(chromedp.KeyEvent("x"))
	plain.want(`pass(3600000)`, "0")
}

// Nobody sees the page: it is another one that the keys are for.
func TestNoHeartbeatOfAPageThatNobodySees(t *testing.T) {
	t.Parallel()
	m := beating(t, up())
	m.eval(fmt.Sprintf(hide, true))
	m.do(chromedp.KeyEvent("x"))
	m.want(`pass(3600000)`, "0")
	m.eval(fmt.Sprintf(hide, false))
	m.do(chromedp.KeyEvent("x"))
	m.want(`window.beats`, "1")
}

// Row 5: the page waits in line by itself, says aloud when the place changes and not else, and goes on while nobody looks.
func TestRow5WaitingInLine(t *testing.T) {
	t.Parallel()
	place := func(n, minutes int) func(http.ResponseWriter) {
		return says(`{"state":"waiting","headline":"In line","steps":[],"percent":0,"access":[],"place":%d,"reason":{"code":"in_line","text":"You are number %d."},`+
			`"expected_text":"Your turn comes in %d minutes.","next":{"method":"POST","url":"/view-lab/start","after_ms":20}}`, n, n, minutes)
	}
	s := statuses["waiting"]
	s.Poll.After = 20 * time.Millisecond
	const listen = `addEventListener("DOMContentLoaded", () => { window.said = []; const box = document.querySelector(".now");
new MutationObserver(() => window.said.push(document.getElementById("reason").textContent)).observe(document.getElementById("reason"), { childList: true, characterData: true, subtree: true }) })`
	m := openWith(t, s, listen, place(2, 4), place(2, 3), place(2, 2), place(1, 1), says(ready))
	m.eval(fmt.Sprintf(hide, true))
	m.until(headline, "Ready now")
	m.want(`window.said.join(" ")`, "You are number 2. You are number 1. ")
	m.want(`document.querySelector(".now").getAttribute("aria-live") + document.getElementById("reason").closest(".now").getAttribute("role")`, "politestatus")
	if got := m.requests(); len(got) != 5 || got[0] != "POST /view-lab/start first" {
		t.Errorf("asked %q", got)
	}
}

func TestWaitingInLineSaysThePlace(t *testing.T) {
	t.Parallel()
	m := open(t, statuses["waiting"], says(building))
	m.until(`document.getElementById("reason").textContent`, "Other labs are being built first. You are number 3 in line.")
	m.want(`document.getElementById("pace").textContent`, "Your turn comes in about 5 minutes.")
	m.want(`getComputedStyle(document.getElementById("progress")).display`, "none")
}

// Row 6: the way back to the old lab, while the new one is in the making and once it is up.
func TestRow6UndoOnThePage(t *testing.T) {
	t.Parallel()
	m := open(t, statuses["kept"], says(same))
	m.until(`document.getElementById("kept").hidden`, "false")
	m.want(`document.getElementById("until").textContent.startsWith("Your old lab is kept until ")`, "true")
	m.want(`new Date(document.querySelector("#until time").dateTime) > new Date()`, "true")
	m.want(`document.getElementById("old").hidden`, "true")
	m.click("#undo summary")
	m.want(`document.querySelector("#undo p").textContent`, "The new lab is deleted with everything in it, and you go on in the old one. This cannot be undone.")
	if got := m.requests(); len(got) != 0 {
		t.Fatalf("opening the question asked for %q", got)
	}
	m.click("#undo form button")
	m.until(`document.getElementById("notice").textContent`, "You have your old lab again.")
	m.want(`document.getElementById("kept").hidden`, "true")
	if got := m.requests(); len(got) != 1 || got[0] != "POST /view-lab/undo first" {
		t.Errorf("asked %q", got)
	}
}

func TestRow6TheOldLabWhileTheNewOneIsBuilt(t *testing.T) {
	t.Parallel()
	s := statuses["rebuilding"]
	s.Poll = lab.Poll{}
	m := open(t, s, says(`{"state":"ready","headline":"Old","steps":[],"percent":100,"access":[],"note":"It is kept."}`))
	m.want(`document.getElementById("note").textContent`, "Your old lab goes on working while the new one is being built.")
	m.want(`document.getElementById("old").target + new URL(document.getElementById("old").action).pathname`, "_blank/view-lab/old")
	m.want(`document.querySelectorAll("#undo details").length`, "0") // nobody has worked in the new one yet
	m.click("#undo button")
	m.until(headline, "Old")
	m.want(`document.getElementById("note").textContent`, "It is kept.")
	m.want(`document.getElementById("kept").hidden`, "true")
}

func TestScriptShowsCheckResults(t *testing.T) {
	t.Parallel()
	const results = `{"state":"ready","headline":"Your lab is ready","steps":[],"percent":100,"access":[],"actions":[{"key":"check","title":"Check my work"}],"checks":{"list":[` +
		`{"name":"a","title":"A <b>","state":"passed","state_text":"passed"},{"name":"b","title":"B","state":"not_passed","state_text":"not passed","hint":"Look at <i>port 80</i>"}],` +
		`"score":50,"score_text":"Score: 50 of 100","grade":{"state":"due","text":"The score will be sent to your course."}}}`
	s := statuses["checked"]
	m := open(t, s, says(results))
	m.until(`document.getElementById("score").textContent`, "Score: 33 of 100")
	m.want(`[...document.querySelectorAll("#list li")].map((l) => l.textContent).join("|")`, "The web server is installed passed|It serves a page not passedNothing answers at port 80. Is the service running?|firewall no result yet")
	m.click("#check button")
	m.until(`document.getElementById("score").textContent`, "Score: 50 of 100")
	for expression, want := range map[string]string{
		`[...document.querySelectorAll("#list li")].map((l) => l.textContent).join("|")`: "A <b> passed|B not passedLook at <i>port 80</i>",
		`document.querySelectorAll("#list :is(i, b)").length`:                            "0",
		`document.getElementById("grade").textContent`:                                   "The score will be sent to your course.",
		`document.getElementById("notice").textContent`:                                  "Your work is being checked. The results appear here.",
		`document.getElementById("results").getAttribute("aria-live")`:                   "polite",
	} {
		m.want(expression, want)
	}
	if got := m.requests(); len(got) != 1 || got[0] != "POST /view-lab/check first" {
		t.Errorf("asked %q", got)
	}
}

// Who has no scripts can do everything too.
func TestLifeWithoutScript(t *testing.T) {
	t.Parallel()
	for name, path := range map[string][]string{
		"rebuilding": {"#undo button", "/undo", "#old button", "/old"},
		"checked":    {"#check button", "/check", `li[data-act="reset"] button`, "/reset"},
		"asleep":     {"#longer button", "/extend", "#wake button", "/start"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := statuses[name]
			for ; len(path) > 0; path = path[2:] {
				m := openPage(t, page.Lab{}, s, "", says("thanks"))
				if _, err := chromedp.Call(m.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
					t.Fatal(err)
				}
				m.do(chromedp.Navigate(m.server.URL + "/"))
				m.eval(`document.querySelectorAll("details").forEach((d) => d.open = true)`)
				m.click(path[0])
				for end := time.Now().Add(20 * time.Second); len(m.requests()) == 0; time.Sleep(20 * time.Millisecond) {
					if time.Now().After(end) {
						t.Fatalf("%s posts nothing", path[0])
					}
				}
				m.mu.Lock()
				if got := m.asked[0] + " " + m.forms[0]; !strings.HasPrefix(got, "POST /view-lab"+path[1]+" ") || !strings.Contains(got, "ticket=first") {
					t.Errorf("%s: %s", path[0], got)
				}
				m.mu.Unlock()
			}
		})
	}
}

package shim_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/stackhook/stackhook/scripts/browsertest"
)

// looks are how the operators' pages are looked at: on a desk by light and in the dark, at twice the size, on a telephone.
func looks() []look {
	return []look{{"light", 1280}, {"dark", 1280}, {"light", 640}, {"dark", 320}}
}

type look struct {
	scheme string
	width  int
}

// TestAxeOperators: none of the operators' pages breaks a rule of WCAG 2 A or AA, or is wider than the glass.
func TestAxeOperators(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	name, broken, asleep := o.lab("u1"), o.lab("u2"), o.lab("u3")
	o.fake.SetStackState(broken, "CREATE", "FAILED", "Resource CREATE failed: Forbidden: resources.server: Quota exceeded for cores")
	o.fake.SetStackState(asleep, "SUSPEND", "COMPLETE", "")
	o.cluster("academy", 2)
	o.call(http.MethodPost, "/scale-cluster/academy/set", "application/json", `{"to": 3}`, "Authorization", "Bearer "+o.s.Keys().APIToken)
	b := browsertest.Start(t, browsertest.Options{Kind: browsertest.Chromium, Cookies: browsertest.Allowed, Hosts: ltiHosts})
	page := b.Page(0)
	b.Open(o.s.URL() + "/dev/labs")
	page.Click(`form[action$="/doctor-dry"] button`)
	page.Until("the report, with a finding", `document.querySelector("h1")?.textContent === "What the doctor finds" && document.querySelector("#h-findings")`)
	for what, path := range map[string]string{
		"clusters": "/dev/clusters", "cluster": "/dev/clusters/academy?try=in&by=1",
		"labs": "/dev/labs", "question": o.link("end", name), "tend": "/dev/labs/round/tend", "report": strings.TrimPrefix(page.URL(), o.s.URL()),
	} {
		for _, l := range looks() {
			b.Scheme(l.scheme)
			b.Viewport(l.width, 900)
			b.Open(o.s.URL() + path)
			for _, v := range page.Axe("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice") {
				t.Errorf("%s, %s, %d: %s (%s): %s\n%s", what, l.scheme, l.width, v.ID, v.Impact, v.Help, strings.Join(v.Nodes, "\n"))
			}
			if wide := page.String(`document.documentElement.scrollWidth`); wide != strconv.Itoa(l.width) {
				t.Errorf("%s is %s wide in %d", what, wide, l.width)
			}
			if dir := os.Getenv("SHIM_SCREENSHOTS"); dir != "" {
				b.Shot(filepath.Join(dir, fmt.Sprintf("labs-%s-%s-%d.png", what, l.scheme, l.width)))
			}
		}
	}
	if got := b.Elsewhere(o.s.URL()); len(got) > 0 {
		t.Errorf("asked elsewhere: %v", got)
	}
}

// TestBrowserOperators gives an order without script: the link, the question, the button, and what became of it.
func TestBrowserOperators(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	name := o.lab("u1")
	b := browsertest.Start(t, browsertest.Options{Kind: browsertest.Chromium, Cookies: browsertest.Allowed, NoScripts: true, Hosts: ltiHosts})
	page := b.Page(0)
	b.Open(o.s.URL() + "/dev/labs")
	page.Click(`tr[data-name="` + name + `"] .acts a[href*="/suspend?"]`)
	page.Until("the question", `document.querySelector("h1")?.textContent === "Suspend this lab?"`)
	page.Click("form button")
	page.Until("what became of it", `/under way/.test(document.querySelector(".told[role=status]")?.textContent ?? "")`)
	eventually(t, "a lab that sleeps", func() (string, bool) { return o.stateOf(name), o.stateOf(name) == "SUSPEND_COMPLETE" })
	b.Open(o.s.URL() + "/dev/labs?state=suspended")
	page.Until("the lab asleep", `document.querySelector('tr[data-state=suspended] .pill')?.textContent === "asleep"`)
	for _, m := range b.Messages() {
		t.Errorf("the browser says %s", m)
	}
}

// TestBrowserOperatorsByKeyboard goes from the top of the page to the doctor's dry run with the Tab key alone.
func TestBrowserOperatorsByKeyboard(t *testing.T) {
	t.Parallel()
	s := start(t)
	b := newBrowser(t, s)
	b.do("open the labs", chromedp.Navigate(s.URL()+"/dev/labs"))
	const where = `document.activeElement.textContent.trim()`
	b.key("the first stop", kb.Tab)
	if first := eval[string](b, where); first != "Skip to the content" {
		t.Errorf("the first stop is %q", first)
	}
	for range 30 {
		if eval[string](b, where) == "Doctor, dry run" {
			break
		}
		b.key("the next stop", kb.Tab)
	}
	if outline := eval[string](b, `getComputedStyle(document.activeElement).outlineStyle`); outline == "none" {
		t.Error("nothing shows where the keyboard is")
	}
	b.key("the button", kb.Enter)
	b.until("the report", `document.querySelector("h1")?.textContent === "What the doctor finds"`)
	b.noComplaints()
}

// key presses one key.
func (b *browser) key(what, key string) {
	b.t.Helper()
	b.do(what, chromedp.KeyEvent(key))
}

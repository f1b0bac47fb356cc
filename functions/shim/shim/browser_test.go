package shim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// siteIs is true once the page shows the site in this state with so many good nodes in its pool.
func siteIs(state string, nodes int) string {
	return fmt.Sprintf(`document.querySelector('[data-stack="academy"][data-state="%s"]')?.querySelectorAll('.nodes [data-tone=good]').length === %d`, state, nodes)
}

// labReady is true once the lab page in the frame says so.
const labReady = `document.getElementById("lab-frame").contentDocument?.querySelector('[data-state="ready"]')`

func TestBrowserWalksAllStories(t *testing.T) {
	s := start(t)
	b := newBrowser(t, s)
	b.do("open the page", chromedp.Navigate(s.URL()+"/"))
	b.until("the cloud", `document.querySelector("#cloud[data-tone=good]")`)
	b.shot("1-start-light")

	b.click("deploy a site", "#site button.primary")
	b.until("the site being built, or built already on a machine that is busy", siteIs("CREATE_IN_PROGRESS", 0)+"||"+siteIs("CREATE_COMPLETE", 1))
	b.click("launch a lab", "#launch button.primary")
	b.until("the lab being built", `document.querySelector('[data-stack^=lab-]')`)
	b.shot("2-under-way-light")
	b.until("the ready lab in its frame", labReady)
	b.until("the site's address", `document.querySelector("#site-answer .address .where")?.textContent`)
	b.until("the site's node in its pool", siteIs("CREATE_COMPLETE", 1))

	b.raise("aodh", "alarm", "out")
	b.until("the second node", siteIs("UPDATE_COMPLETE", 2))
	b.raise("alertmanager", "firing", "out")
	b.until("the dashed place of the third node, or the node", `document.querySelector('[data-stack=academy] .nodes [data-tone=coming]')||`+siteIs("UPDATE_COMPLETE", 3))
	b.shot("3-growing-light")
	b.until("the third node", siteIs("UPDATE_COMPLETE", 3))
	b.raise("aodh", "alarm", "out")
	b.until("the refusal at the upper bound", `/upper bound/.test(document.querySelector("#alarm-answer strong").textContent)`)
	eval[bool](b, `document.querySelector('#requests [data-function=scale-cluster] details').open = true`)
	b.lookAtIt()

	b.raise("aodh", "alarm", "in")
	b.until("two nodes again", siteIs("UPDATE_COMPLETE", 2))
	b.raise("alertmanager", "firing", "in")
	b.until("one node again", siteIs("UPDATE_COMPLETE", 1))
	b.noComplaints()
}

// lookAtIt takes pictures in light and dark, on a desk and on a telephone, where nothing may be wider than the glass.
func (b *browser) lookAtIt() {
	b.t.Helper()
	b.shot("4-grown-light")
	b.scheme("dark")
	b.shot("5-grown-dark")
	command(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 390, Height: 844, DeviceScaleFactor: 2, Mobile: true})
	b.shot("6-phone-dark")
	b.scheme("light")
	b.shot("7-phone-light")
	if wide := eval[int](b, `document.documentElement.scrollWidth`); wide > 390 {
		b.t.Errorf("on a telephone the page is %d wide, want 390", wide)
	}
	command(b, emulation.ClearDeviceMetricsOverride, cdp.Empty{})
}

// raise sends an alarm, and again while the cooldown of the site (2 s, to play) still refuses.
func (b *browser) raise(sender, state, direction string) {
	b.t.Helper()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(300 * time.Millisecond) {
		b.fill("alarm", "sender", sender)
		b.fill("alarm", "state", state)
		b.fill("alarm", "direction", direction)
		eval[bool](b, `document.getElementById("alarm-answer").replaceChildren() ?? true`)
		b.click("send the alarm", "#alarm button.primary")
		b.until("the decision", `document.querySelector("#alarm-answer strong")`)
		if !strings.Contains(eval[string](b, `document.getElementById("alarm-answer").textContent`), `"cooldown"`) {
			return
		}
	}
	b.t.Fatal("the cooldown never ended")
}

// TestBrowserWithoutScript opens a lab as a learner whose browser runs no script: a button leads on, another refreshes.
func TestBrowserWithoutScript(t *testing.T) {
	s := start(t)
	b := newBrowser(t, s)
	command(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.do("open the page", chromedp.Navigate(s.URL()+"/"))
	b.shot("8-without-script")
	b.until("the frame", `getComputedStyle(document.getElementById("lab-frame")).display !== "none"`)
	b.click("launch the lab", "#launch button.primary")
	const inside = `document.getElementById("lab-frame").contentDocument`
	b.until("the signed form", inside+`?.querySelector("#launch button")`)
	eval[bool](b, inside+`.querySelector("#launch button").click() ?? true`)
	b.until("the lab page", inside+`?.querySelector("main[data-state]")`)
	for end := time.Now().Add(15 * time.Second); !eval[bool](b, "Boolean("+labReady+")"); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("refreshed for 15 s, and the lab is not ready")
		}
		b.until("the Refresh button", inside+`?.querySelector("#refresh button")`)
		eval[bool](b, inside+`.querySelector("#refresh button").click() ?? true`)
	}
	b.shot("9-without-script-ready")
	b.noComplaints()
}

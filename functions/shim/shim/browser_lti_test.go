package shim_test

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// inFrame is the document that the course shows.
const inFrame = `document.getElementById("lab-frame").contentDocument`

// launch13 opens the unit in the course's frame by LTI 1.3.
func (b *browser) launch13(learner, role string) {
	b.t.Helper()
	b.fill("launch", "learner", learner)
	b.fill("launch", "role", role)
	b.fill("launch", "version", "1.3")
	b.click("launch the lab", "#launch button.primary")
}

// press clicks what the selector finds in the frame.
func (b *browser) press(selector string) {
	b.t.Helper()
	b.until(selector+" in the frame", inFrame+"?.querySelector("+js(selector)+")")
	eval[bool](b, inFrame+".querySelector("+js(selector)+").click() ?? true")
}

func TestBrowserLaunchesByLTI13(t *testing.T) {
	s := start(t)
	b := newBrowser(t, s)
	b.do("open the page", chromedp.Navigate(s.URL()+"/"))
	b.fill("launch", "language", "de-DE")
	b.launch13("Ada Lovelace", "learner")
	b.until("the lab page, in German", inFrame+`?.querySelector("html[lang=de] main[data-state] #headline")`)
	b.shot("10-lti13-building")
	b.until("the ready lab in its frame", labReady)
	b.shot("11-lti13-ready")
	// A second click is the same lab, and ready at once.
	b.launch13("Ada Lovelace", "learner")
	b.until("the ready lab again", labReady)
	if n := len((caller{t, s}).state().Stacks); n != 1 {
		t.Errorf("%d stacks, want 1", n)
	}
	b.noComplaints()
}

func TestBrowserInstructorOpensTheClass(t *testing.T) {
	s := start(t)
	b := newBrowser(t, s)
	b.do("open the page", chromedp.Navigate(s.URL()+"/"))
	b.launch13("Alan Turing", "learner")
	b.until("the learner's lab", labReady)
	if eval[bool](b, "Boolean("+inFrame+`.querySelector('form[action$="/class"]'))`) {
		t.Error("a learner is offered the class")
	}
	b.launch13("Grace Hopper", "instructor")
	b.until("the instructor's lab", inFrame+`?.querySelector('form[action$="/class"]')`)
	b.until("ready", labReady)
	b.press(`form[action$="/class"] button`)
	b.until("both labs in the class", inFrame+`?.querySelectorAll('main[data-state="class"] tbody tr').length === 2`)
	b.shot("12-class")
	b.noComplaints()
}

func TestBrowserPicksALab(t *testing.T) {
	s := start(t)
	b := newBrowser(t, s)
	b.do("open the page", chromedp.Navigate(s.URL()+"/"))
	b.click("pick a lab", "#pick")
	b.until("the labs to pick from", inFrame+`?.querySelector('input[name=lab][value=web]')`)
	b.shot("13-picker")
	eval[bool](b, inFrame+`.querySelector("input[name=lab][value=web]").checked = true`)
	b.press(`form button`)
	b.until("what the platform got", inFrame+`?.querySelector(".picked .item")?.textContent.includes("lab=web")`)
	b.shot("14-picked")
	b.noComplaints()
}

func TestBrowserPasteHelper(t *testing.T) {
	s := start(t)
	b := newBrowser(t, s)
	b.do("open the page", chromedp.Navigate(s.URL()+"/"))
	b.fill("open-edx", "values", "Client ID: 7")
	eval[bool](b, `window.same = true`)
	b.click("make the entry of one value", "#open-edx button.primary")
	b.until("the four faults", `document.querySelectorAll("#open-edx-answer .faults li").length === 4`)
	b.fill("open-edx", "values", studioValues)
	b.click("make the entry", "#open-edx button.primary")
	b.until("the entry", `/client_id: f0532860/.test(document.querySelector("#open-edx-answer pre")?.textContent)`)
	b.until("the values for Studio", `document.querySelectorAll("#open-edx-answer .values dd").length > 5`)
	if !eval[bool](b, `window.same === true`) {
		t.Error("the page was loaded anew")
	}
	b.shot("15-paste-helper")

	command(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.do("open the page without script", chromedp.Navigate(s.URL()+"/"))
	eval[bool](b, `(document.querySelector("#open-edx textarea").value = `+js(studioValues)+`) !== ""`)
	b.click("make the entry without script", "#open-edx button.primary")
	b.until("the entry on a page of its own", `/client_id: f0532860/.test(document.querySelector("#open-edx-answer pre")?.textContent)`)
	b.noComplaints()
}

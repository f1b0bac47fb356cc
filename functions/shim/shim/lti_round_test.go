package shim_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/scripts/browsertest"
)

const (
	labShown = `document.querySelector("main[data-state] h1") && document.querySelector('input[name="ticket"]')`
	labDone  = `document.querySelector('main[data-state="ready"]')`
	newTab   = `document.querySelector("#open button")?.checkVisibility()`
)

// What proves that the browser which comes back from the platform is the one that left for it.
const (
	byCookie  = "cookie"
	bySession = "sessionStorage"
	byStorage = "platform storage"
	byNewTab  = "new tab"
)

// round is one way through an LTI 1.3 launch, and what must carry it.
type round struct {
	cookies   browsertest.Cookies
	wish      string // what the course page is asked for
	noScripts bool
	by        string
}

// From a course page to the lab page in the frame on it, or in a new tab where browsers let a frame keep nothing.
func TestRound(t *testing.T) {
	t.Parallel()
	for kind, rounds := range map[browsertest.Kind]map[string]round{
		browsertest.Chromium: {
			"allowed":                      {cookies: browsertest.Allowed, by: byCookie},
			"allowed, no script":           {cookies: browsertest.Allowed, noScripts: true, by: byCookie},
			"third-party-blocked":          {cookies: browsertest.ThirdPartyBlocked, by: byCookie},
			"all-blocked":                  {cookies: browsertest.AllBlocked, by: byNewTab},
			"all-blocked, parent stores":   {cookies: browsertest.AllBlocked, wish: "storage=_parent", by: byStorage},
			"all-blocked, a frame stores":  {cookies: browsertest.AllBlocked, wish: "storage=keeper", by: byStorage},
			"third-party-blocked, storage": {cookies: browsertest.ThirdPartyBlocked, wish: "storage=_parent", by: byCookie},
		},
		browsertest.Firefox: {
			"allowed":                        {cookies: browsertest.Allowed, by: byCookie},
			"third-party-blocked":            {cookies: browsertest.ThirdPartyBlocked, by: bySession},
			"third-party-blocked, no script": {cookies: browsertest.ThirdPartyBlocked, noScripts: true, by: byNewTab},
			"all-blocked":                    {cookies: browsertest.AllBlocked, by: byNewTab},
			"all-blocked, parent stores":     {cookies: browsertest.AllBlocked, wish: "storage=_parent", by: byStorage},
		},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			for _, name := range slices.Sorted(maps.Keys(rounds)) { // one after the other: a browser is large
				t.Run(name, func(t *testing.T) { rounds[name].run(t, kind) })
			}
		})
	}
}

func (r round) run(t *testing.T, kind browsertest.Kind) {
	t.Helper()
	sites := newLTISites(t)
	b := browsertest.Start(t, browsertest.Options{Kind: kind, Cookies: r.cookies, NoScripts: r.noScripts, Hosts: ltiHosts})
	course := sites.platform.Issuer + "/?" + r.wish
	b.Open(course)
	tool := b.Page(0).Frame("#tool")
	r.goOn(tool)
	switch r.by {
	case byStorage:
		// A machine that is busy with other tests may take longer to answer than our pages wait: then once more.
		for range 2 {
			tool.Until("the lab page, or what else can be done", labShown+"||"+newTab)
			if tool.String(newTab) == "true" {
				b.Open(course)
			}
		}
	case byNewTab:
		tool.Until("the button that opens a new tab", newTab)
		tool.Click("#open button")
		b.UntilPages(2)
		tool = b.Page(1)
		r.goOn(tool)
	}
	tool.Until("the lab page", labShown)
	if !r.noScripts {
		tool.Until("the ready lab", labDone)
	}
	if folder := os.Getenv("SHIM_SCREENSHOTS"); folder != "" {
		b.Shot(filepath.Join(folder, strings.ReplaceAll(t.Name(), "/", "-")+".png"))
	}
	if !strings.Contains(tool.Text(), "Web server basics") {
		t.Errorf("the lab page says:\n%s", tool.Text())
	}
	if got := sites.carriedBy(b); got != r.by {
		t.Errorf("the launch was carried by %s, want %s", got, r.by)
	}
	if got := b.Elsewhere(sites.platform.Issuer, sites.hooks); len(got) > 0 {
		t.Errorf("asked elsewhere: %v", got)
	}
	for _, message := range b.Messages() {
		policy := strings.Contains(message, "Content Security Policy") || strings.Contains(message, "Content-Security-Policy")
		// Firefox looks for an icon in a page of its own tab, and notes that the page's policy has none.
		if (policy || strings.HasPrefix(message, "thrown")) && !strings.Contains(message, "/favicon.ico ") {
			t.Error(message)
		}
	}
}

// goOn presses the platform's button, where no script does.
func (r round) goOn(f browsertest.Frame) {
	if r.noScripts {
		f.Click("#go")
	}
}

// carriedBy is what the one launch that led to a lab came with.
func (s ltiSites) carriedBy(b *browsertest.Browser) string {
	seen := slices.DeleteFunc(s.launches.all(), func(l ltiLaunch) bool { return !l.Lab })
	switch {
	case len(seen) != 1:
		return "no launch, or several"
	case !seen[0].Cookie && !seen[0].Secret:
		return "nothing"
	case len(b.Pages()) > 1:
		return byNewTab
	case !seen[0].Secret:
		return byCookie
	}
	keeper := b.Page(0)
	if keeper.String(`document.querySelector("iframe[name=keeper]") !== null`) == "true" {
		keeper = keeper.Frame("iframe[name=keeper]")
	}
	if strings.Contains(keeper.String(`window.answered`), "lti.get_data") {
		return byStorage
	}
	return bySession
}

// Both blocks of a page launch: the second login does not take the first one's place. A block in a window of its own
// launches as well, unless the browser keeps nothing for us there either: then the page says so.
func TestRoundElsewhereOnThePage(t *testing.T) {
	t.Parallel()
	for kind, mode := range map[browsertest.Kind]browsertest.Cookies{
		browsertest.Chromium: browsertest.ThirdPartyBlocked, // Partitioned cookies
		browsertest.Firefox:  browsertest.ThirdPartyBlocked, // sessionStorage
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			sites := newLTISites(t)
			b := browsertest.Start(t, browsertest.Options{Kind: kind, Cookies: mode, Hosts: ltiHosts})
			b.Open(sites.platform.Issuer + "/?blocks=2")
			for _, block := range []string{"#tool", "#tool2"} {
				b.Page(0).Frame(block).Until("the lab page in "+block, labShown)
			}
			b.Open(sites.platform.Issuer + "/start?lab=small")
			b.Page(0).Until("the lab page in its own window", labShown)
			if got := b.Page(0).Text(); !strings.Contains(got, "A smaller one") {
				t.Errorf("the lab page says:\n%s", got)
			}
		})
	}
}

func TestRoundWhereNothingIsKept(t *testing.T) {
	t.Parallel()
	sites := newLTISites(t)
	b := browsertest.Start(t, browsertest.Options{Kind: browsertest.Chromium, Cookies: browsertest.AllBlocked, Hosts: ltiHosts})
	b.Open(sites.platform.Issuer + "/start")
	b.Page(0).Until("the sentence that nothing is kept", `document.querySelector("#nothing")?.checkVisibility()`)
	if slices.ContainsFunc(sites.launches.all(), func(l ltiLaunch) bool { return l.Lab }) {
		t.Error("a lab was opened for a browser that proved nothing")
	}
}

// An instructor picks a lab for the course; the platform verifies our answer with jose and our key set.
func TestRoundOfDeepLinking(t *testing.T) {
	t.Parallel()
	sites := newLTISites(t)
	b := browsertest.Start(t, browsertest.Options{Kind: browsertest.Chromium, Cookies: browsertest.ThirdPartyBlocked, Hosts: ltiHosts})
	b.Open(sites.platform.Issuer + "/?deep=1&role=instructor")
	tool := b.Page(0).Frame("#tool")
	tool.Click(`[name="lab"][value="small"]`)
	tool.Click(`form button:not([name])`)
	tool.Until("the platform's answer", `document.querySelector("#claims")`)
	checkDeepLink(t, tool.String(`document.querySelector("#claims").textContent`))
}

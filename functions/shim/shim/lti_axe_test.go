package shim_test

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/scripts/browsertest"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/page"
)

// drawing draws a page that ends up in front of a person.
type drawing func(p *page.Pages, w http.ResponseWriter, r *http.Request)

var framedBy = []string{"'self'"}

// labStatuses are the lab page's states, with everything that they may show.
func labStatuses() map[string]lab.Status {
	until := time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC)
	steps := []lab.Step{{Key: lab.StepNetwork, State: lab.Done}, {Key: lab.StepMachine, State: lab.Active}, {Key: lab.StepAddress, State: lab.Waiting}}
	all := []lab.Act{lab.ActExtend, lab.ActSuspend, lab.ActReset, lab.ActEnd}
	return map[string]lab.Status{
		"starting":  {State: lab.Starting, Steps: steps[2:], Reason: lab.CloudTrouble},
		"building":  {State: lab.Building, Step: lab.StepMachine, Steps: steps, Percent: 40, ETA: 42 * time.Second, Elapsed: time.Minute, Expected: 2 * time.Minute, ExpiresAt: until, Actions: all[3:]},
		"ready":     {State: lab.Ready, Percent: 100, ExpiresAt: until, Actions: all, Access: labAccess()},
		"suspended": {State: lab.Suspended, ExpiresAt: until, Actions: all[2:]},
		"resuming":  {State: lab.Resuming, Percent: 20, Elapsed: 20 * time.Second},
		"broken":    {State: lab.Broken, Reason: lab.SetupFailed, Steps: []lab.Step{{Key: lab.StepSoftware, State: lab.Failed}}, Actions: all[2:]},
		"gone":      {State: lab.Gone, Reason: lab.Ended, Actions: all[2:3]},
	}
}

func labAccess() []lab.Access {
	return []lab.Access{
		{Kind: lab.URL, Title: "Open the lab", URL: "http://203.0.113.7/", HasPassword: true},
		{Way: 1, Kind: lab.SSH, Title: "Terminal", Host: "203.0.113.7", User: "learner", HasKey: true},
		{Way: 2, Kind: lab.Console, Title: "Console"},
	}
}

// drawings are all pages, by name.
func drawings() map[string]drawing {
	texts := page.TextsFor("en")
	all := map[string]drawing{
		"problem": func(p *page.Pages, w http.ResponseWriter, r *http.Request) {
			p.Problem(w, r, page.Problem{
				Status: http.StatusOK, Code: "lti_signature", Sentence: "The launch was not signed with the secret that we know.", Texts: texts, Ancestors: framedBy,
				ReturnURL: "https://lms.test/course", Staff: &page.StaffNote{Check: "oauth_signature", Fix: "Compare the consumer secret."},
			})
		},
		"problem that repeats": func(p *page.Pages, w http.ResponseWriter, r *http.Request) {
			p.Problem(w, r, page.Problem{
				Status: http.StatusOK, Code: "lti_unavailable", Sentence: "Wait a moment.", RetryAfter: time.Hour, Texts: texts, Ancestors: framedBy,
				Action: "/launch-lab/launch", Again: []page.Field{{Name: "state", Value: "s"}},
			})
		},
		"bind": func(p *page.Pages, w http.ResponseWriter, r *http.Request) {
			p.Bind(w, r, page.Bind{
				ID: "l1", PlatformOrigin: "https://lms.test", Action: "/launch-lab/launch", LoginAction: "/launch-lab/login", Texts: texts, Ancestors: framedBy,
				Fields: []page.Field{{Name: "id_token", Value: "a.b.c"}, {Name: "state", Value: "s"}}, Again: []page.Field{{Name: "iss", Value: "https://lms.test"}},
			})
		},
		"bind, in the course": func(p *page.Pages, w http.ResponseWriter, r *http.Request) {
			p.Bind(w, r, page.Bind{ID: "l1", Action: "/launch-lab/launch", Texts: texts, Ancestors: framedBy})
		},
		"picker":       func(p *page.Pages, w http.ResponseWriter, r *http.Request) { p.Picker(w, r, choice(texts, false)) },
		"picker, many": func(p *page.Pages, w http.ResponseWriter, r *http.Request) { p.Picker(w, r, choice(texts, true)) },
		"class":        func(p *page.Pages, w http.ResponseWriter, r *http.Request) { p.Class(w, r, classroom(texts)) },
		"class, empty": func(p *page.Pages, w http.ResponseWriter, r *http.Request) {
			p.Class(w, r, page.Class{Ticket: "t", Course: "Web servers 101", Texts: texts, Ancestors: framedBy})
		},
		"register": func(p *page.Pages, w http.ResponseWriter, r *http.Request) {
			p.Register(w, r, page.Register{Issuer: "https://lms.test", Product: "moodle", Action: "/launch-lab/register", Texts: texts, Ancestors: framedBy})
		},
		"registered": func(p *page.Pages, w http.ResponseWriter, r *http.Request) {
			p.Register(w, r, page.Register{Issuer: "https://lms.test", Done: true, Entry: "- issuer: https://lms.test\n", Texts: texts, Ancestors: framedBy})
		},
	}
	for name, status := range labStatuses() {
		all["lab, "+name] = func(p *page.Pages, w http.ResponseWriter, r *http.Request) {
			p.Lab(w, r, page.Lab{
				Title: "Web server basics", Ticket: "the.ticket", Status: page.NewStatus(status, p.Base(), texts), Texts: texts, Ancestors: framedBy,
				ReturnURL: "https://lms.test/course", Name: "Ada Lovelace", Class: "class.ticket", Code: "3f2a91",
			})
		}
	}
	return all
}

func choice(texts page.Texts, multiple bool) page.Picker {
	return page.Picker{
		Ticket: "t", Action: "/launch-lab/pick", Course: "Web servers 101", Multiple: multiple, Texts: texts, Ancestors: framedBy,
		Labs: []page.PickerLab{
			{
				Key: "web", Title: "Web server basics", Description: "A server of your own.", Expected: texts.About(3 * time.Minute), Cost: "0.04 EUR an hour",
				Picture: `data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 9"><rect width="16" height="9"/></svg>`,
			},
			{Key: "small", Title: "A smaller one"},
		},
	}
}

func classroom(texts page.Texts) page.Class {
	until := time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC)
	return page.Class{
		Ticket: "t", Course: "Web servers 101", Truncated: true, Notice: "Done.", Texts: texts, Ancestors: framedBy,
		Rows: []page.Row{
			{Owner: "0c77d1", Lab: "Web server basics", State: lab.Ready, Expires: until, Ref: "lab-1", Mine: true},
			{Owner: "a4409e", Lab: "A smaller one", State: lab.Broken, Reason: lab.CloudFull, Expires: until, Ref: "lab-2"},
			{Owner: "b1d0f2", Lab: "Web server basics", State: lab.Suspended, Ref: "lab-3"},
		},
	}
}

// gallery serves every drawing at its number, in the order of names.
func gallery(t *testing.T, names []string) *httptest.Server {
	t.Helper()
	p, err := page.New("https://hooks.test")
	if err != nil {
		t.Fatal(err)
	}
	all := drawings()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		if err != nil || n >= len(names) {
			http.NotFound(w, r) // what a page's script asks for is not there
			return
		}
		all[names[n]](p, w, r)
	}))
	t.Cleanup(server.Close)
	return server
}

// No page breaks a rule of WCAG 2 A or AA, or what axe calls best practice, in light or dark, on a desk or a telephone.
func TestAxe(t *testing.T) {
	t.Parallel()
	names := slices.Sorted(maps.Keys(drawings()))
	server := gallery(t, names)
	b := browsertest.Start(t, browsertest.Options{Kind: browsertest.Chromium, Cookies: browsertest.Allowed, Hosts: ltiHosts})
	for _, look := range []struct {
		scheme string
		width  int
	}{{"light", 1000}, {"light", 320}, {"dark", 1000}, {"dark", 320}} {
		b.Scheme(look.scheme)
		b.Viewport(look.width, 800)
		for i, name := range names {
			b.Open(fmt.Sprintf("%s/%d", server.URL, i))
			// What is folded away has to be right as well.
			b.Page(0).Eval(`document.querySelectorAll("details").forEach((d) => { d.open = true; })`, nil)
			for _, v := range b.Page(0).Axe("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice") {
				t.Errorf("%s, %s, %d: %s (%s): %s\n%s", name, look.scheme, look.width, v.ID, v.Impact, v.Help, strings.Join(v.Nodes, "\n"))
			}
			if wide := b.Page(0).String(`document.documentElement.scrollWidth`); wide != strconv.Itoa(look.width) {
				t.Errorf("%s is %s wide in %d", name, wide, look.width)
			}
		}
	}
	if got := b.Elsewhere(server.URL); len(got) > 0 {
		t.Errorf("asked elsewhere: %v", got)
	}
}

// The lab page is small, asks nobody else, and is seen at once. Not parallel: it looks at the time.
func TestLabPageIsLight(t *testing.T) {
	server := gallery(t, []string{"lab, ready"})
	b := browsertest.Start(t, browsertest.Options{Kind: browsertest.Chromium, Cookies: browsertest.Allowed, Hosts: ltiHosts})
	var facts struct{ Size, Paint float64 }
	best := math.Inf(1)
	// The best of ten, because the tests of other packages run at the same time: what disturbs a load makes it slower, never
	// quicker, and the first load of a browser is always slower.
	for range 10 {
		b.Open(server.URL + "/0")
		b.Page(0).Until("the first paint", `performance.getEntriesByName("first-contentful-paint").length`)
		b.Page(0).Eval(`({
			size: performance.getEntriesByType("navigation")[0].transferSize,
			paint: performance.getEntriesByName("first-contentful-paint")[0].startTime,
		})`, &facts)
		t.Logf("%.0f bytes, first paint after %.0f ms", facts.Size, facts.Paint)
		best = min(best, facts.Paint)
	}
	if best >= 100 {
		t.Errorf("first paint after %.0f ms (best of ten), want less than 100 ms", best)
	}
	if facts.Size > 50_000 || facts.Size == 0 {
		t.Errorf("the page is %.0f bytes over the wire, want at most 50 kB", facts.Size)
	}
	if got := b.Elsewhere(server.URL); len(got) > 0 {
		t.Errorf("asked elsewhere: %v", got)
	}
}

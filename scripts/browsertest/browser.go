package browsertest

import (
	"os"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/scripts/peers"
)

// Kind is a browser.
type Kind string

// The browsers, as scripts/test-deps installs them.
const (
	Chromium Kind = "chromium"
	Firefox  Kind = "firefox"
)

// Cookies is what the person has set for cookies.
type Cookies string

// Allowed is each browser's default: Chromium keeps third-party cookies, Firefox in a jar for each site that embeds.
const (
	Allowed           Cookies = "allowed"
	ThirdPartyBlocked Cookies = "third-party-blocked"
	AllBlocked        Cookies = "all-blocked"
)

// Options say which browser.
type Options struct {
	Kind    Kind
	Cookies Cookies
	// NoScripts blocks the scripts of all pages; Eval goes on working.
	NoScripts bool
	Hosts     []string // names that are this machine
}

// Browser is a running browser with a profile of its own.
type Browser struct {
	tb      testing.TB
	program *peers.Program
}

// Start starts a browser; the test's end ends it.
func Start(tb testing.TB, o Options) *Browser {
	tb.Helper()
	path := map[Kind]string{Chromium: "/usr/bin/chromium", Firefox: "/usr/bin/firefox-esr"}[o.Kind]
	if _, err := os.Stat(path); err != nil {
		tb.Fatalf("there is no %s: run scripts/test-deps, which installs it.", path)
	}
	scripts := map[bool]string{true: "no-scripts", false: "scripts"}[o.NoScripts]
	args := append([]string{string(o.Kind), string(o.Cookies), scripts}, o.Hosts...)
	b := &Browser{tb: tb, program: peers.Start(tb, "browser.js", args...)}
	b.must("start "+string(o.Kind), "version", nil, nil)
	return b
}

// must runs a command that a test cannot go on without.
func (b *Browser) must(what, command string, given map[string]any, out any) {
	b.tb.Helper()
	err := b.program.Do(command, given, out)
	if err == nil {
		return
	}
	var seen string
	_ = b.program.Do("dump", nil, &seen) // the browser may be gone
	b.tb.Fatalf("%s: %v\n%s", what, err, seen)
}

// Open shows an address in the first page and waits until it has loaded.
func (b *Browser) Open(address string) {
	b.tb.Helper()
	b.must("open "+address, "open", map[string]any{"url": address}, nil)
}

// Page is the page (tab) with this number: 0 is the first, one that a page opens is the next.
func (b *Browser) Page(number int) Frame { return Frame{browser: b, page: number} }

// Pages are the addresses of all pages.
func (b *Browser) Pages() []string {
	b.tb.Helper()
	var list []string
	b.must("list the pages", "pages", nil, &list)
	return list
}

// UntilPages waits until there are so many pages.
func (b *Browser) UntilPages(count int) {
	b.tb.Helper()
	b.must("wait for a new page", "untilPages", map[string]any{"count": count}, nil)
}

// Request is a request that some page or frame made.
type Request struct{ URL, Method string }

// Requests are all requests so far.
func (b *Browser) Requests() []Request {
	b.tb.Helper()
	var list []Request
	b.must("list the requests", "requests", nil, &list)
	return list
}

// Elsewhere are the requests to none of these origins.
func (b *Browser) Elsewhere(origins ...string) []string {
	b.tb.Helper()
	var list []string
	for _, r := range b.Requests() {
		known := strings.HasPrefix(r.URL, "data:") || strings.HasPrefix(r.URL, "about:") || strings.HasPrefix(r.URL, "blob:")
		for _, origin := range origins {
			known = known || strings.HasPrefix(r.URL, strings.TrimRight(origin, "/")+"/")
		}
		if !known {
			list = append(list, r.URL)
		}
	}
	return list
}

// Messages are what pages and browser have written to the console, and what scripts have thrown.
func (b *Browser) Messages() []string {
	b.tb.Helper()
	var list []string
	b.must("read the console", "messages", nil, &list)
	return list
}

// Scheme is the person's wish for "light" or "dark", in the first page. Chromium only.
func (b *Browser) Scheme(name string) {
	b.tb.Helper()
	b.must("choose the scheme "+name, "scheme", map[string]any{"scheme": name}, nil)
}

// Viewport is the size of the first page.
func (b *Browser) Viewport(width, height int) {
	b.tb.Helper()
	b.must("resize the page", "viewport", map[string]any{"width": width, "height": height}, nil)
}

// Shot writes a picture of the first page to a PNG file.
func (b *Browser) Shot(path string) {
	b.tb.Helper()
	b.must("take a picture", "shot", map[string]any{"path": path}, nil)
}

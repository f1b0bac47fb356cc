package shim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/stackhook/stackhook/functions/shim/shim"
)

const chromium = "/usr/bin/chromium"

// browser is a Chromium that notes what a test must not overlook: words on the console, and requests to elsewhere.
type browser struct {
	t    *testing.T
	ctx  context.Context //nolint:containedctx // a chromedp context is the browser itself
	base string

	mu        sync.Mutex
	complaint []string
}

func newBrowser(t *testing.T, s *shim.Shim) *browser {
	t.Helper()
	return newBrowserFor(t, s, 100*time.Second)
}

// newBrowserFor is one that lives for so long at most.
func newBrowserFor(t *testing.T, s *shim.Shim, life time.Duration) *browser {
	t.Helper()
	if _, err := os.Stat(chromium); err != nil {
		t.Fatalf("there is no %s: run scripts/test-deps, which installs it.", chromium)
	}
	// Without these flags Chromium talks to its maker at every start.
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-domain-reliability", true), chromedp.Flag("no-pings", true), chromedp.WindowSize(1440, 1000),
	)
	b := &browser{t: t, base: s.URL()}
	ctx, cancel := context.WithTimeout(t.Context(), life)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	b.ctx, cancel = chromedp.NewContext(ctx, chromedp.WithListener(b.listen))
	t.Cleanup(cancel)
	if err := chromedp.Do(b.ctx); err != nil { // the context of the first call is the browser's life
		t.Fatalf("start %s: %v", chromium, err)
	}
	command(b, network.Enable, network.EnableParams{})
	command(b, cdplog.Enable, cdp.Empty{})
	return b
}

func (b *browser) listen(event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, b.base+"/") && !strings.HasPrefix(e.Request.URL, "data:") {
			b.complain("asked elsewhere: " + e.Request.URL)
		}
	case *network.EventResponseReceived:
		if e.Response.Status >= 500 {
			b.complain(fmt.Sprintf("%d from %s", e.Response.Status, e.Response.URL))
		}
	case *runtime.EventExceptionThrown:
		b.complain(fmt.Sprintf("threw: %+v", e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		b.complain(fmt.Sprintf("console: %+v", e))
	case *cdplog.EventEntryAdded:
		b.complain(fmt.Sprintf("browser log: %+v", e.Entry))
	}
}

func (b *browser) complain(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaint = append(b.complaint, text)
}

func (b *browser) noComplaints() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaint {
		b.t.Error(c)
	}
}

// command runs a command of the DevTools protocol.
func command[P any](b *browser, c cdp.Command[P, cdp.Empty], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, c, params); err != nil {
		b.t.Fatalf("command the browser: %v", err)
	}
}

func (b *browser) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.shot("failed")
		b.t.Fatalf("%s: %v", what, err)
	}
}

// eval runs an expression in the page.
func eval[T any](b *browser, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("evaluate %s: %v", expression, err)
	}
	return v
}

// until waits for an expression to be true in the page, over navigations.
func (b *browser) until(what, expression string) {
	b.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		if eval[bool](b, "Boolean("+expression+")") {
			return
		}
	}
	b.shot("failed")
	b.t.Fatalf("waited for %s; the page says:\n%s", what, eval[string](b, `document.body.innerText + "\n----\n" + (document.getElementById("lab-frame")?.contentDocument?.body?.innerText ?? "")`))
}

// click presses what the selector finds, as a person would.
func (b *browser) click(what, selector string) {
	b.t.Helper()
	b.do(what, chromedp.Click(chromedp.CSS(selector)))
}

// fill sets a form's field as choosing or typing would.
func (b *browser) fill(form, name, value string) {
	b.t.Helper()
	eval[bool](b, fmt.Sprintf(`(() => {
		const f = document.getElementById(%s).elements.namedItem(%s);
		f.value = %s;
		f.dispatchEvent(new Event("input", {bubbles: true}));
		f.dispatchEvent(new Event("change", {bubbles: true}));
		return f.value === %[3]s || (() => { throw new Error("no such choice") })();
	})()`, js(form), js(name), js(value)))
}

func js(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		return `""`
	}
	return string(b)
}

// shot takes a picture of the whole page for whoever wants to look at it.
func (b *browser) shot(name string) {
	b.t.Helper()
	dir := os.Getenv("SHIM_SCREENSHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600)
	}
	if err != nil {
		b.t.Errorf("take the picture %s: %v", name, err)
	}
}

// scheme is the browser's wish for light or dark.
func (b *browser) scheme(name string) {
	b.t.Helper()
	command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
}

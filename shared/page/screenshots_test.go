package page_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/stackhook/stackhook/shared/page"
)

// With PAGE_SCREENSHOTS=folder this saves a picture of every page: wide, on a phone, in the dark, at 320 pixels, in German.
func TestScreenshots(t *testing.T) {
	folder := os.Getenv("PAGE_SCREENSHOTS")
	if folder == "" {
		return
	}
	server := httptest.NewServer(exhibition(t))
	defer server.Close()
	ctx := chrome(t)
	for _, look := range []struct {
		name, language, scheme string
		width                  int64
	}{{"wide", "en", "light", 900}, {"open", "fr", "light", 900}, {"dark", "en", "dark", 900}, {"phone", "en", "light", 390}, {"narrow", "de", "light", 320}} {
		for name := range gallery() {
			if name == "login" || name == "return" || name == "console" {
				continue // they go on by themselves
			}
			kind := "page"
			if name == "bind" {
				kind = "frame" // by itself it says that the browser keeps nothing
			}
			media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}}}
			if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
				t.Fatal(err)
			}
			if err := chromedp.Do(ctx, chromedp.EmulateViewport(look.width, 700), chromedp.Navigate(server.URL+"/"+kind+"/"+look.language+"/"+name)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
			if look.name == "open" {
				if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`[...document.querySelectorAll("details")].slice(0, 3).forEach(d => d.open = true) ?? true`)); err != nil {
					t.Fatal(err)
				}
			}
			picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, look.name+"-"+name+".png"), picture, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// exhibition serves every page of the gallery at /page/language/name. What a page's script asks for is not there.
func exhibition(t *testing.T) http.Handler {
	t.Helper()
	p := pages(t)
	all := gallery()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /page/{language}/{name}", func(w http.ResponseWriter, r *http.Request) {
		all[r.PathValue("name")](p, w, r, page.TextsFor(r.PathValue("language")), plain)
	})
	mux.HandleFunc("GET /framed/{language}/{name}", func(w http.ResponseWriter, r *http.Request) {
		answer := paint(t, p, all[r.PathValue("name")], r.PathValue("language"), plain)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(answer.Body.Bytes()) // without its policy, which names the course site alone
	})
	mux.HandleFunc("GET /frame/{language}/{name}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><title>Course</title><iframe src="/framed/%s/%s" width="860" height="640"></iframe>`, r.PathValue("language"), r.PathValue("name"))
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	return mux
}

// On the smallest screen, and at 200 % zoom, nothing needs sideways scrolling: not even what a template's author wrote in one word.
func TestNothingScrollsSideways(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(exhibition(t))
	t.Cleanup(server.Close)
	ctx := chrome(t)
	for _, language := range []string{"de", "fr"} { // the ones with the longest words
		for name := range gallery() {
			if slices.Contains([]string{"login", "return", "console"}, name) {
				continue
			}
			if err := chromedp.Do(ctx, chromedp.EmulateViewport(320, 640), chromedp.Navigate(server.URL+"/page/"+language+"/"+name)); err != nil {
				t.Fatal(err)
			}
			open := `document.querySelectorAll("details").forEach(d => d.open = true)`
			wide, err := chromedp.Run(ctx, chromedp.Evaluate[string](open+`; [...document.querySelectorAll("body *")].filter(e => e.closest("pre, .unseen, caption, legend, thead") === null && e.getBoundingClientRect().right > 320.5).map(e => e.tagName + "." + e.className).join(" | ")`))
			if err != nil {
				t.Fatal(err)
			}
			if wide != "" {
				t.Errorf("%s in %s is wider than 320 pixels: %s", name, language, strings.TrimSpace(wide))
			}
		}
	}
}

// chrome is a browser of its own, gone when the test is over.
func chrome(t *testing.T) context.Context {
	t.Helper()
	if _, err := os.Stat(chromium); err != nil {
		t.Fatalf("there is no %s: run scripts/test-deps, which installs it.", chromium)
	}
	// Without these flags Chromium talks to its maker at every start.
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-domain-reliability", true), chromedp.Flag("no-pings", true))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return ctx
}

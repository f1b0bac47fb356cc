package browsertest_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/scripts/browsertest"
)

var hosts = []string{"lms.test", "hooks.test"}

// What a tool in a frame of another site still has when it is posted to, after it was at its login address and the
// browser has been at the platform: the truth that the tiers of an LTI 1.3 launch rest on. "lost" is a value that did not
// come back, "refused" a SecurityError.
func TestCookieTable(t *testing.T) {
	t.Parallel()
	keeps := func(none, partitioned, session, local string) map[string]string {
		return map[string]string{"None": none, "Partitioned": partitioned, "sessionStorage": session, "localStorage": local}
	}
	for kind, modes := range map[browsertest.Kind]map[browsertest.Cookies]map[string]string{
		browsertest.Chromium: {
			browsertest.Allowed:           keeps("kept", "kept", "kept", "kept"),
			browsertest.ThirdPartyBlocked: keeps("lost", "kept", "kept", "kept"),
			browsertest.AllBlocked:        keeps("lost", "lost", "refused", "refused"),
		},
		browsertest.Firefox: {
			browsertest.Allowed:           keeps("kept", "kept", "kept", "kept"),
			browsertest.ThirdPartyBlocked: keeps("lost", "lost", "kept", "refused"),
			browsertest.AllBlocked:        keeps("lost", "lost", "refused", "refused"),
		},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			for _, mode := range slices.Sorted(maps.Keys(modes)) { // one after the other: a browser is large
				t.Run(string(mode), func(t *testing.T) {
					b := browsertest.Start(t, browsertest.Options{Kind: kind, Cookies: mode, Hosts: hosts})
					course, _ := toy(t)
					b.Open(course + "/")
					tool := b.Page(0).Frame("#tool")
					tool.Until("the launch", `document.querySelector("#kept")`)
					var got map[string]string
					tool.Eval(`JSON.parse(document.querySelector("#kept").textContent)`, &got)
					for what, want := range modes[mode] {
						if got[what] != want {
							t.Errorf("%s: %s, want %s", what, got[what], want)
						}
					}
				})
			}
		})
	}
}

// toy is a platform and a tool that go the way of an LTI 1.3 launch, with nothing in it.
func toy(t *testing.T) (course, tool string) {
	t.Helper()
	lms, hooks := browsertest.NewSite(t, "lms.test"), browsertest.NewSite(t, "hooks.test")
	page := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, `<!doctype html><html lang="en"><title>toy</title><link rel="icon" href="data:,">`+body)
		}
	}
	platform := http.NewServeMux()
	platform.Handle("/", page(`<iframe id="tool" src="`+hooks.URL+`/login"></iframe><a id="new" target="_blank" href="/other">new</a>`))
	platform.Handle("/auth", page(`<form method="post" action="`+hooks.URL+`/launch"></form><script>document.forms[0].submit()</script>`))
	platform.Handle("/other", page(`<main><h1>Another page</h1></main>`))
	lms.Serve(t, platform)

	functions := http.NewServeMux()
	functions.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"None", "__Host-Partitioned"} {
			http.SetCookie(w, &http.Cookie{
				Name: name, Value: "kept", Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteNoneMode,
				Partitioned: strings.HasSuffix(name, "Partitioned"),
			})
		}
		page(`<script>
			for (const name of ["sessionStorage", "localStorage"]) try { window[name].setItem("toy", "kept"); } catch {}
			location.replace("`+lms.URL+`/auth");
		</script>`)(w, r)
	})
	functions.HandleFunc("POST /launch", func(w http.ResponseWriter, r *http.Request) {
		has := func(name string) string {
			if _, err := r.Cookie(name); err != nil {
				return "lost"
			}
			return "kept"
		}
		page(fmt.Sprintf(`<script>
			const kept = {None: %q, Partitioned: %q};
			for (const name of ["sessionStorage", "localStorage"]) {
				try { kept[name] = window[name].getItem("toy") ?? "lost"; } catch { kept[name] = "refused"; }
			}
			document.write('<pre id="kept">' + JSON.stringify(kept) + "</pre>");
		</script>`, has("None"), has("__Host-Partitioned")))(w, r)
	})
	hooks.Serve(t, functions)
	return lms.URL, hooks.URL
}

func TestDriver(t *testing.T) {
	t.Parallel()
	for _, kind := range []browsertest.Kind{browsertest.Chromium, browsertest.Firefox} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			b := browsertest.Start(t, browsertest.Options{Kind: kind, Cookies: browsertest.Allowed, Hosts: hosts})
			course, tool := toy(t)
			b.Open(course + "/")
			page := b.Page(0)
			page.Frame("#tool").Until("the launch", `document.querySelector("#kept")`)
			if got := page.Frame("#tool").URL(); got != tool+"/launch" {
				t.Errorf("the frame is at %s", got)
			}
			page.Click("#new")
			b.UntilPages(2)
			b.Page(1).Until("the new page", `document.querySelector("h1")`)
			if got := b.Page(1).Text(); got != "Another page" {
				t.Errorf("the new page says %q", got)
			}
			if got := b.Elsewhere(course, tool); len(got) > 0 {
				t.Errorf("asked elsewhere: %v", got)
			}
			if got := b.Elsewhere(course); !slices.Contains(got, tool+"/login") {
				t.Errorf("the request to the tool was missed: %v", got)
			}
			violations := page.Axe("wcag2a")
			if !slices.ContainsFunc(violations, func(v browsertest.Violation) bool { return v.ID == "frame-title" && len(v.Nodes) == 1 }) {
				t.Errorf("axe found %+v, want the frame without a title", violations)
			}
		})
	}
}

// Without a script the frame stays where its script would have led away.
func TestDriverWithoutScript(t *testing.T) {
	t.Parallel()
	for _, kind := range []browsertest.Kind{browsertest.Chromium, browsertest.Firefox} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			b := browsertest.Start(t, browsertest.Options{Kind: kind, Cookies: browsertest.Allowed, NoScripts: true, Hosts: hosts})
			course, tool := toy(t)
			b.Open(course + "/")
			time.Sleep(200 * time.Millisecond)
			if got := b.Page(0).Frame("#tool").URL(); got != tool+"/login" {
				t.Errorf("the frame went on to %s", got)
			}
		})
	}
}

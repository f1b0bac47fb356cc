package page_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/stackhook/stackhook/shared/page"
)

// forgetful makes a browser that keeps nothing for our site.
const forgetful = `Object.defineProperty(window, "sessionStorage", { get() { throw new DOMException("blocked", "SecurityError") } });`

const browserSecret = "the-browsers-secret-hunter2"

// posted is one form that arrived at the launch address.
type posted struct {
	form         url.Values
	origin, site string
}

// tool is our side of a launch whose cookie never comes back, and platform the other. They are two origins.
type tool struct {
	t        *testing.T
	ours     *httptest.Server
	platform *httptest.Server
	stranger *httptest.Server
	mu       sync.Mutex
	launches []posted
	urls     []string // what our side was asked for
}

// newTool starts both sides. spoiled is a script for each of our pages; storage the name of the platform's storing frame.
func newTool(t *testing.T, spoiled, storage string) *tool {
	t.Helper()
	l := &tool{t: t}
	p := pages(t)
	ours, platform, stranger := http.NewServeMux(), http.NewServeMux(), http.NewServeMux()
	note := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			l.mu.Lock()
			l.urls = append(l.urls, r.URL.RequestURI()+" "+r.Referer())
			l.mu.Unlock()
			next.ServeHTTP(w, r)
		})
	}
	l.ours, l.platform, l.stranger = httptest.NewServer(note(ours)), httptest.NewServer(platform), httptest.NewServer(stranger)
	t.Cleanup(l.ours.Close)
	t.Cleanup(l.platform.Close)
	t.Cleanup(l.stranger.Close)
	frames := []string{l.ours.URL, l.platform.URL}
	ours.Handle("GET /login", spoil(spoiled, func(w http.ResponseWriter, r *http.Request) {
		p.Login(w, r, page.Login{
			ID: "l1", Secret: browserSecret, AuthURL: l.platform.URL + "/auth?state=s&nonce=n", StorageTarget: storage, Opener: l.ours.URL,
			Texts: page.TextsFor("en"), Ancestors: frames,
		})
	}))
	ours.Handle("POST /launch", spoil(spoiled, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		l.mu.Lock()
		l.launches = append(l.launches, posted{r.PostForm, r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site")})
		l.mu.Unlock()
		if r.PostForm.Get("browser_secret") != "" {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<!doctype html><title>bound</title><head></head>")
			return
		}
		p.Bind(w, r, page.Bind{
			ID: "l1", StorageTarget: storage, PlatformOrigin: l.platform.URL, Action: "/launch", LoginAction: "/login",
			Fields: []page.Field{{Name: "id_token", Value: r.PostForm.Get("id_token")}, {Name: "state", Value: r.PostForm.Get("state")}},
			Again:  []page.Field{{Name: "iss", Value: "https://lms.example.org"}, {Name: "login_hint", Value: "u1"}},
			Texts:  page.TextsFor("en"), Ancestors: frames,
		})
	}))
	html := func(mux *http.ServeMux, path, body string) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<!doctype html><title>x</title>"+body)
		})
	}
	html(platform, "/auth", `<form method="post" action="`+l.ours.URL+`/launch"><input name="state" value="s"><input name="id_token" value="a.b.c-hunter2"></form><script>document.forms[0].submit()</script>`)
	// Frames of names that we were told, of a stranger, and with our page.
	html(platform, "/course", `<iframe name="store" src="/store"></iframe><iframe name="stranger" src="`+l.stranger.URL+`/"></iframe><script>
		addEventListener("load", () => document.body.insertAdjacentHTML("beforeend", '<iframe name="tool" src="`+l.ours.URL+`/login"></iframe>'))</script>`)
	html(ours, "/course", `<iframe name="tool" src="/login" width="600" height="500"></iframe>`)
	// The platform's storage: it answers after a stranger has, who knows the message's id, and after a wrong id of its own.
	html(platform, "/store", `<script>
		const kept = {};
		addEventListener("message", async ({ data, origin, source }) => {
			if (origin !== "`+l.ours.URL+`") return;
			if (data.subject === "lti.put_data") {
				kept[data.key] = data.value;
				source.postMessage({ subject: "lti.put_data.response", message_id: data.message_id, key: data.key, value: data.value }, origin);
			} else if (data.subject === "lti.get_data") {
				parent.frames.stranger.postMessage({ id: data.message_id }, "*");
				source.postMessage({ subject: "lti.get_data.response", message_id: "wrong", key: data.key, value: "wrong" }, origin);
				await new Promise((done) => setTimeout(done, 200));
				source.postMessage({ subject: "lti.get_data.response", message_id: data.message_id, key: data.key, value: kept[data.key] }, origin);
			}
		});</script>`)
	html(stranger, "/", `<script>addEventListener("message", ({ data }) => parent.frames.tool.postMessage(
		{ subject: "lti.get_data.response", message_id: data.id, value: "strange" }, "*"))</script>`)
	return l
}

// came is how many launches there were, and the addresses that our side was asked for.
func (l *tool) came() (launches int, urls string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.launches), strings.Join(l.urls, "\n")
}

// bound waits for the launch that proves its browser.
func (l *tool) bound() {
	l.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		l.mu.Lock()
		launches, urls := append([]posted(nil), l.launches...), strings.Join(l.urls, "\n")
		l.mu.Unlock()
		if len(launches) == 0 || launches[len(launches)-1].form.Get("browser_secret") == "" {
			continue
		}
		got := launches[len(launches)-1]
		if got.form.Get("browser_secret") != browserSecret || got.form.Get("id_token") != "a.b.c-hunter2" || got.form.Get("state") != "s" {
			l.t.Errorf("bound with the wrong form")
		}
		if got.origin != l.ours.URL || got.site != "same-origin" {
			l.t.Errorf("posted from %q (%s), want %q", got.origin, got.site, l.ours.URL)
		}
		if strings.Contains(urls, "hunter2") {
			l.t.Error("a secret or the token is in an address")
		}
		return
	}
	n, _ := l.came()
	l.t.Fatalf("no launch was bound; %d launches", n)
}

func browse(t *testing.T, ctx context.Context, address string) { //nolint:revive // the browser is the test's
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		t.Fatalf("open %s: %v", address, err)
	}
}

// shows waits for an expression to be true in a page.
func shows(t *testing.T, ctx context.Context, expression string) { //nolint:revive // the browser is the test's
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")")); err == nil && ok {
			return
		}
	}
	t.Fatalf("it never became true that %s", expression)
}

func TestC03SessionStorageBinds(t *testing.T) {
	t.Parallel()
	l := newTool(t, "", "")
	ctx := chrome(t)
	browse(t, ctx, l.ours.URL+"/login")
	l.bound()
	shows(t, ctx, `document.title === "bound" && sessionStorage.length === 0`) // used up
}

func TestC03SessionStorageBindsInAFrame(t *testing.T) {
	t.Parallel()
	l := newTool(t, "", "")
	browse(t, chrome(t), l.platform.URL+"/course")
	l.bound()
}

func TestC03PlatformStorageBinds(t *testing.T) {
	t.Parallel()
	l := newTool(t, forgetful, "store")
	browse(t, chrome(t), l.platform.URL+"/course")
	l.bound()
}

// A browser that keeps nothing even for tabs: the page in the frame keeps the secret of the tab that it opened.
func TestC03OpenerBinds(t *testing.T) {
	t.Parallel()
	l := newTool(t, forgetful, "")
	ctx := chrome(t)
	browse(t, ctx, l.ours.URL+"/course")
	shows(t, ctx, `frames[0].document.querySelector("#open button")?.offsetParent`)
	if n, _ := l.came(); n != 1 {
		t.Errorf("%d launches before the button is pressed", n)
	}
	byHand := true
	press := chromedp.Evaluate[bool](`frames[0].document.querySelector("#open button").click() ?? true`, func(p *runtime.EvaluateParams) { p.UserGesture = &byHand })
	if _, err := chromedp.Run(ctx, press); err != nil {
		t.Fatal(err)
	}
	l.bound()
	shows(t, ctx, `!frames[0].document.getElementById("opened").hidden`)
	if _, got := l.came(); !strings.Contains(got, "/login?iss=https%3A%2F%2Flms.example.org&login_hint=u1") {
		t.Errorf("the tab did not begin the login again: %s", got)
	}
}

func TestC03NothingBindsInATab(t *testing.T) {
	t.Parallel()
	l := newTool(t, forgetful, "store")
	ctx := chrome(t)
	browse(t, ctx, l.ours.URL+"/login")
	shows(t, ctx, `document.getElementById("nothing")?.hidden === false && document.getElementById("open").hidden && document.getElementById("wait").hidden`)
	if n, _ := l.came(); n != 1 {
		t.Errorf("%d launches", n)
	}
}

// R12: without script the page is a sentence and a button that begins the login again, in a new tab.
func TestR12BindWithoutScript(t *testing.T) {
	t.Parallel()
	body := element.ReplaceAllString(paint(t, pages(t), gallery()["bind"], "en", plain).Body.String(), "")
	for _, want := range []string{
		`<form class="main" method="get" action="/launch-lab/login" target="_blank" id="open">`, `<p class="sentence" id="why">`,
		`<p class="sentence" id="wait" hidden>`, `<input type="hidden" name="iss" value="https://lms.example.org">`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	_, form, _ := strings.Cut(body, `id="open"`)
	form, _, _ = strings.Cut(form, "</form>")
	if strings.Contains(form, "id_token") || strings.Contains(form, "state") {
		t.Error("the launch would get into an address")
	}
	course := paint(t, pages(t), gallery()["bind-course"], "en", plain).Body.String()
	if strings.Contains(course, `<form class="main"`) || !strings.Contains(course, "in a new window") {
		t.Error("nothing can be begun again, so the page must send its reader to the course")
	}
}

func TestLoginWithoutScript(t *testing.T) {
	t.Parallel()
	body := paint(t, pages(t), gallery()["login"], "en", plain).Body.String()
	if !strings.Contains(body, `<noscript><meta http-equiv="refresh" content="0;url=https://lms.example.org/auth?state=a&amp;nonce=b"></noscript>`) {
		t.Error("the page does not go on by itself")
	}
}

// serveOnce shows a page that posts a form by itself.
func serveOnce(t *testing.T, draw func(p *page.Pages, own string, w http.ResponseWriter, r *http.Request)) (ctx context.Context, arrived func() []string) {
	t.Helper()
	p := pages(t)
	var mu sync.Mutex
	var forms []string
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { draw(p, server.URL, w, r) })
	mux.HandleFunc("POST /", func(_ http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		mu.Lock()
		defer mu.Unlock()
		forms = append(forms, r.URL.Path+" "+r.PostForm.Encode())
	})
	ctx = chrome(t)
	browse(t, ctx, server.URL)
	return ctx, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), forms...)
	}
}

func arrives(t *testing.T, arrived func() []string, want string) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if got := arrived(); len(got) > 0 {
			if len(got) != 1 || got[0] != want {
				t.Errorf("posted %q, want %q", got, want)
			}
			return
		}
	}
	t.Fatal("nothing was posted")
}

func troubled(p *page.Pages, _ string, w http.ResponseWriter, r *http.Request) {
	p.Problem(w, r, page.Problem{
		Status: 503, Code: "lti_unavailable", Sentence: "Wait.", RetryAfter: time.Second, Action: "/launch", Again: []page.Field{{Name: "state", Value: "s"}},
		Texts: page.TextsFor("en"),
	})
}

func TestR3ProblemTriesAgainByItself(t *testing.T) {
	t.Parallel()
	ctx, arrived := serveOnce(t, troubled)
	shows(t, ctx, `document.getElementById("wait")?.textContent.startsWith("We try again by ourselves in ")`)
	arrives(t, arrived, "/launch state=s")
}

func TestR3ProblemRestsWhileNobodyLooks(t *testing.T) {
	t.Parallel()
	ctx, arrived := serveOnce(t, troubled)
	const hide = `(Object.defineProperty(document, "hidden", { value: %t, configurable: true }), true)`
	shows(t, ctx, fmt.Sprintf(hide, true))
	time.Sleep(2 * time.Second)
	if got := arrived(); len(got) != 0 {
		t.Errorf("a hidden page posted %q", got)
	}
	shows(t, ctx, fmt.Sprintf(hide, false))
	arrives(t, arrived, "/launch state=s")
}

func TestReturnGoesBackByItself(t *testing.T) {
	t.Parallel()
	_, arrived := serveOnce(t, func(p *page.Pages, own string, w http.ResponseWriter, r *http.Request) {
		// The platform is another origin than ours: localhost here.
		p.Return(w, r, page.Return{Action: strings.Replace(own, "127.0.0.1", "localhost", 1) + "/deep?course=1", Fields: []page.Field{{Name: "JWT", Value: "a.b.c"}}, Texts: page.TextsFor("en")})
	})
	arrives(t, arrived, "/deep JWT=a.b.c")
}

func TestRegisterClosesItsWindow(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><script>addEventListener("message", (e) => { window.heard = e.data.subject })</script><iframe src="/done"></iframe>`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p := pages(t)
	mux.HandleFunc("GET /done", func(w http.ResponseWriter, r *http.Request) {
		p.Register(w, r, page.Register{Issuer: "https://lms.example.org", Done: true, Written: "lms.yaml", Texts: page.TextsFor("en"), Ancestors: []string{server.URL}})
	})
	ctx := chrome(t)
	browse(t, ctx, server.URL)
	shows(t, ctx, `frames[0].document.getElementById("close")?.hidden === false`)
	shows(t, ctx, `frames[0].document.getElementById("close").click() ?? true`)
	shows(t, ctx, `window.heard === "org.imsglobal.lti.close"`)
}

// What a browser does whose scripts are switched off.
func TestWithoutScript(t *testing.T) {
	t.Parallel()
	ctx, arrived := serveOnce(t, func(p *page.Pages, _ string, w http.ResponseWriter, r *http.Request) {
		p.Lab(w, r, labPage(p, statuses["ready"], page.TextsFor("en"), plain))
	})
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	press := func(selectors ...string) {
		t.Helper()
		if err := chromedp.Do(ctx, chromedp.Reload()); err != nil {
			t.Fatal(err)
		}
		for _, selector := range selectors {
			if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
				t.Fatalf("press %s: %v", selector, err)
			}
		}
	}
	press("#manage > summary", `li[data-act="reset"] summary`, `li[data-act="reset"] form button`)
	arrives(t, arrived, "/stage/view-lab/reset ticket=the.ticket")
}

func TestLoginGoesOnWithoutScript(t *testing.T) {
	t.Parallel()
	l := newTool(t, "", "")
	ctx := chrome(t)
	browse(t, ctx, "about:blank")
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	browse(t, ctx, l.ours.URL+"/login")
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		address, err := chromedp.Run(ctx, chromedp.Location())
		if err == nil && strings.HasPrefix(address, l.platform.URL+"/auth?state=s") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("it stays at %s: %v", address, err)
		}
	}
}

func TestClassSaysTimesTheReadersWay(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(exhibition(t))
	t.Cleanup(server.Close)
	ctx := chrome(t)
	browse(t, ctx, server.URL+"/page/de/class")
	shows(t, ctx, `/^(Mo|Di|Mi|Do|Fr|Sa|So)\., /.test(document.querySelector("time").textContent)`)
}

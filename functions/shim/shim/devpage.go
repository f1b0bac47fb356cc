package shim

import (
	"bytes"
	"crypto/rand"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/function"
)

//go:embed page
var pageFiles embed.FS

// pages are the documents of the shim.
func pages() (*template.Template, error) {
	return template.New("").Funcs(operatorFuncs()).ParseFS(pageFiles, "page/*.html")
}

// pageData fills page.html.
type pageData struct {
	Nonce       string
	Version     string
	PollMillis  int64
	Fake        bool
	CloudName   string
	Development bool
	Functions   []string
	Labs        []labChoice
	LaunchURL   string
	ConsumerKey string
	// ConsumerSecret is shown with development keys alone.
	ConsumerSecret string
	// Platform says that the page can launch by LTI 1.3.
	Platform  bool
	Languages []language
	// Helped is what the paste helper was just asked for.
	Helped *helped
}

// language is one that the lab page speaks, in its own words.
type language struct{ Tag, Name string }

// languages are tags as an LMS sends them: with a region, where people have one.
func languages() []language {
	return []language{{"en", "English"}, {"de-DE", "Deutsch"}, {"fr-FR", "Français"}, {"es-419", "Español"}}
}

type labChoice struct{ Key, Title string }

// developer is the page and what it asks for. It signs launches and alarms for whoever can reach it, so it is for this
// machine alone; where others can reach the shim it is not there, whatever the keys.
func (s *Shim) developer(all http.Handler) http.Handler {
	if !s.loopback {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			function.Fail(w, r, &function.Error{Code: "not_here", Status: http.StatusNotFound, Public: "The developer's page is shown only where the shim listens on this machine alone, such as -listen " + DefaultListen + "."})
		})
	}
	p := &player{shim: s, all: all}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /dev/state", s.state)
	mux.HandleFunc("POST /dev/launch", p.launch)
	mux.HandleFunc("POST /dev/pick", p.pick)
	mux.HandleFunc("POST /dev/open-edx", s.openEdX)
	mux.HandleFunc("POST /dev/alarm", p.alarm)
	mux.HandleFunc("POST /dev/site", p.deploy)
	mux.HandleFunc("GET /dev/site", p.follow)
	(&operators{player: p}).routes(mux)
	(&clusters{player: p}).routes(mux)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) { serveAsset(w, r, "icon.svg") })
	mux.HandleFunc("GET /dev/assets/{file}", func(w http.ResponseWriter, r *http.Request) { serveAsset(w, r, r.PathValue("file")) })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		function.Fail(w, r, &function.Error{Code: "not_found", Status: http.StatusNotFound, Public: "The developer's page has nothing at this address."})
	})
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		function.Fail(w, r, &function.Error{Code: "cross_origin", Status: http.StatusForbidden, Public: "Another site's page may not use the developer's page: open " + s.base + "/ itself."})
	}))
	return s.local(http.MaxBytesHandler(protection.Handler(mux), function.MaxBody))
}

func serveAsset(w http.ResponseWriter, r *http.Request, name string) {
	content, err := fs.ReadFile(pageFiles, "page/"+name)
	types := map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
	kind := ""
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		kind = types[name[dot:]]
	}
	if err != nil || kind == "" {
		function.Fail(w, r, &function.Error{Code: "not_found", Status: http.StatusNotFound, Public: "The developer's page has no such file."})
		return
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

func (s *Shim) page(w http.ResponseWriter, r *http.Request) { s.show(w, r, nil) }

func (s *Shim) show(w http.ResponseWriter, r *http.Request, answer *helped) {
	data := pageData{
		Nonce: rand.Text(), Version: short(s.version), PollMillis: s.beat().Milliseconds(), Fake: s.fake != nil, CloudName: s.cloudName,
		Development: s.development, Labs: s.labs(), Platform: s.platform != nil, Languages: languages(), Helped: answer,
	}
	for _, f := range functions() {
		data.Functions = append(data.Functions, f.name)
	}
	if keys := s.Keys(); keys.ConsumerKey != "" {
		data.LaunchURL, data.ConsumerKey = s.launchURL(), keys.ConsumerKey
		if s.development {
			data.ConsumerSecret = keys.ConsumerSecret
		}
	}
	policy := "default-src 'none'; script-src 'nonce-" + data.Nonce + "' 'self'; style-src 'self'; img-src 'self'; " +
		"connect-src 'self'; frame-src 'self' " + s.origin() + "; form-action 'self' " + s.origin() + "; base-uri 'none'; frame-ancestors 'none'"
	s.render(w, r, "page.html", policy, data)
}

// short is a version as fits on the page: "(devel)" and whole commit ids do not.
func short(version string) string {
	const enough = 20
	version = strings.Trim(version, "()")
	return version[:min(len(version), enough)]
}

// render answers a whole document or a problem, never half of one.
func (s *Shim) render(w http.ResponseWriter, r *http.Request, name, policy string, data any) {
	var text bytes.Buffer
	t, err := pages()
	if err == nil {
		err = t.ExecuteTemplate(&text, name, data)
	}
	if err != nil {
		function.Fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(text.Bytes()) // the browser may have gone
}

// origin is the public address without its path, as a Content-Security-Policy wants it.
func (s *Shim) origin() string {
	u, err := url.Parse(s.base)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func (s *Shim) launchURL() string { return s.base + "/launch-lab/launch" }

// labs are those that some consumer or platform may launch, the default of the first one first.
func (s *Shim) labs() []labChoice {
	var offers [][]string
	for _, c := range s.cfg.LTI.Consumers {
		offers = append(offers, c.Labs)
	}
	for _, p := range s.cfg.LTI.Platforms {
		offers = append(offers, p.Labs)
	}
	var list []labChoice
	for _, keys := range offers {
		for _, key := range keys {
			if !slices.ContainsFunc(list, func(l labChoice) bool { return l.Key == key }) {
				list = append(list, labChoice{key, s.cfg.Labs[key].Title})
			}
		}
	}
	return list
}

// state is what the page asks for each beat.
func (s *Shim) state(w http.ResponseWriter, r *http.Request) {
	cloud, stacks := s.watch.look(r.Context(), time.Now())
	w.Header().Set("Cache-Control", "no-store")
	function.JSON(w, r, http.StatusOK, map[string]any{
		"cloud": cloud, "stacks": emptyNotNull(stacks), "requests": emptyNotNull(s.requests.list()),
	})
}

// emptyNotNull makes an empty list [] in JSON.
func emptyNotNull[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

package page

import (
	"bytes"
	"crypto/rand"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
)

//go:embed assets
var assets embed.FS

// Pages draws pages. One is enough for a process.
type Pages struct {
	base      string
	templates *template.Template
	css       template.CSS
	js        template.JS
}

// New prepares the pages of a deployment that browsers reach at publicURL.
func New(publicURL string) (*Pages, error) {
	css, err := assets.ReadFile("assets/page.css")
	if err != nil {
		return nil, fmt.Errorf("read style: %w", err)
	}
	js, err := assets.ReadFile("assets/page.js")
	if err != nil {
		return nil, fmt.Errorf("read script: %w", err)
	}
	templates, err := template.ParseFS(assets, "assets/*.html")
	if err != nil {
		return nil, fmt.Errorf("read page templates: %w", err)
	}
	return &Pages{base: Base(publicURL), templates: templates, css: template.CSS(css), js: template.JS(js)}, nil //nolint:gosec // our own files
}

// Base is where view-lab's routes begin.
func (p *Pages) Base() string { return p.base }

// Lab is what a lab page shows.
type Lab struct {
	Title     string
	Ticket    string
	Status    Status
	Texts     Texts
	ReturnURL string
	Ancestors []string
}

// Lab answers with a lab page.
func (p *Pages) Lab(w http.ResponseWriter, r *http.Request, l Lab) {
	p.draw(w, r, http.StatusOK, "lab.html", l.Ancestors, l.Texts, map[string]any{
		"Title": l.Title, "Ticket": l.Ticket, "Status": l.Status, "ReturnURL": l.ReturnURL, "ExpiresText": l.Status.expiresText,
		"Script": p.js,
		// What the script needs, as JSON: never part of a script's text.
		"Data": map[string]any{"ticket": l.Ticket, "status": l.Status, "base": p.base, "words": l.Texts.Word},
	})
}

// Problem is what a problem page shows.
type Problem struct {
	Status     int
	Code       string
	Sentence   string
	RetryAfter time.Duration
	Ticket     string // if there is one, the page leads back to the lab
	ReturnURL  string
	Texts      Texts
	Ancestors  []string
}

// Problem answers with a problem page and notes the code for the log.
func (p *Pages) Problem(w http.ResponseWriter, r *http.Request, problem Problem) {
	logging.Note(r.Context(), "problem", problem.Code)
	if problem.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((problem.RetryAfter+time.Second-1)/time.Second)))
	}
	p.draw(w, r, problem.Status, "problem.html", problem.Ancestors, problem.Texts, map[string]any{
		"Title": problem.Texts.Word["problem"], "Code": problem.Code, "Sentence": problem.Sentence,
		"Ticket": problem.Ticket, "ReturnURL": problem.ReturnURL,
	})
}

// Console answers with a page that goes on to a console. It is a page and no redirect, because browsers hold a form's
// redirect to the form-action of the page that had the form.
func (p *Pages) Console(w http.ResponseWriter, r *http.Request, address, ticket string, texts Texts, ancestors []string) {
	p.draw(w, r, http.StatusOK, "console.html", ancestors, texts, map[string]any{
		"Title": texts.Word["console"], "Address": address, "Ticket": ticket,
	})
}

func (p *Pages) draw(w http.ResponseWriter, r *http.Request, status int, name string, ancestors []string, texts Texts, data map[string]any) {
	nonce := rand.Text()
	data["Nonce"], data["Texts"], data["Base"], data["Style"] = nonce, texts, p.base, p.css
	data["Reference"] = logging.RequestID(r.Context())
	var body bytes.Buffer
	if err := p.templates.ExecuteTemplate(&body, name, data); err != nil {
		function.Fail(w, r, fmt.Errorf("draw page %s: %w", name, err))
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Language", texts.Lang)
	header.Set("Content-Security-Policy", policy(nonce, ancestors))
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the browser may have gone
}

// policy lets in nothing but our own inline style and script and requests to our own origin. X-Frame-Options is left out
// on purpose: it cannot name origins, and browsers that know frame-ancestors ignore it.
func policy(nonce string, ancestors []string) string {
	frames := "'none'"
	if len(ancestors) > 0 {
		frames = strings.Join(ancestors, " ")
	}
	return "default-src 'none'; style-src 'nonce-" + nonce + "'; script-src 'nonce-" + nonce + "'; connect-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors " + frames
}

package page

import (
	"bytes"
	"crypto/rand"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
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
	styles    map[string]template.CSS // by file name
	scripts   map[string]template.JS
	now       func() time.Time
	alike     alike
}

// New prepares the pages of a deployment that browsers reach at publicURL.
func New(publicURL string) (*Pages, error) {
	templates, err := template.New("").Funcs(template.FuncMap{"way": newWay, "deed": newDeed}).ParseFS(assets, "assets/*.html")
	if err != nil {
		return nil, fmt.Errorf("read page templates: %w", err)
	}
	p := &Pages{base: Base(publicURL), templates: templates, styles: map[string]template.CSS{}, scripts: map[string]template.JS{}, now: time.Now}
	files, err := fs.ReadDir(assets, "assets")
	if err != nil {
		return nil, fmt.Errorf("list page assets: %w", err)
	}
	for _, file := range files {
		text, err := assets.ReadFile("assets/" + file.Name())
		if err != nil {
			return nil, fmt.Errorf("read page asset: %w", err)
		}
		switch path.Ext(file.Name()) {
		case ".css":
			p.styles[file.Name()] = template.CSS(text) //nolint:gosec // our own file
		case ".js":
			p.scripts[file.Name()] = template.JS(text) //nolint:gosec // our own file
		}
	}
	return p, nil
}

// way is what a form sends that asks for one way into a lab.
type way struct {
	Ticket string
	Way    int
}

func newWay(ticket string, number int) way { return way{ticket, number} }

// deed is what a form needs that does something to a lab.
type deed struct {
	Ticket, Base, Yes string
	Action            Action
}

func newDeed(ticket, base, yes string, action Action) deed { return deed{ticket, base, yes, action} }

// Base is where view-lab's routes begin.
func (p *Pages) Base() string { return p.base }

// Field is one field of a form.
type Field struct{ Name, Value string }

// sheet is one page to draw.
type sheet struct {
	status    int
	template  string
	style     string // a file beside page.css, if the page needs one
	script    string
	texts     Texts
	policy    policy
	referrer  string // no-referrer if empty
	reference bool   // show the request's reference
	alike     string // if not empty: all sheets of this name differ in nonce and reference alone
	data      map[string]any
}

func (p *Pages) draw(w http.ResponseWriter, r *http.Request, s sheet) {
	nonce, reference := rand.Text(), ""
	if s.reference {
		reference = logging.RequestID(r.Context())
	}
	text, err := p.textOf(s, nonce, reference)
	if err != nil {
		function.Fail(w, r, fmt.Errorf("draw page %s: %w", s.template, err))
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Language", s.texts.Lang)
	header.Set("Content-Security-Policy", s.policy.header(nonce))
	header.Set("Referrer-Policy", "no-referrer")
	if s.referrer != "" {
		header.Set("Referrer-Policy", s.referrer)
	}
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(s.status)
	_, _ = w.Write(text) // the browser may have gone
}

// usual is room enough for most pages, so that drawing one does not move it again and again. Style sheet and script are 25 KB of it.
const usual = 40 << 10

func (p *Pages) textOf(s sheet, nonce, reference string) ([]byte, error) {
	if s.alike != "" {
		return p.alike.text(s.alike, nonce, reference, func(nonce, reference string) ([]byte, error) { return p.execute(s, nonce, reference) })
	}
	return p.execute(s, nonce, reference)
}

func (p *Pages) execute(s sheet, nonce, reference string) ([]byte, error) {
	s.data["Nonce"], s.data["Texts"], s.data["Base"] = nonce, s.texts, p.base
	s.data["Style"], s.data["Script"] = p.styles["page.css"]+p.styles[s.style], p.scripts[s.script]
	if s.reference {
		s.data["Reference"] = reference
	}
	var body bytes.Buffer
	body.Grow(usual)
	err := p.templates.ExecuteTemplate(&body, s.template, s.data)
	return body.Bytes(), err //nolint:wrapcheck // draw says which
}

// policy is what a page may do besides its own inline style and script. X-Frame-Options is left out on purpose: it cannot
// name origins, and browsers that know frame-ancestors ignore it.
type policy struct {
	ancestors []string // who may frame it
	forms     []string // where its forms may go; nowhere if empty
	requests  bool     // its script asks our own origin
	pictures  bool     // pictures that are part of the page (data:)
}

const own = "'self'"

func (p policy) header(nonce string) string {
	rules := []string{"default-src 'none'", "style-src 'nonce-" + nonce + "'", "script-src 'nonce-" + nonce + "'"}
	if p.requests {
		rules = append(rules, "connect-src "+own)
	}
	if p.pictures {
		rules = append(rules, "img-src data:")
	}
	return strings.Join(append(rules, "form-action "+sources(p.forms), "base-uri 'none'", "frame-ancestors "+sources(p.ancestors)), "; ")
}

func sources(list []string) string {
	if len(list) == 0 {
		return "'none'"
	}
	return strings.Join(list, " ")
}

// originOf is the origin of a web address as a policy and postMessage name it; empty if it is none.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || strings.ContainsAny(u.Host, " ;,'\"") {
		return ""
	}
	return u.Scheme + "://" + strings.ToLower(u.Host)
}

package page

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
)

//go:embed assets
var assets embed.FS

// Pages draws pages. One is enough for a process.
type Pages struct {
	base    string
	styles  map[string]string // by file name
	scripts map[string]string
	now     func() time.Time
	alike   alike
}

// New prepares the pages of a deployment that browsers reach at publicURL.
func New(publicURL string) (*Pages, error) {
	p := &Pages{base: Base(publicURL), styles: map[string]string{}, scripts: map[string]string{}, now: time.Now}
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
			p.styles[file.Name()] = tight.Replace(string(text))
		case ".js":
			p.scripts[file.Name()] = string(text)
		}
	}
	return p, nil
}

// tight takes the white space out of a style sheet that only people need. It is an eighth of ours.
var tight = strings.NewReplacer("\n", "", "  ", "", ": ", ":", "; ", ";", ", ", ",", " { ", "{", " {", "{", "; }", "}", " }", "}")

// Base is where view-lab's routes begin.
func (p *Pages) Base() string { return p.base }

// Field is one field of a form.
type Field struct{ Name, Value string }

// sheet is one page to draw.
type sheet struct {
	name   string // for errors
	status int
	texts  Texts
	title  string
	window string // the window's title, if it is not the page's
	state  string // what the page is about, for its style
	id     string // of what changes, for its script
	wide   bool

	styles  []string        // files beside page.css, if the page needs them
	script  string          // a file, if the page needs one
	data    any             // what the script needs, as JSON: never part of a script's text
	head    templ.Component // besides what all pages have there; may be nil
	content templ.Component

	returnURL, owner, code string // for the foot; each may be empty

	policy    policy
	referrer  string   // no-referrer if empty
	reference bool     // show the request's reference
	alike     likeness // draw it to be kept
}

// words are texts by name.
type words = map[string]string

func (p *Pages) draw(w http.ResponseWriter, r *http.Request, s sheet) {
	nonce, reference := rand.Text(), ""
	if s.reference {
		reference = logging.RequestID(r.Context())
	}
	// Who has run out of time is told so on a page, so drawing does not end with the request's time.
	pieces, err := p.textOf(context.WithoutCancel(r.Context()), s, nonce, reference)
	if err != nil {
		function.Fail(w, r, fmt.Errorf("draw page %s: %w", s.name, err))
		return
	}
	send(w, manner{s.status, s.texts.Lang, s.policy, s.referrer}, pieces, nonce, reference)
}

// manner is how a page is handed out.
type manner struct {
	status   int
	lang     string
	policy   policy
	referrer string // no-referrer if empty
}

func send(w http.ResponseWriter, m manner, pieces [][]byte, nonce, reference string) {
	header := w.Header()
	header["Content-Type"], header["Cache-Control"], header["X-Content-Type-Options"] = hypertext, noStore, noSniff
	header.Set("Content-Language", m.lang)
	header.Set("Content-Security-Policy", m.policy.header(nonce))
	header.Set("Referrer-Policy", cmp.Or(m.referrer, "no-referrer"))
	w.WriteHeader(m.status)
	_ = fill(w, pieces, nonce, reference) // the browser may have gone
}

// What all pages say of themselves, in values that they share.
var (
	hypertext = []string{"text/html; charset=utf-8"}
	noStore   = []string{"no-store"}
	noSniff   = []string{"nosniff"}
)

// usual is room enough for most pages, so that drawing one does not move it again and again. Style sheet and script are 25 KB of it.
const usual = 40 << 10

// textOf is a page's text in pieces, some of which may be stand-ins.
func (p *Pages) textOf(ctx context.Context, s sheet, nonce, reference string) ([][]byte, error) {
	if s.alike == (likeness{}) {
		text, err := p.execute(ctx, s, nonce, reference)
		return [][]byte{text}, err
	}
	text, err := p.execute(ctx, s, nonceHere, referenceHere)
	if err != nil {
		return nil, err
	}
	return p.alike.keep(s.alike, text), nil
}

func (p *Pages) execute(ctx context.Context, s sheet, nonce, reference string) ([]byte, error) {
	var body bytes.Buffer
	body.Grow(usual)
	err := layout(s, dress{
		nonce: nonce, reference: reference, style: p.style(s.styles), script: p.scripts[s.script],
	}).Render(ctx, &body)
	return body.Bytes(), err //nolint:wrapcheck // draw says which
}

// style is page.css and what stands beside it.
func (p *Pages) style(beside []string) string {
	var all strings.Builder
	for _, name := range append([]string{"page.css"}, beside...) {
		all.WriteString(p.styles[name])
	}
	return all.String()
}

// dress is what a sheet is given when it is drawn.
type dress struct{ nonce, reference, style, script string }

// policy is what a page may do besides its own inline style and script. X-Frame-Options is left out on purpose: it cannot
// name origins, and browsers that know frame-ancestors ignore it.
type policy struct {
	ancestors []string // who may frame it
	forms     []string // where its forms may go; nowhere if empty
	requests  bool     // its script asks our own origin
	pictures  bool     // pictures that are part of the page (data:)
}

const own = "'self'"

// ownForms is for pages whose forms go to us.
var ownForms = []string{own}

func (p policy) header(nonce string) string {
	var rules strings.Builder
	rules.Grow(usualPolicy)
	rule := func(name string, sources ...string) {
		if rules.Len() > 0 {
			rules.WriteString("; ")
		}
		rules.WriteString(name)
		if len(sources) == 0 {
			rules.WriteString(" 'none'")
		}
		for _, source := range sources {
			rules.WriteByte(' ')
			rules.WriteString(source)
		}
	}
	rule("default-src")
	once := "'nonce-" + nonce + "'"
	rule("style-src", once)
	rule("script-src", once)
	if p.requests {
		rule("connect-src", own)
	}
	if p.pictures {
		rule("img-src", "data:")
	}
	rule("form-action", p.forms...)
	rule("base-uri")
	rule("frame-ancestors", p.ancestors...)
	return rules.String()
}

// usualPolicy is room enough for a policy with a few ancestors.
const usualPolicy = 320

// originOf is the origin of a web address as a policy and postMessage name it; empty if it is none.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || strings.ContainsAny(u.Host, " ;,'\"") {
		return ""
	}
	return u.Scheme + "://" + strings.ToLower(u.Host)
}

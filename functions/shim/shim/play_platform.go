package shim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/lti/ltitest"
)

// The shim's LTI 1.3 platform lives below this path, which is its issuer as well.
const platformPath = "/platform"

// findPlatform is the configuration's entry for the shim's own platform. Without it the page launches by LTI 1.1 alone.
func (s *Shim) findPlatform() (config.Platform, bool) {
	i := slices.IndexFunc(s.cfg.LTI.Platforms, func(p config.Platform) bool { return p.Issuer == s.base+platformPath })
	if i < 0 {
		return config.Platform{}, false
	}
	return s.cfg.LTI.Platforms[i], true
}

// platformSide is what tools and browsers ask of the platform. Like the page it is for this machine alone.
func (s *Shim) platformSide(all http.Handler) http.Handler {
	p := &player{shim: s, all: all}
	mux := http.NewServeMux()
	mux.Handle(platformPath+"/", http.StripPrefix(platformPath, s.platform.Handler()))
	mux.HandleFunc("POST "+platformPath+"/picked", p.picked)
	return s.local(http.MaxBytesHandler(mux, function.MaxBody))
}

// login sends the browser to the tool's login, as an LTI 1.3 platform does when a link is opened. With a return address
// it asks the tool to let an instructor pick content (Deep Linking) instead of for the content itself.
func (p *player) login(w http.ResponseWriter, r *http.Request, c click, back string) {
	entry, ok := p.shim.findPlatform()
	switch {
	case !ok:
		badForm(w, r, "version", "is 1.3, but the configuration has no platform with the issuer "+p.shim.base+platformPath)
		return
	case !slices.Contains(entry.Labs, c.lab):
		badForm(w, r, "lab", "is none that the platform may launch")
		return
	}
	const membership = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
	role := "Learner"
	if c.instructor {
		role = "Instructor"
	}
	link := ltitest.Link{
		ClientID: entry.ClientID, Deployment: entry.Deployments[0], Target: p.shim.launchURL(),
		User: c.user(), Name: c.learner, Context: c.context(), ContextTitle: c.course, ResourceLink: c.link(), Locale: c.language,
		Roles: []string{membership + role}, DeepLinkReturn: back,
	}
	if back == "" {
		link.Custom = map[string]string{"lab": c.lab}
	}
	http.Redirect(w, r, p.shim.platform.LoginURL(p.shim.base+"/launch-lab/login", link), http.StatusSeeOther)
}

// pick plays an instructor in Studio who picks a lab from the tool's list.
func (p *player) pick(w http.ResponseWriter, r *http.Request) {
	c, ok := clicked(w, r)
	if !ok {
		return
	}
	c.instructor = true
	p.login(w, r, c, p.shim.base+platformPath+"/picked")
}

// pickedData fills picked.html.
type pickedData struct {
	Fault string // why the platform would not take the answer
	Items []pickedItem
	// Claims are all that the answer says.
	Claims string
}

// pickedItem is an item of the answer as the platform keeps it (LTI Deep Linking, section 3.1).
type pickedItem struct {
	Type, Title, Text, URL string
	Custom                 map[string]string
}

// picked is where the browser brings the tool's answer. The page shows what the platform got.
func (p *player) picked(w http.ResponseWriter, r *http.Request) {
	var data pickedData
	claims, err := p.opened(r)
	if err == nil {
		data.Items, data.Claims, err = items(claims)
	}
	if err != nil {
		data.Fault = err.Error()
	}
	policy := "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'self' " + p.shim.origin()
	p.shim.render(w, r, "picked.html", policy, data)
}

// opened verifies the answer with the tool's key set, as a platform has to, and gives its claims. The set is asked of
// launch-lab itself, in this process.
func (p *player) opened(r *http.Request) ([]byte, error) {
	signed, err := jose.ParseSignedCompact(r.PostFormValue("JWT"), []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return nil, errors.New("the form's field JWT is no signed token")
	}
	set, err := p.send(r.Context(), http.MethodGet, p.shim.base+"/launch-lab/jwks.json", "", nil)
	if err != nil {
		return nil, fmt.Errorf("ask for the tool's key set: %w", err)
	}
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal(set.Answer, &keys); err != nil {
		return nil, fmt.Errorf("read the tool's key set: %w", err)
	}
	claims, err := signed.Verify(keys)
	if err != nil {
		return nil, errors.New("the answer is not signed with a key of the tool's key set")
	}
	return claims, nil
}

// items reads the content items out of the claims, and the claims as people read them.
func items(claims []byte) ([]pickedItem, string, error) {
	var answer struct {
		Items []pickedItem `json:"https://purl.imsglobal.org/spec/lti-dl/claim/content_items"`
	}
	if err := json.Unmarshal(claims, &answer); err != nil {
		return nil, "", fmt.Errorf("read the answer: %w", err)
	}
	var text bytes.Buffer
	if err := json.Indent(&text, claims, "", "  "); err != nil {
		return nil, "", fmt.Errorf("write the answer: %w", err)
	}
	return answer.Items, text.String(), nil
}

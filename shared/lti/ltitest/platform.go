package ltitest

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"
)

// Platform is an LTI 1.3 platform: it begins logins, answers them and publishes its key. It is safe for concurrent use.
type Platform struct {
	// Issuer is its base address, under which Handler is served, and its iss. Set it before use if NewPlatform came first.
	Issuer string
	// Now is its clock; nil means time.Now.
	Now func() time.Time

	mu      sync.Mutex
	key     *rsa.PrivateKey
	kid     string
	fetches int
	clicks  map[string]click // by login_hint
}

// click is one person's click on a link, kept until the browser comes back with its hints.
type click struct {
	link        Link
	messageHint string
	at          time.Time
}

// hintLife is how long a click can be continued; Open edX forgets it after as long.
const hintLife = 10 * time.Minute

// Link is a link in a course as one person clicks it.
type Link struct {
	ClientID, Deployment string
	Target               string // target_link_uri
	LoginTarget          string // target_link_uri of the login initiation; empty means Target
	User, Name           string
	Context              string
	ContextTitle         string
	ResourceLink         string
	Locale               string
	Roles                []string // empty means a learner
	Custom               map[string]string
	DeepLinkReturn       string // set: the click is a deep linking request
	StorageTarget        string // set: the platform offers storage in this frame
	Error                string // set: the platform answers the login with this OpenID Connect error
}

// NewPlatform is a platform with a key of its own; issuer is its base address.
func NewPlatform(issuer string) *Platform {
	p := &Platform{Issuer: issuer, clicks: map[string]click{}}
	p.Rotate()
	return p
}

// Rotate makes a new key; the old one is gone from the key set at once.
func (p *Platform) Rotate() {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic("make the platform's key: " + err.Error())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.key, p.kid = key, rand.Text()
}

// Key is the public key and its id.
func (p *Platform) Key() (kid string, key *rsa.PublicKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kid, &p.key.PublicKey
}

// Fetches is how often the key set was fetched.
func (p *Platform) Fetches() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fetches
}

// AuthURL is where logins are answered.
func (p *Platform) AuthURL() string { return p.Issuer + "/auth" }

// JWKSURL is where the key set is.
func (p *Platform) JWKSURL() string { return p.Issuer + "/jwks.json" }

// LoginURL is the address, at a tool's login address, that a click on l sends the browser to.
func (p *Platform) LoginURL(tool string, l Link) string {
	c := click{link: l, messageHint: rand.Text() + "+/= ü", at: p.now()} // what a careless tool would change
	loginHint := rand.Text()
	p.mu.Lock()
	for hint, old := range p.clicks {
		if c.at.Sub(old.at) > hintLife {
			delete(p.clicks, hint)
		}
	}
	p.clicks[loginHint] = c
	p.mu.Unlock()

	q := url.Values{
		"iss": {p.Issuer}, "client_id": {l.ClientID}, "lti_deployment_id": {l.Deployment}, "target_link_uri": {l.LoginTarget},
		"login_hint": {loginHint}, "lti_message_hint": {c.messageHint},
	}
	if l.LoginTarget == "" {
		q.Set("target_link_uri", l.Target)
	}
	if l.StorageTarget != "" {
		q.Set("lti_storage_target", l.StorageTarget)
	}
	return tool + "?" + q.Encode()
}

func (p *Platform) now() time.Time {
	if p.Now == nil {
		return time.Now()
	}
	return p.Now()
}

// Handler serves the key set and the logins, by the last part of the path: /jwks.json and /auth.
func (p *Platform) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path.Base(r.URL.Path) {
		case "jwks.json":
			p.keySet(w)
		case "auth":
			p.auth(w, r)
		default:
			http.NotFound(w, r)
		}
	})
}

func (p *Platform) keySet(w http.ResponseWriter) {
	p.mu.Lock()
	p.fetches++
	kid, key := p.kid, p.key.PublicKey
	p.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": []map[string]string{{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid,
		"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
	}}})
}

// auth answers an authentication request with a page that posts the token to the tool, or says what is wrong with it.
func (p *Platform) auth(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the request cannot be read", http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	c, known := p.clicks[r.Form.Get("login_hint")]
	p.mu.Unlock()
	if wrong := c.wrong(r.Form, p.now()); !known || wrong != "" {
		http.Error(w, "this is no answer to a login that began here: "+wrong, http.StatusBadRequest)
		return
	}
	fields := [][2]string{{"state", r.Form.Get("state")}}
	if c.link.Error != "" {
		fields = append(fields, [2]string{"error", c.link.Error}, [2]string{"error_description", "<script>alert(1)</script>"})
	} else {
		fields = append(fields, [2]string{"id_token", p.Sign(p.Claims(c.link, r.Form.Get("nonce"), p.now()))})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Referrer-Policy", "same-origin") // as Open edX has it: the tool sees the origin "null"
	_ = autoPost.Execute(w, map[string]any{"Action": r.Form.Get("redirect_uri"), "Fields": fields})
}

// wrong names the first field of an authentication request that is not as the specification wants it.
func (c click) wrong(form url.Values, now time.Time) string {
	for name, want := range map[string]string{
		"scope": "openid", "response_type": "id_token", "response_mode": "form_post", "prompt": "none",
		"client_id": c.link.ClientID, "lti_message_hint": c.messageHint,
	} {
		if len(form[name]) != 1 || form.Get(name) != want {
			return name
		}
	}
	for _, name := range []string{"state", "nonce", "login_hint", "redirect_uri"} {
		if len(form[name]) != 1 || form.Get(name) == "" {
			return name
		}
	}
	tool, err := url.Parse(c.link.Target)
	back, err2 := url.Parse(form.Get("redirect_uri"))
	if err != nil || err2 != nil || !strings.EqualFold(tool.Host, back.Host) {
		return "redirect_uri"
	}
	if now.Sub(c.at) > hintLife {
		return "login_hint"
	}
	return ""
}

package caller

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
)

// Kind is how a caller proved who they are.
type Kind string

// The kinds of caller.
const (
	Signed   Kind = "signed"   // holds a signed address
	Cluster  Kind = "cluster"  // holds a credential of the cluster itself
	API      Kind = "api"      // holds a token of api.tokens
	Keystone Kind = "keystone" // holds a Keystone token, still to be accepted by OpenStack
)

// Caller is who calls.
type Caller struct {
	Kind Kind
	// Name is the credential's name, for logs and records.
	Name string
	// Token is the Keystone token of a Keystone caller. It must never be logged.
	Token string
}

// Credential is one secret that is accepted.
type Credential struct {
	Kind Kind
	Name string
	// User is set for HTTP Basic, and empty for a bearer token.
	User string
	// Header is where a proxy in front writes the subject of the client's TLS certificate, which is then the Secret.
	// Whoever can get past that proxy can write it too.
	Header string
	Secret string
}

// Identify says who sent the request: the holder of a signed address, of one of the credentials, or else of a Keystone
// token. signed checks the address's query; nil means that signed addresses are not accepted here.
func Identify(r *http.Request, accepted []Credential, signed func(query url.Values) bool) (Caller, bool) {
	if signed != nil && signed(r.URL.Query()) {
		return Caller{Kind: Signed, Name: "signed address"}, true
	}
	if c, ok := match(r, accepted); ok {
		return c, true
	}
	if token := r.Header.Get("X-Auth-Token"); token != "" {
		return Caller{Kind: Keystone, Name: "keystone token", Token: token}, true
	}
	return Caller{}, false
}

// Challenge sets the header that a 401 must carry (RFC 9110, 15.5.2).
func Challenge(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="stackhook", Basic realm="stackhook"`)
}

// match compares what was presented with every credential.
func match(r *http.Request, accepted []Credential) (Caller, bool) {
	var who Caller
	found := false
	for _, c := range accepted {
		user, secret, presented := c.presented(r)
		same := equal(user, c.User) & equal(secret, c.Secret)
		// An empty secret is a credential that was never set, not one that is empty.
		if same == 1 && presented && c.Secret != "" {
			who, found = Caller{Kind: c.Kind, Name: c.Name}, true
		}
	}
	return who, found
}

// presented is what the request says where a credential of this form is looked for.
func (c Credential) presented(r *http.Request) (user, secret string, ok bool) {
	if c.Header != "" {
		// A proxy that adds its line to the client's instead of replacing it makes two: one of them is not the proxy's.
		lines := r.Header.Values(c.Header)
		if len(lines) != 1 {
			return "", "", false
		}
		return "", lines[0], true
	}
	if c.User != "" {
		return r.BasicAuth()
	}
	scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " ")
	return "", strings.TrimSpace(token), found && strings.EqualFold(scheme, "Bearer")
}

// equal compares digests, so that the time says nothing about lengths either.
func equal(a, b string) int {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:])
}

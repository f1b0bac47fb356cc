package caller

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
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
	User   string
	Secret string
}

// Identify says who sent the request: the holder of a good signature, of one of the credentials, or else of a Keystone
// token. verify checks the signature of the address; nil means that signed addresses are not accepted here.
func Identify(r *http.Request, accepted []Credential, verify func(sig string) bool) (Caller, bool) {
	if verify != nil && verify(r.URL.Query().Get("sig")) {
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

func match(r *http.Request, accepted []Credential) (Caller, bool) {
	user, secret, basic := r.BasicAuth()
	if !basic {
		scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " ")
		if !found || !strings.EqualFold(scheme, "Bearer") {
			return Caller{}, false
		}
		user, secret = "", strings.TrimSpace(token)
	}
	var who Caller
	found := false
	for _, c := range accepted {
		// An empty secret is a credential that was never set, not one that is empty.
		same := equal(user, c.User) & equal(secret, c.Secret)
		if same == 1 && c.Secret != "" && basic == (c.User != "") {
			who, found = Caller{Kind: c.Kind, Name: c.Name}, true
		}
	}
	return who, found
}

// equal compares digests, so that the time says nothing about lengths either.
func equal(a, b string) int {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:])
}

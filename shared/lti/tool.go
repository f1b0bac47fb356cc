package lti

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"time"
)

// Registration is an LTI 1.3 platform's registration, as far as its logins and launches need.
type Registration struct {
	Issuer, ClientID string   // compared byte for byte
	Deployments      []string // the deployment ids that may launch
	// AuthURL is where browsers are sent to log in; it may have a query of its own.
	AuthURL, TokenURL, JWKSURL string
	Algorithms                 []string // that its tokens may be signed with; empty means RS256
	Origins                    []string // where its pages live, besides the origins of Issuer and AuthURL
	GradeHosts                 []string // where scores may be sent besides the host of TokenURL, as host or host:port
	Instructors                bool     // whether roles above learner count
}

// Keys finds platforms' public keys. keyset.Cache is one; its errors say whether the key or the platform is to blame.
type Keys interface {
	Key(ctx context.Context, url, kid, alg string) (*rsa.PublicKey, error)
}

// Sealer makes values that only we can read and make. seal.Box is one.
type Sealer interface {
	Seal(purpose string, v any, expires time.Time) (string, error)
	Open(purpose, sealed string, v any, now time.Time) error
}

// Tool verifies logins and launches of LTI 1.3 platforms. It is safe for concurrent use and holds no state of its own:
// what a login has to remember travels sealed in the state parameter, so another instance may finish it.
type Tool struct {
	Registrations []Registration
	// LaunchURL is where platforms post their answers, as browsers reach it. It comes from configuration, never from a
	// request.
	LaunchURL string
	// Targets are further paths of our own origin that target_link_uri may name; LaunchURL's always may be.
	Targets []string
	Box     Sealer
	Keys    Keys
	Seen    Seen
	Now     func() time.Time
}

// CookieName is the name of the cookie that binds a browser to the login id. Each login has its own, so that two frames
// of one course page do not take each other's (B07).
func CookieName(id string) string { return "__Host-stackhook-" + id }

const (
	// stateLife is from the login to the platform's answer; Open edX keeps its side for as long.
	stateLife    = 10 * time.Minute
	statePurpose = "lti-state"
)

// state is what a login has to remember until the platform answers. Nonce and secret are in it as hashes, so that nobody
// who could open it would have them.
type state struct {
	ID       string `json:"i"`
	Issuer   string `json:"iss"`
	ClientID string `json:"c"`
	Target   string `json:"t"`
	Nonce    string `json:"n"`
	Secret   string `json:"s"`
	Storage  string `json:"f,omitempty"`
	// Again is the rest of the initiation's parameters, encoded; empty if they are too long to travel along.
	Again string `json:"a,omitempty"`
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// registration finds the one of issuer and clientID. An issuer alone will do if it has only one client: anything else
// would let one client's login be answered under another's registration (B02).
func (t Tool) registration(issuer, clientID string) (Registration, *Error) {
	var found []Registration
	for _, r := range t.Registrations {
		switch {
		case r.Issuer != issuer:
		case r.ClientID == clientID:
			return r, nil
		case clientID == "":
			found = append(found, r)
		}
	}
	switch len(found) {
	case 0:
		return Registration{}, refuse(CodePlatform, "no platform with this issuer and client id is configured")
	case 1:
		return found[0], nil
	}
	return Registration{}, refuse(CodeClient, "client_id is missing, and this issuer has several")
}

func (r Registration) deploys(id string) bool { return slices.Contains(r.Deployments, id) }

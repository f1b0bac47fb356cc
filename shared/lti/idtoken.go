package lti

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/stackhook/stackhook/shared/lti/keyset"
)

// Verify checks the rest of an answer (C03–C17): that secret is what the browser proved to have kept from its login, that
// the platform of that login signed the token, and that the token is a launch of now for us. The nonce is spent last, so a
// refused answer can be posted once more. An error is an *Error.
func (t Tool) Verify(ctx context.Context, a Answer, secret string) (Launch, error) {
	if !a.Bound(secret) {
		return Launch{}, refuse(CodeBinding, "the browser did not show the secret of this login")
	}
	payload, fault := t.checkToken(ctx, a)
	if fault != nil {
		return Launch{}, fault
	}
	all, err := strictObject(payload)
	if err != nil {
		return Launch{}, refuse(CodeClaims, "the claims cannot be read: "+err.Error())
	}
	launch, fault := t.checkClaims(a, all)
	if fault != nil {
		return Launch{}, fault
	}
	if fault := spend(ctx, t.Seen, "lti13-nonce-"+a.state.Nonce, stateLife+stateLife/10); fault != nil {
		return Launch{}, fault
	}
	return launch, nil
}

// algorithms are those that a registration may list: signatures by RSA keys. Neither "none" nor HMAC is among them, so a
// public key can never be taken for a shared secret (RFC 8725 section 3.1).
var algorithms = []string{"RS256", "RS384", "RS512"}

func (r Registration) signsWith(alg string) bool {
	if len(r.Algorithms) == 0 {
		return alg == "RS256"
	}
	return slices.Contains(r.Algorithms, alg) && slices.Contains(algorithms, alg)
}

// checkToken gives the token's claims once the registered platform's signature holds (C04, C05).
func (t Tool) checkToken(ctx context.Context, a Answer) ([]byte, *Error) {
	header, fault := tokenHeader(a.token)
	if fault != nil {
		return nil, fault
	}
	alg, _ := header["alg"].(string)
	if !a.Registration.signsWith(alg) {
		return nil, refuse(CodeAlgorithm, "alg is not one of the platform's algorithms")
	}
	kid, _ := header["kid"].(string)
	if kid == "" || len(kid) > maxID {
		return nil, refuse(CodeKey, "kid is missing, or longer than 255 bytes")
	}
	signed, err := jose.ParseSignedCompact(a.token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		return nil, caused(CodeToken, "id_token is not a signed JWT", err)
	}
	key, err := t.Keys.Key(ctx, a.Registration.JWKSURL, kid, alg)
	switch {
	case errors.Is(err, keyset.ErrUnknownKey):
		return nil, caused(CodeKey, "kid is not in the platform's key set", err)
	case errors.Is(err, keyset.ErrUnfit):
		return nil, caused(CodeKeyUnfit, "the platform's key is not fit to verify with", err)
	case err != nil:
		return nil, caused(CodeUnavailable, "fetch the platform's key set", err)
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return nil, caused(CodeTokenSignature, "the signature does not hold for the platform's key", err)
	}
	return payload, nil
}

// tokenHeader reads the protected header of a JWS in compact form. Keys that the token brings along or points at (jwk, jku,
// x5c, x5u) are not looked at; what would change how it is to be read (crit, b64) is refused.
func tokenHeader(token string) (map[string]any, *Error) {
	if strings.Count(token, ".") != 2 {
		return nil, refuse(CodeToken, "id_token does not have three parts")
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r != '.' && !base64url(r) }) {
		return nil, refuse(CodeToken, "id_token is not base64url")
	}
	first, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		return nil, refuse(CodeToken, "the header is not base64url")
	}
	header, err := strictObject(text)
	if err != nil {
		return nil, refuse(CodeToken, "the header cannot be read: "+err.Error())
	}
	for _, name := range []string{"crit", "b64"} {
		if _, there := header[name]; there {
			return nil, refuse(CodeToken, "the header has "+name)
		}
	}
	if typ, there := header["typ"]; there {
		if text, ok := typ.(string); !ok || !strings.EqualFold(text, "JWT") {
			return nil, refuse(CodeToken, "typ is not JWT")
		}
	}
	return header, nil
}

func base64url(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_'
}

package keyset

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// ErrNoKeys says that there is no key to sign with.
var ErrNoKeys = errors.New("no key to sign with is configured")

// Own is our own key set. It is safe for concurrent use.
type Own struct {
	signer jose.Signer
	text   []byte
}

// ParseOwn takes our keys as PEM. current signs and is private; next and previous may be public, or empty. A key should be
// next for a day before it is current, and previous for a day after: platforms keep key sets.
func ParseOwn(current, next, previous string) (*Own, error) {
	if strings.TrimSpace(current) == "" {
		return nil, ErrNoKeys
	}
	var keys jose.JSONWebKeySet
	var private *rsa.PrivateKey
	for _, given := range []struct{ name, text string }{{"current", current}, {"next", next}, {"previous", previous}} {
		if strings.TrimSpace(given.text) == "" {
			continue
		}
		key, err := parsePEM(given.text)
		if err != nil {
			return nil, fmt.Errorf("read the %s key: %w", given.name, err)
		}
		if given.name == "current" {
			if private = key.private; private == nil {
				return nil, errors.New("read the current key: it is a public key, and nothing can be signed with it")
			}
		}
		public, err := publish(key.public)
		if err != nil {
			return nil, fmt.Errorf("publish the %s key: %w", given.name, err)
		}
		if slices.ContainsFunc(keys.Keys, func(other jose.JSONWebKey) bool { return other.KeyID == public.KeyID }) {
			return nil, fmt.Errorf("read the %s key: it is there twice", given.name)
		}
		keys.Keys = append(keys.Keys, public)
	}
	text, err := json.Marshal(keys)
	if err != nil {
		return nil, fmt.Errorf("encode our key set: %w", err)
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: private, KeyID: keys.Keys[0].KeyID}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, fmt.Errorf("make signer: %w", err)
	}
	return &Own{signer, text}, nil
}

// JSON is the JWK set: the current key, then the next and the previous.
func (o *Own) JSON() []byte { return slices.Clone(o.text) }

// Sign is claims as a compact JWS (RFC 7515), by the current key.
func (o *Own) Sign(claims any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	signed, err := o.signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign claims: %w", err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		return "", fmt.Errorf("write signed claims: %w", err)
	}
	return text, nil
}

// publish names a key by its thumbprint (RFC 7638): whoever rotates need not think of a name.
func publish(key *rsa.PublicKey) (jose.JSONWebKey, error) {
	public := jose.JSONWebKey{Key: key, Algorithm: string(jose.RS256), Use: "sig"}
	thumbprint, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("make thumbprint: %w", err)
	}
	public.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
	return public, nil
}

type pair struct {
	public  *rsa.PublicKey
	private *rsa.PrivateKey // nil: it is a public key
}

func parsePEM(text string) (pair, error) {
	block, rest := pem.Decode([]byte(text))
	switch {
	case block == nil:
		return pair{}, errors.New("it is not PEM; make one with openssl genrsa 2048")
	case strings.TrimSpace(string(rest)) != "":
		return pair{}, errors.New("there is something after the key's END line; put one key only")
	}
	key, err := parseBlock(block)
	if err != nil {
		return pair{}, err
	}
	var found pair
	switch key := key.(type) {
	case *rsa.PrivateKey:
		found = pair{&key.PublicKey, key}
	case *rsa.PublicKey:
		found = pair{public: key}
	default:
		return pair{}, errors.New("it is no RSA key; make one with openssl genrsa 2048")
	}
	if err := checkRSA(found.public); err != nil {
		return pair{}, err
	}
	return found, nil
}

// parseBlock keeps the parsers' errors to itself: what they say of a secret is nobody's business.
func parseBlock(block *pem.Block) (key any, err error) {
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		if block.Headers["DEK-Info"] != "" {
			return nil, errors.New("it has a passphrase; take that off with openssl pkey -in FILE")
		}
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("it has a passphrase; take that off with openssl pkey -in FILE")
	default:
		return nil, errors.New("it is PEM, but no RSA key; make one with openssl genrsa 2048")
	}
	if err != nil {
		return nil, errors.New("it is damaged, or no RSA key; make one with openssl genrsa 2048")
	}
	return key, nil
}

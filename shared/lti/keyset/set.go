package keyset

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json" // refuses members that are there twice
)

const (
	maxKeys = 50
	minBits = 2048
	maxBits = 8192 // as crypto/tls: larger ones only cost time
)

// algorithms are those that an RSA key of ours or of a platform may sign with (RFC 7518, 3.3).
var algorithms = []string{"RS256", "RS384", "RS512"}

// set is a platform's keys. Those that are of no use to us are in it too, so that we can say why.
type set []member

type member struct {
	id, alg string
	key     *rsa.PublicKey
	unfit   string // why it is, whatever the algorithm
}

// parse reads a JWK set. A key that cannot be read, or is of another kind, makes only itself useless (RFC 7517, 5).
func parse(text []byte) (set, error) {
	var raw struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fmt.Errorf("read key set: %w", err)
	}
	if raw.Keys == nil {
		return nil, errors.New(`read key set: it has no "keys"`)
	}
	if len(raw.Keys) > maxKeys {
		return nil, fmt.Errorf("read key set: it has %d keys, more than %d", len(raw.Keys), maxKeys)
	}
	keys := make(set, 0, len(raw.Keys))
	for _, text := range raw.Keys {
		keys = append(keys, parseMember(text))
	}
	return keys, nil
}

func parseMember(text []byte) member {
	var named struct {
		ID  string   `json:"kid"`
		Alg string   `json:"alg"`
		Use string   `json:"use"`
		Ops []string `json:"key_ops"`
		Kty string   `json:"kty"`
		N   string   `json:"n"`
		E   string   `json:"e"`
		D   string   `json:"d"`
	}
	if err := json.Unmarshal(text, &named); err != nil {
		return member{unfit: "it cannot be read"}
	}
	m := member{id: named.ID, alg: named.Alg}
	switch {
	case named.Kty != "RSA":
		m.unfit = "it is no RSA key"
	case named.Use != "" && named.Use != "sig":
		m.unfit = "its use is not sig"
	case named.Ops != nil && !slices.Contains(named.Ops, "verify"):
		m.unfit = "verify is not one of its key_ops"
	case named.D != "":
		m.unfit = "its private part is published"
	default:
		m.key, m.unfit = parseRSA(named.N, named.E)
	}
	return m
}

// parseRSA reads the two numbers alone: certificates beside them are not believed, so they need not be right either.
func parseRSA(n, e string) (*rsa.PublicKey, string) {
	text, err := json.Marshal(map[string]string{"kty": "RSA", "n": n, "e": e})
	if err != nil {
		return nil, "it cannot be read"
	}
	var parsed jose.JSONWebKey
	if err := parsed.UnmarshalJSON(text); err != nil {
		return nil, "it cannot be read"
	}
	key, ok := parsed.Key.(*rsa.PublicKey)
	if !ok {
		return nil, "it cannot be read"
	}
	if err := checkRSA(key); err != nil {
		return nil, err.Error()
	}
	return key, ""
}

func checkRSA(key *rsa.PublicKey) error {
	switch bits := key.N.BitLen(); {
	case bits < minBits:
		return fmt.Errorf("it has %d bits, less than %d", bits, minBits)
	case bits > maxBits:
		return fmt.Errorf("it has %d bits, more than %d", bits, maxBits)
	case key.N.Bit(0) == 0 || key.E < 3 || key.E%2 == 0 || key.E > 1<<31-1:
		return errors.New("its numbers are not those of an RSA key")
	}
	return nil
}

// find is the key under kid that is fit for alg. Where several have the same id, the first that is fit.
func (s set) find(kid, alg string) (*rsa.PublicKey, error) {
	fault := ErrUnknownKey
	for _, m := range s {
		if m.id != kid {
			continue
		}
		why := m.why(alg)
		if why == "" {
			return m.key, nil
		}
		if errors.Is(fault, ErrUnknownKey) {
			fault = fmt.Errorf("%w: %s", ErrUnfit, why)
		}
	}
	return nil, fault
}

// why says why m is not fit for alg; "" if it is.
func (m member) why(alg string) string {
	switch {
	case m.unfit != "":
		return m.unfit
	case !slices.Contains(algorithms, alg):
		return "it is an RSA key, and the token's algorithm is for others"
	case m.alg != "" && m.alg != alg:
		return "it is for another algorithm than the token's"
	}
	return ""
}

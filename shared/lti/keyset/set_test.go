package keyset_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/stackhook/stackhook/shared/lti/keyset"
)

func b64(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }

func encode(key jose.JSONWebKey) []byte {
	text, err := json.Marshal(key)
	if err != nil {
		panic(err)
	}
	return text
}

// with is key A's public JWK with members put in or, as nil, taken out.
func with(members map[string]any) string {
	key := map[string]any{}
	if err := json.Unmarshal(encode(public("kid", keyA())), &key); err != nil {
		panic(err)
	}
	for name, value := range members {
		if key[name] = value; value == nil {
			delete(key, name)
		}
	}
	text, err := json.Marshal(key)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestC05Fit(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]string{
		"bare":                              with(nil),
		"use sig":                           with(map[string]any{"use": "sig"}),
		"alg equal":                         with(map[string]any{"alg": "RS256"}),
		"key_ops verify":                    with(map[string]any{"key_ops": []string{"verify"}}),
		"a certificate of others":           with(map[string]any{"x5c": []string{"AAAA"}, "x5t": "not base64", "x5u": ":"}),
		"unknown members":                   with(map[string]any{"created": 1700000000, "x": []int{1}}),
		"3072 bits":                         string(encode(public("kid", keyC()))),
		"after one of another kind":         string(encode(jose.JSONWebKey{Key: &curved().PublicKey, KeyID: "ec"})) + "," + with(nil),
		"after one that is broken":          `{"kty":"RSA","kid":"x","n":"!"},{"kty":7},"text",` + with(nil),
		"after an unfit one of the same id": with(map[string]any{"use": "enc"}) + "," + with(nil),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			p.says(`{"keys":[` + key + `]}`)
			if _, err := newCache(newClock()).Key(t.Context(), p.URL, "kid", "RS256"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestC05Unfit(t *testing.T) {
	t.Parallel()
	n, e := shortE(small())
	even := b64(new(big.Int).Lsh(big.NewInt(1), 2047))
	for name, test := range map[string]struct{ key, alg, says string }{
		"1024 bits":         {with(map[string]any{"n": n, "e": e}), "RS256", "1024 bits"},
		"too many bits":     {with(map[string]any{"n": b64(new(big.Int).Lsh(big.NewInt(1), 8192))}), "RS256", "read"},
		"use enc":           {with(map[string]any{"use": "enc"}), "RS256", "use"},
		"other alg":         {with(map[string]any{"alg": "RS512"}), "RS256", "algorithm"},
		"key_ops":           {with(map[string]any{"key_ops": []string{"encrypt"}}), "RS256", "key_ops"},
		"private":           {with(map[string]any{"d": "AQAB"}), "RS256", "private"},
		"elliptic":          {string(encode(jose.JSONWebKey{Key: &curved().PublicKey, KeyID: "kid"})), "RS256", "no RSA key"},
		"symmetric":         {`{"kty":"oct","kid":"kid","k":"AAAA"}`, "RS256", "no RSA key"},
		"HMAC":              {with(nil), "HS256", "algorithm"},
		"none":              {with(nil), "none", "algorithm"},
		"no algorithm":      {with(nil), "", "algorithm"},
		"exponent 1":        {with(map[string]any{"e": "AQ"}), "RS256", "read"},
		"even exponent":     {with(map[string]any{"e": "AQAC"}), "RS256", "numbers"},
		"even modulus":      {with(map[string]any{"n": even}), "RS256", "numbers"},
		"no modulus":        {with(map[string]any{"n": nil}), "RS256", "0 bits"},
		"modulus no base64": {with(map[string]any{"n": "*"}), "RS256", "read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			p.says(`{"keys":[` + test.key + `]}`)
			c := newCache(newClock())
			_, err := c.Key(t.Context(), p.URL, "kid", test.alg)
			if !errors.Is(err, keyset.ErrUnfit) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want it to be unfit and to say %q", err, test.says)
			}
		})
	}
}

func TestC05Unknown(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ key, kid string }{
		"no kid in the token": {with(map[string]any{"kid": nil}), ""},
		"no kid in the set":   {with(map[string]any{"kid": nil}), "kid"},
		"kid is a number":     {with(map[string]any{"kid": 7}), "7"},
		"other case":          {with(nil), "KID"},
		"kid twice":           {strings.Replace(with(nil), `"kid":`, `"kid":"other","kid":`, 1), "kid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			p.says(`{"keys":[` + test.key + `]}`)
			if _, err := newCache(newClock()).Key(t.Context(), p.URL, test.kid, "RS256"); !errors.Is(err, keyset.ErrUnknownKey) {
				t.Error(err)
			}
		})
	}
}

// A key whose fault the platform mends is good at once.
func TestC05UnfitIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, public("kid", small()))
	clock := newClock()
	c := newCache(clock)
	refuse(t, c, p, "kid")
	p.publish(public("kid", keyA()))
	clock.advance(time.Minute)
	get(t, c, p, "kid", keyA())
}

package keyset_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/stackhook/stackhook/shared/lti/keyset"
)

func pemText(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func pkcs8(key any) string {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return pemText("PRIVATE KEY", der)
}

func pkcs1(key *rsa.PrivateKey) string {
	return pemText("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
}

func pkix(key *rsa.PrivateKey) string {
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		panic(err)
	}
	return pemText("PUBLIC KEY", der)
}

func TestS09KeySet(t *testing.T) {
	t.Parallel()
	own, err := keyset.ParseOwn(pkcs8(keyA()), pkix(keyB()), pkcs1(keyC()))
	if err != nil {
		t.Fatal(err)
	}
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	if err := json.Unmarshal(own.JSON(), &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 3 {
		t.Fatalf("%d keys, want three", len(set.Keys))
	}
	for i, key := range []*rsa.PrivateKey{keyA(), keyB(), keyC()} {
		n, e := shortE(key)
		hash := sha256.Sum256([]byte(`{"e":"` + e + `","kty":"RSA","n":"` + n + `"}`)) // RFC 7638, 3
		want := map[string]string{
			"kty": "RSA", "use": "sig", "alg": "RS256", "n": n, "e": e,
			"kid": base64.RawURLEncoding.EncodeToString(hash[:]),
		}
		for name, value := range want {
			if set.Keys[i][name] != value {
				t.Errorf("key %d: %s is %q, want %q", i, name, set.Keys[i][name], value)
			}
		}
		if len(set.Keys[i]) != len(want) {
			t.Errorf("key %d has more than it should: %v", i, set.Keys[i])
		}
	}
	again, err := keyset.ParseOwn(pkcs8(keyA()), pkix(keyB()), pkcs1(keyC()))
	if err != nil || !bytes.Equal(own.JSON(), again.JSON()) {
		t.Errorf("the same keys make another set (%v)", err)
	}
	own.JSON()[0] = 'x'
	if own.JSON()[0] != '{' {
		t.Error("who is given the set can change it for others")
	}
}

func TestS09Sign(t *testing.T) {
	t.Parallel()
	own, err := keyset.ParseOwn(pkcs1(keyA()), "", "")
	if err != nil {
		t.Fatal(err)
	}
	p := newPlatform(t)
	p.says(string(own.JSON()))
	c := newCache(newClock())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			token, err := own.Sign(map[string]any{"iss": "us", "n": 1})
			if err != nil {
				t.Error(err)
				return
			}
			parts := strings.Split(token, ".")
			if len(parts) != 3 {
				t.Errorf("%d parts", len(parts))
				return
			}
			var header struct{ Alg, Typ, Kid string }
			var claims map[string]any
			decode(t, parts[0], &header)
			decode(t, parts[1], &claims)
			if header.Alg != "RS256" || header.Typ != "JWT" || claims["iss"] != "us" {
				t.Errorf("header %+v, claims %v", header, claims)
			}
			key, err := c.Key(t.Context(), p.URL, header.Kid, header.Alg)
			if err != nil {
				t.Error(err)
				return
			}
			signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
			hash := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
			if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, hash[:], signature); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, err := own.Sign(func() {}); err == nil {
		t.Error("claims that are no JSON are signed")
	}
}

func decode(t *testing.T, part string, v any) {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		t.Error(err)
	}
}

func TestS09Refusals(t *testing.T) {
	t.Parallel()
	good := pkcs8(keyA())
	body := strings.Split(good, "\n")[1]
	ec := func(key *ecdsa.PrivateKey) string { return pkcs8(key) }
	for name, test := range map[string]struct{ current, next, previous, says string }{
		"too small":         {pkcs8(small()), "", "", "read the current key: it has 1024 bits"},
		"elliptic":          {ec(curved()), "", "", "no RSA key"},
		"public":            {pkix(keyA()), "", "", "public key"},
		"not PEM":           {"hunter2", "", "", "not PEM"},
		"damaged":           {pemText("PRIVATE KEY", []byte{1}), "", "", "damaged"},
		"two in one":        {good + pkcs8(keyB()), "", "", "one key only"},
		"certificate":       {pemText("CERTIFICATE", []byte{1}), "", "", "no RSA key"},
		"passphrase":        {pemText("ENCRYPTED PRIVATE KEY", []byte{1}), "", "", "passphrase"},
		"passphrase of old": {"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n", "", "", "passphrase"},
		"next is bad":       {good, "hunter2", "", "read the next key"},
		"previous is bad":   {good, "", "hunter2", "read the previous key"},
		"the same twice":    {good, "", pkix(keyA()), "read the previous key: it is there twice"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own, err := keyset.ParseOwn(test.current, test.next, test.previous)
			if own != nil || err == nil || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("%v, want it to say %q", err, test.says)
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), body) {
				t.Error("the error holds the key")
			}
		})
	}
	for _, current := range []string{"", " \n"} {
		if own, err := keyset.ParseOwn(current, good, ""); own != nil || !errors.Is(err, keyset.ErrNoKeys) {
			t.Errorf("without a current key: %v", err)
		}
	}
}

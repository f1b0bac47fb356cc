package site

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
)

// Secrets are those of one site, by the names the template's hidden parameter has for them. They are made once, sent to
// Heat with the create, and kept nowhere else. Printed they are stars.
type Secrets struct{ values map[string]string }

// secretBytes is the entropy of a made secret.
const secretBytes = 24

// rsaBits is what Open edX signs its tokens with (Tutor: rsa_private_key(2048)).
const rsaBits = 2048

// madeSecrets are drawn at random; the RSA key and the object store's come besides.
func madeSecrets() []string {
	return []string{
		"mysql_root_password", "mysql_password", "mysql_sst_password", "mongodb_admin_password", "mongodb_password",
		"redis_password", "search_key", "openedx_secret_key", "cms_oauth2_secret",
	}
}

// keyfileBytes is what a MongoDB keyfile holds: 6 to 1024 characters of base64.
const keyfileBytes = 384

// NewKey makes the RSA key that Open edX signs its tokens with.
func NewKey() (*rsa.PrivateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, rsaBits)
	if err != nil {
		return nil, fmt.Errorf("make RSA key: %w", err)
	}
	return key, nil
}

// NoSecrets has every name and no secret: for a preview.
func NoSecrets() Secrets {
	values := map[string]string{}
	for _, name := range append(madeSecrets(), "s3_access_key", "s3_secret_key", "mongodb_key", "jwt_rsa_private_key") {
		values[name] = "none"
	}
	return Secrets{values}
}

// NewSecrets draws the secrets of a new site from random, which is crypto/rand's Reader outside tests, but for the RSA key.
// The object store's keys are the Spec's.
func NewSecrets(random io.Reader, key *rsa.PrivateKey, s Storage) (Secrets, error) {
	values := map[string]string{"s3_access_key": s.AccessKey.Reveal(), "s3_secret_key": s.SecretKey.Reveal()}
	for _, name := range madeSecrets() {
		b := make([]byte, secretBytes)
		if _, err := io.ReadFull(random, b); err != nil {
			return Secrets{}, fmt.Errorf("draw secret: %w", err)
		}
		values[name] = base64.RawURLEncoding.EncodeToString(b)
	}
	keyfile := make([]byte, keyfileBytes)
	if _, err := io.ReadFull(random, keyfile); err != nil {
		return Secrets{}, fmt.Errorf("draw keyfile: %w", err)
	}
	values["mongodb_key"] = base64.StdEncoding.EncodeToString(keyfile)
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	values["jwt_rsa_private_key"] = base64.StdEncoding.EncodeToString(pem.EncodeToMemory(block))
	return Secrets{values}, nil
}

// String keeps them out of everything printed.
func (s Secrets) String() string { return "***" }

// GoString is String, for %#v.
func (s Secrets) GoString() string { return "***" }

// MarshalJSON is String, for logs and answers: Heat gets Reveal.
func (s Secrets) MarshalJSON() ([]byte, error) {
	text, err := json.Marshal("***")
	if err != nil {
		return nil, fmt.Errorf("encode secrets: %w", err)
	}
	return text, nil
}

// Reveal is what Heat gets.
func (s Secrets) Reveal() map[string]string { return s.values }

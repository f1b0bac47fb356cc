package openstack

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"time"
)

// KeyPair is one of the user's key pairs. Projects do not share them.
type KeyPair struct {
	Name      string
	PublicKey string
	Created   time.Time // by Nova's clock; zero in a list, which does not tell
}

// KeyPairs are all key pairs of the user, those of other programs too, without their times.
func (c *Cloud) KeyPairs(ctx context.Context) ([]KeyPair, error) {
	var reply struct {
		KeyPairs []struct {
			KeyPair struct {
				Name      string `json:"name"`
				PublicKey string `json:"public_key"`
			} `json:"keypair"`
		} `json:"keypairs"`
	}
	// Without a microversion there are no pages: all come at once (nova/api/openstack/compute/keypairs.py index).
	err := c.do(ctx, request{op: "list key pairs", service: nova(), method: http.MethodGet, path: "/os-keypairs", into: &reply})
	if err != nil {
		return nil, err
	}
	out := make([]KeyPair, len(reply.KeyPairs))
	for i, w := range reply.KeyPairs {
		out[i] = KeyPair{Name: w.KeyPair.Name, PublicKey: w.KeyPair.PublicKey}
	}
	return out, nil
}

// CreateKeyPair takes the name for a public key. Of any number who ask at once exactly one gets it, and the others a
// Conflict (20 at once, 10 of 10 rounds on Zed), which makes a name a claim.
func (c *Cloud) CreateKeyPair(ctx context.Context, name, publicKey string) error {
	return c.do(ctx, request{
		op: "create key pair " + name, service: nova(), method: http.MethodPost, path: "/os-keypairs",
		body: map[string]any{"keypair": map[string]string{"name": name, "public_key": publicKey}},
	})
}

// KeyPair is the user's key pair of that name.
func (c *Cloud) KeyPair(ctx context.Context, name string) (KeyPair, error) {
	op := "read key pair " + name
	var reply struct {
		KeyPair struct {
			Name      string `json:"name"`
			PublicKey string `json:"public_key"`
			Created   string `json:"created_at"`
		} `json:"keypair"`
	}
	err := c.do(ctx, request{op: op, service: nova(), method: http.MethodGet, path: "/os-keypairs/{}", args: []string{name}, into: &reply})
	if err != nil {
		return KeyPair{}, err
	}
	created, err := time.Parse("2006-01-02T15:04:05", reply.KeyPair.Created) // no zone is UTC, fractions are read too
	if err != nil {
		return KeyPair{}, broken(op, "the answer has no time of creation")
	}
	return KeyPair{Name: reply.KeyPair.Name, PublicKey: reply.KeyPair.PublicKey, Created: created}, nil
}

// DeleteKeyPair gives the name back; Gone if nobody had it.
func (c *Cloud) DeleteKeyPair(ctx context.Context, name string) error {
	return c.do(ctx, request{op: "delete key pair " + name, service: nova(), method: http.MethodDelete, path: "/os-keypairs/{}", args: []string{name}})
}

// PublicKey is a fresh public key with that comment, for a key pair that is a claim and nothing else: its private half was
// never kept. It is empty if there is no randomness to be had; Nova refuses it then.
func PublicKey(comment string) string {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return ""
	}
	const kind = "ssh-ed25519" // RFC 8709 section 4, in the wire format of RFC 4253 section 6.6
	wire := append(binary.BigEndian.AppendUint32(nil, uint32(len(kind))), kind...)
	wire = append(binary.BigEndian.AppendUint32(wire, ed25519.PublicKeySize), public...)
	return kind + " " + base64.StdEncoding.EncodeToString(wire) + " " + comment
}

package keeper

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/stackhook/stackhook/shared/lab"
)

// madeKey is what the catalogue writes for the key of a way in that is made here.
const madeKey = "made"

// isMade says whether the way's key is made here.
func isMade(w lab.Way) bool { return w.Kind == lab.SSH && w.Key == madeKey }

// madeFor says whether a lab of the entry has a key that is made here.
func madeFor(e lab.Entry) bool { return slices.ContainsFunc(e.Ways, isMade) }

// keyed marks the ways in whose key is made here: it can be had without asking anybody.
func keyed(e lab.Entry, ways []lab.Access) []lab.Access {
	for i, a := range ways {
		if a.Way < len(e.Ways) && isMade(e.Ways[a.Way]) {
			ways[i].HasKey = true
		}
	}
	return ways
}

// sshKey is the key of a lab's learner. It follows from the naming key and the stack's name, so that it need not be kept
// anywhere: whoever may see the lab's page gets it again whenever they ask.
func (k *Keeper) sshKey(stack string) (ed25519.PrivateKey, error) {
	seed, err := hkdf.Key(sha256.New, k.namingKey, nil, "ssh"+stack, ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("derive SSH key: %w", err)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// publicKey is its public half as a line of authorized_keys.
func (k *Keeper) publicKey(stack string) (string, error) {
	key, err := k.sshKey(stack)
	if err != nil {
		return "", err
	}
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return "", fmt.Errorf("write SSH key: %w", err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public))) + " " + stack, nil
}

// privateKey is the key as ssh reads it from a file.
func (k *Keeper) privateKey(stack string) (string, error) {
	key, err := k.sshKey(stack)
	if err != nil {
		return "", err
	}
	block, err := ssh.MarshalPrivateKey(key, stack)
	if err != nil {
		return "", fmt.Errorf("write SSH key: %w", err)
	}
	return string(pem.EncodeToMemory(block)), nil
}

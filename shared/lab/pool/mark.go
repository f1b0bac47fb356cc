package pool

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
)

const (
	claimPrefix = "stackhook-claim-"
	// tend is who claims a lab to remove it: no learner's base name looks like it.
	tend = "tend"
)

// Mark is a claim as its key pair tells it: whose it is, and since when by the claimer's clock.
type Mark struct {
	Name  string // of the key pair
	Stack string // the stack's id without dashes
	Base  string // the owner's base name
	At    time.Time
	// token tells requests of one owner apart.
	token string
}

// ClaimName is the name of the key pair that stands for the claim on a stack.
func ClaimName(stackID string) string { return claimPrefix + bare(stackID) }

func bare(stackID string) string { return strings.ReplaceAll(stackID, "-", "") }

// Marks are the claims that there are: one request.
func Marks(ctx context.Context, cloud interface {
	KeyPairs(ctx context.Context) ([]openstack.KeyPair, error)
},
) ([]Mark, error) {
	pairs, err := cloud.KeyPairs(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for claims: %w", err)
	}
	var marks []Mark
	for _, pair := range pairs {
		if m, ok := readMark(pair); ok {
			marks = append(marks, m)
		}
	}
	return marks, nil
}

// readMark reads a key pair with a claim's name. A comment that is not ours leaves the claim without an owner and without a
// time, so that it counts as long over.
func readMark(pair openstack.KeyPair) (Mark, bool) {
	id, ours := strings.CutPrefix(pair.Name, claimPrefix)
	if !ours {
		return Mark{}, false
	}
	m := Mark{Name: pair.Name, Stack: id}
	const parts = 5 // kind, key, base, token, time
	words := strings.Fields(pair.PublicKey)
	if len(words) != parts {
		return m, true
	}
	seconds, err := strconv.ParseInt(words[4], 10, 64)
	if err != nil {
		return m, true
	}
	m.Base, m.token, m.At = words[2], words[3], time.Unix(seconds, 0).UTC()
	return m, true
}

// newMark is a claim of base's that is to be made now.
func newMark(base string, now time.Time) Mark {
	return Mark{Base: base, At: now.UTC().Truncate(time.Second), token: rand.Text()}
}

// publicKey is a public key with the claim as its comment. Its private half was never kept.
func (m Mark) publicKey() string {
	return openstack.PublicKey(fmt.Sprintf("%s %s %d", m.Base, m.token, m.At.Unix()))
}

// on is the claim on that stack, if there is one.
func on(marks []Mark, stackID string) (Mark, bool) {
	for _, m := range marks {
		if m.Stack == bare(stackID) {
			return m, true
		}
	}
	return Mark{}, false
}

package registration

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"time"
)

const (
	purpose = "register"
	// linkLife is how long an administrator has to use a link.
	linkLife = 24 * time.Hour
	// tries is how many registrations a link may begin. All but the last must have been refused by the platform.
	tries = 3
	// exchangeLife is longer than a registration's calls can take.
	exchangeLife = 30 * time.Second
)

// Link is the right to register one platform, once.
type Link struct {
	ID     string `json:"id"`
	Issuer string `json:"issuer"`
}

// Sealer seals links; seal.Box is one.
type Sealer interface {
	Seal(purpose string, v any, expires time.Time) (string, error)
	Open(purpose, sealed string, v any, now time.Time) error
}

// Seen remembers which links were used; once.Store is one.
type Seen interface {
	First(ctx context.Context, key string, ttl time.Duration) (bool, error)
}

// Address is a new link for a platform, as the address to paste there. register is where browsers reach our registration page.
func Address(box Sealer, register, issuer string, now time.Time) (string, error) {
	sealed, err := box.Seal(purpose, Link{ID: rand.Text(), Issuer: issuer}, now.Add(linkLife))
	if err != nil {
		return "", fmt.Errorf("seal registration link: %w", err)
	}
	return register + "?" + url.Values{"link": {sealed}}.Encode(), nil
}

// begin takes one of the link's tries. A platform that refuses has created nothing, and then there is another; so that two
// at the same moment cannot have one each, a second must wait until the first has come to its end.
func (l Link) begin(ctx context.Context, seen Seen) error {
	alone, err := seen.First(ctx, "register-"+l.ID, exchangeLife)
	if err != nil {
		return refuse(CodeUnavailable, "ask the store of links", err)
	}
	if !alone {
		return refuse(CodeBusy, "the link is in use", nil)
	}
	for try := range tries {
		first, err := seen.First(ctx, l.key(try), linkLife)
		if err != nil {
			return refuse(CodeUnavailable, "ask the store of links", err)
		}
		if first {
			return nil
		}
	}
	return refuse(CodeUsed, "the link has no tries left", nil)
}

// spend takes all tries that are left.
func (l Link) spend(ctx context.Context, seen Seen) error {
	for try := range tries {
		if _, err := seen.First(ctx, l.key(try), linkLife); err != nil {
			return fmt.Errorf("spend registration link: %w", err)
		}
	}
	return nil
}

func (l Link) key(try int) string { return fmt.Sprint("register-", l.ID, "-", try) }

package checks

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/stackhook/stackhook/shared/lab"
)

// Why a check has no result. None of them says anything about the learner's work: it may be tried again.
var (
	// ErrNoHostKey says that nobody knows what host key the machine should have.
	ErrNoHostKey = errors.New("the lab has not said which host key its machine has")
	// ErrHostKey says that another machine answered, or one that has been made anew. Nothing was sent to it.
	ErrHostKey = errors.New("the machine shows another host key")
	// ErrUnreachable says that no SSH server answered.
	ErrUnreachable = errors.New("the machine does not answer")
	// ErrLogin says that the machine does not take the user or the key.
	ErrLogin = errors.New("the machine does not let us log in")
	// ErrTime says that the script did not end in time.
	ErrTime = errors.New("the script did not end in time")
	// ErrOutput says that the script wrote more than anybody will read.
	ErrOutput = errors.New("the script wrote too much")
	// ErrLost says that the connection broke, so that nobody knows how the script ended.
	ErrLost = errors.New("the connection was lost")
)

// What one check may take.
const (
	// DefaultTime is a Target's time if it has none.
	DefaultTime = time.Minute
	maxOutput   = 1 << 20 // bytes
)

// Target is a machine, and the check that is run on it.
type Target struct {
	Check string // its name in the catalogue
	// Address is a host name or IP address, as the lab's output has it, or one with a port. The port is 22 without.
	Address string
	User    string
	// HostKey is the machine's, as a line of authorized_keys: "ssh-ed25519 AAAA…".
	HostKey string
	Key     crypto.Signer // logs in
	Time    time.Duration // for all of it, connecting too; zero means DefaultTime
}

// Run runs the script and says how it ended. The result has no id and no time: they are the caller's.
//
// The time is over at the target's or the context's end, whichever is first. A script that is still at work then is ended on the
// machine, too, if that has timeout(1).
func Run(ctx context.Context, t Target, script string) (lab.Result, error) {
	limit := t.Time
	if limit <= 0 {
		limit = DefaultTime
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	client, err := connect(ctx, t)
	if err != nil {
		return lab.Result{}, fmt.Errorf("check %s on %s: %w", t.Check, t.Address, err)
	}
	defer client.Close()
	end, err := execute(client, script, limit)
	if err != nil {
		if ctx.Err() != nil {
			err = ErrTime
		}
		return lab.Result{}, fmt.Errorf("check %s on %s: %w", t.Check, t.Address, err)
	}
	result := lab.Result{Check: t.Check, Passed: end.code == 0, Message: end.hint}
	if result.Passed {
		result.Score = 1
	}
	return result, nil
}

// connect logs in, and closes the connection at the context's end, which lets go of whoever waits on it.
func connect(ctx context.Context, t Target) (*ssh.Client, error) {
	config, known, err := clientConfig(t)
	if err != nil {
		return nil, err
	}
	address := withPort(t.Address)
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	secured, channels, requests, err := ssh.NewClientConn(conn, address, config)
	if err == nil {
		return ssh.NewClient(secured, channels, requests), nil
	}
	_ = conn.Close()
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, ctx.Err())
	case known():
		return nil, fmt.Errorf("%w: %w", ErrLogin, err)
	case errors.Is(err, ErrHostKey), noSuchKey(err):
		return nil, fmt.Errorf("%w: %w", ErrHostKey, err)
	}
	return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
}

// noSuchKey says whether the server has no host key of the pinned one's kind.
func noSuchKey(err error) bool {
	var mismatch *ssh.AlgorithmNegotiationError
	return errors.As(err, &mismatch)
}

// clientConfig takes the pinned host key and no other. known says whether the server has shown it.
func clientConfig(t Target) (config *ssh.ClientConfig, known func() bool, err error) {
	if strings.TrimSpace(t.HostKey) == "" {
		return nil, nil, ErrNoHostKey
	}
	pinned, _, _, _, err := ssh.ParseAuthorizedKey([]byte(t.HostKey)) //nolint:dogsled // the key alone
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrNoHostKey, err)
	}
	signer, err := ssh.NewSignerFromSigner(t.Key)
	if err != nil {
		return nil, nil, fmt.Errorf("use key: %w", err)
	}
	same, shown := ssh.FixedHostKey(pinned), false
	return &ssh.ClientConfig{
		User: t.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyAlgorithms: algorithms(pinned),
		HostKeyCallback: func(host string, remote net.Addr, key ssh.PublicKey) error {
			if err := same(host, remote, key); err != nil {
				return fmt.Errorf("%w: %w", ErrHostKey, err)
			}
			shown = true
			return nil
		},
	}, func() bool { return shown }, nil
}

// algorithms has the server show its key of the pinned one's kind, of which it may have several.
func algorithms(pinned ssh.PublicKey) []string {
	if pinned.Type() == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{pinned.Type()}
}

func withPort(address string) string {
	if _, _, err := net.SplitHostPort(address); err == nil {
		return address
	}
	return net.JoinHostPort(address, "22")
}

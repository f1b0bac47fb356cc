package openstack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Cloud is one project of one OpenStack cloud. It is safe for concurrent use, and one per process is enough.
type Cloud struct {
	creds    credentials
	http     http.Client
	timeout  time.Duration // of one request
	session  *session
	creating creating
}

// New reads the credentials. It makes no request: the token comes with the first call.
//
// Supported are application credentials (by id, or by name with the user), a password, and a token, all of Keystone v3.
// Not supported, with what to use instead: OpenID Connect and SAML (an application credential made in the same account),
// domain and system scope (a project: Heat has stacks in projects alone).
func New(o Options) (*Cloud, error) {
	if o.Getenv == nil {
		return nil, errors.New("openstack.Options.Getenv is not set")
	}
	creds, err := readCredentials(o)
	if err != nil {
		return nil, err
	}
	timeout := o.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	transport := o.Transport
	if transport == nil {
		secured, err := creds.tls.config()
		if err != nil {
			return nil, fmt.Errorf("set up TLS to the cloud: %w", err)
		}
		transport = pooledTransport(secured, timeout)
	}
	c := &Cloud{creds: creds, http: httpClient(transport), timeout: timeout}
	c.session = &session{login: c.logIn, renewable: !creds.bareToken()}
	return c, nil
}

// As is the same cloud through the caller's own Keystone token: what the token may not do, fails as Forbidden, and so
// does everything once it has expired. The project is the token's. The token is validated at the first call (one request)
// and shares nothing with c but the connections.
//
// Keystone lets a trust's token, such as Aodh's trust+https sends, not even look at itself (403 on Zed). It is then used
// at the addresses of c's own project, and nothing is known of it until a service has taken it: Heat refuses a token of
// another project there.
func (c *Cloud) As(token string) *Cloud {
	theirs := &Cloud{creds: c.creds, http: c.http, timeout: c.timeout}
	theirs.session = &session{login: func(ctx context.Context) (*connection, error) {
		conn, err := theirs.adopt(ctx, token)
		if failed, ok := errors.AsType[*Error](err); ok && failed.Status == http.StatusForbidden {
			return c.borrow(ctx, token)
		}
		return conn, err
	}}
	return theirs
}

// Project is the id of the token's project.
func (c *Cloud) Project(ctx context.Context) (string, error) {
	conn, err := c.connect(ctx, "log in", nil)
	if err != nil {
		return "", err
	}
	return conn.project, nil
}

// Format keeps the credentials out of anything printed.
func (c *Cloud) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprint(f, "openstack cloud at ", c.creds.authURL)
}

func (c *Cloud) connect(ctx context.Context, op string, stale *connection) (*connection, error) {
	conn, err := c.session.connect(ctx, stale)
	return conn, failure(op, err)
}

package openstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/stackhook/stackhook/shared/observe"
)

// request is one call of an API.
type request struct {
	op      string // for Error.Op
	service service
	method  string
	// path is relative to the service's address; each {} stands for one of args, so that the call can be counted
	// under its path without ids.
	path         string
	args         []string
	query        url.Values
	microversion string
	body         any
	into         any // nil: the answer's body does not matter
	// reads says that the request changes nothing, although its method would.
	reads bool
}

func (r request) call() call {
	return call{service: r.service.name, method: r.method, path: r.path, op: r.op, reads: r.reads}
}

func (r request) url(client *gophercloud.ServiceClient) string {
	path := strings.TrimPrefix(r.path, "/")
	for _, arg := range r.args {
		path = strings.Replace(path, "{}", url.PathEscape(arg), 1)
	}
	address := client.ServiceURL(path)
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	return address
}

// do carries out r. A 401 is answered with one new token, if we may have one: tokens are revoked when somebody changes
// a password or a role, long before they expire.
func (c *Cloud) do(ctx context.Context, r request) error {
	for _, arg := range r.args {
		if arg == "" || arg == "." || arg == ".." {
			// It would turn the path into another one, such as a stack's into the list's.
			return &Error{Code: Refused, Op: r.op, Err: fmt.Errorf("%q is no name or id", arg)}
		}
	}
	conn, err := c.connect(ctx, r.op, nil)
	if err != nil {
		return err
	}
	err = c.send(ctx, r, conn)
	if tokenRefused(err) && c.session.renewable {
		if conn, err = c.connect(ctx, r.op, conn); err != nil {
			return err
		}
		observe.Of(ctx).Retried()
		err = c.send(ctx, r, conn)
	}
	return failure(r.op, err)
}

// tokenRefused says that the request met a token that is good no more, and had no effect. That is a 401; of Heat it may be a 500,
// too: its API knows a revoked token from memory for five minutes more (keystonemiddleware, token_cache_time), lets the request in,
// and the engine then meets Keystone's refusal when it makes a trust with it (seen on Zed: "Remote error: Unauthorized").
func tokenRefused(err error) bool {
	if gophercloud.ResponseCodeIs(err, http.StatusUnauthorized) {
		return true
	}
	reply, ok := errors.AsType[gophercloud.ErrUnexpectedResponseCode](err)
	return ok && reply.Actual == http.StatusInternalServerError && strings.Contains(string(reply.Body), "Unauthorized")
}

// send makes one request. Its errors are gophercloud's.
func (c *Cloud) send(ctx context.Context, r request, conn *connection) error {
	client, err := conn.client(r.service, c.creds.location)
	if err != nil {
		return &Error{Code: Broken, Op: r.op, Err: err}
	}
	client.Microversion = r.microversion
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	response, err := client.Request(withCall(ctx, r.call()), r.method, r.url(client), &gophercloud.RequestOpts{
		JSONBody:         r.body,
		OkCodes:          []int{http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent},
		KeepResponseBody: true,
	})
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	// Only a body read to its end gives the connection back to the pool.
	if r.into == nil {
		_, err = io.Copy(io.Discard, response.Body)
		return err
	}
	// Decoded here and not by gophercloud, which would leave json.Number in outputs.
	return decode(response.Body, r.into)
}

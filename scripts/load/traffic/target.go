package traffic

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"
)

// ErrNotHere says that a target is not on this machine's loopback.
var ErrNotHere = errors.New("load goes to this machine's loopback alone (127.0.0.0/8, ::1, localhost)")

// Local is the target, if it is an http address on loopback. A name other than localhost is refused, whatever it resolves to.
func Local(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" {
		return nil, fmt.Errorf("%q is no address such as http://127.0.0.1:8080: %w", address, ErrNotHere)
	}
	ip := net.ParseIP(u.Hostname())
	if u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("%q: %w", address, ErrNotHere)
	}
	return u, nil
}

// patience is how long a client waits for an answer: longer than any function may take.
const patience = 45 * time.Second

// client connects to loopback alone: what a redirect or a resolver says does not matter.
func client(connections int) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		host, _, err := net.SplitHostPort(address)
		if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
			return fmt.Errorf("%s: %w", address, ErrNotHere)
		}
		return nil
	}}
	return &http.Client{
		Timeout:       patience,
		Transport:     &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: connections, IdleConnTimeout: 30 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

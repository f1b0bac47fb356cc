package registration

import (
	"net"
	"net/url"
	"strings"
)

const maxAddress = 2048

// readAddress reads an address that we may be made to call: https, or http on this machine, and nothing clever in it.
func readAddress(raw string) (*url.URL, bool) {
	u, err := url.Parse(raw)
	if err != nil || len(raw) > maxAddress || u.Opaque != "" || u.User != nil || u.Fragment != "" || u.Hostname() == "" {
		return nil, false
	}
	return u, u.Scheme == "https" || u.Scheme == "http" && onThisMachine(u)
}

func onThisMachine(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// host is an address's host and port, the port always said, so that two of them can be compared.
func host(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return strings.ToLower(net.JoinHostPort(u.Hostname(), port))
}

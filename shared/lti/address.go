package lti

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// absolute reads an address that a browser may be sent to: https, or http on this very machine; nobody's name and
// password in it; no byte that browsers read otherwise than we do ("\" is "/" to them).
func absolute(raw string) (*url.URL, bool) {
	for i := range len(raw) {
		if raw[i] <= ' ' || raw[i] >= 0x7f || raw[i] == '\\' {
			return nil, false
		}
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Hostname() == "" || u.User != nil || u.Opaque != "" {
		return nil, false
	}
	return u, u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// origin is scheme, host and port in the one spelling that may be compared.
func origin(u *url.URL) string {
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	scheme := strings.ToLower(u.Scheme)
	if port := u.Port(); port != "" && scheme+port != "https443" && scheme+port != "http80" {
		host += ":" + port
	}
	return scheme + "://" + host
}

// ours says whether raw may be a target_link_uri: an address of our own origin whose path is on the list (B04, C14). Its
// query is free: course authors add parameters of their own.
func (t Tool) ours(raw string) bool {
	const longest = 1 << 10 // it travels in the state, and the state in an address
	launch, err := url.Parse(t.LaunchURL)
	u, ok := absolute(raw)
	if err != nil || !ok || len(raw) > longest || strings.Contains(raw, "#") || origin(u) != origin(launch) {
		return false
	}
	path := u.EscapedPath()
	return path == launch.EscapedPath() || slices.Contains(t.Targets, path)
}

// owns says whether raw is an address of one of the platform's own pages.
func (r Registration) owns(raw string) bool {
	return onOrigin(raw, r.Origins) || onOrigin(raw, []string{r.AuthURL, r.Issuer})
}

// onOrigin says whether a browser may be sent to raw because it is on the origin of one of the addresses.
func onOrigin(raw string, addresses []string) bool {
	u, ok := absolute(raw)
	return ok && slices.ContainsFunc(addresses, func(address string) bool {
		own, ok := absolute(address)
		return ok && origin(own) == origin(u)
	})
}

// withQuery adds parameters to an address that may have some already; those of our names give way. A space goes as %20,
// which every reader of queries takes for one.
func withQuery(address string, add url.Values) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "", errors.New("parse the authorization address")
	}
	var pairs []string
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if plain, _ := unescape(name); pair != "" && !add.Has(plain) {
			pairs = append(pairs, pair)
		}
	}
	u.RawQuery = strings.Join(append(pairs, strings.ReplaceAll(add.Encode(), "+", "%20")), "&")
	u.Fragment, u.RawFragment = "", ""
	return u.String(), nil
}

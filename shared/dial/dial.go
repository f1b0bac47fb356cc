package dial

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// ErrForbidden is an address that must not be called; errors.Is finds it in the client's errors.
var ErrForbidden = errors.New("the address is not a public one")

// ErrTooLarge is an answer longer than Read was told to take.
var ErrTooLarge = errors.New("the answer is too large")

// Client calls public addresses only, and loopback if allowed: for a developer who runs the other side on the same machine.
// It follows no redirects, since those are one more address that somebody else chose; goes through no proxy, since a proxy
// would connect for us, unchecked; and gives up after timeout, the body's last byte included.
func Client(allowLoopback bool, timeout time.Duration) *http.Client {
	dialer := &net.Dialer{Timeout: timeout}
	dialer.Control = func(_, address string, _ syscall.RawConn) error { return check(address, allowLoopback) }
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: timeout, MaxResponseHeaderBytes: 32 << 10,
			DisableKeepAlives: true, // such addresses are called rarely, and a function may be frozen between requests
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Read reads an answer's body, or says that it is longer than most.
func Read(body io.Reader, most int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(body, most+1))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if int64(len(text)) > most {
		return nil, ErrTooLarge
	}
	return text, nil
}

func check(address string, allowLoopback bool) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read address: %w", err)
	}
	if !allowed(at.Addr(), allowLoopback) {
		return ErrForbidden
	}
	return nil
}

// allowed asks about the IPv4 address inside, if there is one: ::ffff:127.0.0.1 and, through a gateway, 64:ff9b::7f00:1
// arrive where 127.0.0.1 does.
func allowed(ip netip.Addr, allowLoopback bool) bool {
	ip = ip.Unmap()
	if ip.IsLoopback() {
		return allowLoopback
	}
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, block := range special {
		if block.Contains(ip) {
			return false
		}
	}
	return true
}

// special is what IsGlobalUnicast and IsPrivate let through of the special-purpose registries (RFC 6890): shared and test
// networks, and every IPv6 prefix that carries an IPv4 address along. Metadata services sit on link-local addresses, which
// are no global unicast, but for the one of IPv6 in fd00:ec2::/32, which is private.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network, RFC 791 §3.2
	netip.MustParsePrefix("100.64.0.0/10"),   // carrier-grade NAT, RFC 6598; some clouds keep their services there
	netip.MustParsePrefix("192.0.0.0/24"),    // IETF protocols, RFC 6890 §2.1
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation, RFC 5737
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks, RFC 2544
	netip.MustParsePrefix("198.51.100.0/24"), // documentation, RFC 5737
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation, RFC 5737
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved, RFC 1112 §4
	netip.MustParsePrefix("::/96"),           // IPv4-compatible, RFC 4291 §2.5.5.1
	netip.MustParsePrefix("64:ff9b::/96"),    // NAT64, RFC 6052
	netip.MustParsePrefix("64:ff9b:1::/48"),  // NAT64 of one's own, RFC 8215
	netip.MustParsePrefix("100::/64"),        // discard, RFC 6666
	netip.MustParsePrefix("2001::/23"),       // IETF protocols, Teredo among them, RFC 2928
	netip.MustParsePrefix("2001:db8::/32"),   // documentation, RFC 3849
	netip.MustParsePrefix("2002::/16"),       // 6to4, RFC 3056
	netip.MustParsePrefix("fec0::/10"),       // site-local, RFC 3879
}

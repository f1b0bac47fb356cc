package probe

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"syscall"

	"github.com/stackhook/stackhook/shared/lab"
)

// target is what is probed: an address of http, or a host with its port.
type target struct {
	kind    lab.ProbeKind
	address string
}

// targetOf is what the entry asks about, if the outputs have it and it is an address that may be probed.
func targetOf(asked lab.Probe, outputs map[string]any) (target, bool) {
	value, ok := outputs[asked.Output].(string)
	if !ok {
		return target{}, false
	}
	switch asked.Kind {
	case lab.ProbeHTTP:
		return target{asked.Kind, value}, lab.IsWebAddress(value)
	case lab.ProbeTCP:
		return target{asked.Kind, net.JoinHostPort(value, strconv.Itoa(asked.Port))}, isHost(value) && asked.Port > 0
	}
	return target{}, false
}

var hostPattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$`)

func isHost(value string) bool {
	_, err := netip.ParseAddr(value)
	return err == nil || hostPattern.MatchString(value)
}

// errElsewhere is an address at which no lab can be.
var errElsewhere = errors.New("not an address of a lab")

// newDialer connects to what may be a lab. Labs have private addresses as well as public ones, but none on the link, where a
// cloud keeps its metadata service, and none on this machine.
func newDialer(allowLoopback bool) *net.Dialer {
	return &net.Dialer{Timeout: patience, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return errElsewhere
		}
		ip := at.Addr().Unmap()
		if ip.IsLoopback() && allowLoopback || ip.IsGlobalUnicast() && ip != metadata6 {
			return nil
		}
		return errElsewhere
	}}
}

// metadata6 is the metadata service's address in IPv6 at Amazon, which some clouds took over; the one in IPv4 is on the link.
var metadata6 = netip.MustParseAddr("fd00:ec2::254")

// newClient takes the first answer for the answer: a redirect is one. Labs sign their certificates themselves; nothing is
// sent to them and nothing of theirs believed, so that it does not matter whose they are.
func newClient(dialer *net.Dialer) *http.Client {
	const mostHeader = 32 << 10
	return &http.Client{
		Timeout: patience,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: patience, MaxResponseHeaderBytes: mostHeader, DisableKeepAlives: true,
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see above
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

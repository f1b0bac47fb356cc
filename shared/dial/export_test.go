package dial

import "net/netip"

// Allowed is allowed for tests: most addresses cannot be connected to from everywhere.
func Allowed(ip string, allowLoopback bool) bool {
	return allowed(netip.MustParseAddr(ip), allowLoopback)
}

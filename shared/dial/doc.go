// Package dial makes HTTP clients for addresses that somebody else chose: those of a platform that registers itself, and
// whatever a launch names.
//
// Such an address must not lead into our own network, so the check is made where it cannot be fooled: on the IP address, at
// the moment of connecting. A name that resolves to something harmless when looked at and to 169.254.169.254 when used (DNS
// rebinding) gains nothing by it.
//
// Addresses that the operator has set may be anywhere: Own only bounds what calling them may cost.
package dial

// Package caller finds out who calls a function that is meant for alarms, people and programs, before anything else is
// done for them. It knows five ways to prove it:
//
//   - a signature in the address (?sig=), bound to the one thing that may be done with it, to its limits and to its end:
//     for Aodh, which can neither set headers nor sign a body, and keeps its URLs where everyone who may read the alarm
//     reads them;
//   - Basic or bearer credentials of one cluster: for Alertmanager, and for Aodh by https://user:password@host/…;
//   - the subject of a TLS client certificate, as a proxy in front writes it into a header of the operator's choice: it
//     proves a whole cloud's Aodh, not a tenant of it, and is off unless a header is named;
//   - a bearer token of the configuration's api.tokens: for CI;
//   - a Keystone token in X-Auth-Token: for people, and for Aodh by trust+https. It is taken as it is, and proves nothing
//     until OpenStack accepts it; whoever acts on it must act with it, so that the caller can do here what they can do at
//     OpenStack, and no more.
//
// Secrets are compared in constant time, and all of them each time, so that neither a wrong one nor its place in the
// list shows in the time it takes.
package caller

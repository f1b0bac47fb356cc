// Package openstack is the one door to OpenStack: nothing else of Stackhook imports gophercloud.
//
// A [Cloud] holds the credentials of one entry of clouds.yaml (or of the OS_* variables), a pooled transport and one
// token. Its methods are the few calls that the functions need, each one HTTP request unless its comment says so, so
// that a function can count what it spends. What fails is an [*Error] with one of our own codes; OpenStack's words stay
// in its text, which is for logs alone.
//
// # Why not gophercloud's own clients
//
// The library logs in, builds the token request and carries requests. Three things it does not do our way:
//
//   - Tokens. Its re-authentication reads the token without its lock and starts with one login for each concurrent first
//     use. Here every login makes a new, never changing connection; the session hands it out, renews it shortly before it
//     expires, and replaces it once after a 401, with a single login whatever the number of callers.
//   - Endpoints. NewOrchestrationV1 and its sisters ask each service for its versions first. We take the catalog's
//     address as it is, because a launch may cost one token and two Heat calls, not five.
//   - Templates. The stacks package reads get_file targets from disk or from URLs named in the template. Ours come from
//     the caller's map and nowhere else.
//
// Heat facts the package rests on are cited where they matter; they were read in Heat's source (Zed to 2026.1) and tried
// on a real Zed.
package openstack

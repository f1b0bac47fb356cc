// Package keeper asks OpenStack about labs and does what package lab decides. It stands between the two functions that
// know learners (launch-lab, view-lab) and the cloud, so that both start a lab in the same way.
//
// What a request needs to know travels in its ticket, a sealed value in the page: the keeper remembers nothing, and any
// instance can go on with what another began.
//
// No method deletes, and only Start changes anything.
package keeper

// Package keeper asks OpenStack about labs and does what package lab decides. It stands between the two functions that
// know learners (launch-lab, view-lab) and the cloud, so that both start a lab in the same way.
//
// What a request needs to know travels in its ticket, a sealed value in the page: the keeper remembers nothing but how long
// builds took, and any instance can go on with what another began.
//
// A look changes nothing. Start never deletes. What a person asks for (Extend, Suspend, Reset, End, and the same for a
// class) is done to the stack whose id the ticket holds, never to whatever has its name, and may be asked any number of
// times: a lab that was reset is not deleted again.
package keeper

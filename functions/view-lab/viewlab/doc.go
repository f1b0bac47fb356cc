// Package viewlab is the function view-lab: what a lab page asks for after it was launched.
//
// Every request carries the page's ticket, sealed by launch-lab or by an earlier answer; there is no cookie and nothing is
// remembered here. GET /status is one call to OpenStack and changes nothing, however often it is asked. POST /start is the
// only one that may create or wake up a lab, and it does what the launch itself does.
//
// Which call a status makes is in the address that the answer before it gave: the events while Heat is at work (they show
// the steps and the end), the stack once it is complete (it has the outputs).
package viewlab

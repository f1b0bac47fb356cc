// Package viewlab is the function view-lab: what a lab page asks for after it was launched, and the labs of a course for
// those who teach it.
//
// Every request carries a ticket, sealed by launch-lab or by an earlier answer; there is no cookie and nothing is remembered
// here but how long builds took. GET /status is one call to OpenStack and changes nothing, however often it is asked.
// POST /start does what the launch itself does. What a person may do to a lab (extend, suspend, reset, undo, end, check) is done to the
// stack whose id the ticket holds, and may be sent twice.
//
// Which call a status makes is in the address that the answer before it gave: the events while Heat is at work (they show
// the steps and the end), the stack once it is complete (it has the outputs).
//
// A lab's ticket opens no class, and a class's ticket no lab: they are sealed for different purposes.
package viewlab

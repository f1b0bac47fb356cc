// Package grades brings what learners earned in their labs to the course sites that they came from.
//
// Nothing is kept here. What a lab's checks said are signals at its wait condition (result-…), and so is what the course site
// took (sent-…) or refused for good (parked-…); where to send it is sealed into the lab at its making, together with whose
// lab it is. So whoever reads the stack knows what is due, and a process that dies between two calls is made up for by the
// next one that looks: it sends the same score once more. That changes nothing in the grade book: over LTI 1.3 the score
// carries the time of the result that made it, which the course site refuses the second time; over LTI 1.1 it replaces
// itself.
//
// Only better scores are sent. A lab that cannot be written to any more, because it goes to sleep or ends, leaves a grade
// that the course site did not take in a stack of its own, the outbox, which tend-labs empties.
//
// Who may call whom: Record is for what reports results (grade-lab, scripts that are run on the lab), Deliver for whoever
// has just read a lab that is up, Leave for whoever is about to put it to sleep or delete it, Outbox for tend-labs.
package grades

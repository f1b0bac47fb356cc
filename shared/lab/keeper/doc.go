// Package keeper asks OpenStack about labs and does what package lab decides. It stands between the functions that know
// learners (launch-lab, view-lab) and the clouds, so that all of them start a lab in the same way.
//
// What a request needs to know travels in its ticket, a sealed value in the page: the keeper remembers nothing but how long
// builds took, who waits in line and which labs answered, and any instance can go on with what another began.
//
// Everything begins with one look at all clouds (survey), which finds whatever the learner has by the tag owner= and, where
// the lab is kept ready-made, those that wait for somebody. Package lab sorts that out (lab.Gather), so that all who look agree
// on what counts: of several generations, of doubles, and of two clouds that raced.
//
//   - A look changes nothing.
//   - Start never deletes. It enters what is there, wakes it, takes a ready-made lab (package pool), or builds one in the first
//     cloud that has room, in its turn (package line).
//   - What a person asks for (Extend, Suspend, Reset, Undo, End, and the same for a class) may be asked any number of times. It
//     names what it wants absolutely: the second extension, the generation after this one. A request that is cut off between
//     any two calls is put right by the next one.
//   - A reset keeps the lab before it until the learner can have made up their mind.
package keeper

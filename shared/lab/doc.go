// Package lab is what we know about labs without asking anyone: whose a stack is, what its state means for the learner,
// and what to do about it at a launch.
//
// It is pure: values in, values out, no clock, no network, no configuration. Package keeper (below it) asks OpenStack and
// hands the answers in; launch-lab and view-lab show what comes out.
//
// Why the name is a hash: the stack's name is what makes two launches one lab (Heat refuses a second stack of a name, and
// where two came in at the same instant, all agree on the earliest), it is the only index we have, and it must not tell
// anyone who the learner is.
package lab

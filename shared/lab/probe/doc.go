// Package probe asks a lab whether it answers, before its learner is shown the way in.
//
// A request waits for the answer no longer than a part of a second. What takes longer goes on and is there for the next look.
// The address comes from the outputs of a stack, so it is not to be trusted: nothing of the answer but whether there was one
// goes any further.
package probe

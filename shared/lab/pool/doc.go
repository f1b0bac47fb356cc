// Package pool keeps labs ready-made and gives each of them to one learner.
//
// A ready-made lab is a stack with the tag warm=<lab> and no owner. Who wants it first takes its claim, a key pair in Nova
// that is named after the stack: of any number who ask at once exactly one gets it (measured: 20 at once, 10 of 10 rounds).
// Then the winner writes the owner into the stack's tags. A winner who dies in between leaves a claim without an owner:
// the same learner may go on with it for a while, nobody else ever, and in the end the lab is removed.
//
// Key pairs belong to a user, not to a project: all function hosts must log in as the same one.
package pool

// Package roster looks ahead at a whole class: whether the clouds have room for it, and its labs built before the learners
// come.
//
// Both ask Heat and keep nothing, so that they may be cut off, begun anew and run twice at once: what a class has is what a
// list of its stacks shows.
package roster

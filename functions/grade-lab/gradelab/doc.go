// Package gradelab is the function that labs report to. README.md beside this package has its route, what a lab sends and
// what it is answered.
//
// A lab proves itself by the address that it was given at its making, which names its stack. What it reports is written down
// at the stack before anything is sent to the course site, so that a death in between loses nothing: tend-labs looks at the
// same signals. Everything about grades is in shared/lab/grades; here is HTTP.
package gradelab

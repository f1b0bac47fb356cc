// Package checks runs a course's check scripts on its labs by SSH: the second kind of check, beside the results that labs report
// themselves. The machine has to show the host key that the lab's stack named; until it has, nothing is sent to it, not even who
// would log in.
//
// A script is any file that starts with #! and a program of the machine. It runs as the learner's user, in a folder of its own:
// exit code 0 is passed, and the last line on its standard error is the hint that learners are shown. The learner may be root on
// that machine: such a check sees what the machine shows, and is no witness in an exam.
package checks

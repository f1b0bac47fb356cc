// Package traffic is a class at work, as the functions see it from outside: learners who launch by LTI 1.1 and 1.3 with
// real signatures, their pages that ask how the lab is, heartbeats, an alarm, somebody who looks at the sites.
//
// It judges every answer: right, an honest refusal that says when to come back, or wrong. What it was told it remembers, so
// that it knows of each learner which lab must be there in the end.
//
// It goes to loopback addresses and nowhere else.
package traffic

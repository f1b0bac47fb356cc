package lab

import "strings"

// Do is what a launch does about the learner's stack.
type Do string

// What a launch may do. There is no delete among it: no launch ever removes a lab.
const (
	Create Do = "create" // there is none
	Wait   Do = "wait"   // Heat is at work on it
	Enter  Do = "enter"  // it is up
	Resume Do = "resume" // it sleeps
	Clear  Do = "clear"  // it is being deleted: wait, then create
	Help   Do = "help"   // it is broken: say so, staff decides
)

// Decision is what to do and why, for the log.
type Decision struct {
	Do  Do
	Why string
}

// Next decides what a launch does with the learner's stack; found is false if there is none.
//
// Acting in the wrong state is worse than not acting: Heat takes a suspend or resume of a stack IN_PROGRESS and of one
// that never slept with 200, and then leaves it in a FAILED state that only a delete ends (seen on Heat 19).
func Next(stack Stack, found bool) Decision {
	if !found {
		return Decision{Create, "no such stack"}
	}
	state := stack.Action + "_" + stack.Status
	switch {
	case state == "SUSPEND_COMPLETE":
		return Decision{Resume, state}
	case stack.Action == "DELETE" && stack.Status != "FAILED":
		return Decision{Clear, state}
	case stack.interrupted():
		return Decision{Wait, state + ", and is put to sleep again"}
	case state == "CREATE_FAILED", state == "RESUME_FAILED", state == "SUSPEND_FAILED", state == "DELETE_FAILED", state == "ROLLBACK_FAILED":
		return Decision{Help, state}
	case stack.Status == "IN_PROGRESS" && (stack.Action == "CREATE" || stack.Action == "RESUME" || stack.Action == "SUSPEND" || stack.Action == "INIT"):
		return Decision{Wait, state}
	}
	return Decision{Enter, state}
}

// interrupted says that Heat gave up putting the stack to sleep because a signal came in between. Nothing is broken, and a
// second suspend goes through (seen on Heat 19, in one of six suspends of a lab that signals all the time).
func (s Stack) interrupted() bool {
	return s.state() == "SUSPEND_FAILED" && strings.Contains(s.Reason, "is already being updated")
}

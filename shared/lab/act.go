package lab

import "time"

// Act is something that a learner, or course staff, may do to a lab.
type Act string

// The acts. Waking a lab up is none of them: that is what a start does.
const (
	ActExtend  Act = "extend"  // let it live longer
	ActSuspend Act = "suspend" // put it to sleep, keeping what is in it
	ActReset   Act = "reset"   // remove it and build it anew; of a lab that has ended: begin a new one
	ActEnd     Act = "end"     // remove it
	ActUndo    Act = "undo"    // go back to the lab as it was before the last reset
	ActCheck   Act = "check"   // look at once how the checks stand
)

// Patchable says whether the stack's tags may be changed. Heat refuses while it sleeps or is being deleted, and elsewhere
// an update is more than its tags: while Heat is at work it cuts that work off, and of a stack that failed, or whose check
// did, it makes anew what is broken, and a learner's machine with it (seen on Heat 19).
func (s Stack) Patchable() bool {
	return s.Status == "COMPLETE" && s.Action != "INIT" && s.Action != "SUSPEND" && s.Action != "DELETE"
}

// Removable says whether a delete comes to an end. Nova does not detach a volume from a suspended server, and Heat then
// waits until it gives up. Waking the lab and deleting it then would be a second step after the first is over, which
// nobody is there to take: so its owner is asked to wake it.
func (s Stack) Removable(e Entry) bool {
	return !e.Attached || s.Action != "SUSPEND" || s.Status == "FAILED"
}

// offer fills in what may be done to the stack now, in the order in which it is shown.
func (s *Status) offer(stack Stack, e Entry, now time.Time) {
	switch s.State {
	case Ready:
		if _, can := stack.Lease.Extend(e, stack.Created, now); can && stack.Patchable() {
			s.Actions = append(s.Actions, ActExtend)
		}
		if stack.Patchable() { // whatever may be updated may be suspended
			s.Actions = append(s.Actions, ActSuspend)
		}
		if len(e.Checks) > 0 {
			s.Actions = append(s.Actions, ActCheck)
		}
		s.Actions = append(s.Actions, ActReset, ActEnd)
	case Building, Resuming:
		if s.Reason == Slow {
			s.Actions = append(s.Actions, ActReset)
		}
		if s.Reason == Slow || s.State == Building {
			s.Actions = append(s.Actions, ActEnd)
		}
	case Suspended:
		if s.Reason != "" {
			return
		}
		if _, can := stack.Lease.Extend(e, stack.Created, now); can {
			s.Actions = append(s.Actions, ActExtend)
		}
		if stack.Removable(e) {
			s.Actions = append(s.Actions, ActReset, ActEnd)
		}
	case Broken:
		s.Actions = append(s.Actions, ActReset, ActEnd)
	case Gone:
		s.Actions = append(s.Actions, ActReset)
	case Starting, InLine:
	}
}

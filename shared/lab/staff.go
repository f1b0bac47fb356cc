package lab

import "time"

// Verdict says whether what course staff asked for is to be done to one lab of theirs.
type Verdict string

// The verdicts. Those of Never are no reason to ask again, those of Later are.
const (
	Now     Verdict = "now"
	Already Verdict = "already"
	Later   Verdict = "later"
	Never   Verdict = "never"
)

// Staff judges an act of course staff on one lab, whoever owns it. shown is when their page was drawn. With Now for an
// extension comes the lease to write down; both a reset and an end remove the lab, and its owner's page offers a new one.
func (s Stack) Staff(e Entry, act Act, shown, now time.Time) (Lease, Verdict) {
	leaving := s.Action == "DELETE" && s.Status != "FAILED"
	switch act {
	case ActReset, ActEnd:
		switch {
		case leaving:
			return s.Lease, Already
		case !s.Removable(e):
			return s.Lease, Never
		}
		return s.Lease, Now
	case ActExtend:
		lease, can, already := s.Lease.Give(e, s.Created, shown, now)
		switch {
		case already:
			return s.Lease, Already
		case !can, leaving:
			return s.Lease, Never
		case s.Patchable(), s.state() == "SUSPEND_COMPLETE": // asleep it goes into a note
			return lease, Now
		case s.Status == "IN_PROGRESS":
			return s.Lease, Later
		}
	case ActSuspend:
		switch {
		case s.Action == "SUSPEND" && s.Status != "FAILED":
			return s.Lease, Already
		case s.Patchable():
			return s.Lease, Now
		case s.Status == "IN_PROGRESS" && !leaving:
			return s.Lease, Later
		}
	case ActUndo, ActCheck: // not a matter of this stack alone: see Home
	}
	return s.Lease, Never
}

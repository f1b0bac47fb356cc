package lab

import (
	"slices"
	"time"
)

// Plan is what has to be done to an owner's stacks, in this order: Delete, each in its turn, then Resume, then Build. Each
// part may be done again, and whoever is cut off in between leaves nothing that the next one does not put right.
type Plan struct {
	Delete []Held
	Resume *Held
	// Create is the generation to build, if Build says so.
	Create int
	Build  bool
	// Follow is what the page goes on with; nil: what is built, or, without that, nothing is left.
	Follow *Held
	// Wake is what has to be awake before it can be deleted: nothing else is planned.
	Wake *Held
	// Refused says why nothing is done.
	Refused Reason
	Why     string // for the log
}

// Reset plans a new lab in place of the one of generation from, whose page asks: absolutely, so that asked twice it is one.
// What can still be used is kept to go back to, and no more than that.
func (h Home) Reset(from int, e Entry) Plan {
	for _, s := range []*Held{h.Next, h.Current} {
		if s != nil && s.Gen() > from {
			return Plan{Follow: s, Why: "asked before"}
		}
	}
	plan := Plan{Build: true, Create: max(from, h.newest()) + 1, Delete: slices.Clone(h.Spare), Why: "built beside the old one"}
	if h.Current == nil {
		plan.Why = "there is none"
		return plan
	}
	if h.Next != nil {
		plan.Delete, plan.Why = append(plan.Delete, *h.Next), "in place of the one that did not come up"
		return plan
	}
	if !h.Current.Stack.proven() {
		plan.Delete, plan.Why = append(plan.Delete, *h.Current), "nothing to go back to"
		return plan
	}
	if !h.Current.Stack.Removable(e) { // nobody could delete it when the time to go back to it is over
		return Plan{Wake: h.Current, Why: "asleep with volumes"}
	}
	if h.Previous != nil {
		plan.Delete = append(plan.Delete, *h.Previous)
	}
	return awake(plan, e)
}

// Undo plans the way back to the generation keep: whatever came after it is deleted.
func (h Home) Undo(keep int, e Entry, now time.Time) Plan {
	switch {
	case h.Current != nil && h.Current.Gen() == keep:
		plan := Plan{Follow: h.Current, Why: "asked before"}
		if h.Next != nil {
			plan.Delete, plan.Why = []Held{*h.Next}, "nothing has taken its place yet"
		}
		return rouse(plan)
	case h.Previous != nil && h.Previous.Gen() == keep && h.Previous.Stack.Usable() && now.Before(h.keptUntil(e)):
		return rouse(awake(Plan{Delete: []Held{*h.Current}, Follow: h.Previous, Why: "back to the one before"}, e))
	}
	return Plan{Refused: UndoOver, Follow: h.Current, Why: "it is not there any more"}
}

// End plans the removal of the lab of that id, and with it of everything that the owner has: the current one last, since
// what would be left of a removal that is cut off must not be an older one.
func (h Home) End(id string, e Entry) Plan {
	at := h.Find(id)
	switch at {
	case nil:
		return Plan{Why: "it is gone"}
	case h.Previous:
		return Plan{Delete: []Held{*at}, Follow: h.Current, Why: "an older one"}
	}
	plan := Plan{Why: "asked for"}
	if h.Previous != nil {
		plan.Delete = append(plan.Delete, *h.Previous)
	}
	plan.Delete = append(plan.Delete, h.Spare...)
	if h.Next != nil {
		plan.Delete = append(plan.Delete, *h.Next)
	}
	plan.Delete = append(plan.Delete, *h.Current)
	return awake(plan, e)
}

// awake is the plan, or, if it deletes what cannot be deleted asleep, the one to wake that first.
func awake(plan Plan, e Entry) Plan {
	for _, s := range plan.Delete {
		if !s.Stack.Removable(e) {
			return Plan{Wake: &s, Why: "asleep with volumes"}
		}
	}
	return plan
}

// rouse wakes what the plan goes on with.
func rouse(plan Plan) Plan {
	if plan.Wake == nil && plan.Follow != nil && plan.Follow.Stack.state() == "SUSPEND_COMPLETE" {
		plan.Resume = plan.Follow
	}
	return plan
}

// Launch is what a launch does, and it does it to Current if there is one.
func (h Home) Launch() Decision {
	switch {
	case h.Current != nil:
		return Next(h.Current.Stack, true)
	case len(h.Leaving) > 0:
		return Decision{Clear, h.Leaving[0].Stack.state()}
	}
	return Next(Stack{}, false)
}

// WayBack is the way back from the last reset; nil: there is none.
func (h Home) WayBack(e Entry, now time.Time) *Undo {
	switch {
	case h.Current == nil:
	case h.Next != nil && h.Current.Stack.Usable():
		return &Undo{Gen: h.Current.Gen(), Until: h.Next.Since().Add(e.BuildTimeout + e.Grace)}
	case h.Previous != nil && h.Previous.Stack.Usable():
		if until := h.keptUntil(e); now.Before(until) {
			return &Undo{Gen: h.Previous.Gen(), Until: until}
		}
	}
	return nil
}

// keptUntil is until when Previous is kept: for the grace time after Current had its time to be built, and not beyond its
// own end.
func (h Home) keptUntil(e Entry) time.Time {
	until := h.Current.Since().Add(e.BuildTimeout + e.Grace)
	if end := h.end(*h.Previous, e); !end.IsZero() && end.Before(until) {
		return end
	}
	return until
}

// end is until when one of the owner's stacks may live; zero: no limit.
func (h Home) end(s Held, e Entry) time.Time {
	since := s.Since()
	return e.In(Tagged(s.Tags, tenantTag), Tagged(s.Tags, contextTag), since).capped(since, h.LeaseOf(s).Until)
}

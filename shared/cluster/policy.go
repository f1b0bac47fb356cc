package cluster

import (
	"fmt"
	"math"
	"time"
)

// Policy is what an operator has set for a cluster beside its bounds and cooldowns. The zero value sets nothing.
type Policy struct {
	// StepsOut and StepsIn make the step depend on the measure (N13).
	StepsOut, StepsIn []Step
	// MaxStep bounds one step; 0 for no bound.
	MaxStep int
	// MaxInPercent is how much of the cluster one step may take away, though always one node; 0 for no bound (N9).
	MaxInPercent int
	// StepsPerHour bounds how often alarms change the size; 0 for no bound (N9). The memory holds 16 decisions, so more
	// than 15 bound nothing.
	StepsPerHour int
	// Window is how long a wish for more nodes keeps an alarm from taking some away, even if it could not be met (F4).
	Window time.Duration
	// Ready is how long the nodes of a growth may take to come into service; until they have, alarms neither add nor
	// remove any (N7). 0 waits for nobody.
	Ready time.Duration
	// HealthyPercent is the part of the nodes that must be in service for an alarm to remove any (F13); 0 for none.
	HealthyPercent int
	// Drain is how long a node gets no new connections before it is removed; 0 removes it at once.
	Drain time.Duration
	// Sticky is how long a node of a pool that keeps clients at their members may be sent those it knows, before it gets
	// nothing more (N6). 0 and Drain or more never end that before the removal.
	Sticky time.Duration
	// Sessions says that nodes are asked how many sessions they have left: one that has none, and has been on its way out
	// for DrainMin, is removed before its time.
	Sessions bool
	DrainMin time.Duration
	// Hook says that somebody is asked before a drained node is removed, which waits for their word until HookDeadline
	// after the end of its drain (F11).
	Hook         bool
	HookDeadline time.Duration
	// Keep is how long a request that comes while it cannot be met is kept, to be made later (N4); 0 keeps none.
	Keep time.Duration
	// NodeHours bounds how much an alarm may let the cluster use within 24 hours (N20); 0 for no bound.
	NodeHours int
	// Stuck is how long Heat may be at work on one update; 0 for as long as it likes. An engine that dies leaves its update
	// IN_PROGRESS for ever (seen on Zed: heat/engine/service.py reset_stack_status passes such stacks over).
	Stuck time.Duration
	// NewestFirst lets the newest node go first, not the oldest.
	NewestFirst bool
	// Schedules change the bounds at certain times; the first that applies counts (N12).
	Schedules []Schedule
}

// DefaultStuck is longer than Heat itself gives an update (stack_action_timeout, an hour): while an engine lives that
// works on it, it does not come to that.
const DefaultStuck = 65 * time.Minute

// Step is the size of a step from one value on.
type Step struct {
	At float64
	By int
}

// Pause holds alarms back; people may still say a size, or use force.
type Pause struct{ All, In, Out bool }

// step is how many nodes a request adds or removes.
func (s State) step(r Request) int {
	switch {
	case len(r.Nodes) > 0:
		return len(r.Nodes)
	case r.rest > 0:
		return r.rest
	case r.Percent != nil:
		return Share(s.size(), *r.Percent, r.MinStep)
	case r.By > 0:
		return min(r.By, math.MaxInt32)
	}
	by := 1
	if r.Value == nil {
		return by
	}
	best := math.Inf(-1)
	for _, step := range s.Policy.StepsOut {
		if r.Op == OpOut && *r.Value >= step.At && step.At > best {
			best, by = step.At, step.By
		}
	}
	best = math.Inf(1)
	for _, step := range s.Policy.StepsIn {
		if r.Op == OpIn && *r.Value <= step.At && step.At < best {
			best, by = step.At, step.By
		}
	}
	return by
}

// Share is the step that a part of a size makes, as Heat counts it (heat/scaling/scalingutil.py calculate_new_capacity):
// less than one node is one, and a part of a node beyond that is none; least is the smallest step. Unlike Heat, which takes
// the least step then, 0 percent is no step. size, percent and least are 0 or more.
func Share(size, percent, least int) int {
	if percent <= 0 {
		return 0
	}
	// What no cluster has is cut off before it is multiplied, so that a product of two always fits.
	parts := int64(min(size, math.MaxInt32)) * int64(min(percent, math.MaxInt32))
	step := parts / 100
	if parts > 0 {
		step = max(1, step)
	}
	return int(min(max(step, int64(least)), math.MaxInt32))
}

// wanted is the size a request would like, in whole and sane numbers.
func wanted(s State, r Request) int {
	switch r.Op {
	case OpOut:
		return s.size() + s.step(r)
	case OpIn:
		return max(0, s.size()-s.step(r))
	case OpReplace, OpPause, OpResume:
		return s.size()
	case OpSet, OpPass, OpSite, OpOutside, OpNone:
	}
	return r.To
}

// bounds is the state with the bounds that hold now and for this caller, and what the time says of its last growth.
func (s State) bounds(r Request, now time.Time) State {
	s.Min, s.Max, s.schedule = s.Bounds(now)
	s.Min = max(s.Min, r.Min)
	if r.Max > 0 {
		s.Max = min(s.Max, r.Max)
	}
	s.late = s.Nodes != nil && s.grew() && s.Policy.Ready > 0 && until(at(s.Memory.Out), s.Policy.Ready, now) == 0 && s.unserving() > 0
	return s
}

// because names the schedule that the bounds come from.
func (s State) because() string {
	if s.schedule == "" {
		return ""
	}
	return " (" + s.schedule + ")"
}

// trimmed keeps a wish within all limits of size, and says which of them it met. It never lets a wish turn around: "out"
// does not shrink a cluster that is above its bound, nor "in" grow one that is below.
func (s State) trimmed(r Request, asked int) (int, []string) {
	to, size := asked, s.size()
	var why []string
	limit := func(bound int, reason string, args ...any) {
		to = bound
		why = append(why, fmt.Sprintf(reason, args...))
	}
	p := s.Policy
	if alarms := r.Op != OpSet; alarms {
		if p.MaxStep > 0 && to > size+p.MaxStep {
			limit(size+p.MaxStep, "one step is at most %d", p.MaxStep)
		}
		if p.MaxStep > 0 && to < size-p.MaxStep {
			limit(size-p.MaxStep, "one step is at most %d", p.MaxStep)
		}
		if most := max(1, size*p.MaxInPercent/100); p.MaxInPercent > 0 && to < size-most {
			limit(size-most, "at most %d %% of the nodes go at once", p.MaxInPercent)
		}
	}
	if bounded := min(max(to, s.Min), s.Max); bounded != to {
		limit(bounded, "its bounds are %d and %d%s", s.Min, s.Max, s.because())
	}
	if room := s.room(); to-size > room { // a sum might not hold a room without bounds
		limit(size+room, "%s has room for %d more", s.theQuota(), room)
	}
	if (r.Op == OpOut && to < size) || (r.Op == OpIn && to > size) {
		return size, why
	}
	return to, why
}

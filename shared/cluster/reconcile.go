package cluster

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Reconcile says what a cluster needs of itself, without anybody asking for a size: the next step of what was begun, and
// no more than one a pass. It may be asked as often as one likes, and be cut off anywhere.
func Reconcile(s State, r Request, now time.Time) Decision {
	return reconcile(s, r, now).marked(s, r, now)
}

func reconcile(s State, r Request, now time.Time) Decision {
	r.Op = OpPass
	s = s.bounds(r, now)
	d := Decision{Op: OpPass, Asked: s.size(), From: s.size(), To: s.size(), DryRun: r.DryRun, Ring: s.Memory.Ring}
	if s.Action == "DELETE" || s.Action == "SUSPEND" || (s.Action == "RESUME" && s.Status == "FAILED") {
		return d.notScalable()
	}
	if s.Stuck(now) {
		d.Code, d.Reason = Repaired, fmt.Sprintf("OpenStack has been at work on the last update for more than %s, which it never ends; the update is sent again.", s.Policy.Stuck)
		return d.again(s, r, now)
	}
	if s.Status == "IN_PROGRESS" {
		return d.busy()
	}
	if d, wrong := d.checkVictims(s, r, now); wrong {
		return d
	}
	switch {
	case s.Memory.Halt != "":
		return d.say(Halted, 0, "Scaling of this cluster was stopped: "+s.Memory.Halt+". Look at the cluster, then say a size or use force.")
	case s.Status == "FAILED":
		return d.repair(s, r, now)
	case s.Pause.All:
		return d.say(Paused, 0, "Scaling of this cluster is paused; nothing was changed.")
	case s.size() < s.Min:
		return d.raise(s, r, now)
	}
	if d, acts := d.leave(s, r, now); acts {
		return d
	}
	return d.steady(s, now)
}

// NeedsPass says whether something may be due that no request asks for.
func (p Policy) NeedsPass() bool { return p.Drain > 0 || len(p.Schedules) > 0 }

// repair sends a failed update again (N16), after the time that its failures have earned, or at once if a person says so.
func (d Decision) repair(s State, r Request, now time.Time) Decision {
	if s.BalancerBroken {
		return d.lbBroken() // it would fail again, and leave one more failure behind
	}
	n := max(1, s.Memory.Fails)
	if left := until(at(s.Memory.At), min(firstBackOff<<min(n-1, 8), lastBackOff), now); left > 0 && !r.Force {
		return d.say(BackOff, left, fmt.Sprintf("The last update failed. It is tried again in %s.", left))
	}
	d.Code, d.Reason = Repaired, "The last update failed, and is tried again."
	if s.Memory.Fails > 0 {
		d = d.anew(s)
	}
	return d.again(s, r, now)
}

// anew gives up the nodes that an update failed to make more than once, so that others are made in their place: what hindered
// one may stay with its name. If Heat's engine dies when Nova has begun a server and before that is written down, the server
// keeps the node's port, and each further try gets 409 "Port … is still in use".
func (d Decision) anew(s State) Decision {
	d.needsNodes = true
	for _, n := range s.Nodes {
		if n.Server == "" {
			d.Victims = append(d.Victims, n.Name)
		}
	}
	if len(d.Victims) > 0 {
		d.Reason = "The last update failed again. What it could not make is given up and made under new names: " + shorten(strings.Join(d.Victims, ", ")) + "."
	}
	return d
}

// again is the last update once more, the nodes that it was to remove included: Heat may not have come to that.
func (d Decision) again(s State, r Request, now time.Time) Decision {
	kept := slices.Clone(s.Memory.Kept)
	d = d.write(s, r, s.Count, now)
	if d.Patch == nil || len(kept) == 0 || s.Memory.To != s.Count {
		return d
	}
	memory, _ := Remember(d.Patch.State)
	// The repeated removal is looked at as the first one would have been.
	memory.Kept = slices.DeleteFunc(kept, func(name string) bool { return slices.Contains(d.Victims, name) })
	d.Patch.State = memory.String()
	return d
}

// Stuck says that Heat has been at work for longer than it may, so that nobody will end what it does.
func (s State) Stuck(now time.Time) bool {
	return s.Status == "IN_PROGRESS" && s.Policy.Stuck > 0 && !s.Since.IsZero() && now.Sub(s.Since) > s.Policy.Stuck
}

// removal are the names that an update gives Heat: the victims, and those of an update that did not come to its end. Heat
// remembers names for ever, so to name one twice is to name it once.
func (s State) removal(victims []string) []string {
	names := append([]string{}, victims...)
	if s.Status != "COMPLETE" {
		for _, name := range s.Removal {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// raise brings a cluster up to its lower bound, which a schedule may have moved (N12).
func (d Decision) raise(s State, r Request, now time.Time) Decision {
	to := s.size() + min(s.Min-s.size(), s.room())
	d.Asked = s.Min
	switch {
	case to == s.size():
		return d.standstill(s, r)
	case len(s.draining()) > 0:
		return d.undrain(s, r, to-s.size(), now).orDry(r)
	}
	d.To, d.Code = to, Scaled
	d.Reason = fmt.Sprintf("The cluster goes from %s to %d: its lower bound is %d%s.", nodes(d.From), to, s.Min, s.because())
	return d.write(s, r, s.Count-s.size()+to, now)
}

// write is the decision with its patch.
func (d Decision) write(s State, r Request, count int, now time.Time) Decision {
	if r.DryRun {
		return d
	}
	memory := s.saw(s.Memory.Record(OpPass, s.Count, count, d.Code, r.Who, r.Token, now), d.Victims, now)
	memory.Gen = max(memory.Gen, r.Gen)
	memory.Fails = s.failures()
	if d.Code == Repaired {
		memory.Fails = s.Memory.Fails + 1
	}
	memory.Kept = s.kept(d.Victims)
	memory.Halt = s.Memory.Halt
	d.Ring = memory.Ring
	d.Patch = &Patch{Count: count, Removal: s.removal(d.Victims), State: memory.String()}
	return d
}

// kept are the nodes that stay when some are removed, for checkVictims; nil if none is, or not all are known.
func (s State) kept(gone []string) []string {
	if len(gone) == 0 || len(s.Nodes) != s.Count {
		return nil
	}
	names := nodeNames(s.Nodes)
	slices.Sort(names)
	return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(gone, name) })
}

// checkVictims looks, when a removal is over, whether all the nodes are there that it was to leave (N17). If not, the
// group was changed in a way we do not understand, and nothing more is removed before somebody has looked.
func (d Decision) checkVictims(s State, r Request, now time.Time) (Decision, bool) {
	m := s.Memory
	if len(m.Kept) == 0 || m.Halt != "" || m.To != s.Count || s.Status != "COMPLETE" || s.Nodes == nil {
		return d, false
	}
	missing := slices.DeleteFunc(slices.Clone(m.Kept), func(name string) bool {
		return slices.ContainsFunc(s.Nodes, func(n Node) bool { return n.Name == name })
	})
	if len(missing) == 0 {
		return d, false
	}
	s.Memory.Halt = "the last removal took other nodes than it was told, among them " + shorten(strings.Join(missing, ", "))
	d = d.say(WrongVictim, 0, "Scaling of this cluster is stopped: "+s.Memory.Halt+". Look at the cluster, then say a size or use force.")
	return d.write(s, r, s.Count, now), true
}

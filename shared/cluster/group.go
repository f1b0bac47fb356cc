package cluster

import (
	"fmt"
	"slices"
	"time"
)

// A group that is an OS::Heat::AutoScalingGroup takes no names of nodes to remove. One that becomes smaller loses its members
// that failed, and then the oldest (heat/common/grouputils.py, sort_key); one that failed and is not lost is made anew by any
// update (heat/engine/resources/stack_resource.py, _needs_update). So a node that is to go is marked as unhealthy, and then
// the update is sent: two requests, between which the sender may die. Marks are therefore absolute, as sizes are: before an
// update they are made to be on its own victims and on nobody else. A mark that is younger than markLife may be of somebody
// who is about to send an update, and is waited for; a pass takes back what is older.

// markLife is longer than any request takes.
const markLife = 2 * time.Minute

// GroupMember is a member of an AutoScalingGroup, as the group's own stack lists it.
type GroupMember struct {
	Name   string
	Failed bool
	// Marked is when we marked it; zero if we did not.
	Marked time.Time
}

// Mark is to be put on a member of an AutoScalingGroup, or to be taken back.
type Mark struct {
	Node      string `json:"node"`
	Unhealthy bool   `json:"unhealthy"`
}

// Grouped is the state of a cluster whose group has these members. Of one that failed the stack may put out nothing.
func (s State) Grouped(members []GroupMember) State {
	s.Group, s.Removal = members, nil
	for _, m := range members {
		if !m.Marked.IsZero() {
			s.Removal = append(s.Removal, m.Name)
		}
		if s.Nodes != nil && !slices.ContainsFunc(s.Nodes, func(n Node) bool { return n.Name == m.Name }) {
			s.Nodes = append(slices.Clip(s.Nodes), Node{Name: m.Name})
		}
	}
	return s
}

// marked is the decision with the marks that its update needs, or that nobody needs any more.
func (d Decision) marked(s State, r Request, now time.Time) Decision {
	switch {
	case s.Group == nil || r.DryRun:
		return d
	case d.Patch == nil:
		return d.unmarked(s, now)
	}
	named, shrinks := d.Patch.Removal, d.Patch.Count < s.Count
	if d.Patch.Tags != nil {
		named, shrinks = s.removal(nil), false
	}
	for _, m := range s.Group {
		goes := slices.Contains(named, m.Name)
		switch ours := !m.Marked.IsZero(); {
		case goes && !ours:
			d.Marks = append(d.Marks, Mark{m.Name, true})
		case goes || !m.Failed:
		case ours && until(m.Marked, markLife, now) > 0:
			return d.Refuse(Busy, s.Memory)
		case ours:
			d.Marks = append(d.Marks, Mark{m.Name, false})
		case shrinks && len(named) > 0:
			return d.Refuse(Busy, s.Memory).say(Unhealthy, 0, fmt.Sprintf("Node %s failed, and would be removed in place of another that was chosen; nothing was changed. Replace it first.", m.Name))
		}
	}
	if len(d.Victims) > 0 {
		d.Reason += " The group is an AutoScalingGroup, whose nodes are marked by requests of their own before the update; if that is not made, the next passes take the marks back."
	}
	return d
}

// unmarked takes marks back that nobody followed up, if a pass finds nothing else to do: any update would make those nodes anew.
func (d Decision) unmarked(s State, now time.Time) Decision {
	idle := d.Code == Steady || d.Code == Paused || d.Code == Halted
	if d.Op != OpPass || s.Status != "COMPLETE" || !idle {
		return d
	}
	var names []string
	for _, m := range s.Group {
		if !m.Marked.IsZero() && until(m.Marked, markLife, now) == 0 {
			d.Marks = append(d.Marks, Mark{m.Name, false})
			names = append(names, m.Name)
		}
	}
	if len(names) == 0 {
		return d
	}
	return d.say(Repaired, 0, "An earlier change was cut off before its update was sent: "+listed(names)+" was marked to go, and is not any more.")
}

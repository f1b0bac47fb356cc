package cluster

import (
	"fmt"
	"slices"
	"time"
)

// A replacement is an update of the same count that names its victim: Heat then makes a node of a new name and takes the
// victim away, in the one update (heat/engine/resources/openstack/heat/resource_group.py). The two go on side by side, so the
// victim may be gone before the new node serves.

// replace is the decision to have Heat make a node anew (F12): the one a person named, or of those an alarm named, or of all
// of them, the worst that is broken now. One goes at a time, and an alarm waits as it does for a growth.
func (d Decision) replace(s State, r Request, now time.Time) Decision {
	victim, found := s.toReplace(r)
	if !found {
		return d.say(Unchanged, 0, "None of the nodes in question is broken, or in the cluster any more; nothing was changed.")
	}
	if s.room() < 1 {
		return d.say(NoQuota, 0, fmt.Sprintf("A node is made beside the one to be replaced, and %s has no room for it; nothing was changed. Ask the operator to raise it.", s.theQuota()))
	}
	if d, held := d.holdReplace(s, r, now); held {
		return d
	}
	if serving := s.serving(); victim.serves() && serving <= s.Min {
		return d.say(Unhealthy, 0, fmt.Sprintf("Only %s in service, and %d must be; node %s still is, and is not replaced. Add a node first.", areNodes(serving), s.Min, victim.Name))
	}
	d.Victims = []string{victim.Name}
	d = d.say(Replaced, 0, fmt.Sprintf("Node %s is replaced by a new one.", victim.Name))
	if r.DryRun {
		return d
	}
	memory := s.Memory.Record(OpReplace, s.Count, s.Count, d.Code, r.Who, r.Token, now).sawBy(r, now)
	memory.Gen = max(memory.Gen, r.Gen)
	memory.Fails = s.failures()
	memory.Kept = s.kept(d.Victims)
	memory.Swap = now.Unix()
	d.Ring = memory.Ring
	d.Patch = &Patch{Count: s.Count, Removal: s.removal(d.Victims), State: memory.String()}
	return d
}

// toReplace is the node that goes. What is said of nodes is looked at again: an alarm is as old as its last measure. A node
// on its way out is not worth replacing.
func (s State) toReplace(r Request) (Node, bool) {
	onTheWay := s.draining()
	choice := slices.DeleteFunc(slices.Clone(s.Nodes), func(n Node) bool {
		leaving := slices.ContainsFunc(onTheWay, func(d Node) bool { return d.Name == n.Name })
		named := slices.ContainsFunc(r.Nodes, n.is)
		return leaving || len(r.Nodes) > 0 && !named || !n.broken() && (!r.Person || !named)
	})
	chosen := Victims(choice, 1, s.Policy.NewestFirst)
	if len(chosen) == 0 {
		return Node{}, false
	}
	return chosen[0], true
}

// broken says that the node gets no traffic, and will not by itself: it has no server, is not in the pool, or the pool's monitor
// gave it up.
func (n Node) broken() bool { return n.rank() < 2 }

// holdReplace is the answer to an alarm that has to wait before a node is replaced.
func (d Decision) holdReplace(s State, r Request, now time.Time) (Decision, bool) {
	if r.Force {
		return d, false
	}
	if s.Pause.All || s.Pause.In || s.Pause.Out {
		return d.say(Paused, 0, "Scaling of this cluster is paused; nothing was changed. Take the tag off its stack, or use force."), true
	}
	if s.Memory.Halt != "" {
		return d.say(Halted, 0, "Scaling of this cluster was stopped: "+s.Memory.Halt+". Look at the cluster, then say a size or use force."), true
	}
	last := latest(s.lastOut(), at(s.Memory.Swap))
	if left := until(last, s.CooldownOut, now); left > 0 {
		return d.wait(Cooldown, left, fmt.Sprintf("The last new node is too recent; nothing was changed. A node may be replaced in %s.", left))
	}
	if left := s.rate(now); left > 0 {
		return d.wait(RateLimited, left, fmt.Sprintf("The cluster was changed %d times within an hour, which is its limit; nothing was changed.", s.Policy.StepsPerHour))
	}
	if left := s.backOff(now); left > 0 {
		return d.wait(BackOff, left, fmt.Sprintf("The last new node could not be made; nothing was changed. The next try may be in %s.", left))
	}
	if healthy := s.serving(); !r.Person && healthy*100 < s.Policy.HealthyPercent*s.size() {
		// When this many are broken, it is hardly the nodes' fault, and new ones would be broken too.
		return d.say(Unhealthy, busyRetry, fmt.Sprintf("Only %d of %s in service, less than %d %%; none is replaced now.", healthy, areNodes(s.size()), s.Policy.HealthyPercent)), true
	}
	return d, false
}

package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Back-off after a growth that failed: as long as the first, twice as long after each further one.
const (
	firstBackOff = 5 * time.Minute
	lastBackOff  = 30 * time.Minute
)

// hold is the answer to an alarm that has to wait, whatever it is for. Who named a size, or used force, has decided.
func (d Decision) hold(s State, r Request, to int, now time.Time) (Decision, bool) {
	if r.Force || r.Op == OpSet {
		return d, false
	}
	grows := to > d.From
	if s.Pause.All || s.Pause.In && !grows || s.Pause.Out && grows {
		return d.say(Paused, 0, "Scaling of this cluster is paused; nothing was changed. Take the tag off its stack, or use force."), true
	}
	if s.Memory.Halt != "" {
		return d.say(Halted, 0, "Scaling of this cluster was stopped: "+s.Memory.Halt+". Look at the cluster, then say a size or use force."), true
	}
	if r.rest == 0 { // what it began itself is nothing that a request has to wait for
		if d, held := d.recent(s, r, now); held {
			return d, true
		}
	}
	if grows {
		if left := s.backOff(now); left > 0 {
			return d.wait(BackOff, left, fmt.Sprintf("The last growth failed, or its nodes never came into service; nothing was changed. The next try may be in %s.", left))
		}
		return d.spent(s, now)
	}
	if s.Rival {
		return d.wait(Stabilizing, busyRetry, "More nodes were asked for at the same time, and that goes before; nothing was changed.")
	}
	if left := until(latest(s.Wanted, s.lastOut()), s.Policy.Window, now); left > 0 {
		return d.wait(Stabilizing, left, fmt.Sprintf("More nodes were asked for a short time ago; nothing was changed. The cluster may shrink in %s.", left))
	}
	return d.unhealthy(s, grows)
}

// recent holds a request back for the changes before it, which must be seen to work.
func (d Decision) recent(s State, r Request, now time.Time) (Decision, bool) {
	if left := s.cooldown(r, now); left > 0 {
		return d.wait(Cooldown, left, fmt.Sprintf("The last change is too recent; nothing was changed. The cluster may scale %s again in %s.", r.Op, left))
	}
	if left := s.rate(now); left > 0 {
		return d.wait(RateLimited, left, fmt.Sprintf("The cluster was changed %d times within an hour, which is its limit; nothing was changed.", s.Policy.StepsPerHour))
	}
	if unready := s.unready(now); unready > 0 {
		return d.wait(NotReady, busyRetry, areNodes(unready)+" not in service yet since the last growth; nothing was changed.")
	}
	return d, false
}

// unhealthy holds a removal back while too few nodes are in service (F13).
func (d Decision) unhealthy(s State, grows bool) (Decision, bool) {
	if healthy := s.serving(); !grows && s.Nodes != nil && healthy*100 < s.Policy.HealthyPercent*s.size() {
		return d.say(Unhealthy, busyRetry, fmt.Sprintf("Only %d of %s in service, less than %d %%; none is removed now.", healthy, areNodes(s.size()), s.Policy.HealthyPercent)), true
	}
	return d, false
}

func (d Decision) wait(code Code, left time.Duration, reason string) (Decision, bool) {
	return d.say(code, left, reason), true
}

// cooldown is how long the request has to wait for the last change (F3). In after out has no length of its own: Policy.Window
// is that, as it counts from the last growth and from each later wish for one.
func (s State) cooldown(r Request, now time.Time) time.Duration {
	if r.Op == OpOut {
		return until(s.lastOut(), s.CooldownOut, now)
	}
	return until(s.lastChange(), s.CooldownIn, now)
}

// lastOut is when the cluster last got more, lastChange when it last got more or less: when that was sent, or, as it takes
// its time, when Heat was last seen at work on it (F3).
func (s State) lastOut() time.Time {
	last := at(s.Memory.Out)
	if s.Memory.Out == s.Memory.At && !last.IsZero() {
		last = latest(last, s.Worked)
	}
	return latest(last, s.lastUndrain())
}

func (s State) lastChange() time.Time {
	last := latest(at(s.Memory.In), s.lastDrain())
	if s.Memory.In == s.Memory.At && s.Memory.In != 0 {
		last = latest(last, s.Worked)
	}
	return latest(s.lastOut(), last)
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Next is when an alarm may make the cluster grow and shrink again; nil if it may now.
func (s State) Next(now time.Time) (out, in *time.Time) {
	if last := s.lastOut(); until(last, s.CooldownOut, now) > 0 {
		t := last.Add(s.CooldownOut)
		out = &t
	}
	if last := s.lastChange(); until(last, s.CooldownIn, now) > 0 {
		t := last.Add(s.CooldownIn)
		in = &t
	}
	return out, in
}

// rate is how long it is until the changes of the last hour are fewer than the policy allows.
func (s State) rate(now time.Time) time.Duration {
	var steps []Entry
	for _, e := range s.Memory.Ring {
		if (e.Op == OpOut || e.Op == OpIn || e.Op == OpReplace) && until(at(e.At), time.Hour, now) > 0 {
			steps = append(steps, e)
		}
	}
	if s.Policy.StepsPerHour == 0 || len(steps) < s.Policy.StepsPerHour {
		return 0
	}
	return until(at(steps[len(steps)-s.Policy.StepsPerHour].At), time.Hour, now)
}

// unready is how many nodes of the last growth are still to come into service, while they have time to.
func (s State) unready(now time.Time) int {
	if s.Nodes == nil || until(at(s.Memory.Out), s.Policy.Ready, now) == 0 {
		return 0
	}
	return s.unserving()
}

// grew says that the last decision was a growth, and that the cluster still has its size.
func (s State) grew() bool { return s.Memory.To > s.Memory.From && s.Memory.To == s.Count }

// unserving is how many nodes of the last growth are not in service: Heat counts up, so they are the last ones. After
// another change nobody knows which they were, and all count.
func (s State) unserving() int {
	if !s.grew() {
		return max(0, s.size()-s.serving())
	}
	nodes := slices.SortedFunc(slices.Values(s.Nodes), func(a, b Node) int { return cmp.Or(byAge(b, a), cmp.Compare(a.Name, b.Name)) })
	missing := max(0, s.Count-len(nodes))
	grown := nodes[:min(max(0, s.Memory.To-s.Memory.From-missing), len(nodes))]
	waiting := slices.DeleteFunc(slices.Clone(grown), func(n Node) bool {
		_, leaving := n.drain()
		return n.serves() || leaving && s.drains()
	})
	return missing + len(waiting)
}

// backOff is how long to wait after a growth that failed, or whose nodes did not come into service in time.
func (s State) backOff(now time.Time) time.Duration {
	n := s.failures()
	if n == 0 {
		return 0
	}
	since := latest(at(s.Memory.Out), at(s.Memory.Swap))
	if s.Status != "FAILED" {
		since = since.Add(s.Policy.Ready)
	}
	return until(since, min(firstBackOff<<min(n-1, 8), lastBackOff), now)
}

// failures is how many growths have failed one after another, the last one included if that is what it did.
func (s State) failures() int {
	switch {
	case s.Status != "FAILED" && !s.late:
		return 0
	case s.grew(), s.Memory.Op == OpReplace && s.Memory.To == s.Count:
		return s.Memory.Fails + 1
	}
	return s.Memory.Fails
}

// until is what is left of a time that began then.
func until(since time.Time, length time.Duration, now time.Time) time.Duration {
	if since.IsZero() {
		return 0
	}
	return max(0, since.Add(length).Sub(now)).Round(time.Second)
}

func at(unix int64) time.Time {
	if unix == 0 {
		return time.Time{}
	}
	return time.Unix(unix, 0).UTC()
}

func areNodes(n int) string {
	if n == 1 {
		return "1 node is"
	}
	return fmt.Sprintf("%d nodes are", n)
}

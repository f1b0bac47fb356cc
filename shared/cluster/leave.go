package cluster

import (
	"fmt"
	"slices"
	"time"
)

// A drain has up to two phases. Weight 0 keeps new clients away, and with most pools that is all. A pool with session
// persistence goes on sending a node the clients it knows (HAProxy does, whatever the weight), so there the member is taken
// out of service as a whole after a while: its clients move to other nodes while the requests under way may still end.

// Ask is a node whose hook has to agree before the node is removed (F11).
type Ask struct {
	Node, Server, Address string
	// Since is when its drain began. It is removed at Deadline, whatever the hook says.
	Since, Deadline time.Time
}

// TwoPhases says whether it matters that a pool keeps clients at their members.
func (p Policy) TwoPhases() bool { return p.Sticky > 0 && p.Sticky < p.Drain }

// over says that a node's drain is: by time, because there is nothing left to wait for, or because nobody is there any
// more. Numbers of sessions say nothing while known clients may still come.
func (s State) over(n Node, now time.Time) (early, over bool) {
	d, _ := n.drain()
	if n.Server == "" || until(d.since, s.Policy.Drain, now) == 0 {
		return false, true
	}
	sessions, known := s.Sessions[n.Member]
	early = known && sessions == 0 && s.mayEnd(n, now)
	return early, early
}

// mayEnd says whether a drain may end before its time, if the node has no sessions left.
func (s State) mayEnd(n Node, now time.Time) bool {
	d, _ := n.drain()
	return (!d.sticky || !n.AdminUp) && until(latest(d.since, d.closed), s.Policy.DrainMin, now) == 0
}

// leaving are the nodes on their way out that go on: one that somebody has protected since stays where it is (F19).
func (s State) leaving() []Node { return slices.DeleteFunc(s.draining(), Node.Protected) }

// due are the nodes whose drain is over; early of them before their time.
func (s State) due(now time.Time) (due []Node, early int) {
	for _, n := range s.leaving() {
		soon, over := s.over(n, now)
		if soon {
			early++
		}
		if over {
			due = append(due, n)
		}
	}
	return due, early
}

// waiting are the nodes on their way out whose drain would be over if it was known that they have no sessions.
func (s State) waiting(now time.Time) []Node {
	return slices.DeleteFunc(s.leaving(), func(n Node) bool {
		_, over := s.over(n, now)
		return over || !s.mayEnd(n, now)
	})
}

// NeedsSessions says that a pass has to know how many sessions the nodes on their way out have left.
func (s State) NeedsSessions(now time.Time) bool {
	return s.Policy.Sessions && s.Sessions == nil && len(s.waiting(now)) > 0
}

// Drains says that the decision of a pass looked at the nodes on their way out.
func (d Decision) Drains() bool {
	switch d.Code {
	case Steady, Removed, Waiting, Closing:
		return true
	default:
		return false
	}
}

// leave is the next step of the drains that there are; false if there is none to make.
func (d Decision) leave(s State, r Request, now time.Time) (Decision, bool) {
	due, early := s.due(now)
	free, ask, late := s.agreed(r, due, now)
	switch closing := s.closing(now); {
	case len(ask) > 0 && s.Agreed == nil:
		d.Ask = ask
		return d.wait(Waiting, busyRetry, d.held(ask))
	case len(free) > 0:
		d.Victims = nodeNames(free)
		d.Code, d.Reason = Removed, listed(d.Victims)+" "+finished(early, len(due))+", and is removed."
		if late {
			d.Reason += " The hook had not agreed by its deadline."
		}
		return d.write(s, r, s.Count-len(free), now), true
	case len(closing) > 0:
		return d.close(closing, now).orDry(r), true
	case len(ask) > 0:
		return d.wait(Waiting, busyRetry, d.held(ask))
	}
	return d, false
}

func finished(early, all int) string {
	switch early {
	case 0:
		return "has had its time to finish"
	case all:
		return "has no sessions left"
	}
	return "has had its time to finish, or has no sessions left"
}

func (d Decision) held(asks []Ask) string {
	names := make([]string, 0, len(asks))
	for _, a := range asks {
		names = append(names, a.Node)
	}
	return fmt.Sprintf("The time of %s is over, but its hook has not agreed; it is asked again, and the node is removed without it from %s on.",
		listed(names), asks[0].Deadline.Format(time.RFC3339))
}

// agreed are the nodes that may be removed as far as the hook is concerned, and those that it has to be asked about. It is
// asked about a node whose deadline is past, too, so that it has heard of each. late says that one goes without its word.
func (s State) agreed(r Request, due []Node, now time.Time) (free []Node, ask []Ask, late bool) {
	if !s.Policy.Hook || r.DryRun {
		return due, nil, false
	}
	for _, n := range due {
		d, _ := n.drain()
		deadline := d.since.Add(s.Policy.Drain + s.Policy.HookDeadline)
		past := !now.Before(deadline)
		if n.Server == "" || s.Agreed != nil && (s.Agreed[n.Name] || past) {
			late = late || n.Server != "" && !s.Agreed[n.Name]
			free = append(free, n)
			continue
		}
		ask = append(ask, Ask{Node: n.Name, Server: n.Server, Address: n.Address, Since: d.since, Deadline: deadline})
	}
	return free, ask, late
}

// closing are the nodes whose second phase begins now.
func (s State) closing(now time.Time) []Node {
	return slices.DeleteFunc(s.leaving(), func(n Node) bool {
		d, _ := n.drain()
		_, over := s.over(n, now)
		return over || !d.sticky || !n.AdminUp || !s.Policy.TwoPhases() || until(d.since, s.Policy.Sticky, now) > 0
	})
}

// close is the decision to begin the second phase of nodes (N6).
func (d Decision) close(closing []Node, now time.Time) Decision {
	for _, n := range closing {
		tags := append(slices.Clone(n.Tags), tagClosed+seconds(now))
		d.Members = append(d.Members, MemberChange{Node: n.Name, Member: n.Member, Down: true, Tags: tags})
	}
	return d.say(Closing, 0, listed(nodeNames(closing))+" gets no more requests, not even from the clients it knows.")
}

// steady is the decision to do nothing, and when there may be something to do.
func (d Decision) steady(s State, now time.Time) Decision {
	reason := "The cluster is as it should be."
	if s.Policy.Sessions && slices.ContainsFunc(s.waiting(now), func(n Node) bool { _, known := s.Sessions[n.Member]; return !known }) {
		reason += " How many sessions the nodes on their way out have left is not to be had, so time alone ends their drain."
	}
	if stays := slices.DeleteFunc(s.draining(), func(n Node) bool { return !n.Protected() }); len(stays) > 0 {
		reason += " " + listed(nodeNames(stays)) + " was on its way out and is protected now: it stays, without new connections."
	}
	return d.say(Steady, s.nextDue(now), reason)
}

// nextDue is how long it is until the next drain is over, or goes into its second phase.
func (s State) nextDue(now time.Time) time.Duration {
	var next time.Duration
	for _, n := range s.leaving() {
		d, _ := n.drain()
		left := until(d.since, s.Policy.Drain, now)
		if phase := until(d.since, s.Policy.Sticky, now); d.sticky && n.AdminUp && s.Policy.TwoPhases() && phase > 0 {
			left = min(left, phase)
		}
		if next == 0 || left < next {
			next = left
		}
	}
	return next
}

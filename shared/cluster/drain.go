package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MemberChange is what is to be written to a node's pool member: absolute values.
type MemberChange struct {
	Node, Member string
	Weight       int
	// Down takes the member out of service as a whole, for the clients that it knows, too.
	Down bool
	Tags []string
}

// drain is what the tags of a node on its way out say.
type drain struct {
	since  time.Time
	weight int
	sticky bool
	closed time.Time // when the second phase began; zero if it has not
}

// drain reads the tags. Somebody who has given a node its weight back has ended the drain, whatever the tags say.
func (n Node) drain() (drain, bool) {
	_, marked := tagged(n.Tags, tagDrain)
	if !marked || n.Member == "" || n.Weight > 0 && n.AdminUp {
		return drain{}, false
	}
	// What is no time is long ago: the drain is over.
	d := drain{since: n.timeOf(tagSince), closed: n.timeOf(tagClosed), weight: 1, sticky: slices.Contains(n.Tags, tagSticky)}
	if text, ok := tagged(n.Tags, tagWeight); ok {
		if w, err := strconv.Atoi(text); err == nil && w > 0 && w <= 256 {
			d.weight = w
		}
	}
	return d, true
}

func (n Node) timeOf(prefix string) time.Time {
	text, _ := tagged(n.Tags, prefix)
	unix, _ := strconv.ParseInt(text, 10, 64)
	return at(unix)
}

// undrained is when a node was taken back into service.
func (n Node) undrained() time.Time {
	text, _ := tagged(n.Tags, tagUndrained)
	when, _, _ := strings.Cut(text, "/")
	unix, _ := strconv.ParseInt(when, 10, 64)
	return at(unix)
}

// drains says whether nodes of this cluster leave by a drain: LBaaSv2 has no tags to write it down in.
func (s State) drains() bool {
	return s.Policy.Drain > 0 && !slices.ContainsFunc(s.Nodes, func(n Node) bool { return n.Member != "" && n.Tags == nil })
}

// draining are the nodes on their way out, the last one first.
func (s State) draining() []Node {
	if !s.drains() {
		return nil
	}
	out := slices.DeleteFunc(slices.Clone(s.Nodes), func(n Node) bool { _, is := n.drain(); return !is })
	slices.SortFunc(out, func(a, b Node) int {
		x, _ := a.drain()
		y, _ := b.drain()
		return cmp.Or(y.since.Compare(x.since), byAge(b, a), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// Leaves says when a node on its way out is removed at the latest, unless its hook does not agree; false for all others, and for those that were
// protected since.
func (s State) Leaves(n Node) (time.Time, bool) {
	d, leaving := n.drain()
	return d.since.Add(s.Policy.Drain), leaving && s.drains() && !n.Protected()
}

// size is how many nodes the cluster has, those on their way out not among them.
func (s State) size() int { return s.Count - len(s.draining()) }

// lastDrain and lastUndrain are when a node was last sent out of service, and taken back.
func (s State) lastDrain() time.Time {
	var last time.Time
	for _, n := range s.draining() {
		if d, _ := n.drain(); d.since.After(last) {
			last = d.since
		}
	}
	return last
}

func (s State) lastUndrain() time.Time {
	var last time.Time
	for _, n := range s.Nodes {
		if since := n.undrained(); since.After(last) {
			last = since
		}
	}
	return last
}

// lastAsked is when a person last had a node drained or taken back; Unix milliseconds.
func (s State) lastAsked() int64 {
	var last int64
	for _, n := range s.Nodes {
		last = max(last, n.asked())
	}
	return last
}

// drainFirst is the decision to take nodes out of service, to be removed when they have had time to finish.
func (d Decision) drainFirst(s State, r Request, leaving []Node, now time.Time) Decision {
	stamp := r.stamp(len(leaving), now)
	for _, n := range leaving {
		own := []string{tagDrain + stamp.String(), tagSince + seconds(now), tagWeight + strconv.Itoa(n.Weight)}
		own = append(own, r.besides(now)...)
		if s.Sticky {
			own = append(own, tagSticky)
		}
		d.Members = append(d.Members, MemberChange{Node: n.Name, Member: n.Member, Tags: n.retagged(now, own...)})
		d.Victims = append(d.Victims, n.Name)
	}
	d.To = s.size() - len(leaving)
	return d.say(Draining, s.Policy.Drain, fmt.Sprintf("The cluster goes from %s to %d: %s gets no new connections, and is removed in %s.", nodes(s.size()), d.To, listed(d.Victims), s.Policy.Drain))
}

// undrain is the decision to take nodes back that were on their way out, before any new one is made (N5).
func (d Decision) undrain(s State, r Request, want int, now time.Time) Decision {
	back := s.draining()
	back = back[:min(want, len(back))]
	stamp := r.stamp(len(back), now)
	var names []string
	for _, n := range back {
		was, _ := n.drain()
		own := append(r.besides(now), tagUndrained+seconds(now)+"/"+stamp.String())
		d.Members = append(d.Members, MemberChange{Node: n.Name, Member: n.Member, Weight: was.weight, Tags: n.retagged(now, own...)})
		names = append(names, n.Name)
	}
	d.To = s.size() + len(back)
	return d.say(Undrained, 0, fmt.Sprintf("The cluster goes from %s to %d: %s was on its way out, and is back in service.", nodes(s.size()), d.To, listed(names)))
}

// Changed is the decision after so many of its Members were written; busy says that the load balancer had no time for
// the next one.
func (d Decision) Changed(done int, busy bool) Decision {
	if done == 0 && busy {
		d.To, d.Members, d.Victims = d.From, nil, nil
		return d.busy()
	}
	switch d.Code {
	case Draining:
		d.To, d.Victims = d.From-done, d.Victims[:done]
	case Closing: // those it closes have left the count before
	default:
		d.To = d.From + done
	}
	if done < len(d.Members) {
		d.RetryAfter = balancerRetry
		d.Reason += " The load balancer was busy then; send the same request again for the rest."
	}
	d.Applied = true
	return d
}

// Broken is the decision when the load balancer, in ERROR, refused the first of its Members: it refuses everything now, and
// no waiting helps (N16).
func (d Decision) Broken() Decision {
	d.To, d.Members, d.Victims = d.From, nil, nil
	return d.lbBroken()
}

const (
	// balancerRetry is when to ask again while the load balancer is at work: 1.4 s at the median on a real Octavia.
	balancerRetry  = 5 * time.Second
	brokenRetry    = 5 * time.Minute
	brokenBalancer = "The load balancer is in the state ERROR, and takes no change until an administrator of the cloud has failed it over (openstack loadbalancer failover)."
)

func (d Decision) lbBroken() Decision {
	return d.say(LBBroken, brokenRetry, brokenBalancer+" Nothing was changed.")
}

func listed(names []string) string {
	if len(names) == 1 {
		return "node " + names[0]
	}
	return "each of the nodes " + strings.Join(names, ", ")
}

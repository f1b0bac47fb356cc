package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Tags that say on a pool member what is being done to its node. They are where the drain itself is, so that whoever
// comes next goes on with it. Tags are a set, so each says what it is.
const (
	tagDrain     = "drain="        // which request wanted it, and until when (Unix seconds) it is the same if sent again
	tagSince     = "drain-since="  // Unix seconds
	tagWeight    = "drain-weight=" // what it had before
	tagUndrained = "undrained="    // Unix seconds and which request
)

// MemberChange is what is to be written to a node's pool member: absolute values.
type MemberChange struct {
	Node, Member string
	Weight       int
	Tags         []string
}

// drain is what the tags of a node on its way out say.
type drain struct {
	by     string
	known  time.Time // until when by is the same request; zero if nothing tells it apart from others
	since  time.Time
	weight int
}

// drain reads the tags. Somebody who has given a node its weight back has ended the drain, whatever the tags say.
func (n Node) drain() (drain, bool) {
	text, marked := tagged(n.Tags, tagDrain)
	if !marked || n.Member == "" || n.Weight > 0 && n.AdminUp {
		return drain{}, false
	}
	by, known, _ := strings.Cut(text, "/")
	unix, _ := strconv.ParseInt(known, 10, 64)
	d := drain{by: by, known: at(unix), weight: 1}
	if text, ok := tagged(n.Tags, tagSince); ok {
		unix, _ := strconv.ParseInt(text, 10, 64) // what is no time is long ago: the drain is over
		d.since = at(unix)
	}
	if text, ok := tagged(n.Tags, tagWeight); ok {
		if w, err := strconv.Atoi(text); err == nil && w > 0 && w <= 256 {
			d.weight = w
		}
	}
	return d, true
}

// undrained is when, and by which request, a node was taken back into service.
func (n Node) undrained() (since time.Time, by string) {
	text, _ := tagged(n.Tags, tagUndrained)
	when, by, _ := strings.Cut(text, "/")
	unix, _ := strconv.ParseInt(when, 10, 64)
	return at(unix), by
}

func tagged(tags []string, prefix string) (string, bool) {
	for _, t := range tags {
		if text, ok := strings.CutPrefix(t, prefix); ok {
			return text, true
		}
	}
	return "", false
}

// unmarked are the tags without ours.
func unmarked(tags []string) []string {
	return slices.DeleteFunc(slices.Clone(tags), func(t string) bool {
		return strings.HasPrefix(t, tagDrain) || strings.HasPrefix(t, tagSince) || strings.HasPrefix(t, tagWeight) || strings.HasPrefix(t, tagUndrained)
	})
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
		return cmp.Or(y.since.Compare(x.since), cmp.Compare(b.index(), a.index()), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// Leaves says when a node on its way out is removed, at the earliest; false for all others.
func (s State) Leaves(n Node) (time.Time, bool) {
	d, leaving := n.drain()
	return d.since.Add(s.Policy.Drain), leaving && s.drains()
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
		if since, _ := n.undrained(); since.After(last) {
			last = since
		}
	}
	return last
}

// marked says whether a request of this key has drained a node, or taken one back.
func (s State) marked(r Request) bool {
	return r.Key != "" && slices.ContainsFunc(s.Nodes, func(n Node) bool {
		d, draining := n.drain()
		_, by := n.undrained()
		return draining && d.by == r.mark() || by == r.mark()
	})
}

// mark is the name of a request in tags.
func (r Request) mark() string {
	if r.Key == "" {
		return hash(r.Token)
	}
	return hash(r.Key)
}

// known is how a mark says until when its request is the same if it is sent again.
func (r Request) known(now time.Time) string {
	if r.Key == "" {
		return ""
	}
	return "/" + strconv.FormatInt(now.Add(r.KeyLife).Unix(), 10)
}

// saw is the memory with the requests that drained the nodes: when those are gone, so are their marks, and a
// notification that is sent again would take another one away.
func (s State) saw(m Memory, gone []string, now time.Time) Memory {
	for _, n := range s.Nodes {
		d, leaving := n.drain()
		if leaving && slices.Contains(gone, n.Name) && now.Before(d.known) {
			m = m.remember(d.by, d.known)
		}
	}
	return m
}

// drainFirst is the decision to take nodes out of service, to be removed when they have had time to finish.
func (d Decision) drainFirst(s State, r Request, leaving []Node, now time.Time) Decision {
	for _, n := range leaving {
		tags := append(unmarked(n.Tags), tagDrain+r.mark()+r.known(now), tagSince+strconv.FormatInt(now.Unix(), 10), tagWeight+strconv.Itoa(n.Weight))
		d.Members = append(d.Members, MemberChange{Node: n.Name, Member: n.Member, Tags: tags})
		d.Victims = append(d.Victims, n.Name)
	}
	d.To = s.size() - len(leaving)
	return d.say(Draining, s.Policy.Drain, fmt.Sprintf("The cluster goes from %s to %d: %s gets no new connections, and is removed in %s.", nodes(s.size()), d.To, listed(d.Victims), s.Policy.Drain))
}

// undrain is the decision to take nodes back that were on their way out, before any new one is made (N5).
func (d Decision) undrain(s State, r Request, want int, now time.Time) Decision {
	back := s.draining()
	back = back[:min(want, len(back))]
	var names []string
	for _, n := range back {
		was, _ := n.drain()
		tags := append(unmarked(n.Tags), tagUndrained+strconv.FormatInt(now.Unix(), 10)+"/"+r.mark())
		d.Members = append(d.Members, MemberChange{Node: n.Name, Member: n.Member, Weight: was.weight, Tags: tags})
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
	if d.Code == Draining {
		d.To, d.Victims = d.From-done, d.Victims[:done]
	} else {
		d.To = d.From + done
	}
	if done < len(d.Members) {
		d.Reason += " The load balancer was busy then; ask again for the rest."
	}
	d.Applied = true
	return d
}

func listed(names []string) string {
	if len(names) == 1 {
		return "node " + names[0]
	}
	return "each of the nodes " + strings.Join(names, ", ")
}

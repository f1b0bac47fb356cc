package cluster

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Tags that say on a pool member what is being done to its node. They are where the drain itself is, so that whoever
// comes next goes on with it. Tags are a set, so each says what it is. Times are Unix seconds.
const (
	tagDrain     = "drain="        // the mark of the request that wanted it
	tagSince     = "drain-since="  // when it began
	tagWeight    = "drain-weight=" // what the member had before
	tagSticky    = "drain-sticky"  // the pool keeps clients at their members, so there is a second phase
	tagClosed    = "drain-closed=" // when the second phase began
	tagUndrained = "undrained="    // when it was taken back, and the mark of the request that wanted that
	tagAsked     = "asked="        // when a person wanted that, or it back; Unix milliseconds, as the memory has them
	tagSeen      = "seen="         // the mark of an earlier request, whose repeat must not do the same again
)

// maxTraces is how many earlier requests a member remembers.
const maxTraces = 4

// trace is one request on a member: drain=<by>/<known>/<of>.
type trace struct {
	by    string
	known time.Time // until when by is the same request if it is sent again; zero if nothing tells it apart from others
	of    int       // how many nodes the request is for; 0 if that is not known
}

func traceOf(text string) trace {
	by, rest, _ := strings.Cut(text, "/")
	known, of, _ := strings.Cut(rest, "/")
	unix, _ := strconv.ParseInt(known, 10, 64)
	n, _ := strconv.Atoi(of)
	return trace{by: by, known: at(unix), of: n}
}

func (m trace) String() string {
	switch {
	case m.known.IsZero():
		return m.by
	case m.of == 0:
		return m.by + "/" + seconds(m.known)
	}
	return m.by + "/" + seconds(m.known) + "/" + strconv.Itoa(m.of)
}

// alive says that the request is still the same one if it is sent again.
func (m trace) alive(now time.Time) bool { return now.Before(m.known) }

func seconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// mark is the name of a request in tags.
func (r Request) mark() string {
	if r.Key == "" {
		return hash(r.Token)
	}
	return hash(r.Key)
}

// stamp is what a request leaves on each of so many members. One that goes on with what it began leaves the same again.
func (r Request) stamp(of int, now time.Time) trace {
	switch {
	case r.began.by != "":
		return r.began
	case r.Key == "":
		return trace{by: r.mark()}
	}
	return trace{by: r.mark(), known: now.Add(r.KeyLife), of: of}
}

// traces are the requests that a member knows: the one that is being carried out on it, and earlier ones.
func (n Node) traces() (current, earlier []trace) {
	for _, t := range n.Tags {
		if text, ok := strings.CutPrefix(t, tagDrain); ok {
			current = append(current, traceOf(text))
		}
		if text, ok := strings.CutPrefix(t, tagUndrained); ok {
			_, by, _ := strings.Cut(text, "/")
			current = append(current, traceOf(by))
		}
		if text, ok := strings.CutPrefix(t, tagSeen); ok {
			earlier = append(earlier, traceOf(text))
		}
	}
	return current, earlier
}

// retagged are the member's tags with new ones of ours in place of the old: what others put there, the requests that may
// still be repeated, and own.
func (n Node) retagged(now time.Time, own ...string) []string {
	current, earlier := n.traces()
	known := slices.DeleteFunc(append(earlier, current...), func(m trace) bool { return !m.alive(now) })
	slices.SortStableFunc(known, func(a, b trace) int { return b.known.Compare(a.known) })
	out := slices.DeleteFunc(unmarked(n.Tags), func(t string) bool { return strings.HasPrefix(t, tagSeen) })
	for i, m := range known {
		first := slices.IndexFunc(known, func(o trace) bool { return o.by == m.by }) == i
		mine := slices.ContainsFunc(own, func(t string) bool { return strings.Contains(t, m.by) })
		if i < maxTraces && first && !mine {
			out = append(out, tagSeen+trace{by: m.by, known: m.known}.String())
		}
	}
	return append(out, own...)
}

// unmarked are the tags without those of a drain.
func unmarked(tags []string) []string {
	return slices.DeleteFunc(slices.Clone(tags), func(t string) bool {
		return t == tagSticky || slices.ContainsFunc([]string{tagDrain, tagSince, tagWeight, tagClosed, tagUndrained, tagAsked}, func(ours string) bool {
			return strings.HasPrefix(t, ours)
		})
	})
}

func tagged(tags []string, prefix string) (string, bool) {
	for _, t := range tags {
		if text, ok := strings.CutPrefix(t, prefix); ok {
			return text, true
		}
	}
	return "", false
}

// again looks whether the members know the request already. If so it is a duplicate, unless the load balancer was busy
// before all of its nodes were written: then it goes on with the rest, and has no more to wait for. A request that was
// taken back since, or whose first nodes are gone, does not go on.
func (s State) again(r Request, now time.Time) (Request, bool) {
	if r.Key == "" {
		return r, false
	}
	var same, over bool
	var began trace
	var done []string
	for _, n := range s.Nodes {
		current, earlier := n.traces()
		for _, m := range current {
			if m.by == r.mark() {
				same = same || m.alive(now)
				done = append(done, n.Name)
				began = latestTrace(began, m)
			}
		}
		over = over || slices.ContainsFunc(earlier, func(m trace) bool { return m.by == r.mark() && m.alive(now) })
	}
	left := began.of - len(done)
	if over || !same || left < 1 {
		return r, over || same
	}
	r.began, r.rest = began, left
	if len(r.Nodes) > 0 {
		r.Nodes = slices.DeleteFunc(slices.Clone(r.Nodes), func(text string) bool {
			return slices.ContainsFunc(s.Nodes, func(n Node) bool { return n.is(text) && slices.Contains(done, n.Name) })
		})
	}
	return r, false
}

func latestTrace(a, b trace) trace {
	if cmp.Or(b.known.Compare(a.known), cmp.Compare(b.of, a.of)) > 0 {
		return b
	}
	return a
}

// besides are the tags that say more of a request than its stamp: when a person wanted it, and its notification's own name.
func (r Request) besides(now time.Time) (tags []string) {
	if r.Person {
		tags = append(tags, tagAsked+strconv.FormatInt(r.moment(now), 10))
	}
	if r.Delivery != "" {
		tags = append(tags, tagSeen+trace{by: hash(r.Delivery), known: now.Add(r.DeliveryLife)}.String())
	}
	return tags
}

// asked is when a person last wanted the node to leave, or back; Unix milliseconds, 0 for never.
func (n Node) asked() int64 {
	text, _ := tagged(n.Tags, tagAsked)
	unix, _ := strconv.ParseInt(text, 10, 64)
	return unix
}

// saw is the memory with the requests that the nodes knew: when those are gone, so are their marks. A notification that is sent
// again would take another one away, and what was kept before them would be made.
func (s State) saw(m Memory, gone []string, now time.Time) Memory {
	for _, n := range s.Nodes {
		if !slices.Contains(gone, n.Name) {
			continue
		}
		if d, leaving := n.drain(); leaving {
			m.Heard = max(m.Heard, d.since.UnixMilli()-1)
		}
		m.Asked = max(m.Asked, n.asked())
		current, earlier := n.traces()
		for _, known := range append(earlier, current...) {
			if known.alive(now) {
				m = m.remember(known.by, known.known)
			}
		}
	}
	return m
}

package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Node is one node of a cluster: what Heat made and how the load balancer sees it.
type Node struct {
	// Name is its name in the group, which a removal list takes.
	Name    string
	Server  string // empty if there is none
	Address string
	Zone    string    // availability zone, if it is known
	Born    time.Time // when its server was made, if it is known
	Member  string    // id in the pool; empty if it is not there
	// Health is the member's operating status: ONLINE, ERROR, OFFLINE, DRAINING, NO_MONITOR …; empty with LBaaSv2.
	Health  string
	Weight  int
	AdminUp bool
	Tags    []string
}

// tagProtect on a pool member keeps its node from ever being chosen (F19).
const tagProtect = "protect"

// Protected says that the node is never chosen to go.
func (n Node) Protected() bool { return slices.Contains(n.Tags, tagProtect) }

// serves says that the node gets traffic. Without a health monitor nobody knows, and LBaaSv2 does not say: then it is
// taken to.
func (n Node) serves() bool {
	known := n.Health != "" && n.Health != "NO_MONITOR"
	return n.Server != "" && n.Member != "" && n.AdminUp && n.Weight > 0 && (!known || n.Health == "ONLINE")
}

// is says whether the text names the node.
func (n Node) is(text string) bool {
	return text != "" && (text == n.Name || text == n.Server || text == n.Address || text == n.Member)
}

// byAge orders two nodes, the older first: by their numbers, or by when their servers were made, as the names in an
// AutoScalingGroup say nothing. One without a server is the newest.
func byAge(a, b Node) int {
	unborn := func(n Node) int {
		if n.Born.IsZero() {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(a.index(), b.index()), cmp.Compare(unborn(a), unborn(b)), a.Born.Compare(b.Born))
}

// index is the node's number in the group. Heat counts up and uses none again, so it is the node's age too.
func (n Node) index() int {
	i, err := strconv.Atoi(n.Name)
	if err != nil {
		return 0
	}
	return i
}

// rank is who goes first: what never came up, what the pool calls broken, what is on its way out, and then the rest.
func (n Node) rank() int {
	switch {
	case n.Server == "" || n.Member == "":
		return 0
	case n.Health == "ERROR":
		return 1
	case n.Weight == 0 || !n.AdminUp:
		return 2
	}
	return 3
}

func (s State) serving() int {
	n := 0
	for _, node := range s.Nodes {
		if node.serves() {
			n++
		}
	}
	return n
}

// Victims chooses k nodes to go: broken ones first, then so that the zones stay as even as they are, then by age, then
// by name. The choice depends on the nodes alone, not on their order, so two who look at the same cluster choose the same.
// A protected node is never chosen, so there may be fewer.
func Victims(all []Node, k int, newestFirst bool) []Node {
	zones := map[string]int{}
	left := make([]Node, 0, len(all))
	for _, n := range all {
		zones[n.Zone]++
		if !n.Protected() {
			left = append(left, n)
		}
	}
	var out []Node
	for len(out) < k && len(left) > 0 {
		i := 0
		for j := range left {
			if before(left[j], left[i], zones, newestFirst) < 0 {
				i = j
			}
		}
		zones[left[i].Zone]--
		out = append(out, left[i])
		left = slices.Delete(left, i, i+1)
	}
	return out
}

// before orders two nodes by who goes first; zones counts the nodes that each zone has left.
func before(a, b Node, zones map[string]int, newestFirst bool) int {
	age := byAge(a, b)
	if newestFirst {
		age = -age
	}
	return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(zones[b.Zone], zones[a.Zone]), age, cmp.Compare(a.Name, b.Name))
}

// spared says why fewer nodes go than wanted.
type spared struct {
	code        Code
	why, reason string
}

func nodeNames(nodes []Node) []string {
	out := make([]string, 0, len(nodes))
	for _, n := range nodes {
		out = append(out, n.Name)
	}
	return out
}

// victims are up to k nodes to go. Of the nodes in service the lower bound's number stays, whatever the
// count says (N8).
func (s State) victims(r Request, k int) ([]Node, spared) {
	onTheWay := s.draining()
	choice := slices.DeleteFunc(slices.Clone(s.Nodes), func(n Node) bool {
		leaving := slices.ContainsFunc(onTheWay, func(d Node) bool { return d.Name == n.Name })
		return leaving || len(r.Nodes) > 0 && !slices.ContainsFunc(r.Nodes, n.is)
	})
	chosen := Victims(choice, k, s.Policy.NewestFirst)
	kept := spared{Protected, "the other nodes are protected", "Every node that could go is protected; nothing was changed."}
	serving := s.serving()
	var out []Node
	for _, n := range chosen {
		if n.serves() && serving <= s.Min {
			kept = spared{
				Unhealthy, nodes(s.Min) + " in service must stay",
				fmt.Sprintf("Only %s in service, and %d must be; none is removed.", areNodes(serving), s.Min),
			}
			break
		}
		if n.serves() {
			serving--
		}
		out = append(out, n)
	}
	return out, kept
}

// badNames refuses a request that names nodes which are not there, or may not go: nothing is removed in their place, as
// Heat would do (kubernetes/autoscaler#1690).
func (d Decision) badNames(s State, r Request) (Decision, bool) {
	for _, name := range r.Nodes {
		i := slices.IndexFunc(s.Nodes, func(n Node) bool { return n.is(name) })
		if i < 0 {
			return d.say(UnknownNode, 0, fmt.Sprintf("The cluster has no node %q; nothing was changed. Name nodes as GET with ?nodes=1 lists them: by name, server or address.", shorten(name))), true
		}
		if _, leaving := s.Nodes[i].drain(); leaving && s.drains() {
			return d.say(Unchanged, 0, fmt.Sprintf("The node %q is on its way out already.", s.Nodes[i].Name)), true
		}
		if s.Nodes[i].Protected() {
			return d.say(Protected, 0, fmt.Sprintf("The node %q is protected; nothing was changed. Take the tag %q off its pool member first.", s.Nodes[i].Name, tagProtect)), true
		}
	}
	return d, false
}

package cluster

import (
	"cmp"
	"slices"
)

// StrayKind is a way in which a cluster, its servers and its pool do not fit together.
type StrayKind string

// The kinds of strays (N15).
const (
	StrangeMember StrayKind = "member_without_node" // in the pool, and no node of the stack
	NoServer      StrayKind = "node_without_server" // its server is gone
	NoMember      StrayKind = "node_without_member" // it gets no traffic: the pool does not know it
	OutOfService  StrayKind = "out_of_service"      // it gets no traffic, and no drain of ours says why
)

// Stray is one thing that does not fit.
type Stray struct {
	Kind    StrayKind `json:"kind"`
	Node    string    `json:"node,omitempty"`
	Member  string    `json:"member,omitempty"`
	Address string    `json:"address,omitempty"`
	// Advice says what a repair does about it, or what a person has to decide.
	Advice string `json:"advice"`
}

// Strays are what does not fit together, in the order of the nodes. While Heat is at work half of everything is missing,
// and nothing is a stray.
func (s State) Strays() []Stray {
	if s.Status != "COMPLETE" {
		return nil
	}
	var out []Stray
	for _, n := range s.Nodes {
		if kind, advice := n.stray(); kind != "" {
			out = append(out, Stray{Kind: kind, Node: n.Name, Member: n.Member, Address: n.Address, Advice: advice})
		}
	}
	slices.SortFunc(out, func(a, b Stray) int {
		return cmp.Or(cmp.Compare(len(a.Node), len(b.Node)), cmp.Compare(a.Node, b.Node))
	})
	for _, m := range s.Strangers {
		out = append(out, Stray{
			Kind: StrangeMember, Member: m.Member, Address: m.Address,
			Advice: "Somebody added it to the pool by hand, or a removal left it. Remove it from the pool if nobody needs it: a repair does not.",
		})
	}
	return out
}

func (n Node) stray() (kind StrayKind, advice string) {
	const rebuilt = "A repair has OpenStack look for it; what is gone is built anew by the passes that follow."
	_, leaving := n.drain()
	switch {
	case n.Server == "":
		return NoServer, rebuilt
	case n.Member == "":
		return NoMember, rebuilt
	case (n.Weight == 0 || !n.AdminUp) && !leaving && !n.Protected():
		return OutOfService, "A repair gives it its weight back. Give it the tag " + tagProtect + " in the pool if it is meant to be so."
	}
	return "", ""
}

// Mend is what a repair does about the strays: members to be given their weight back, and whether Heat has to look for what
// is gone.
func (s State) Mend() (members []MemberChange, check bool) {
	if s.Status != "COMPLETE" {
		return nil, false
	}
	for _, n := range s.Nodes {
		switch kind, _ := n.stray(); kind {
		case OutOfService:
			members = append(members, MemberChange{Node: n.Name, Member: n.Member, Weight: 1, Tags: append([]string{}, unmarked(n.Tags)...)})
		case NoServer, NoMember:
			check = true
		case StrangeMember:
		}
	}
	slices.SortFunc(members, func(a, b MemberChange) int { return cmp.Compare(a.Node, b.Node) })
	return members, check
}

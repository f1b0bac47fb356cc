package cluster

import "math"

// Amounts are what one node takes of each quota, or what the quotas leave; math.MaxInt is no bound.
type Amounts struct {
	Servers, Cores int
	RAM            int // MiB
}

// Room is how many more nodes the project's quotas allow (N10), and which quota allows no more.
type Room struct {
	Nodes int
	Quota string // empty if none bounds them
}

// RoomFor is the room for nodes of one kind in what the quotas leave. What a node is not known to take does not count.
func RoomFor(left, node Amounts) Room {
	room := Room{Nodes: math.MaxInt}
	for _, quota := range []struct {
		name       string
		left, need int
	}{{"servers", left.Servers, node.Servers}, {"cores", left.Cores, node.Cores}, {"memory", left.RAM, node.RAM}} {
		if quota.left == math.MaxInt || quota.need <= 0 {
			continue
		}
		if n := max(0, quota.left) / quota.need; n < room.Nodes {
			room = Room{n, quota.name}
		}
	}
	return room
}

// room is how many more nodes the quotas allow, as far as that is known.
func (s State) room() int {
	if s.Room == nil {
		return math.MaxInt
	}
	return max(0, s.Room.Nodes)
}

// theQuota names the quota that bounds the room.
func (s State) theQuota() string { return "the project's quota of " + s.Room.Quota }

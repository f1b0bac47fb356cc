package cluster_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/cluster"
)

// N10: the quota counts that leaves the fewest nodes; what has no bound, or what a node is not known to take, does not.
func TestN10RoomFor(t *testing.T) {
	t.Parallel()
	const none = math.MaxInt
	node := cluster.Amounts{Servers: 1, Cores: 2, RAM: 4096}
	for name, row := range map[string]struct {
		left, node cluster.Amounts
		want       cluster.Room
	}{
		"no bounds":                {cluster.Amounts{Servers: none, Cores: none, RAM: none}, node, cluster.Room{Nodes: none}},
		"servers":                  {cluster.Amounts{Servers: 3, Cores: none, RAM: none}, node, cluster.Room{Nodes: 3, Quota: "servers"}},
		"cores":                    {cluster.Amounts{Servers: 3, Cores: 5, RAM: none}, node, cluster.Room{Nodes: 2, Quota: "cores"}},
		"memory":                   {cluster.Amounts{Servers: 3, Cores: 5, RAM: 8191}, node, cluster.Room{Nodes: 1, Quota: "memory"}},
		"memory alone":             {cluster.Amounts{Servers: none, Cores: none, RAM: 4095}, node, cluster.Room{Nodes: 0, Quota: "memory"}},
		"nothing left":             {cluster.Amounts{}, node, cluster.Room{Nodes: 0, Quota: "servers"}},
		"more used than allowed":   {cluster.Amounts{Servers: 9, Cores: -4, RAM: none}, node, cluster.Room{Nodes: 0, Quota: "cores"}},
		"a node of unknown flavor": {cluster.Amounts{Servers: 3, Cores: 1, RAM: 1}, cluster.Amounts{Servers: 1}, cluster.Room{Nodes: 3, Quota: "servers"}},
	} {
		if got := cluster.RoomFor(row.left, row.node); got != row.want {
			t.Errorf("%s: %+v, want %+v", name, got, row.want)
		}
	}
}

// N10: whatever the quota keeps from being made, the reason names it.
func TestN10NamesTheQuota(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		state   cluster.State
		request cluster.Request
		says    string
	}{
		"trimmed": {room(complete(1), 1), out(2), "the project's quota of cores has room for 1 more"},
		"refused": {room(complete(1), 0), out(2), "the project's quota of cores has no room for another"},
		"a node to be replaced": {
			room(known(complete(2), broken(1)), 0),
			cluster.Request{Op: cluster.OpReplace, Token: "t"},
			"the project's quota of cores has no room for it",
		},
	} {
		if d := cluster.Decide(row.state, row.request, start()); !strings.Contains(d.Reason, row.says) {
			t.Errorf("%s: %s", name, d.Reason)
		}
	}
}

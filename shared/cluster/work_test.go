package cluster_test

import (
	"maps"
	"reflect"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
)

// Row 7.1.10 of the sites: what a node that would go has to end; what nobody knows is left out.
func TestRow7110OpenWork(t *testing.T) {
	t.Parallel()
	now := time.Unix(1767600000, 0).UTC()
	in := func(d time.Duration) *time.Time { at := now.Add(d); return &at }
	three := 3
	node := cluster.Node{Name: "2", Server: "s", Member: "m", Health: "ONLINE", Weight: 1, AdminUp: true, Tags: []string{}}
	drained := node
	drained.Weight, drained.Tags = 0, []string{"drain=x", "drain-since=1767599940"}
	unmade := node
	unmade.Server = ""
	for name, row := range map[string]struct {
		node      cluster.Node
		policy    cluster.Policy
		sessions  map[string]int
		migrating map[string]time.Time
		code      cluster.Code
		want      cluster.Work
	}{
		"nothing known":         {node, cluster.Policy{}, nil, nil, cluster.Scaled, cluster.Work{Node: "2", Health: "ONLINE"}},
		"sessions":              {node, cluster.Policy{Sessions: true}, map[string]int{"m": 3, "other": 9}, nil, cluster.Scaled, cluster.Work{Node: "2", Health: "ONLINE", Sessions: &three}},
		"sessions of others":    {node, cluster.Policy{Sessions: true}, map[string]int{"other": 9}, nil, cluster.Scaled, cluster.Work{Node: "2", Health: "ONLINE"}},
		"migrating":             {node, cluster.Policy{}, nil, map[string]time.Time{"2": now}, cluster.Scaled, cluster.Work{Node: "2", Health: "ONLINE", MigratingSince: &now}},
		"another migrates":      {node, cluster.Policy{}, nil, map[string]time.Time{"1": now}, cluster.Scaled, cluster.Work{Node: "2", Health: "ONLINE"}},
		"a drain begins":        {node, cluster.Policy{Drain: 5 * time.Minute}, nil, nil, cluster.Draining, cluster.Work{Node: "2", Health: "ONLINE", RemovedAt: in(5 * time.Minute)}},
		"a hook is asked":       {node, cluster.Policy{Drain: 5 * time.Minute, Hook: true, HookDeadline: time.Minute}, nil, nil, cluster.Draining, cluster.Work{Node: "2", Health: "ONLINE", RemovedAt: in(5 * time.Minute), HookUntil: in(6 * time.Minute)}},
		"no hook for no server": {unmade, cluster.Policy{Drain: 5 * time.Minute, Hook: true}, nil, nil, cluster.Draining, cluster.Work{Node: "2", Health: "ONLINE", RemovedAt: in(5 * time.Minute)}},
		"on its way out":        {drained, cluster.Policy{Drain: 5 * time.Minute}, nil, nil, cluster.Removed, cluster.Work{Node: "2", Health: "ONLINE", RemovedAt: in(4 * time.Minute)}},
		"goes at once":          {node, cluster.Policy{Drain: 5 * time.Minute, Hook: true}, nil, nil, cluster.Replaced, cluster.Work{Node: "2", Health: "ONLINE"}},
	} {
		s := cluster.State{Nodes: []cluster.Node{row.node}, Policy: row.policy, Sessions: row.sessions}
		got := s.OpenWork(cluster.Decision{Code: row.code, Victims: []string{"2"}}, row.migrating, now)
		if !reflect.DeepEqual(got, []cluster.Work{row.want}) {
			t.Errorf("%s: %+v, want %+v", name, got, row.want)
		}
	}
	if got := (cluster.State{}).OpenWork(cluster.Decision{Code: cluster.Steady}, nil, now); got != nil {
		t.Errorf("nobody goes, and there is %v", got)
	}
	if got := (cluster.State{}).OpenWork(cluster.Decision{Victims: []string{"7"}}, nil, now); !reflect.DeepEqual(got, []cluster.Work{{Node: "7"}}) {
		t.Errorf("of a node that is not known: %v", got)
	}
}

// Row 7.1.10: who holds the lock of the migrations is known by each node's own last word.
func TestRow7110Migrating(t *testing.T) {
	t.Parallel()
	signal := func(status string, data any) map[string]any { return map[string]any{"status": status, "data": data} }
	run := signal("SUCCESS", `{"role":"app","step":"migrate","mode":"run"}`)
	done := signal("SUCCESS", `{"role":"app","step":"migrate","mode":"done"}`)
	begun := time.UnixMilli(1767600000500).UTC()
	for name, row := range map[string]struct {
		signals map[string]any
		want    map[string]time.Time
	}{
		"nobody said anything": {nil, nil},
		"one runs them":        {map[string]any{"app-school-app-1-1767600000500": run, "app-school-app-0-1767600000400": done}, map[string]time.Time{"1": begun}},
		"as an object":         {map[string]any{"app-school-app-1-1767600000500": signal("SUCCESS", map[string]any{"step": "migrate", "mode": "run"})}, map[string]time.Time{"1": begun}},
		"one has":              {map[string]any{"app-school-app-1-1767600000500": run, "app-school-app-1-1767600900000": done}, nil},
		"one waits":            {map[string]any{"app-school-app-1-1767600000500": signal("SUCCESS", `{"step":"migrate","mode":"wait"}`)}, nil},
		"one began again":      {map[string]any{"app-school-app-1-1767600000500": run, "app-school-app-1-1767600000600": signal("SUCCESS", `{"step":"install"}`)}, nil},
		"one failed":           {map[string]any{"app-school-app-1-1767600000500": signal("FAILURE", `{"step":"migrate","mode":"run"}`)}, nil},
		"of another stack":     {map[string]any{"app-schools-app-1-1767600000500": run, "backend-1-1767600000500": run}, nil},
		"nonsense":             {map[string]any{"app-school-app-1": run, "app-school-app-1-x": run, "app-school-app-1-1767600000500": 7, "app-school-app-2-1767600000500": signal("SUCCESS", "{")}, nil},
	} {
		for range 8 { // maps have no order
			if got := cluster.Migrating(row.signals, "school"); !maps.Equal(got, row.want) {
				t.Errorf("%s: %v, want %v", name, got, row.want)
				break
			}
		}
	}
}

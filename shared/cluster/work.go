package cluster

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Work is what a node that would go has to end, as far as that is known without changing anything. What is nil, nobody knows.
type Work struct {
	Node string `json:"node"`
	// Health is what the load balancer says of it.
	Health string `json:"health,omitempty"`
	// Sessions are those that the load balancer counts now.
	Sessions *int `json:"sessions,omitempty"`
	// MigratingSince is when it began the migrations of its site, whose lock it holds, by its own last word.
	MigratingSince *time.Time `json:"migrating_since,omitempty"`
	// RemovedAt is when its drain is over by time; nil for one that goes at once.
	RemovedAt *time.Time `json:"removed_at,omitempty"`
	// HookUntil is up to when its hook is waited for, which is asked from RemovedAt on.
	HookUntil *time.Time `json:"hook_until,omitempty"`
}

// OpenWork is what the nodes that go by a decision have to end (sites.md 7.1 no. 10). The hook's word is not in it: a hook
// may begin to clear a node when it is asked, so only a removal asks.
func (s State) OpenWork(d Decision, migrating map[string]time.Time, now time.Time) []Work {
	var out []Work
	for _, name := range d.Victims {
		w := Work{Node: name}
		if since, runs := migrating[name]; runs {
			w.MigratingSince = &since
		}
		if i := slices.IndexFunc(s.Nodes, func(n Node) bool { return n.Name == name }); i >= 0 {
			w = s.workOf(w, s.Nodes[i], d.Code == Draining, now)
		}
		out = append(out, w)
	}
	return out
}

func (s State) workOf(w Work, n Node, drained bool, now time.Time) Work {
	w.Health = n.Health
	if count, known := s.Sessions[n.Member]; known {
		w.Sessions = &count
	}
	at, leaves := s.Leaves(n)
	if !leaves && drained {
		at, leaves = now.Add(s.Policy.Drain), true
	}
	if !leaves {
		return w
	}
	w.RemovedAt = &at
	if s.Policy.Hook && n.Server != "" {
		until := at.Add(s.Policy.HookDeadline)
		w.HookUntil = &until
	}
	return w
}

// Migrating says since when which nodes of a site run its migrations: those whose last word to the site's progress handle is
// that they do. The signals are by their ids, app-<server's name>-<milliseconds>, as heat-templates/site/boot/lib.sh sends them.
func Migrating(signals map[string]any, stack string) map[string]time.Time {
	last, out := map[string]int64{}, map[string]time.Time{}
	for id, signal := range signals {
		rest, ours := strings.CutPrefix(id, "app-"+stack+"-app-")
		node, stamp, whole := strings.Cut(rest, "-")
		at, err := strconv.ParseInt(stamp, 10, 64)
		if !ours || !whole || err != nil || at <= last[node] {
			continue
		}
		last[node] = at
		delete(out, node)
		if migrates(signal) {
			out[node] = time.UnixMilli(at).UTC()
		}
	}
	return out
}

func migrates(signal any) bool {
	said, _ := signal.(map[string]any)
	text, ok := said["data"].(string)
	if !ok { // Heat keeps what came as an object as one
		b, _ := json.Marshal(said["data"]) // it came as JSON
		text = string(b)
	}
	var data struct{ Step, Mode string }
	return json.Unmarshal([]byte(text), &data) == nil && said["status"] != "FAILURE" && data.Step == "migrate" && data.Mode == "run"
}

package scalecluster

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/openstack"
)

// overview is GET /{cluster}.
type overview struct {
	Cluster string `json:"cluster"`
	Stack   string `json:"stack"`
	State   string `json:"state"`
	Busy    bool   `json:"busy"`
	Nodes   int    `json:"nodes"`
	Min     int    `json:"min"`
	Max     int    `json:"max"`
	// Schedule is the one that Min and Max come from now.
	Schedule string `json:"schedule,omitempty"`
	// Paused is what the stack's tags hold back: all, in or out. Halted says why nothing is done for alarms any more.
	Paused      []string `json:"paused,omitempty"`
	Halted      string   `json:"halted,omitempty"`
	CooldownOut int      `json:"cooldown_out"`
	CooldownIn  int      `json:"cooldown_in"`
	// OutAfter and InAfter are when an alarm may next make it grow or shrink; absent if it may now.
	OutAfter *time.Time `json:"out_after,omitempty"`
	InAfter  *time.Time `json:"in_after,omitempty"`
	// NodeHours are those of the last 24 hours.
	NodeHours cluster.Hours `json:"node_hours"`
	// Strays are what does not fit together, where the nodes were looked at; a sweep looks at their servers, too.
	Strays []cluster.Stray `json:"strays,omitempty"`
	// List are the nodes, if they were asked for or have to be looked at anyway.
	List      []nodeView `json:"list,omitempty"`
	Decisions []past     `json:"decisions"` // newest first
}

// nodeView is one node. It can be named by name, server or address.
type nodeView struct {
	Name      string `json:"name"`
	Server    string `json:"server,omitempty"`
	Address   string `json:"address,omitempty"`
	Zone      string `json:"zone,omitempty"`
	Health    string `json:"health,omitempty"`
	Protected bool   `json:"protected,omitempty"`
	// RemovedAt is when a node on its way out is removed, at the earliest.
	RemovedAt *time.Time `json:"removed_at,omitempty"`
}

// past is a decision that was made true.
type past struct {
	At   time.Time    `json:"at"`
	Op   cluster.Op   `json:"direction"`
	From int          `json:"from"`
	To   int          `json:"to"`
	Code cluster.Code `json:"code"`
	By   string       `json:"by,omitempty"`
}

// show answers GET /{cluster}: at most two requests to OpenStack, and one more for the nodes.
func (s *scaler) show(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		wrongMethod(w, r, "GET, HEAD", "Get the cluster here; to scale it, post to /{cluster}/out, in, auto or set.")
		return
	}
	name, who, ok := s.letIn(w, r)
	if !ok {
		return
	}
	t := s.target(name)
	door, full := s.doorFor(who), t.policy.NeedsNodes() || r.URL.Query().Get("nodes") == "1"
	stack, err := s.read(r.Context(), door, t, who, full)
	if err != nil {
		function.Fail(w, r, explain(err, who))
		return
	}
	state, err := t.state(stack)
	if err != nil {
		function.Fail(w, r, err)
		return
	}
	if full {
		if state.Nodes, state.Strangers, err = nodes(r.Context(), door, stack); err != nil {
			function.Fail(w, r, explain(err, who))
			return
		}
	}
	s.counts.seen(name, state, s.now())
	function.JSON(w, r, http.StatusOK, s.overview(name, stack, state))
}

func (s *scaler) overview(name string, stack openstack.Stack, state cluster.State) overview {
	out, in := state.Next(s.now())
	view := overview{
		Cluster: name, Stack: stack.Name, State: stack.State(), Busy: stack.Busy(), Nodes: state.Count, Halted: state.Memory.Halt,
		CooldownOut: seconds(state.CooldownOut), CooldownIn: seconds(state.CooldownIn), OutAfter: out, InAfter: in,
		NodeHours: state.Hours(s.now()), List: listed(state), Decisions: history(state.Memory.Ring),
	}
	if state.Nodes != nil {
		view.Strays = state.Strays()
	}
	view.Min, view.Max, view.Schedule = state.Bounds(s.now())
	for word, held := range map[string]bool{"all": state.Pause.All, "in": state.Pause.In, "out": state.Pause.Out} {
		if held {
			view.Paused = append(view.Paused, word)
		}
	}
	slices.Sort(view.Paused)
	return view
}

// listed are the nodes in the order of their names.
func listed(state cluster.State) []nodeView {
	var out []nodeView
	for _, n := range state.Nodes {
		v := nodeView{Name: n.Name, Server: n.Server, Address: n.Address, Zone: n.Zone, Health: n.Health, Protected: n.Protected()}
		if at, leaving := state.Leaves(n); leaving {
			v.RemovedAt = &at
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b nodeView) int {
		return cmp.Or(cmp.Compare(len(a.Name), len(b.Name)), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// history is a ring as callers read it, newest first.
func history(ring []cluster.Entry) []past {
	list := make([]past, 0, len(ring))
	for _, e := range slices.Backward(ring) {
		list = append(list, past{time.Unix(e.At, 0).UTC(), e.Op, e.From, e.To, e.Code, e.By})
	}
	return list
}

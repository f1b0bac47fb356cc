package scalecluster

import (
	"net/http"
	"slices"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
)

// overview is GET /{cluster}.
type overview struct {
	Cluster     string `json:"cluster"`
	Stack       string `json:"stack"`
	State       string `json:"state"`
	Busy        bool   `json:"busy"`
	Nodes       int    `json:"nodes"`
	Min         int    `json:"min"`
	Max         int    `json:"max"`
	CooldownOut int    `json:"cooldown_out"`
	CooldownIn  int    `json:"cooldown_in"`
	// OutAfter and InAfter are when an alarm may next make it grow or shrink; absent if it may now.
	OutAfter  *time.Time `json:"out_after,omitempty"`
	InAfter   *time.Time `json:"in_after,omitempty"`
	Decisions []past     `json:"decisions"` // newest first
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

// show answers GET /{cluster}: at most two requests to OpenStack.
func (s *scaler) show(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		wrongMethod(w, r, "GET, HEAD", "Get the cluster here; to scale it, post to /{cluster}/out, in, auto or set.")
		return
	}
	name := r.PathValue("cluster")
	logging.Note(r.Context(), "cluster", name)
	who, ok := s.identify(r, name, nil)
	if !ok {
		unauthorized(w, r)
		return
	}
	t := s.target(name)
	stack, err := s.read(r.Context(), s.doorFor(who), t, who)
	if err != nil {
		function.Fail(w, r, explain(err, who))
		return
	}
	state, err := t.state(stack)
	if err != nil {
		function.Fail(w, r, err)
		return
	}
	out, in := state.Next(s.now())
	view := overview{
		Cluster: name, Stack: stack.Name, State: stack.State(), Busy: stack.Busy(), Nodes: state.Count,
		Min: state.Min, Max: state.Max, CooldownOut: seconds(state.CooldownOut), CooldownIn: seconds(state.CooldownIn),
		OutAfter: out, InAfter: in, Decisions: []past{},
	}
	for _, e := range slices.Backward(state.Memory.Ring) {
		view.Decisions = append(view.Decisions, past{time.Unix(e.At, 0).UTC(), e.Op, e.From, e.To, e.Code, e.By})
	}
	function.JSON(w, r, http.StatusOK, view)
}

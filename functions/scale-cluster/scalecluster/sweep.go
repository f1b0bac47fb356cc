package scalecluster

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// swept is the answer to a sweep.
type swept struct {
	Cluster string          `json:"cluster"`
	State   string          `json:"state"`
	Strays  []cluster.Stray `json:"strays"`
	// Repaired are the nodes that got their weight back; Checked says that OpenStack looks for what is gone.
	Repaired []string `json:"repaired,omitempty"`
	Checked  bool     `json:"checked,omitempty"`
	// Reason says why members were left as they are.
	Reason string `json:"reason,omitempty"`
}

// sweep answers POST /{cluster}/sweep: what of stack, servers and pool does not fit together (N15). With repair=1 it does
// about it what a program may; the rest is for a person to decide.
func (s *scaler) sweep(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		wrongMethod(w, r, http.MethodPost, "Only POST sweeps a cluster; send the request as POST and without redirects.")
		return
	}
	name, who, ok := s.letIn(w, r)
	if !ok {
		return
	}
	t, door := s.target(name), s.doorFor(who)
	stack, err := s.read(r.Context(), door, t, who, true)
	if err != nil {
		function.Fail(w, r, explain(err, who))
		return
	}
	state, err := t.state(stack)
	if err != nil {
		function.Fail(w, r, err)
		return
	}
	if state.Nodes, state.Strangers, err = serving(r.Context(), door, stack); err != nil {
		function.Fail(w, r, explain(err, who))
		return
	}
	out := swept{Cluster: name, State: stack.State(), Strays: append([]cluster.Stray{}, state.Strays()...)}
	if r.URL.Query().Get("repair") == "1" {
		if err := mend(r.Context(), door, stack, state, &out); err != nil {
			function.Fail(w, r, explain(err, who))
			return
		}
	}
	logging.Note(r.Context(), "strays", strconv.Itoa(len(out.Strays)))
	function.JSON(w, r, http.StatusOK, out)
}

// serving are the nodes as Nova knows them, too: a server that somebody deleted is none, whatever the stack says.
func serving(ctx context.Context, d door, stack openstack.Stack) (own, strangers []cluster.Node, err error) {
	own, strangers, err = nodes(ctx, d, stack)
	if err != nil {
		return nil, nil, err
	}
	var ids []string
	for _, n := range own {
		if n.Server != "" {
			ids = append(ids, n.Server)
		}
	}
	if len(ids) == 0 {
		return own, strangers, nil
	}
	servers, err := d.Servers(ctx, ids...)
	if err != nil {
		return nil, nil, fmt.Errorf("read servers of stack %s: %w", stack.Name, err)
	}
	for i, n := range own {
		if !slices.ContainsFunc(servers, func(s openstack.Server) bool { return s.ID == n.Server }) {
			own[i].Server = ""
		}
	}
	return own, strangers, nil
}

// mend carries out a repair. What it does not get to, because the load balancer is at work, the next one does.
func mend(ctx context.Context, d door, stack openstack.Stack, state cluster.State, out *swept) error {
	members, check := state.Mend()
	for i, m := range members {
		err := changeMember(ctx, d, poolOf(stack), m)
		if openstack.CodeOf(err) == openstack.Busy {
			out.Reason = "The load balancer is at work; sweep again for the rest."
			if i == 0 && broken(ctx, d, stack) {
				out.Reason = cluster.Decision{}.Broken().Reason
			}
			break
		}
		if err != nil {
			return fmt.Errorf("give node %s its weight back: %w", m.Node, err)
		}
		out.Repaired = append(out.Repaired, m.Node)
	}
	if !check {
		return nil
	}
	if err := d.Act(ctx, stack.StackRef, openstack.Check); err != nil {
		return fmt.Errorf("check stack %s: %w", stack.Name, err)
	}
	out.Checked = true
	return nil
}

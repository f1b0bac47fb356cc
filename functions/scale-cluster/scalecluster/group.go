package scalecluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/openstack"
)

// markReason begins the reason of a resource that we marked; the time follows, in Unix seconds.
const markReason = "stackhook: chosen to go at "

// takesNames says that the stack's group is told by name whom to remove. One that is not may be an AutoScalingGroup.
func takesNames(stack openstack.Stack) bool {
	_, has := stack.Parameters["app_removal"]
	return has
}

// lookAtGroup learns the members of an AutoScalingGroup, once for a request.
func (v *visit) lookAtGroup(ctx context.Context) error {
	if v.grouped || takesNames(v.stack) {
		return nil
	}
	list, err := v.door.Resources(ctx, v.stack.StackRef, 1)
	if err != nil {
		return fmt.Errorf("read group of cluster %s: %w", v.target.name, err)
	}
	v.grouped = true
	groups := slices.DeleteFunc(slices.Clone(list), func(r openstack.Resource) bool { return r.Type != "OS::Heat::AutoScalingGroup" })
	switch len(groups) {
	case 0:
		return nil
	case 1:
	default:
		return &openstack.Error{Code: openstack.Broken, Op: "read group of cluster " + v.target.name, Err: errors.New("there are several")}
	}
	members := []cluster.GroupMember{}
	for _, r := range list {
		if r.Stack.ID == groups[0].PhysicalID {
			v.group = r.Stack
			members = append(members, groupMember(r))
		}
	}
	v.state = v.state.Grouped(members)
	return nil
}

func groupMember(r openstack.Resource) cluster.GroupMember {
	m := cluster.GroupMember{Name: r.Name, Failed: r.Status == "FAILED"}
	if text, ours := strings.CutPrefix(r.Reason, markReason); ours && m.Failed {
		unix, _ := strconv.ParseInt(text, 10, 64) // what is no time is long ago
		m.Marked = time.Unix(unix, 0)
	}
	return m
}

// needsGroup says that a decision is another one if the group is an AutoScalingGroup: any update of the stack, and a pass.
func (v *visit) needsGroup(d cluster.Decision) bool {
	passes := d.Op == cluster.OpPass && d.NeedsNodes(v.target.policy)
	return v.state.Group == nil && !v.request.DryRun && (d.Patch != nil || passes)
}

// mark writes the decision's marks. A member that is gone since it was listed says that somebody else is at work.
func (v *visit) mark(ctx context.Context, marks []cluster.Mark) error {
	reason := markReason + strconv.FormatInt(v.now.Unix(), 10)
	for _, m := range marks {
		err := v.door.MarkUnhealthy(ctx, v.group, m.Node, m.Unhealthy, reason)
		if openstack.CodeOf(err) == openstack.Gone {
			err = &openstack.Error{Code: openstack.Busy, Op: "mark node " + m.Node, Err: err}
		}
		if err != nil {
			return err //nolint:wrapcheck // apply decides by its code
		}
	}
	return nil
}

// unmark writes marks that no update follows.
func (v *visit) unmark(ctx context.Context, decision cluster.Decision) (cluster.Decision, error) {
	if err := v.mark(ctx, decision.Marks); err != nil {
		return cluster.Decision{}, fmt.Errorf("take back marks in cluster %s: %w", v.target.name, err)
	}
	decision.Applied = true
	return decision, nil
}

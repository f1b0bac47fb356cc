package deploysite

import (
	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/openstack"
)

// operation is the last change of a site that stands, whoever made it: the token in its memory. A site that was never
// changed is at the work of its making, whose name is the stack's id.
func operation(stack openstack.Stack) string {
	if memory, ok := cluster.Remember(stack.Parameters["scale_state"]); ok {
		return memory.Token
	}
	return stack.ID
}

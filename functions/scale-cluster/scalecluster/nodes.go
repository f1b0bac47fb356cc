package scalecluster

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
	"github.com/stackhook/stackhook/shared/openstack"
)

// nodes are the cluster's nodes: what the stack puts out of them, and what the load balancer says of their members, for
// one request; strangers are the pool's other members. They are nil for a stack without the outputs pool_id and nodes.
func nodes(ctx context.Context, d door, stack openstack.Stack) (own, strangers []cluster.Node, err error) {
	pool := poolOf(stack)
	named, ok := stack.Outputs["nodes"].(map[string]any)
	if pool == "" || !ok {
		return nil, nil, nil
	}
	members, err := d.Members(ctx, pool)
	if openstack.CodeOf(err) == openstack.Gone {
		// It is the pool that is gone, and not the cluster: somebody took it away behind Heat's back.
		err = &openstack.Error{Code: openstack.Broken, Op: "look for pool " + pool, Err: err}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read members of stack %s: %w", stack.Name, err)
	}
	byID := make(map[string]openstack.Member, len(members))
	for _, m := range members {
		byID[m.ID] = m
	}
	own = make([]cluster.Node, 0, len(named))
	for name, value := range named {
		n := node(name, value, byID)
		delete(byID, n.Member)
		own = append(own, n)
	}
	for _, m := range members {
		if _, left := byID[m.ID]; left {
			strangers = append(strangers, cluster.Node{Member: m.ID, Address: m.Address, Health: m.OperatingStatus, Weight: m.Weight, AdminUp: m.AdminUp, Tags: m.Tags})
		}
	}
	return own, strangers, nil
}

// isID tells the id of a server. Of one that was not made Heat gives null, or the name that it has in its template
// (heat/engine/resource.py, get_reference_id).
var isID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString

// node is one of them. A node that failed to be made has none of its parts, or some.
func node(name string, value any, members map[string]openstack.Member) cluster.Node {
	parts, _ := value.(map[string]any)
	text := func(key string) string {
		s, _ := parts[key].(string)
		return s
	}
	n := cluster.Node{Name: name, Address: text("address"), Zone: text("zone")}
	n.Born, _ = time.Parse(time.RFC3339, text("created")) // a template of somebody else's may not say
	if server := text("server"); isID(server) {
		n.Server = server
	}
	if m, ok := members[text("member")]; ok {
		n.Member, n.Health, n.Weight, n.AdminUp, n.Tags = m.ID, m.OperatingStatus, m.Weight, m.AdminUp, m.Tags
	}
	return n
}

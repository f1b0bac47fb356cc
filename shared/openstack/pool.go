package openstack

import (
	"context"
	"net/http"
)

// PoolSettings is what a pool's own page says of it; its members are [Cloud.Members].
type PoolSettings struct {
	ID                 string
	ProvisioningStatus string // ACTIVE, PENDING_*, ERROR; empty with LBaaSv2
	// Persistence is how the pool keeps a client at its member: SOURCE_IP, HTTP_COOKIE or APP_COOKIE; empty if it does not.
	Persistence string
	// LoadBalancer is the id of the load balancer that it belongs to.
	LoadBalancer string
}

// Pool reads a pool's settings: one request.
func (c *Cloud) Pool(ctx context.Context, id string) (PoolSettings, error) {
	op := "read pool " + id
	s, _, err := c.balancing(ctx, op)
	if err != nil {
		return PoolSettings{}, err
	}
	var reply struct {
		Pool struct {
			ID            string                 `json:"id"`
			Provision     string                 `json:"provisioning_status"`
			Persistence   *struct{ Type string } `json:"session_persistence"`
			LoadBalancers []struct{ ID string }  `json:"loadbalancers"`
		} `json:"pool"`
	}
	err = c.do(ctx, request{op: op, service: s, method: http.MethodGet, path: "/lbaas/pools/{}", args: []string{id}, into: &reply})
	if err != nil {
		return PoolSettings{}, err
	}
	if reply.Pool.ID == "" {
		return PoolSettings{}, broken(op, "the answer has no pool")
	}
	out := PoolSettings{ID: reply.Pool.ID, ProvisioningStatus: reply.Pool.Provision}
	if reply.Pool.Persistence != nil {
		out.Persistence = reply.Pool.Persistence.Type
	}
	if len(reply.Pool.LoadBalancers) > 0 {
		out.LoadBalancer = reply.Pool.LoadBalancers[0].ID
	}
	return out, nil
}

// LoadBalancerStatus is a load balancer's provisioning status alone, for one request: ACTIVE, PENDING_* or ERROR. It tells
// a load balancer that is at work from one that nothing but a failover mends: to a change both answer Busy.
func (c *Cloud) LoadBalancerStatus(ctx context.Context, id string) (string, error) {
	op := "read status of load balancer " + id
	s, _, err := c.balancing(ctx, op)
	if err != nil {
		return "", err
	}
	var reply struct {
		LoadBalancer struct {
			Provision string `json:"provisioning_status"`
		} `json:"loadbalancer"`
	}
	err = c.do(ctx, request{op: op, service: s, method: http.MethodGet, path: "/lbaas/loadbalancers/{}", args: []string{id}, into: &reply})
	if err == nil && reply.LoadBalancer.Provision == "" {
		err = broken(op, "the answer has no status")
	}
	return reply.LoadBalancer.Provision, err
}

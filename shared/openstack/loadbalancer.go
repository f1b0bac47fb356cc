package openstack

import (
	"context"
	"net/http"
	"net/url"
)

// balancing is the service that has the load balancers: Octavia or, in a cloud whose catalog has none, LBaaSv2 under
// Neutron. Both use the same paths below /lbaas, so that one set of methods serves.
func (c *Cloud) balancing(ctx context.Context, op string) (s service, statuses string, err error) {
	conn, err := c.connect(ctx, op, nil)
	if err != nil {
		return service{}, "", err
	}
	if _, none := conn.client(octavia(), c.creds.location); none == nil {
		return octavia(), "/lbaas/loadbalancers/{}/status", nil
	}
	return lbaasv2(), "/lbaas/loadbalancers/{}/statuses", nil
}

// LoadBalancer is the load balancer with all pools and members as its status tree shows them: their states, not their
// weights, for which see [Cloud.Members]. It takes two requests, because the tree lacks the address.
func (c *Cloud) LoadBalancer(ctx context.Context, id string) (LoadBalancer, error) {
	op := "read load balancer " + id
	s, statuses, err := c.balancing(ctx, op)
	if err != nil {
		return LoadBalancer{}, err
	}
	var shown struct {
		LoadBalancer struct {
			ID         string `json:"id"`
			VIPAddress string `json:"vip_address"`
		} `json:"loadbalancer"`
	}
	err = c.do(ctx, request{
		op: op, service: s, method: http.MethodGet, path: "/lbaas/loadbalancers/{}", args: []string{id}, into: &shown,
	})
	if err != nil {
		return LoadBalancer{}, err
	}
	var tree struct {
		Statuses struct {
			LoadBalancer treeWire `json:"loadbalancer"`
		} `json:"statuses"`
	}
	err = c.do(ctx, request{op: op, service: s, method: http.MethodGet, path: statuses, args: []string{id}, into: &tree})
	if err != nil {
		return LoadBalancer{}, err
	}
	lb := tree.Statuses.LoadBalancer.loadBalancer()
	if shown.LoadBalancer.ID == "" || lb.ID == "" {
		return LoadBalancer{}, broken(op, "the answer has no load balancer")
	}
	lb.VIPAddress = shown.LoadBalancer.VIPAddress
	return lb, nil
}

// treeWire is the status tree. Octavia hangs pools on their listeners alone, LBaaSv2 on the load balancer too, and a pool
// that several listeners share is there for each.
type treeWire struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Provision string     `json:"provisioning_status"`
	Operating string     `json:"operating_status"`
	Pools     []poolWire `json:"pools"`
	Listeners []struct {
		Pools []poolWire `json:"pools"`
	} `json:"listeners"`
}

type poolWire struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	Provision string       `json:"provisioning_status"`
	Operating string       `json:"operating_status"`
	Members   []memberWire `json:"members"`
}

func (w treeWire) loadBalancer() LoadBalancer {
	lb := LoadBalancer{ID: w.ID, Name: w.Name, ProvisioningStatus: w.Provision, OperatingStatus: w.Operating}
	seen := map[string]bool{}
	add := func(pools []poolWire) {
		for _, p := range pools {
			if seen[p.ID] {
				continue
			}
			seen[p.ID] = true
			lb.Pools = append(lb.Pools, Pool{
				ID: p.ID, Name: p.Name, ProvisioningStatus: p.Provision, OperatingStatus: p.Operating,
				Members: members(p.Members),
			})
		}
	}
	for _, l := range w.Listeners {
		add(l.Pools)
	}
	add(w.Pools)
	return lb
}

type memberWire struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Address   string   `json:"address"`
	Port      int      `json:"protocol_port"`
	Weight    int      `json:"weight"`
	AdminUp   bool     `json:"admin_state_up"`
	Tags      []string `json:"tags"`
	Provision string   `json:"provisioning_status"`
	Operating string   `json:"operating_status"`
}

func members(wire []memberWire) []Member {
	out := make([]Member, len(wire))
	for i, w := range wire {
		out[i] = Member{
			ID: w.ID, Name: w.Name, Address: w.Address, Port: w.Port, Weight: w.Weight, AdminUp: w.AdminUp, Tags: w.Tags,
			ProvisioningStatus: w.Provision, OperatingStatus: w.Operating,
		}
	}
	return out
}

// Members are a pool's members with weights and tags. LBaaSv2's have no tags and no states here, the tree has the states.
func (c *Cloud) Members(ctx context.Context, poolID string) ([]Member, error) {
	op := "list members of pool " + poolID
	s, _, err := c.balancing(ctx, op)
	if err != nil {
		return nil, err
	}
	var out []Member
	query := url.Values{}
	for {
		var reply struct {
			Members []memberWire `json:"members"`
			Links   []link       `json:"members_links"`
		}
		err := c.do(ctx, request{
			op: op, service: s, method: http.MethodGet, path: "/lbaas/pools/{}/members", args: []string{poolID},
			query: query, into: &reply,
		})
		if err != nil {
			return nil, err
		}
		out = append(out, members(reply.Members)...)
		if !hasNext(reply.Links) || len(reply.Members) == 0 {
			return out, nil
		}
		query.Set("marker", reply.Members[len(reply.Members)-1].ID)
	}
}

type link struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

// hasNext says that a server cut the list short. We make the next address ourselves from the marker: the one in the link
// is as the service sees itself, which behind a proxy is wrong.
func hasNext(links []link) bool {
	for _, l := range links {
		if l.Rel == "next" {
			return true
		}
	}
	return false
}

// ChangeMember sets what change names and leaves the rest. A load balancer that is at work is Busy, and so is one in
// ERROR, which no waiting cures: [Cloud.LoadBalancerStatus] tells them apart. LBaaSv2 has no tags, they are left out there.
func (c *Cloud) ChangeMember(ctx context.Context, poolID, memberID string, change MemberChange) error {
	op := "change member " + memberID
	s, _, err := c.balancing(ctx, op)
	if err != nil {
		return err
	}
	member := map[string]any{}
	if change.Weight != nil {
		member["weight"] = *change.Weight
	}
	if change.AdminUp != nil {
		member["admin_state_up"] = *change.AdminUp
	}
	if change.Tags != nil && s.kind == octavia().kind {
		member["tags"] = append([]string{}, *change.Tags...) // [] and not null: it takes the tags away
	}
	if len(member) == 0 {
		return nil
	}
	return c.do(ctx, request{
		op: op, service: s, method: http.MethodPut, path: "/lbaas/pools/{}/members/{}", args: []string{poolID, memberID},
		body: map[string]any{"member": member},
	})
}

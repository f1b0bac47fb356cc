package openstack

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// FloatingIP is one of the project's floating IPs.
type FloatingIP struct {
	ID, Address string
	PortID      string // empty: it leads nowhere
	Status      string // ACTIVE, DOWN, ERROR
	Created     time.Time
	Tags        []string
}

// FloatingIPs are the project's floating IPs, also for an administrator, who would see those of all projects.
func (c *Cloud) FloatingIPs(ctx context.Context) ([]FloatingIP, error) {
	const op = "list floating IPs"
	project, err := c.Project(ctx)
	if err != nil {
		return nil, err
	}
	var out []FloatingIP
	query := url.Values{"project_id": {project}}
	for {
		var reply struct {
			FloatingIPs []struct {
				ID      string   `json:"id"`
				Address string   `json:"floating_ip_address"`
				PortID  string   `json:"port_id"` // null reads as empty
				Status  string   `json:"status"`
				Created moment   `json:"created_at"`
				Tags    []string `json:"tags"`
			} `json:"floatingips"`
			Links []link `json:"floatingips_links"`
		}
		err := c.do(ctx, request{op: op, service: neutron(), method: http.MethodGet, path: "/floatingips", query: query, into: &reply})
		if err != nil {
			return nil, err
		}
		for _, w := range reply.FloatingIPs {
			out = append(out, FloatingIP{
				ID: w.ID, Address: w.Address, PortID: w.PortID, Status: w.Status, Created: w.Created.Time, Tags: w.Tags,
			})
		}
		if !hasNext(reply.Links) || len(reply.FloatingIPs) == 0 {
			return out, nil
		}
		query.Set("marker", reply.FloatingIPs[len(reply.FloatingIPs)-1].ID)
	}
}

// DeleteFloatingIP gives the address back; Gone if it was given back before.
func (c *Cloud) DeleteFloatingIP(ctx context.Context, id string) error {
	return c.do(ctx, request{op: "delete floating IP " + id, service: neutron(), method: http.MethodDelete, path: "/floatingips/{}", args: []string{id}})
}

package openstack

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"sync"
)

// Room is how much more the project's quotas allow. What has no bound, or belongs to a service that the cloud does not
// have or that does not tell, is math.MaxInt.
type Room struct {
	Servers, Cores int
	RAM            int // MiB
	KeyPairs       int // of the user, not of the project

	Ports, Networks, Subnets, Routers, FloatingIPs, SecurityGroups int

	Volumes   int
	Gigabytes int // GiB of volumes
}

// unbounded is the room of a cloud without quotas.
func unbounded() Room {
	const none = math.MaxInt
	return Room{
		Servers: none, Cores: none, RAM: none, KeyPairs: none,
		Ports: none, Networks: none, Subnets: none, Routers: none, FloatingIPs: none, SecurityGroups: none,
		Volumes: none, Gigabytes: none,
	}
}

// Room reads the quotas of Nova, Neutron and Cinder and the user's key pairs: four requests at once, fewer where the cloud
// lacks a service. Heat's own bound, max_stacks_per_tenant, no API tells.
func (c *Cloud) Room(ctx context.Context) (Room, error) {
	room := unbounded()
	pairs := 0
	var errs [4]error
	var wg sync.WaitGroup
	wg.Go(func() { errs[0] = c.novaRoom(ctx, &room) })
	wg.Go(func() { errs[1] = c.neutronRoom(ctx, &room) })
	wg.Go(func() { errs[2] = c.cinderRoom(ctx, &room) })
	wg.Go(func() {
		var all []KeyPair
		all, errs[3] = c.KeyPairs(ctx)
		pairs = len(all)
	})
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return Room{}, err
		}
	}
	if room.KeyPairs != math.MaxInt {
		room.KeyPairs = max(0, room.KeyPairs-pairs)
	}
	return room, nil
}

// BalancerRoom is how many more load balancers the project may have: two requests, and none in a cloud without Octavia, whose
// quota of LBaaSv2 nobody tells. An Octavia that does not show the quota to its own project has no bound that we know.
func (c *Cloud) BalancerRoom(ctx context.Context) (int, error) {
	const op = "read quota of Octavia"
	conn, known, err := c.offers(ctx, op, octavia())
	if err != nil || !known {
		return math.MaxInt, err
	}
	var bound struct {
		Quota struct {
			LoadBalancer  *int `json:"load_balancer"`
			LoadBalancer2 *int `json:"loadbalancer"` // before API 2.19
		} `json:"quota"`
	}
	err = c.do(ctx, request{
		op: op, service: octavia(), method: http.MethodGet, path: "/lbaas/quotas/{}", args: []string{conn.project}, into: &bound,
	})
	if code := CodeOf(err); code == Gone || code == Forbidden {
		return math.MaxInt, nil
	}
	limit := bound.Quota.LoadBalancer
	if limit == nil {
		limit = bound.Quota.LoadBalancer2
	}
	if err != nil || limit == nil || *limit < 0 {
		return math.MaxInt, err
	}
	var reply struct {
		LoadBalancers []struct {
			ID string `json:"id"`
		} `json:"loadbalancers"`
	}
	err = c.do(ctx, request{
		op: op, service: octavia(), method: http.MethodGet, path: "/lbaas/loadbalancers",
		query: url.Values{"project_id": {conn.project}, "fields": {"id"}}, into: &reply,
	})
	return left(*limit, len(reply.LoadBalancers)), err
}

// ServerRoom is what the project's quotas in Nova leave for servers, and Nova's part of a Room alone: one request.
func (c *Cloud) ServerRoom(ctx context.Context) (Room, error) {
	room := unbounded()
	if err := c.novaRoom(ctx, &room); err != nil {
		return Room{}, err
	}
	return room, nil
}

// left is what a limit leaves; a negative one is none.
func left(limit, used int) int {
	if limit < 0 {
		return math.MaxInt
	}
	return max(0, limit-used)
}

// novaRoom sets Nova's part of the room. Its KeyPairs are the bound alone: how many there are, Nova does not count here
// (nova/api/openstack/compute/views/limits.py).
func (c *Cloud) novaRoom(ctx context.Context, room *Room) error {
	const op = "read limits of Nova"
	var reply struct {
		Limits struct {
			Absolute struct {
				Servers     *int `json:"maxTotalInstances"` // -1: no bound
				ServersUsed *int `json:"totalInstancesUsed"`
				Cores       *int `json:"maxTotalCores"`
				CoresUsed   int  `json:"totalCoresUsed"`
				RAM         *int `json:"maxTotalRAMSize"`
				RAMUsed     int  `json:"totalRAMUsed"`
				KeyPairs    *int `json:"maxTotalKeypairs"`
			} `json:"absolute"`
		} `json:"limits"`
	}
	if err := c.do(ctx, request{op: op, service: nova(), method: http.MethodGet, path: "/limits", into: &reply}); err != nil {
		return err
	}
	absolute := reply.Limits.Absolute
	if absolute.Servers == nil || absolute.ServersUsed == nil {
		return broken(op, "the answer has no limit of servers")
	}
	room.Servers = left(*absolute.Servers, *absolute.ServersUsed)
	set := func(to, limit *int, used int) {
		if limit != nil {
			*to = left(*limit, used)
		}
	}
	set(&room.Cores, absolute.Cores, absolute.CoresUsed)
	set(&room.RAM, absolute.RAM, absolute.RAMUsed)
	set(&room.KeyPairs, absolute.KeyPairs, 0)
	return nil
}

// neutronRoom sets Neutron's part. Of a Neutron without the extension quota_details, which answers 404, nothing is known.
func (c *Cloud) neutronRoom(ctx context.Context, room *Room) error {
	const op = "read quotas of Neutron"
	conn, known, err := c.offers(ctx, op, neutron())
	if err != nil || !known {
		return err
	}
	type detail struct{ Limit, Used, Reserved int }
	var reply struct {
		Quota map[string]detail `json:"quota"`
	}
	err = c.do(ctx, request{
		op: op, service: neutron(), method: http.MethodGet, path: "/quotas/{}/details.json", args: []string{conn.project}, into: &reply,
	})
	if CodeOf(err) == Gone {
		return nil
	}
	if err != nil {
		return err
	}
	for kind, to := range map[string]*int{
		"port": &room.Ports, "network": &room.Networks, "subnet": &room.Subnets, "router": &room.Routers,
		"floatingip": &room.FloatingIPs, "security_group": &room.SecurityGroups,
	} {
		if d, there := reply.Quota[kind]; there {
			*to = left(d.Limit, d.Used+d.Reserved)
		}
	}
	return nil
}

// cinderRoom sets Cinder's part.
func (c *Cloud) cinderRoom(ctx context.Context, room *Room) error {
	const op = "read limits of Cinder"
	_, known, err := c.offers(ctx, op, cinder())
	if err != nil || !known {
		return err
	}
	var reply struct {
		Limits struct {
			Absolute struct {
				Volumes       *int `json:"maxTotalVolumes"`
				VolumesUsed   int  `json:"totalVolumesUsed"`
				Gigabytes     *int `json:"maxTotalVolumeGigabytes"`
				GigabytesUsed int  `json:"totalGigabytesUsed"`
			} `json:"absolute"`
		} `json:"limits"`
	}
	if err := c.do(ctx, request{op: op, service: cinder(), method: http.MethodGet, path: "/limits", into: &reply}); err != nil {
		return err
	}
	absolute := reply.Limits.Absolute
	if absolute.Volumes == nil || absolute.Gigabytes == nil {
		return broken(op, "the answer has no limit of volumes")
	}
	room.Volumes = left(*absolute.Volumes, absolute.VolumesUsed)
	room.Gigabytes = left(*absolute.Gigabytes, absolute.GigabytesUsed)
	return nil
}

// offers says whether the cloud's catalog has the service.
func (c *Cloud) offers(ctx context.Context, op string, s service) (*connection, bool, error) {
	conn, err := c.connect(ctx, op, nil)
	if err != nil {
		return nil, false, err
	}
	if _, err := conn.client(s, c.creds.location); err != nil {
		return nil, false, nil //nolint:nilerr // the one reason is that the catalog has none
	}
	return conn, true, nil
}

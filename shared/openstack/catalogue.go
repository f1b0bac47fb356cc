package openstack

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
)

func glance() service { return service{name: "glance", kind: "image", version: "v2"} }

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// ImageIDs are those of all active images of that name: one request. An id is its own, and not asked for.
func (c *Cloud) ImageIDs(ctx context.Context, name string) ([]string, error) {
	if uuidForm.MatchString(name) {
		return []string{name}, nil
	}
	return c.imagesNamed(ctx, "look for image "+name, name)
}

func (c *Cloud) imagesNamed(ctx context.Context, op, name string) ([]string, error) {
	var reply struct {
		Images []struct {
			ID string `json:"id"`
		} `json:"images"`
	}
	err := c.do(ctx, request{
		op: op, service: glance(), method: http.MethodGet, path: "/images",
		query: url.Values{"name": {name}, "status": {"active"}}, into: &reply,
	})
	ids := make([]string, len(reply.Images))
	for i, image := range reply.Images {
		ids[i] = image.ID
	}
	return ids, err
}

// HasImage says whether there is an active image of that name or id: one request, two for an id.
func (c *Cloud) HasImage(ctx context.Context, ref string) (bool, error) {
	op := "look for image " + ref
	named, err := c.imagesNamed(ctx, op, ref)
	if err != nil || len(named) > 0 || !uuidForm.MatchString(ref) {
		return err == nil && len(named) > 0, err
	}
	var image struct {
		Status string `json:"status"`
	}
	err = c.do(ctx, request{op: op, service: glance(), method: http.MethodGet, path: "/images/{}", args: []string{ref}, into: &image})
	if CodeOf(err) == Gone {
		return false, nil
	}
	return err == nil && image.Status == "active", err
}

// Network is one of Neutron's.
type Network struct {
	ID, Name string
	// External networks give floating IPs.
	External bool
}

// FindNetwork is the network of that name or id; Gone without one. Of several of a name it is any: Heat refuses those.
func (c *Cloud) FindNetwork(ctx context.Context, ref string) (Network, error) {
	op := "look for network " + ref
	var reply struct {
		Networks []struct {
			ID       string `json:"id"`
			Name     string `json:"name"`
			External bool   `json:"router:external"`
		} `json:"networks"`
	}
	err := c.do(ctx, request{op: op, service: neutron(), method: http.MethodGet, path: "/networks", query: byNameOrID(ref), into: &reply})
	if err != nil {
		return Network{}, err
	}
	if len(reply.Networks) == 0 {
		return Network{}, &Error{Code: Gone, Op: op}
	}
	n := reply.Networks[0]
	return Network{ID: n.ID, Name: n.Name, External: n.External}, nil
}

// Subnet is one of Neutron's.
type Subnet struct {
	ID, Name, NetworkID string
	CIDR                string
}

// FindSubnet is the subnet of that name or id; Gone without one.
func (c *Cloud) FindSubnet(ctx context.Context, ref string) (Subnet, error) {
	op := "look for subnet " + ref
	var reply struct {
		Subnets []struct {
			ID        string `json:"id"`
			Name      string `json:"name"`
			NetworkID string `json:"network_id"`
			CIDR      string `json:"cidr"`
		} `json:"subnets"`
	}
	err := c.do(ctx, request{op: op, service: neutron(), method: http.MethodGet, path: "/subnets", query: byNameOrID(ref), into: &reply})
	if err != nil {
		return Subnet{}, err
	}
	if len(reply.Subnets) == 0 {
		return Subnet{}, &Error{Code: Gone, Op: op}
	}
	s := reply.Subnets[0]
	return Subnet{ID: s.ID, Name: s.Name, NetworkID: s.NetworkID, CIDR: s.CIDR}, nil
}

func byNameOrID(ref string) url.Values {
	if uuidForm.MatchString(ref) {
		return url.Values{"id": {ref}}
	}
	return url.Values{"name": {ref}}
}

// Balancing is what a cloud has of load balancing, and what Heat can make of it.
type Balancing struct {
	// Octavia says that the catalog has it. The rest is then not asked for.
	Octavia bool
	// Extension says that Neutron has the extension lbaasv2.
	Extension bool
	// Heat says that Heat's type OS::Neutron::LBaaS::LoadBalancer makes something; Hidden is the release in which Heat hid it.
	Heat   bool
	Hidden string
}

// lbaasType stands for Heat's types of LBaaSv2.
const lbaasType = "OS::Neutron::LBaaS::LoadBalancer"

// Balancing looks at the catalog and, if it has no Octavia or lbaas asks for it, at Neutron's extension and Heat's resource
// type: no request or two.
//
// From 22 (2024.1) on, Heat's LBaaSv2 types are empty shells: a stack of them succeeds and nothing is made
// (heat/engine/resources/openstack/neutron/lbaas: NoneResource, support status HIDDEN since 22.0.0). In 21 they are hidden
// and real. Without the extension Zed does not show the type at all (400 ResourceTypeUnavailable).
func (c *Cloud) Balancing(ctx context.Context, lbaas bool) (Balancing, error) {
	const op = "look for load balancing"
	var b Balancing
	var err error
	if _, b.Octavia, err = c.offers(ctx, op, octavia()); err != nil || b.Octavia && !lbaas {
		return b, err
	}
	err = c.do(ctx, request{op: op, service: neutron(), method: http.MethodGet, path: "/extensions/{}", args: []string{"lbaasv2"}})
	if CodeOf(err) == Gone {
		return b, nil
	}
	if err != nil {
		return b, err
	}
	b.Extension = true
	var reply struct {
		Support struct {
			Status  string `json:"status"`
			Version string `json:"version"`
		} `json:"support_status"`
	}
	err = c.do(ctx, request{
		op: op, service: heat(), method: http.MethodGet, path: "/resource_types/{}", args: []string{lbaasType}, into: &reply,
	})
	switch CodeOf(err) {
	case "":
	case Gone, Refused: // not there, or not available
		return b, nil
	case Busy, Conflict, Forbidden, Quota, Unavailable, Broken:
		return b, err
	}
	b.Heat = reply.Support.Status != "HIDDEN" || major(reply.Support.Version) < 22
	if reply.Support.Status == "HIDDEN" {
		b.Hidden = reply.Support.Version
	}
	return b, nil
}

func major(version string) int {
	n := 0
	for _, digit := range version {
		if digit < '0' || digit > '9' {
			break
		}
		n = n*10 + int(digit-'0')
	}
	return n
}

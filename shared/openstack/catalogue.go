package openstack

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
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
	// Octavia says that the catalog has it. The rest is then not asked for, unless the caller wants LBaaSv2.
	Octavia bool
	// Shell says that Heat takes LBaaSv2's types and makes nothing of them. Neutron is then not asked.
	Shell bool
	// Heat says that Heat's types of LBaaSv2 make something, Extension that Neutron has the extension lbaasv2.
	Heat, Extension bool
}

// shellProbe is a template that Heat must not accept: no load balancer has such a property.
const shellProbe = `{"heat_template_version": "2015-10-15", "resources": {"probe": {
	"type": "OS::Neutron::LBaaS::LoadBalancer", "properties": {"stackhook_probe": "none"}}}}`

// Balancing looks at the catalog and, if it has no Octavia or lbaas asks for it, at Heat's resource type and Neutron's
// extension: no request, one or two.
//
// From 22 (2024.1) on, Heat's LBaaSv2 types are OS::Heat::None under another name: a stack of them succeeds and nothing is
// made. Heat's own description does not tell: it answers 400 NotSupported for a hidden type, as it does in 21, where they are
// real; and where it can be read, in the source of 24, it says "hidden since 21.0.0". What tells is that an empty shell takes any
// property: POST /validate of a wrong one is 200 (seen on 24.0.0), and 400 "Unknown Property" for a type that makes something,
// or 400 ResourceTypeUnavailable for one whose extension Neutron lacks (both seen on 19.0.0).
func (c *Cloud) Balancing(ctx context.Context, lbaas bool) (Balancing, error) {
	const op = "look for load balancing"
	var b Balancing
	var err error
	if _, b.Octavia, err = c.offers(ctx, op, octavia()); err != nil || b.Octavia && !lbaas {
		return b, err
	}
	err = c.ValidateTemplate(ctx, shellProbe, nil)
	switch CodeOf(err) {
	case "":
		b.Shell = true
		return b, nil
	case Refused, Gone:
		said, ok := errors.AsType[*answer](err)
		b.Heat = ok && strings.Contains(said.message, "Unknown Property")
	case Busy, Conflict, Forbidden, Quota, Unavailable, Broken:
		return b, err
	}
	err = c.do(ctx, request{op: op, service: neutron(), method: http.MethodGet, path: "/extensions/{}", args: []string{"lbaasv2"}})
	if CodeOf(err) == Gone {
		return b, nil
	}
	b.Extension = err == nil
	return b, err
}

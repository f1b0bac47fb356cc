package openstacktest

import (
	"errors"
	"maps"
	"net/netip"
	"slices"
)

// neutronKind makes an object of Neutron whose fields are the resource's properties.
func neutronKind(props, objectKind string, fill func(c *Cloud, r *resource, o *object) error) *kind {
	return &kind{
		props: props,
		create: func(c *Cloud, r *resource) error {
			r.id = c.ids.uuid()
			o := &object{kind: objectKind, id: r.id, fields: map[string]any{"id": r.id, "name": r.nameOr(), "status": "ACTIVE", "project_id": c.projectID}}
			for k, v := range r.props {
				if k != "name" {
					o.fields[k] = v
				}
			}
			if fill != nil {
				if err := fill(c, r, o); err != nil {
					return err
				}
			}
			c.neutron[o.id] = o
			return nil
		},
		update: func(c *Cloud, r *resource) {
			if o := c.neutron[r.id]; o != nil {
				maps.Copy(o.fields, r.props)
			}
		},
		remove: func(c *Cloud, r *resource) { delete(c.neutron, r.id) },
		exists: func(c *Cloud, r *resource) bool { return c.neutron[r.id] != nil },
		attr: func(c *Cloud, r *resource, name string) (any, bool) {
			o := c.neutron[r.id]
			if o == nil {
				return nil, true
			}
			if name == "show" {
				return o.fields, true
			}
			v, ok := o.fields[name]
			return v, ok
		},
	}
}

func neutronKinds() map[string]*kind {
	return map[string]*kind{
		"OS::Neutron::Net":               neutronKind("name~ admin_state_up~ shared~ dhcp_agent_ids~ port_security_enabled~ value_specs~ qos_policy~ tags~ dns_domain~ tenant_id availability_zone_hints", "network", nil),
		"OS::Neutron::Subnet":            neutronKind("name~ network! network_id cidr prefixlen subnetpool ip_version gateway_ip~ dns_nameservers~ allocation_pools~ enable_dhcp~ host_routes~ value_specs~ tags~ ipv6_ra_mode ipv6_address_mode segment~ tenant_id", "subnet", fillSubnet),
		"OS::Neutron::Port":              neutronKind("name~ network! network_id fixed_ips~ security_groups~ allowed_address_pairs~ admin_state_up~ value_specs~ port_security_enabled~ tags~ mac_address device_id~ device_owner~ binding:vnic_type~ dns_name~ qos_policy~ no_fixed_ips", "port", fillPort),
		"OS::Neutron::Router":            neutronKind("name~ external_gateway_info~ admin_state_up~ value_specs~ distributed ha tags~ l3_agent_id~ l3_agent_ids~", "router", nil),
		"OS::Neutron::RouterInterface":   neutronKind("router! router_id subnet subnet_id port port_id", "interface", nil),
		"OS::Neutron::RouterGateway":     neutronKind("*~", "interface", nil),
		"OS::Neutron::SecurityGroup":     neutronKind("name~ description~ rules~", "security-group", nil),
		"OS::Neutron::SecurityGroupRule": neutronKind("*", "security-group-rule", nil),
		"OS::Neutron::FloatingIP":        neutronKind("floating_network! floating_network_id floating_subnet floating_ip_address port_id~ port~ fixed_ip_address~ value_specs~ dns_name dns_domain", "floatingip", fillFloatingIP),
		"OS::Neutron::FloatingIPAssociation": neutronKind("floatingip_id! port_id! fixed_ip_address~", "association", func(c *Cloud, r *resource, _ *object) error {
			return c.associate(r.prop("floatingip_id"), r.prop("port_id"))
		}),
	}
}

func fillSubnet(c *Cloud, r *resource, o *object) error {
	o.fields["network_id"] = c.networkID(or(r.prop("network"), r.prop("network_id")))
	o.fields["cidr"] = or(r.prop("cidr"), "10.0.0.0/24")
	p, err := netip.ParsePrefix(o.str("cidr"))
	if err != nil {
		return errors.New("StackValidationFailed: " + where(r) + ": Property error: " + r.name + ".Properties.cidr: Error validating value '" + r.prop("cidr") + "'")
	}
	o.fields["gateway_ip"] = or(r.prop("gateway_ip"), p.Masked().Addr().Next().String())
	return nil
}

func fillPort(c *Cloud, r *resource, o *object) error {
	subnet, ip := "", ""
	for _, raw := range listOf(r.props["fixed_ips"]) {
		subnet, ip = or(str(mapOf(raw)["subnet"]), str(mapOf(raw)["subnet_id"])), str(mapOf(raw)["ip_address"])
	}
	made := c.makePort(or(r.prop("network"), r.prop("network_id")), subnet, ip, r.id)
	if made == nil {
		return errors.New("IpAddressAlreadyAllocatedClient: " + where(r) + ": IP address " + ip + " already allocated in subnet.")
	}
	for k, v := range made.fields {
		if k != "name" {
			o.fields[k] = v
		}
	}
	return nil
}

func fillFloatingIP(c *Cloud, r *resource, o *object) error {
	c.nova.floating++
	o.fields["floating_ip_address"] = or(r.prop("floating_ip_address"), nth("203.0.113.0/24", 10+c.nova.floating))
	o.fields["floating_network_id"] = c.networkID(or(r.prop("floating_network"), r.prop("floating_network_id")))
	o.fields["status"] = "DOWN" // no L3 agent in either cloud
	o.fields["created_at"], o.fields["tags"] = c.stamp(), []string{}
	if p := or(r.prop("port_id"), r.prop("port")); p != "" && c.neutron[p] != nil {
		o.fields["port_id"], o.fields["fixed_ip_address"] = p, firstIP(c.neutron[p])
	}
	return nil
}

func (c *Cloud) associate(floating, port string) error {
	f := c.neutron[floating]
	if f == nil || c.neutron[port] == nil {
		return said("NotFound: Floating IP or port could not be found")
	}
	f.fields["port_id"], f.fields["fixed_ip_address"] = port, firstIP(c.neutron[port])
	return nil
}

// seedNetworks gives the cloud a public and a private network, as most clouds have.
func (c *Cloud) seedNetworks() {
	for _, n := range [][2]string{{"public", "203.0.113.0/24"}, {"private", "10.0.0.0/24"}} {
		id, subnet := c.ids.uuid(), c.ids.uuid()
		c.neutron[id] = &object{kind: "network", id: id, fields: map[string]any{"id": id, "name": n[0], "status": "ACTIVE", "router:external": n[0] == "public", "shared_by_cloud": true}}
		c.neutron[subnet] = &object{kind: "subnet", id: subnet, fields: map[string]any{"id": subnet, "name": n[0], "network_id": id, "cidr": n[1], "shared_by_cloud": true}}
	}
}

// networkID finds a network by id or name; an unknown one is taken as it is.
func (c *Cloud) networkID(ref string) string {
	if c.neutron[ref] != nil {
		return ref
	}
	for _, o := range c.neutron {
		if o.kind == "network" && o.str("name") == or(ref, "private") {
			return o.id
		}
	}
	return ref
}

// makePort allocates an address; nil when the wanted one is taken. With id empty the port is stored.
func (c *Cloud) makePort(network, subnet, ip, id string) *object {
	network = c.networkID(network)
	cidr := "10.0.0.0/24"
	for _, key := range c.neutronIDs("subnet") {
		if o := c.neutron[key]; o.id == subnet || subnet == "" && o.str("network_id") == network {
			subnet, cidr = o.id, o.str("cidr")
			break
		}
	}
	if s := c.neutron[subnet]; s != nil {
		network = s.str("network_id")
	}
	used := c.usedIPs(subnet)
	if ip != "" && used[ip] {
		return nil
	}
	for n := 3; ip == "" && n < 65000; n++ {
		if a := nth(cidr, n); !used[a] {
			ip = a
		}
	}
	store := id == ""
	id = or(id, c.ids.uuid())
	mac := c.ids.hex()
	o := &object{kind: "port", id: id, fields: map[string]any{
		"id": id, "name": "", "network_id": network, "status": "ACTIVE", "device_id": "",
		"mac_address": "fa:16:3e:" + mac[:2] + ":" + mac[2:4] + ":" + mac[4:6],
		"fixed_ips":   []any{map[string]any{"subnet_id": subnet, "ip_address": ip}},
	}}
	if store {
		c.neutron[id] = o
	}
	return o
}

func (c *Cloud) usedIPs(subnet string) map[string]bool {
	used := map[string]bool{}
	for _, o := range c.neutron {
		if o.kind == "port" {
			for _, raw := range listOf(o.fields["fixed_ips"]) {
				if str(mapOf(raw)["subnet_id"]) == subnet {
					used[str(mapOf(raw)["ip_address"])] = true
				}
			}
		}
	}
	return used
}

func (c *Cloud) neutronIDs(objectKind string) []string {
	var out []string
	for id, o := range c.neutron {
		if o.kind == objectKind {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

func firstIP(port *object) string {
	for _, raw := range listOf(port.fields["fixed_ips"]) {
		return str(mapOf(raw)["ip_address"])
	}
	return ""
}

// nth is the n-th address of a network.
func nth(cidr string, n int) string {
	p, err := netip.ParsePrefix(cidr)
	if err != nil {
		return ""
	}
	a := p.Masked().Addr()
	for range n {
		a = a.Next()
	}
	return a.String()
}

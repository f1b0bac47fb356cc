package openstacktest

import (
	"errors"
	"maps"
)

// octaviaKinds are Octavia's and LBaaSv2's types: the same objects under two names.
func octaviaKinds() map[string]*kind {
	lb := &kind{
		props:  "name~ description~ admin_state_up~ vip_subnet vip_address vip_network vip_port provider flavor availability_zone vip_qos_policy tags~ tenant_id",
		create: createLB, ready: lbReady, remove: removeLB, attr: lbAttr, exists: lbExists, update: updateLB,
	}
	listener := &kind{
		props:  "name~ description~ admin_state_up~ protocol! protocol_port! loadbalancer default_pool~ connection_limit~ default_tls_container_ref~ sni_container_refs~ allowed_cidrs~ tls_ciphers~ tls_versions~ tags~ tenant_id",
		create: createListener, remove: removeLB, attr: lbAttr, exists: lbExists, update: updateLB,
	}
	pool := &kind{
		props:  "name~ description~ admin_state_up~ protocol! lb_algorithm!~ loadbalancer listener session_persistence~ tls_enabled~ tags~",
		create: createPool, remove: removeLB, attr: lbAttr, exists: lbExists, update: updateLB,
	}
	member := &kind{
		props:  "pool! address! protocol_port! subnet weight~ admin_state_up~ monitor_address monitor_port name~ tags~",
		create: createMember, ready: memberReady, remove: removeLB, attr: lbAttr, exists: lbExists, update: updateLB,
	}
	monitor := &kind{
		props:  "pool! type! delay!~ timeout!~ max_retries!~ http_method~ url_path~ expected_codes~ admin_state_up~ tags~ tenant_id",
		create: createMonitor, remove: removeLB, attr: lbAttr, exists: lbExists, update: updateLB,
	}
	return map[string]*kind{
		"OS::Octavia::LoadBalancer": lb, "OS::Octavia::Listener": listener, "OS::Octavia::Pool": pool,
		"OS::Octavia::PoolMember": member, "OS::Octavia::HealthMonitor": monitor,
		"OS::Octavia::L7Policy": {props: "*~", create: uuidCreate}, "OS::Octavia::L7Rule": {props: "*~", create: uuidCreate},
		"OS::Neutron::LBaaS::LoadBalancer": lb, "OS::Neutron::LBaaS::Listener": listener, "OS::Neutron::LBaaS::Pool": pool,
		"OS::Neutron::LBaaS::PoolMember": member, "OS::Neutron::LBaaS::HealthMonitor": monitor,
	}
}

func (c *Cloud) newLBObject(kind string, r *resource, more map[string]any) {
	r.id = c.ids.uuid()
	o := &object{kind: kind, id: r.id, fields: map[string]any{
		"id": r.id, "name": r.prop("name"), "provisioning_status": "ACTIVE", "operating_status": "ONLINE", "admin_state_up": r.boolProp("admin_state_up", true),
		"project_id": c.projectID, "tags": listOf(r.props["tags"]), "description": r.prop("description"),
	}}
	for _, key := range []string{"protocol", "protocol_port", "url_path", "type", "delay", "timeout", "max_retries", "http_method", "expected_codes", "session_persistence"} {
		if v, ok := r.props[key]; ok {
			o.fields[key] = v
		}
	}
	maps.Copy(o.fields, more)
	c.addLB(o)
}

func createLB(c *Cloud, r *resource) error {
	port := c.makePort(r.prop("vip_network"), c.subnetID(r.prop("vip_subnet")), r.prop("vip_address"), "")
	if port == nil {
		return errors.New("BadRequest: " + where(r) + ": IP address already allocated")
	}
	c.newLBObject("loadbalancer", r, map[string]any{
		"name": r.nameOr(), "vip_address": firstIP(port), "vip_port_id": port.id, "vip_subnet_id": r.prop("vip_subnet"), "provisioning_status": "PENDING_CREATE", "operating_status": "OFFLINE",
	})
	return nil
}

// subnetID finds a subnet by id or name.
func (c *Cloud) subnetID(ref string) string {
	for _, id := range c.neutronIDs("subnet") {
		if c.neutron[id].str("name") == ref {
			return id
		}
	}
	return ref
}

func lbReady(c *Cloud, r *resource) {
	if o := c.lb.objects[r.id]; o != nil {
		o.fields["provisioning_status"], o.fields["operating_status"] = "ACTIVE", "ONLINE"
	}
}

func createListener(c *Cloud, r *resource) error {
	c.newLBObject("listener", r, map[string]any{"lb": r.prop("loadbalancer"), "default_pool_id": r.props["default_pool"]})
	return nil
}

func createPool(c *Cloud, r *resource) error {
	more := map[string]any{"lb": r.prop("loadbalancer"), "listener": r.prop("listener"), "lb_algorithm": r.props["lb_algorithm"]}
	if l := c.lb.objects[r.prop("listener")]; l != nil {
		more["lb"] = l.str("lb")
		l.fields["default_pool_id"] = r.id
	}
	c.newLBObject("pool", r, more)
	return nil
}

func createMember(c *Cloud, r *resource) error {
	pool := c.lb.objects[r.prop("pool")]
	if pool == nil {
		return errors.New("NotFound: " + where(r) + ": Pool " + r.prop("pool") + " could not be found")
	}
	r.id = c.ids.uuid()
	c.newMember(pool, r.id, map[string]any{
		"name": r.prop("name"), "address": r.prop("address"), "protocol_port": r.intProp("protocol_port", 0), "weight": r.intProp("weight", 1),
		"admin_state_up": r.boolProp("admin_state_up", true), "subnet_id": r.prop("subnet"), "tags": listOf(r.props["tags"]),
	})
	return nil
}

func (c *Cloud) newMember(pool *object, id string, more map[string]any) *object {
	m := &object{kind: "member", id: id, fields: map[string]any{
		"id": id, "name": "", "pool": pool.id, "lb": pool.str("lb"), "weight": 1, "admin_state_up": true, "backup": false, "tags": []any{},
		"provisioning_status": "PENDING_CREATE", "operating_status": "NO_MONITOR", "project_id": c.projectID, "monitor_address": nil, "monitor_port": nil,
	}}
	maps.Copy(m.fields, more)
	if m.fields["tags"] == nil || listOf(m.fields["tags"]) == nil {
		m.fields["tags"] = []any{}
	}
	c.addLB(m)
	return m
}

func memberReady(c *Cloud, r *resource) {
	m := c.lb.objects[r.id]
	if m == nil {
		return
	}
	m.fields["provisioning_status"] = "ACTIVE"
	if p := c.lb.objects[m.str("pool")]; p != nil {
		c.touchPool(p, nil)
		c.refreshMembers(p)
	}
}

// refreshMembers sets each member's operating status as the next heartbeat would: DRAINING is "up with weight 0", and
// without a health monitor nothing is known. A status that a test has set stays.
func (c *Cloud) refreshMembers(pool *object) {
	monitored := len(c.under("healthmonitor", "pool", pool.id)) > 0
	for _, m := range c.under("member", "pool", pool.id) {
		status := "ONLINE"
		switch {
		case m.str("forced_status") != "":
			status = m.str("forced_status")
		case m.fields["admin_state_up"] == false:
			status = "OFFLINE"
		case !monitored:
			status = "NO_MONITOR"
		case m.str("weight") == "0":
			status = "DRAINING"
		}
		m.fields["operating_status"] = status
		if m.str("provisioning_status") == "PENDING_CREATE" {
			m.fields["provisioning_status"] = "ACTIVE"
		}
	}
}

func createMonitor(c *Cloud, r *resource) error {
	pool := c.lb.objects[r.prop("pool")]
	if pool == nil {
		return errors.New("NotFound: " + where(r) + ": Pool " + r.prop("pool") + " could not be found")
	}
	c.newLBObject("healthmonitor", r, map[string]any{"pool": pool.id, "lb": pool.str("lb")})
	c.refreshMembers(pool)
	return nil
}

// updateLB writes the changed properties. A weight that the template does not name stays as it was set by PUT.
func updateLB(c *Cloud, r *resource) {
	o := c.lb.objects[r.id]
	if o == nil {
		return
	}
	for k, v := range r.props {
		if k != "pool" && k != "loadbalancer" && k != "listener" && k != "subnet" {
			o.fields[k] = v
		}
	}
}

func removeLB(c *Cloud, r *resource) {
	o := c.lb.objects[r.id]
	if o == nil {
		return
	}
	c.dropLB(r.id)
	if p := c.lb.objects[o.str("pool")]; p != nil {
		c.touchPool(p, nil)
	}
	if vip := c.neutron[o.str("vip_port_id")]; vip != nil {
		delete(c.neutron, vip.id)
	}
}

func lbExists(c *Cloud, r *resource) bool { return c.lb.objects[r.id] != nil }

func lbAttr(c *Cloud, r *resource, name string) (any, bool) {
	o := c.lb.objects[r.id]
	if o == nil {
		return nil, true
	}
	if name == "show" {
		return c.view(o, true), true
	}
	if name == "loadbalancers" {
		return []any{map[string]any{"id": o.str("lb")}}, true
	}
	v, ok := o.fields[name]
	return v, ok
}

// SetMemberStatus sets what a member's health monitor says (ONLINE, ERROR, …) until it is set to "".
func (c *Cloud) SetMemberStatus(memberID, operatingStatus string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m := c.lb.objects[memberID]; m != nil {
		m.fields["forced_status"] = operatingStatus
		if p := c.lb.objects[m.str("pool")]; p != nil {
			c.refreshMembers(p)
		}
	}
}

// SetLoadBalancerStatus sets a load balancer's provisioning status, e.g. ERROR or PENDING_UPDATE, until it is set again.
func (c *Cloud) SetLoadBalancerStatus(id, provisioningStatus string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o := c.lb.objects[id]; o != nil {
		o.fields["provisioning_status"] = provisioningStatus
		o.fields["lb_change"] = ""
	}
}

// SetPersistence gives a member's pool session persistence (SOURCE_IP, HTTP_COOKIE, APP_COOKIE), or takes it away (empty).
func (c *Cloud) SetPersistence(memberID, kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m := c.lb.objects[memberID]; m != nil {
		if p := c.lb.objects[m.str("pool")]; p != nil {
			p.fields["session_persistence"] = nil
			if kind != "" {
				p.fields["session_persistence"] = map[string]any{"type": kind}
			}
		}
	}
}

// Member is a pool member as tests and the shim see it.
type Member struct {
	ID, PoolID, Name, Address, ProvisioningStatus, OperatingStatus string
	Weight                                                         int
	AdminUp                                                        bool
	Tags                                                           []string
}

// Members are all members of all pools in order of creation.
func (c *Cloud) Members() []Member {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick()
	var out []Member
	for _, m := range c.under("member", "", "") {
		weight, _ := number(m.fields["weight"])
		w, _ := weight.(int)
		out = append(out, Member{
			ID: m.id, PoolID: m.str("pool"), Name: m.str("name"), Address: m.str("address"), ProvisioningStatus: m.str("provisioning_status"),
			OperatingStatus: m.str("operating_status"), Weight: w, AdminUp: m.fields["admin_state_up"] == true, Tags: texts(m.fields["tags"]),
		})
	}
	return out
}

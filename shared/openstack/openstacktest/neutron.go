package openstacktest

import "net/http"

// neutronRoutes serve what has been made, read-only but for floating IPs; LBaaSv2 is in octavia.go.
func (c *Cloud) neutronRoutes() {
	c.route("GET /neutron/v2.0/quotas/{project}/details.json", c.neutronQuotas)
	c.route("DELETE /neutron/v2.0/floatingips/{id}", c.deleteFloatingIP)
	for path, k := range map[string]string{
		"networks": "network", "subnets": "subnet", "ports": "port", "routers": "router", "floatingips": "floatingip", "security-groups": "security-group",
	} {
		list, one := neutronWord(path), neutronWord(k)
		c.route("GET /neutron/v2.0/"+path, func(q *request) reply {
			out := []any{}
			for _, id := range c.neutronIDs(k) {
				if matches(c.neutron[id], q) {
					out = append(out, c.neutron[id].fields)
				}
			}
			return reply{status: http.StatusOK, body: map[string]any{list: out}}
		})
		c.route("GET /neutron/v2.0/"+path+"/{id}", func(q *request) reply {
			o := c.neutron[q.PathValue("id")]
			if o == nil || o.kind != k {
				return neutronError(http.StatusNotFound, "NotFound", k+" "+q.PathValue("id")+" could not be found.")
			}
			return reply{status: http.StatusOK, body: map[string]any{one: o.fields}}
		})
	}
}

func (c *Cloud) deleteFloatingIP(q *request) reply {
	id := q.PathValue("id")
	if o := c.neutron[id]; o == nil || o.kind != "floatingip" {
		return neutronError(http.StatusNotFound, "FloatingIPNotFound", "Floating IP "+id+" could not be found.")
	}
	delete(c.neutron, id)
	return reply{status: http.StatusNoContent}
}

// MakeFloatingIP makes a floating IP that belongs to no stack, as one that a failed deletion left behind; its id is
// returned.
func (c *Cloud) MakeFloatingIP(tags ...string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick()
	c.nova.floating++
	id := c.ids.uuid()
	c.neutron[id] = &object{kind: "floatingip", id: id, fields: map[string]any{
		"id": id, "floating_ip_address": nth("203.0.113.0/24", 10+c.nova.floating), "status": "DOWN", "project_id": c.projectID,
		"port_id": nil, "created_at": c.stamp(), "tags": append([]string{}, tags...),
	}}
	return id
}

func neutronWord(path string) string {
	switch path {
	case "security-groups":
		return "security_groups"
	case "security-group":
		return "security_group"
	}
	return path
}

func matches(o *object, q *request) bool {
	for key, values := range q.URL.Query() {
		if have, ok := o.fields[key]; ok && str(have) != values[0] {
			return false
		}
	}
	return true
}

func neutronError(status int, typ, message string) reply {
	return reply{status: status, body: map[string]any{"NeutronError": map[string]any{"type": typ, "message": message, "detail": ""}}}
}

package openstacktest

import "net/http"

// neutronRoutes serve what has been made, read-only; LBaaSv2 is in octavia.go.
func (c *Cloud) neutronRoutes() {
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

package openstacktest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Quota bounds the project; -1 is no bound. It is enforced where a real cloud does: a stack too many is refused at its
// create, and of everything else the resource fails that asks for it, with the words of the service (seen on Zed).
type Quota struct {
	Stacks             int // Heat's max_stacks_per_tenant; no API tells it
	Servers, Cores     int
	RAM                int // MiB
	KeyPairs           int
	Ports, Networks    int
	Subnets, Routers   int
	FloatingIPs        int
	SecurityGroups     int // the project's own one counts
	Volumes, Gigabytes int
}

// NoQuota has no bounds.
func NoQuota() Quota {
	return Quota{
		Stacks: -1, Servers: -1, Cores: -1, RAM: -1, KeyPairs: -1, Ports: -1, Networks: -1, Subnets: -1, Routers: -1,
		FloatingIPs: -1, SecurityGroups: -1, Volumes: -1, Gigabytes: -1,
	}
}

// defaultQuota has Nova's own bound of key pairs and no other.
func defaultQuota() Quota {
	q := NoQuota()
	q.KeyPairs = 100
	return q
}

// SetQuota replaces the project's quota; what is there already stays.
func (c *Cloud) SetQuota(q Quota) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.quota = q
}

// SetServerQuota bounds the project's servers alone; -1 is no bound.
func (c *Cloud) SetServerQuota(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.quota.Servers = n
}

// use is how much of one quota is used and how much more a resource asks for.
type use struct {
	name        string // in the service's words
	limit, used int
	more        int
}

func (u use) exceeded() bool { return u.limit >= 0 && u.used+u.more > u.limit }

// novaUse is sorted by name, as Nova names them.
func (c *Cloud) novaUse(more Flavor, servers int) []use {
	var used Flavor
	for _, s := range c.nova.servers {
		f := c.flavor(s.str("flavor"))
		used.Cores += f.Cores
		used.RAM += f.RAM
	}
	return []use{
		{"cores", c.quota.Cores, used.Cores, more.Cores},
		{"instances", c.quota.Servers, len(c.nova.servers), servers},
		{"ram", c.quota.RAM, used.RAM, more.RAM},
	}
}

// counted is how many of Neutron's objects there are that the project pays for: not the networks the cloud came with.
func (c *Cloud) counted(kind string) int {
	n := 0
	for _, o := range c.neutron {
		if o.kind == kind && o.fields["shared_by_cloud"] != true {
			n++
		}
		if kind == "port" && o.kind == "interface" && (o.fields["subnet"] != nil || o.fields["subnet_id"] != nil) {
			n++ // the router's own port
		}
	}
	if kind == "security-group" {
		n++ // each project has one
	}
	return n
}

// neutronUse is by the names of Neutron's API.
func (c *Cloud) neutronUse() []use {
	return []use{
		{"network", c.quota.Networks, c.counted("network"), 0},
		{"subnet", c.quota.Subnets, c.counted("subnet"), 0},
		{"port", c.quota.Ports, c.counted("port"), 0},
		{"router", c.quota.Routers, c.counted("router"), 0},
		{"floatingip", c.quota.FloatingIPs, c.counted("floatingip"), 0},
		{"security_group", c.quota.SecurityGroups, c.counted("security-group"), 0},
	}
}

func (c *Cloud) usedGigabytes() int {
	n := 0
	for _, id := range c.neutronIDs("volume") {
		n += size(c.neutron[id].fields["size"])
	}
	return n
}

func size(v any) int {
	n, err := number(str(v))
	if err != nil {
		return 1
	}
	whole, _ := n.(int)
	return whole
}

// overQuota is why r cannot be made, in Heat's words, or empty.
func (c *Cloud) overQuota(r *resource) string {
	at := ": " + where(r) + ": "
	switch r.typ {
	case "OS::Nova::Server":
		return c.serverOverQuota(r, at)
	case "OS::Nova::KeyPair":
		if (use{"", c.quota.KeyPairs, len(c.nova.keys), 1}).exceeded() {
			return "Forbidden" + at + "Quota exceeded, too many key pairs. (HTTP 403)"
		}
	case "OS::Cinder::Volume":
		return c.volumeOverQuota(r, at)
	}
	word := map[string]string{
		"OS::Neutron::Net": "network", "OS::Neutron::Subnet": "subnet", "OS::Neutron::Port": "port", "OS::Neutron::Router": "router",
		"OS::Neutron::RouterInterface": "port", "OS::Neutron::FloatingIP": "floatingip", "OS::Neutron::SecurityGroup": "security_group",
	}[r.typ]
	for _, u := range c.neutronUse() {
		u.more = 1
		if u.name == word && u.exceeded() {
			return "OverQuotaClient" + at + "Quota exceeded for resources: ['" + word + "'].\nNeutron server returns request_ids: ['req-" + c.ids.uuid() + "']"
		}
	}
	return ""
}

func (c *Cloud) serverOverQuota(r *resource, at string) string {
	var names, asked, used, allowed []string
	for _, u := range c.novaUse(c.flavor(r.prop("flavor")), 1) {
		if u.exceeded() {
			names, asked = append(names, u.name), append(asked, strconv.Itoa(u.more))
			used, allowed = append(used, strconv.Itoa(u.used)), append(allowed, strconv.Itoa(u.limit))
		}
	}
	list := func(parts []string) string { return strings.Join(parts, ", ") }
	why := ""
	if len(names) > 0 {
		why = "Quota exceeded for " + list(names) + ": Requested " + list(asked) + ", but already used " + list(used) + " of " + list(allowed) + " " + list(names)
	} else if (use{"", c.quota.Ports, c.counted("port"), portsOf(r)}).exceeded() {
		why = "Maximum number of ports exceeded"
	}
	if why == "" {
		return ""
	}
	return "Forbidden" + at + why + " (HTTP 403) (Request-ID: req-" + c.ids.uuid() + ")"
}

// portsOf is how many ports Nova makes for a server, those that the template makes left out.
func portsOf(r *resource) int {
	networks := listOf(r.props["networks"])
	if len(networks) == 0 {
		return 1
	}
	n := 0
	for _, raw := range networks {
		if str(mapOf(raw)["port"]) == "" {
			n++
		}
	}
	return n
}

func (c *Cloud) volumeOverQuota(r *resource, at string) string {
	why := ""
	used, more := c.usedGigabytes(), size(r.props["size"])
	switch {
	case (use{"", c.quota.Volumes, len(c.neutronIDs("volume")), 1}).exceeded():
		why = fmt.Sprintf("VolumeLimitExceeded: Maximum number of volumes allowed (%d) exceeded for quota 'volumes'.", c.quota.Volumes)
	case (use{"", c.quota.Gigabytes, used, more}).exceeded():
		why = fmt.Sprintf("VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. "+
			"Requested %dG, quota is %dG and %dG has been consumed.", more, c.quota.Gigabytes, used)
	default:
		return ""
	}
	return "OverLimit" + at + why + " (HTTP 413) (Request-ID: req-" + c.ids.uuid() + ")"
}

func (c *Cloud) novaLimits(*request) reply {
	absolute := map[string]any{"maxTotalKeypairs": c.quota.KeyPairs, "maxServerGroups": -1, "maxTotalFloatingIps": -1, "totalFloatingIpsUsed": 0}
	for i, u := range c.novaUse(Flavor{}, 0) {
		word := []string{"Cores", "Instances", "RAM"}[i]
		absolute["total"+word+"Used"] = u.used
		if word == "RAM" {
			word = "RAMSize"
		}
		absolute["maxTotal"+word] = u.limit
	}
	return reply{status: http.StatusOK, body: map[string]any{"limits": map[string]any{"rate": []any{}, "absolute": absolute}}}
}

func (c *Cloud) cinderLimits(*request) reply {
	return reply{status: http.StatusOK, body: map[string]any{"limits": map[string]any{"rate": []any{}, "absolute": map[string]any{
		"maxTotalVolumes": c.quota.Volumes, "totalVolumesUsed": len(c.neutronIDs("volume")),
		"maxTotalVolumeGigabytes": c.quota.Gigabytes, "totalGigabytesUsed": c.usedGigabytes(),
	}}}}
}

func (c *Cloud) neutronQuotas(q *request) reply {
	if q.PathValue("project") != q.token.project {
		return neutronError(http.StatusForbidden, "AdminRequired", "User does not have admin privileges: Only admin is authorized to access quotas for another project.")
	}
	out := map[string]any{}
	for _, u := range c.neutronUse() {
		out[u.name] = map[string]any{"limit": u.limit, "used": u.used, "reserved": 0}
	}
	return reply{status: http.StatusOK, body: map[string]any{"quota": out}}
}

package openstacktest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// novaState is Nova's part of the cloud, with what else has no service of its own.
type novaState struct {
	servers  map[string]*object
	order    []string
	keys     map[string]*object
	configs  map[string]string // software configs by id
	floating int               // floating IPs made so far
	flavors  []Flavor
}

func newNova() novaState {
	return novaState{servers: map[string]*object{}, keys: map[string]*object{}, configs: map[string]string{}, flavors: defaultFlavors()}
}

func (c *Cloud) novaRoutes() {
	c.route("GET /nova/v2.1/{$}", func(*request) reply {
		return reply{status: http.StatusOK, body: map[string]any{"version": map[string]any{"id": "v2.1", "status": "CURRENT", "version": "2.93", "min_version": "2.1"}}}
	})
	c.route("GET /nova/v2.1/servers/detail", c.listServers)
	c.route("GET /nova/v2.1/servers", c.listServers)
	c.route("GET /nova/v2.1/servers/{id}", c.showServer)
	c.route("DELETE /nova/v2.1/servers/{id}", c.deleteServer)
	c.route("POST /nova/v2.1/servers/{id}/remote-consoles", c.remoteConsole)
	c.route("POST /nova/v2.1/servers/{id}/action", c.serverAction)
	c.route("GET /nova/v2.1/os-keypairs", c.listKeys)
	c.route("GET /nova/v2.1/limits", c.novaLimits)
	c.route("GET /nova/v2.1/flavors/detail", c.listFlavors)
	c.route("POST /nova/v2.1/os-keypairs", c.createKey)
	c.route("GET /nova/v2.1/os-keypairs/{name}", c.showKey)
	c.route("DELETE /nova/v2.1/os-keypairs/{name}", c.deleteKey)
}

func novaError(status int, message string) reply {
	word := "computeFault"
	switch status {
	case http.StatusNotFound:
		word = "itemNotFound"
	case http.StatusBadRequest:
		word = "badRequest"
	case http.StatusConflict:
		word = "conflictingRequest"
	case http.StatusForbidden:
		word = "forbidden"
	case http.StatusTooManyRequests, http.StatusRequestEntityTooLarge:
		word = "overLimit"
	}
	return reply{status: status, body: map[string]any{word: map[string]any{"code": status, "message": message}}}
}

// stamp is the time as Nova and Heat write it.
func (c *Cloud) stamp() string { return stamp(c.clock.now) }

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// listServers is in one page; newest first, as Nova sorts.
func (c *Cloud) listServers(q *request) reply {
	query := q.URL.Query()
	out := []any{}
	for _, id := range slices.Backward(c.nova.order) {
		s := c.nova.servers[id]
		if s == nil || query.Has("name") && !strings.Contains(s.str("name"), query.Get("name")) ||
			query.Has("status") && s.str("status") != query.Get("status") {
			continue
		}
		out = append(out, c.serverView(s))
	}
	return reply{status: http.StatusOK, body: map[string]any{"servers": out}}
}

func (c *Cloud) showServer(q *request) reply {
	s := c.nova.servers[q.PathValue("id")]
	if s == nil {
		return novaError(http.StatusNotFound, "Instance "+q.PathValue("id")+" could not be found.")
	}
	return reply{status: http.StatusOK, body: map[string]any{"server": c.serverView(s)}}
}

func (c *Cloud) deleteServer(q *request) reply {
	if c.nova.servers[q.PathValue("id")] == nil {
		return novaError(http.StatusNotFound, "Instance "+q.PathValue("id")+" could not be found.")
	}
	c.dropServer(q.PathValue("id"))
	return reply{status: http.StatusNoContent}
}

func (c *Cloud) serverAction(q *request) reply {
	s := c.nova.servers[q.PathValue("id")]
	var in map[string]any
	if s == nil || !q.decode(&in) {
		return novaError(http.StatusNotFound, "Instance "+q.PathValue("id")+" could not be found.")
	}
	for verb, status := range map[string]string{"suspend": "SUSPENDED", "resume": "ACTIVE", "os-stop": "SHUTOFF", "os-start": "ACTIVE", "reboot": "ACTIVE"} {
		if _, ok := in[verb]; ok {
			s.fields["status"] = status
			return reply{status: http.StatusAccepted}
		}
	}
	return novaError(http.StatusBadRequest, "There is no such action")
}

func (c *Cloud) remoteConsole(q *request) reply {
	s := c.nova.servers[q.PathValue("id")]
	if s == nil {
		return novaError(http.StatusNotFound, "Instance "+q.PathValue("id")+" could not be found.")
	}
	if s.str("status") == "BUILD" {
		return novaError(http.StatusConflict, "Instance not yet ready")
	}
	var in struct {
		Console struct{ Protocol, Type string } `json:"remote_console"`
	}
	if !q.decode(&in) || in.Console.Type == "" {
		return novaError(http.StatusBadRequest, "Invalid input for field/attribute remote_console.")
	}
	return reply{status: http.StatusOK, body: map[string]any{"remote_console": map[string]any{
		"protocol": in.Console.Protocol, "type": in.Console.Type, "url": c.consoleURL(s.id, in.Console.Type),
	}}}
}

func (c *Cloud) consoleURL(id, typ string) string {
	return c.base + "/console/" + typ + "/?path=%3Ftoken%3D" + id
}

func (c *Cloud) listKeys(*request) reply {
	out := []any{}
	for name, k := range c.nova.keys {
		out = append(out, map[string]any{"keypair": map[string]any{"name": name, "public_key": k.str("public_key")}})
	}
	return reply{status: http.StatusOK, body: map[string]any{"keypairs": out}}
}

// createKey: a unique index of user and name lets one of many win (live-numbers.md).
func (c *Cloud) createKey(q *request) reply {
	var in struct {
		KeyPair struct {
			Name   string `json:"name"`
			Public string `json:"public_key"`
		} `json:"keypair"`
	}
	switch {
	case !q.decode(&in) || in.KeyPair.Name == "" || !strings.HasPrefix(in.KeyPair.Public, "ssh-"):
		return novaError(http.StatusBadRequest, "Keypair data is invalid: failed to generate fingerprint")
	case c.nova.keys[in.KeyPair.Name] != nil:
		return novaError(http.StatusConflict, "Key pair '"+in.KeyPair.Name+"' already exists.")
	case c.quota.KeyPairs >= 0 && len(c.nova.keys) >= c.quota.KeyPairs:
		return novaError(http.StatusForbidden, "Quota exceeded, too many key pairs.")
	}
	c.nova.keys[in.KeyPair.Name] = &object{kind: "keypair", id: in.KeyPair.Name, fields: map[string]any{
		"public_key": in.KeyPair.Public, "created_at": c.clock.now.UTC().Format("2006-01-02T15:04:05.000000"),
	}}
	return reply{status: http.StatusOK, body: map[string]any{"keypair": map[string]any{"name": in.KeyPair.Name, "public_key": in.KeyPair.Public}}}
}

func (c *Cloud) showKey(q *request) reply {
	k := c.nova.keys[q.PathValue("name")]
	if k == nil {
		return novaError(http.StatusNotFound, "Keypair "+q.PathValue("name")+" not found for user "+c.userID)
	}
	return reply{status: http.StatusOK, body: map[string]any{"keypair": map[string]any{
		"name": k.id, "public_key": k.str("public_key"), "created_at": k.str("created_at"), "deleted": false,
	}}}
}

func (c *Cloud) deleteKey(q *request) reply {
	if c.nova.keys[q.PathValue("name")] == nil {
		return novaError(http.StatusNotFound, "Keypair "+q.PathValue("name")+" not found for user "+c.userID)
	}
	delete(c.nova.keys, q.PathValue("name"))
	return reply{status: http.StatusAccepted}
}

// KeyPairs are the names of the user's key pairs, sorted.
func (c *Cloud) KeyPairs() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.nova.keys))
}

func (c *Cloud) serverView(s *object) map[string]any {
	addresses := map[string]any{}
	for _, n := range c.serverNetworks(s) {
		addresses[n.name] = n.detailed()
	}
	zone := s.str("zone")
	if s.fields["placed"] == true {
		zone = or(zone, "nova")
	}
	out := map[string]any{
		"id": s.id, "name": s.str("name"), "status": s.str("status"), "addresses": addresses, "tenant_id": c.projectID, "user_id": c.userID,
		"created": s.str("created"), "updated": s.str("updated"), "metadata": mapOf(s.fields["metadata"]), "key_name": s.fields["key_name"],
		"flavor": map[string]any{"id": s.str("flavor"), "original_name": s.str("flavor")}, "image": map[string]any{"id": s.str("image")},
		"OS-EXT-AZ:availability_zone": zone, "OS-EXT-STS:task_state": s.fields["task_state"], "OS-EXT-STS:vm_state": strings.ToLower(s.str("status")), "hostId": "", "links": []any{},
	}
	if s.fields["fault"] != nil {
		out["fault"] = s.fields["fault"]
	}
	return out
}

// serverNet is one network a server is on.
type serverNet struct {
	id, name  string
	addresses []address
}

type address struct{ ip, mac, kind string }

func (n serverNet) ips() []any {
	out := []any{}
	for _, a := range n.addresses {
		out = append(out, a.ip)
	}
	return out
}

func (n serverNet) detailed() []any {
	out := []any{}
	for _, a := range n.addresses {
		version := 4
		if strings.Contains(a.ip, ":") {
			version = 6
		}
		out = append(out, map[string]any{"addr": a.ip, "version": version, "OS-EXT-IPS:type": a.kind, "OS-EXT-IPS-MAC:mac_addr": a.mac})
	}
	return out
}

// serverNetworks gives a server's addresses by network, fixed first, then floating: none until a host has it.
func (c *Cloud) serverNetworks(s *object) []serverNet {
	if s.fields["placed"] != true {
		return nil
	}
	var out []serverNet
	for _, raw := range listOf(s.fields["ports"]) {
		p := c.neutron[str(raw)]
		if p == nil {
			continue
		}
		n := serverNet{id: p.str("network_id"), name: p.str("network_id")}
		if net := c.neutron[n.id]; net != nil {
			n.name = net.str("name")
		}
		n.addresses = append(n.addresses, address{firstIP(p), p.str("mac_address"), "fixed"})
		for _, id := range c.neutronIDs("floatingip") {
			if f := c.neutron[id]; f.str("port_id") == p.id {
				n.addresses = append(n.addresses, address{f.str("floating_ip_address"), p.str("mac_address"), "floating"})
			}
		}
		out = append(out, n)
	}
	return out
}

// DeleteServer deletes a server behind Heat's back.
func (c *Cloud) DeleteServer(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropServer(id)
}

// SetServerStatus changes what Nova says of a server, e.g. ERROR or SHUTOFF.
func (c *Cloud) SetServerStatus(id, status string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.nova.servers[id]; s != nil {
		s.fields["status"] = status
	}
}

// Server is a server as tests and the shim see it.
type Server struct{ ID, Name, Status, StackID string }

// Servers are all servers in the order they were made.
func (c *Cloud) Servers() []Server {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick()
	var out []Server
	for _, id := range c.nova.order {
		if s := c.nova.servers[id]; s != nil {
			out = append(out, Server{ID: id, Name: s.str("name"), Status: s.str("status"), StackID: s.str("stack")})
		}
	}
	return out
}

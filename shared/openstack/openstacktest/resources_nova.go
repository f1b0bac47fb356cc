package openstacktest

import (
	"errors"
	"strings"
)

func novaKinds() map[string]*kind {
	server := &kind{
		props: "name~ flavor!~ image~ key_name networks~ security_groups~ user_data user_data_format user_data_update_policy~ metadata~ config_drive " +
			"availability_zone block_device_mapping block_device_mapping_v2 scheduler_hints admin_pass~ admin_user software_config_transport~ " +
			"flavor_update_policy~ image_update_policy~ diskConfig reservation_id personality deployment_swift_data~ tags~",
		create: createServer, halfway: serverPlaced, ready: serverReady, spoil: serverSpoilt, remove: removeServer, attr: serverAttr, update: updateServer,
		suspend: serverStatus("SUSPENDED"), resume: serverStatus("ACTIVE"),
		exists: func(c *Cloud, r *resource) bool {
			s := c.nova.servers[r.id]
			return s != nil && s.str("status") != "ERROR"
		},
		ignores: func(p map[string]any, key string) bool {
			return key == "user_data" && str(p["user_data_update_policy"]) == "IGNORE"
		},
	}
	key := &kind{props: "name! save_private_key public_key user type", create: createKeyPair, remove: removeKeyPair, attr: keyPairAttr}
	return map[string]*kind{
		"OS::Nova::Server": server, "OS::Nova::KeyPair": key,
		"OS::Nova::ServerGroup": {props: "name policies rules", create: uuidCreate},
		"OS::Nova::Flavor":      {props: "*", create: uuidCreate},
	}
}

// createServer starts a server in BUILD with its ports. Until a host has it, Nova shows neither addresses nor a zone.
func createServer(c *Cloud, r *resource) error {
	r.id = c.ids.uuid()
	s := &object{kind: "server", id: r.id, fields: map[string]any{
		"id": r.id, "name": r.nameOr(), "status": "BUILD", "task_state": "scheduling", "zone": r.prop("availability_zone"), "flavor": r.prop("flavor"), "image": r.prop("image"),
		"metadata": r.props["metadata"], "key_name": r.props["key_name"], "created": c.stamp(), "updated": c.stamp(),
		"user_data": c.userData(r.prop("user_data")), "stack": r.stack.root().id,
	}}
	var ports []any
	for _, raw := range listOf(r.props["networks"]) {
		n := mapOf(raw)
		if id := str(n["port"]); id != "" {
			if c.neutron[id] == nil {
				return errors.New("BadRequest: " + where(r) + ": Port id " + id + " could not be found. (HTTP 400)")
			}
			ports = append(ports, id)
			c.neutron[id].fields["device_id"] = r.id
			continue
		}
		p := c.makePort(or(str(n["network"]), str(n["uuid"])), str(n["subnet"]), str(n["fixed_ip"]), "")
		p.fields["device_id"], p.fields["owned"] = r.id, true
		ports = append(ports, p.id)
	}
	if len(ports) == 0 {
		p := c.makePort("", "", "", "")
		p.fields["device_id"], p.fields["owned"] = r.id, true
		ports = append(ports, p.id)
	}
	s.fields["ports"] = ports
	if err := c.bootWith(r); err != nil {
		return err
	}
	c.nova.servers[r.id] = s
	c.nova.order = append(c.nova.order, r.id)
	return nil
}

// userData follows a software config's id to its text.
func (c *Cloud) userData(v string) string {
	if text, ok := c.nova.configs[v]; ok {
		return text
	}
	return v
}

// serverPlaced: the compute host has set up the network and begins to spawn (nova/compute/manager.py _build_resources).
func serverPlaced(c *Cloud, r *resource) {
	if s := c.nova.servers[r.id]; s != nil {
		s.fields["placed"] = true
		if s.str("task_state") == "scheduling" {
			s.fields["task_state"] = "spawning"
		}
	}
}

func serverReady(c *Cloud, r *resource) {
	s := c.nova.servers[r.id]
	if s == nil {
		return
	}
	s.fields["status"], s.fields["task_state"], s.fields["placed"], s.fields["updated"] = "ACTIVE", nil, true, c.stamp()
	c.after(c.opts.GuestBoot, func() {
		if s := c.nova.servers[r.id]; s != nil && s.str("status") == "ACTIVE" {
			c.guestBoots(s.str("user_data"))
		}
	})
}

func serverSpoilt(c *Cloud, r *resource) {
	if s := c.nova.servers[r.id]; s != nil {
		s.fields["status"], s.fields["fault"] = "ERROR", map[string]any{"message": "No valid host was found. ", "code": 500, "created": c.stamp()}
	}
}

func updateServer(c *Cloud, r *resource) {
	if s := c.nova.servers[r.id]; s != nil {
		s.fields["name"], s.fields["metadata"], s.fields["flavor"], s.fields["image"] = r.nameOr(), r.props["metadata"], r.prop("flavor"), r.prop("image")
	}
}

func serverStatus(status string) func(c *Cloud, r *resource) {
	return func(c *Cloud, r *resource) {
		if s := c.nova.servers[r.id]; s != nil {
			s.fields["status"], s.fields["updated"] = status, c.stamp()
		}
	}
}

func removeServer(c *Cloud, r *resource) { c.dropServer(r.id) }

// dropServer deletes a server with the ports Nova made for it.
func (c *Cloud) dropServer(id string) {
	s := c.nova.servers[id]
	if s == nil {
		return
	}
	for _, p := range listOf(s.fields["ports"]) {
		if port := c.neutron[str(p)]; port != nil {
			port.fields["device_id"] = ""
			if port.fields["owned"] == true {
				delete(c.neutron, port.id)
			}
		}
	}
	c.release(id)
	delete(c.nova.servers, id)
}

func serverAttr(c *Cloud, r *resource, name string) (any, bool) {
	s := c.nova.servers[r.id]
	if s == nil {
		known := slicesHas("first_address addresses networks name show instance_name console_urls accessIPv4 accessIPv6 tags", name)
		switch {
		case name == "name" && r.id != "":
			return r.nameOr(), true
		case name == "show" || r.id == "" || !known:
			return nil, known
		}
		return "", true // heat/engine/resources/openstack/nova/server.py _resolve_attribute
	}
	nets := c.serverNetworks(s)
	switch name {
	case "first_address":
		for _, n := range nets {
			return n.addresses[0].ip, true
		}
		return "", true
	case "networks":
		out := map[string]any{}
		for _, n := range nets {
			out[n.name], out[n.id] = n.ips(), n.ips()
		}
		return out, true
	case "addresses":
		out := map[string]any{}
		for _, n := range nets {
			out[n.name], out[n.id] = n.detailed(), n.detailed()
		}
		return out, true
	case "name":
		return s.str("name"), true
	case "instance_name":
		return "instance-" + r.id[:8], true
	case "show":
		return c.serverView(s), true
	case "console_urls":
		return map[string]any{"novnc": c.consoleURL(r.id, "novnc")}, true
	case "accessIPv4", "accessIPv6":
		return "", true
	case "tags":
		return s.fields["tags"], true
	}
	return nil, false
}

func slicesHas(words, word string) bool {
	for w := range strings.FieldsSeq(words) {
		if w == word {
			return true
		}
	}
	return false
}

// createKeyPair: the name is the id, one per user.
func createKeyPair(c *Cloud, r *resource) error {
	name := r.prop("name")
	if c.nova.keys[name] != nil {
		return errors.New("Conflict: " + where(r) + ": Key pair '" + name + "' already exists. (HTTP 409)")
	}
	r.id = name
	r.data["key"] = "-----BEGIN OPENSSH PRIVATE KEY-----\nfake " + c.ids.hex() + "\n-----END OPENSSH PRIVATE KEY-----\n"
	c.nova.keys[name] = &object{kind: "keypair", id: name, fields: map[string]any{"public_key": or(r.prop("public_key"), "ssh-rsa AAAA"+c.ids.hex())}}
	return nil
}

func removeKeyPair(c *Cloud, r *resource) { delete(c.nova.keys, r.id) }

func keyPairAttr(c *Cloud, r *resource, name string) (any, bool) {
	switch name {
	case "public_key":
		if k := c.nova.keys[r.id]; k != nil {
			return k.str("public_key"), true
		}
		return or(r.prop("public_key"), "None"), true // nova/keypair.py: str of what is none
	case "private_key":
		if r.boolProp("save_private_key", false) {
			return str(r.data["key"]), true
		}
		return "", true
	}
	return nil, false
}

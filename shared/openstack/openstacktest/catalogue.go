package openstacktest

import (
	"net/http"
	"slices"
)

// catalogueState is what a cloud offers besides flavors: images, volume types, extensions.
type catalogueState struct {
	images      []object
	volumeTypes []string
	extensions  []string
	// unbalanced is how many load balancers the project may have, plus one; zero is no bound.
	unbalanced int
}

func (c *Cloud) seedCatalogue() {
	for _, name := range []string{"debian-12", "cirros"} {
		c.catalogued.images = append(c.catalogued.images, object{kind: "image", id: c.ids.uuid(), fields: map[string]any{"name": name, "status": "active"}})
	}
	c.catalogued.volumeTypes = []string{"__DEFAULT__"}
	c.catalogued.extensions = []string{"quota_details"}
	if c.opts.NoOctavia {
		c.catalogued.extensions = append(c.catalogued.extensions, "lbaasv2")
	}
}

func (c *Cloud) catalogueRoutes() {
	c.route("GET /glance/v2/images", c.listImages)
	c.route("GET /glance/v2/images/{id}", c.showImage)
	c.route("GET /cinder/v3/{project}/types", c.listVolumeTypes)
	c.route("GET /cinder/v3/{project}/volumes/detail", c.listVolumes)
	c.route("GET /octavia/v2.0/lbaas/quotas/{project}", c.balancerQuota)
	c.route("GET /neutron/v2.0/extensions/{alias}", c.showExtension)
	c.route("GET /heat/v1/{project}/resource_types/{type}", c.showType)
}

// AddImage adds an active image to debian-12 and cirros.
func (c *Cloud) AddImage(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.catalogued.images = append(c.catalogued.images, object{kind: "image", id: c.ids.uuid(), fields: map[string]any{"name": name, "status": "active"}})
}

// SetExtension adds an extension to Neutron or takes it away.
func (c *Cloud) SetExtension(alias string, there bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.catalogued.extensions = slices.DeleteFunc(c.catalogued.extensions, func(x string) bool { return x == alias })
	if there {
		c.catalogued.extensions = append(c.catalogued.extensions, alias)
	}
}

// SetBalancerQuota bounds the project's load balancers; -1 is no bound. Nothing enforces it but whoever asks.
func (c *Cloud) SetBalancerQuota(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.catalogued.unbalanced = n + 1
}

func (c *Cloud) balancerQuota(*request) reply {
	return reply{status: http.StatusOK, body: map[string]any{"quota": map[string]any{"load_balancer": c.catalogued.unbalanced - 1, "pool": -1, "member": -1}}}
}

// MakeVolume makes a free volume that belongs to no stack; its id is returned.
func (c *Cloud) MakeVolume(name string, size int, metadata map[string]string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := c.ids.uuid()
	meta := map[string]any{}
	for key, value := range metadata {
		meta[key] = value
	}
	c.neutron[id] = &object{kind: "volume", id: id, fields: map[string]any{"id": id, "name": name, "status": "available", "size": size, "metadata": meta}}
	return id
}

// SetVolumeStatus forces a volume's status, such as error or in-use.
func (c *Cloud) SetVolumeStatus(id, status string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o := c.neutron[id]; o != nil {
		o.fields["status"] = status
	}
}

// VolumeStatus maps the id of each volume to its status.
func (c *Cloud) VolumeStatus() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]string{}
	for _, id := range c.neutronIDs("volume") {
		out[id] = c.neutron[id].str("status")
	}
	return out
}

func (c *Cloud) listImages(q *request) reply {
	out := []any{}
	name := q.URL.Query().Get("name")
	for _, image := range c.catalogued.images {
		if name == "" || image.str("name") == name {
			out = append(out, map[string]any{"id": image.id, "name": image.str("name"), "status": image.str("status")})
		}
	}
	return reply{status: http.StatusOK, body: map[string]any{"images": out, "schema": "/v2/schemas/images", "first": "/v2/images"}}
}

// showImage: Glance's errors are pages, not JSON.
func (c *Cloud) showImage(q *request) reply {
	for _, image := range c.catalogued.images {
		if image.id == q.PathValue("id") {
			return reply{status: http.StatusOK, body: map[string]any{"id": image.id, "name": image.str("name"), "status": image.str("status")}}
		}
	}
	return reply{status: http.StatusNotFound, body: "No image found with ID " + q.PathValue("id")}
}

func (c *Cloud) listVolumeTypes(*request) reply {
	out := []any{}
	for _, name := range c.catalogued.volumeTypes {
		out = append(out, map[string]any{"id": "31ecb586-a97a-47e4-97dc-" + c.projectID[:12], "name": name, "is_public": true, "extra_specs": map[string]any{}})
	}
	return reply{status: http.StatusOK, body: map[string]any{"volume_types": out}}
}

func (c *Cloud) listVolumes(*request) reply {
	out := []any{}
	for _, id := range c.neutronIDs("volume") {
		o := c.neutron[id]
		attached := []any{}
		if server := o.str("server_id"); server != "" && o.str("status") == "in-use" {
			attached = append(attached, map[string]any{"server_id": server, "volume_id": id})
		}
		meta := map[string]any{}
		for key, value := range mapOf(o.fields["metadata"]) {
			meta[key] = str(value)
		}
		out = append(out, map[string]any{
			"id": id, "name": o.str("name"), "status": o.str("status"), "size": size(o.fields["size"]), "volume_type": or(o.str("volume_type"), "__DEFAULT__"),
			"metadata": meta, "attachments": attached, "bootable": "false",
		})
	}
	return reply{status: http.StatusOK, body: map[string]any{"volumes": out}}
}

func (c *Cloud) showExtension(q *request) reply {
	alias := q.PathValue("alias")
	if !slices.Contains(c.catalogued.extensions, alias) {
		return reply{status: http.StatusNotFound, body: "Extension with alias " + alias + " does not exist"}
	}
	return reply{status: http.StatusOK, body: map[string]any{"extension": map[string]any{"alias": alias, "name": alias, "links": []any{}}}}
}

// showType is heat/engine/service.py show_resource_type. A hidden type is not shown, whether or not it makes something; without
// Neutron's extension LBaaSv2 is not available (both seen).
func (c *Cloud) showType(q *request) reply {
	name := q.PathValue("type")
	switch {
	case c.kinds[name] == nil:
		return heatError(http.StatusNotFound, "EntityNotFound", "The Resource Type ("+name+") could not be found.")
	case c.opts.Release.hides(name):
		return heatError(http.StatusBadRequest, "NotSupported", name+" is not supported.")
	}
	if err := c.available(name); err != nil {
		return badRequest(err)
	}
	support := map[string]any{"status": "SUPPORTED", "version": "6.0.0", "message": nil, "previous_status": nil}
	return reply{status: http.StatusOK, body: map[string]any{"resource_type": name, "support_status": support, "properties": map[string]any{}, "attributes": map[string]any{}}}
}

package openstacktest

import (
	"errors"
	"net/http"
)

func cinderKinds() map[string]*kind {
	volume := neutronKind("name~ description~ size~ volume_type~ availability_zone image snapshot_id source_volid metadata~ backup_id read_only~ scheduler_hints", "volume", func(_ *Cloud, _ *resource, o *object) error {
		o.fields["status"] = "available"
		return nil
	})
	attachment := neutronKind("instance_uuid!~ volume_id!~ mountpoint~ delete_on_termination~ encryption", "attachment", func(c *Cloud, r *resource, _ *object) error {
		if v := c.neutron[r.prop("volume_id")]; v != nil {
			v.fields["status"], v.fields["server_id"] = "in-use", r.prop("instance_uuid")
		}
		return nil
	})
	attachment.remove = func(c *Cloud, r *resource) {
		if v := c.neutron[r.prop("volume_id")]; v != nil {
			v.fields["status"] = "available"
		}
		delete(c.neutron, r.id)
	}
	return map[string]*kind{"OS::Cinder::Volume": volume, "OS::Cinder::VolumeAttachment": attachment}
}

// bootWith gives the server its volumes, which have to be free (nova/compute/api.py _check_attach_and_reserve_volume).
func (c *Cloud) bootWith(r *resource) error {
	var volumes []*object
	for _, raw := range listOf(r.props["block_device_mapping_v2"]) {
		id := str(mapOf(raw)["volume_id"])
		if id == "" {
			continue
		}
		v := c.neutron[id]
		switch {
		case v == nil || v.kind != "volume":
			return errors.New("BadRequest: " + where(r) + ": Block Device Mapping is Invalid: failed to get volume " + id + ". (HTTP 400)")
		case v.str("status") != "available":
			return errors.New("BadRequest: " + where(r) + ": Invalid volume: volume " + id + " status must be 'available'. Currently in '" + v.str("status") + "' (HTTP 400)")
		}
		volumes = append(volumes, v)
	}
	for _, v := range volumes {
		v.fields["status"], v.fields["server_id"] = "in-use", r.id
	}
	return nil
}

// release frees the volumes of a server that is gone.
func (c *Cloud) release(server string) {
	for _, o := range c.neutron {
		if o.kind == "volume" && o.str("server_id") == server {
			o.fields["status"], o.fields["server_id"] = "available", ""
		}
	}
}

// cinderRoutes serve a single volume; lists are elsewhere.
func (c *Cloud) cinderRoutes() {
	c.route("GET /cinder/v3/{project}/limits", c.cinderLimits)
	c.route("GET /cinder/v3/{project}/volumes/{id}", func(q *request) reply {
		if o := c.volume(q); o != nil {
			return reply{status: http.StatusOK, body: map[string]any{"volume": o.fields}}
		}
		return novaError(http.StatusNotFound, "Volume "+q.PathValue("id")+" could not be found.")
	})
	c.route("DELETE /cinder/v3/{project}/volumes/{id}", func(q *request) reply {
		o := c.volume(q)
		switch {
		case o == nil:
			return novaError(http.StatusNotFound, "Volume "+q.PathValue("id")+" could not be found.")
		case o.str("status") != "available":
			return novaError(http.StatusBadRequest, "Invalid volume: Volume status must be available or error or error_restoring or error_extending or error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.")
		}
		delete(c.neutron, o.id)
		return reply{status: http.StatusAccepted}
	})
}

func (c *Cloud) volume(q *request) *object {
	if o := c.neutron[q.PathValue("id")]; o != nil && o.kind == "volume" {
		return o
	}
	return nil
}

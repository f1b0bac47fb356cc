package openstacktest

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

"""Makes the flavors, images and external network that a project starts with, and Gnocchi's resource type for servers."""
import openstack

c = openstack.connect(cloud='devcloud-admin')
for name, ram, vcpus, disk in (('m1.tiny', 64, 1, 1), ('m1.small', 2048, 1, 20), ('m1.large', 8192, 4, 80)):
    if not c.compute.find_flavor(name):
        c.compute.create_flavor(name=name, ram=ram, vcpus=vcpus, disk=disk)
for name in ('cirros', 'debian-12'):  # no server reads them
    if not c.image.find_image(name):
        c.image.create_image(name=name, data=b'no image', disk_format='raw', container_format='bare',
                             visibility='public', allow_duplicates=True)
n = c.network.find_network('public') or c.network.create_network(
    name='public', is_router_external=True, provider_network_type='flat', provider_physical_network='public')
if not c.network.find_subnet('public'):
    c.network.create_subnet(name='public', network_id=n.id, ip_version=4, cidr='203.0.113.0/24', is_dhcp_enabled=False)
r = c.session.post('http://127.0.0.1:8041/v1/resource_type', raise_exc=False, json={'name': 'instance', 'attributes': {
    k: {'type': 'string', 'max_length': 255, 'required': False}
    for k in ('display_name', 'host', 'image_ref', 'flavor_id', 'flavor_name', 'server_group')}})  # as ceilometer does
if r.status_code not in (201, 409):
    raise SystemExit(f'gnocchi resource type: {r.status_code} {r.text}')

"""Makes Senlin's user, service and endpoints."""
import openstack

c = openstack.connect(cloud='devcloud-admin').identity
project = next(c.projects(name='service'))
user = next(c.users(name='senlin', domain_id='default'), None) or c.create_user(
    name='senlin', password='secret', domain_id='default')
for role in ('admin', 'service'):
    c.assign_project_role_to_user(project, user, next(c.roles(name=role)))
service = next(c.services(name='senlin'), None) or c.create_service(name='senlin', type='clustering')
have = {e.interface for e in c.endpoints(service_id=service.id)}
for interface in {'public', 'internal', 'admin'} - have:
    c.create_endpoint(service_id=service.id, interface=interface, url='http://127.0.0.1:8777', region_id='RegionOne')

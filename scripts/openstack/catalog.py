"""Makes Keystone's services, endpoints, users and roles, and Heat's domain; what is there already stays."""
import openstack

c = openstack.connect(cloud='devcloud-admin').identity


def first(items):
    return next(iter(items), None)


def project(name):
    return first(c.projects(name=name)) or c.create_project(name=name, domain_id='default')


def user(name, in_project, roles):
    u = first(c.users(name=name, domain_id='default')) or c.create_user(name=name, password='secret', domain_id='default')
    for r in roles:
        c.assign_project_role_to_user(in_project, u, role[r])


role = {r.name: r for r in c.roles()}
for n in ('service', 'heat_stack_owner', 'heat_stack_user', 'load-balancer_member', 'creator'):
    role[n] = role.get(n) or c.create_role(name=n)

services = {s.name: s for s in c.services()}
endpoints = {(e.service_id, e.interface) for e in c.endpoints()}
for name, kind, url in (
        ('placement', 'placement', ':8778'), ('glance', 'image', ':9292'), ('nova', 'compute', ':8774/v2.1'),
        ('neutron', 'network', ':9696'), ('cinderv3', 'volumev3', ':8776/v3/%(project_id)s'),
        ('heat', 'orchestration', ':8004/v1/%(project_id)s'), ('heat-cfn', 'cloudformation', ':8000/v1'),
        ('octavia', 'load-balancer', ':9876'), ('gnocchi', 'metric', ':8041'), ('aodh', 'alarming', ':8042'),
        ('barbican', 'key-manager', ':9311'), ('designate', 'dns', ':9001'),
        ('swift', 'object-store', ':8083/v1/AUTH_%(project_id)s')):
    s = services.get(name) or c.create_service(name=name, type=kind)
    for i in ('public', 'internal', 'admin'):
        if (s.id, i) not in endpoints:
            c.create_endpoint(service_id=s.id, interface=i, url='http://127.0.0.1' + url, region_id='RegionOne')

service, demo = project('service'), project('demo')
for n in ('placement', 'glance', 'nova', 'neutron', 'cinder', 'heat', 'octavia', 'gnocchi', 'aodh', 'barbican', 'designate',
          'swift'):
    user(n, service, ('admin', 'service'))
user('demo', demo, ('member', 'heat_stack_owner', 'load-balancer_member', 'creator'))
c.assign_project_role_to_user(demo, first(c.users(name='admin')), role['admin'])

heat = first(c.domains(name='heat')) or c.create_domain(name='heat')
admin = first(c.users(name='heat_domain_admin', domain_id=heat.id)) or c.create_user(
    name='heat_domain_admin', password='secret', domain_id=heat.id)
c.assign_domain_role_to_user(heat, admin, role['admin'])

"""Waits until every API answers, every daemon behind the message queue consumes from it, and each has reported itself up.

On a timeout it prints the name of the daemon and what is wrong with it, on one line, and exits with 1.
"""
import concurrent.futures
import sys
import time

import amqp
import dns.message
import dns.query
import openstack
import requests

LIMIT = 180  # seconds
end = time.time() + LIMIT
session = openstack.connect(cloud='devcloud-admin').session


def get(port, path, **headers):
    r = session.get(f'http://127.0.0.1:{port}{path}', headers=headers, timeout=20)
    return r.json() if r.content else None


def consumed(queue):  # a name in the queue's own table, so none of an earlier run
    with amqp.Connection('127.0.0.1:5672', connect_timeout=5) as connection:
        if connection.channel().queue_declare(queue, passive=True).consumer_count:
            return True
    raise RuntimeError(f'does not consume from queue {queue}')


def up(services, binary, state='state', host=None):
    if any(s['binary'] == binary and s[state] == 'up' and host in (None, s['host']) for s in services):
        return True
    raise RuntimeError('has not reported itself up')


def nova(binary, queue, host=None):
    return consumed(queue) and up(get(8774, '/v2.1/os-services')['services'], binary, host=host)


def compute(host):
    path = f'/resource_providers?resources=VCPU:1&name={host}'
    return nova('nova-compute', f'compute.{host}', host) and some(
        get(8778, path, **{'OpenStack-API-Version': 'placement 1.4'})['resource_providers'],
        'has not told placement what it can hold')


def cinder(binary, queue):
    return consumed(queue) and up(get(8776, f'/v3/{session.get_project_id()}/os-services')['services'], binary)


def some(found, what):
    if not found:
        raise RuntimeError(what)


def healthy(port):
    if requests.get(f'http://127.0.0.1:{port}/healthcheck', timeout=20).text != 'OK':
        raise RuntimeError('is not healthy')


CHECKS = {
    'keystone': lambda: session.get_token(),
    'placement': lambda: get(8778, '/resource_providers'),
    'glance-api': lambda: get(9292, '/v2/images?limit=1'),
    'nova-api': lambda: get(8774, '/v2.1/flavors?limit=1'),
    'nova-conductor': lambda: nova('nova-conductor', 'conductor'),
    'nova-scheduler': lambda: nova('nova-scheduler', 'scheduler'),
    'nova-compute': lambda: compute('compute1'),
    'nova-compute2': lambda: compute('compute2'),
    'nova-compute3': lambda: compute('compute3'),
    'neutron-server': lambda: get(9696, '/v2.0/networks?limit=1'),
    'cinder-scheduler': lambda: cinder('cinder-scheduler', 'cinder-scheduler') and some(
        get(8776, f'/v3/{session.get_project_id()}/scheduler-stats/get_pools')['pools'], 'knows no pool yet'),
    'cinder-volume': lambda: cinder('cinder-volume', 'cinder-volume.volume1@fake'),
    'cinder-api': lambda: get(8776, f'/v3/{session.get_project_id()}/volumes?limit=1'),
    'heat-api': lambda: get(8004, f'/v1/{session.get_project_id()}/stacks?limit=1'),
    'heat-api-cfn': lambda: get(8000, '/'),
    'heat-engine': lambda: consumed('engine') and consumed('engine_worker') and up(
        get(8004, f'/v1/{session.get_project_id()}/services')['services'], 'heat-engine', 'status'),
    'octavia-api': lambda: get(9876, '/v2/lbaas/loadbalancers?limit=1'),
    'octavia-worker': lambda: consumed('octavia_provisioning_v2'),
    'gnocchi-api': lambda: get(8041, '/v1/archive_policy'),
    'aodh-api': lambda: get(8042, '/v2/alarms?limit=1'),
    'barbican-api': lambda: get(9311, '/v1/secrets?limit=1'),
    'designate-api': lambda: get(9001, '/v2/zones?limit=1'),
    'designate-central': lambda: consumed('central'),
    'designate-worker': lambda: consumed('worker'),
    'designate-mdns': lambda: dns.query.udp(dns.message.make_query('.', 'SOA'), '127.0.0.1', port=5354, timeout=5),
    'swift-proxy': lambda: get(8083, f'/v1/AUTH_{session.get_project_id()}?format=json'),
    'swift-account': lambda: healthy(6202),
    'swift-container': lambda: healthy(6201),
    'swift-object': lambda: healthy(6200),
}


def wait(name):
    while True:
        try:
            CHECKS[name]()
            return
        except Exception as e:  # not yet
            if time.time() > end:
                print(name, f'is not ready after {LIMIT} s:', ' '.join(str(e).split()), flush=True)
                sys.exit(1)
        time.sleep(0.4)


wait('keystone')
with concurrent.futures.ThreadPoolExecutor(len(CHECKS)) as pool:
    for done in [pool.submit(wait, name) for name in CHECKS]:
        done.result()

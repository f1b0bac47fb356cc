# shellcheck shell=bash disable=SC2154 # the paths are set in lib.sh and openstack-up
# site.sh: the services that only a site asks for: Barbican for its certificate, Designate for its names, Swift for its
# buckets; sourced by openstack-up, after config.sh.

site_directories() {
  install -d -o designate -g designate "$state/designate"
  install -d -o swift -g swift "$state/swift" "$state/swift/devices" "$state/swift/devices/disk"
}

site_configure() {
  barbican_conf
  designate_conf
  swift_conf
}
barbican_conf() { # a secret is kept while the client waits: no worker, no queue. Zed reads the first address, 2025.1 the other
  conf barbican/barbican.conf <<E
[DEFAULT]
host_href = http://$ip:9311
sql_$(db barbican)
db_auto_create = false
[database]
$(db barbican)
[simple_crypto_plugin]
kek = MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=
$(authtoken barbican)
E
}
designate_conf() { # mdns is the name server: the worker tells no other one, and asks it whether a change has arrived
  conf designate/designate.conf <<E
[DEFAULT]
state_path = $state/designate
quota_zones = -1
quota_zone_recordsets = -1
quota_zone_records = -1
quota_recordset_records = -1
$rabbit
[service:api]
api_base_uri = http://$ip:9001/
[service:central]
workers = 1
[service:worker]
workers = 1
poll_delay = 1
poll_retry_interval = 2
poll_timeout = 2
[service:mdns]
workers = 1
listen = $ip:5354
[service:producer]
workers = 1
enabled_tasks = increment_serial
[producer_task:increment_serial]
interval = 1
[storage:sqlalchemy]
$(db designate)
$(authtoken designate)
$(lock designate)
E
  conf designate/pools.yaml <<E
- name: default
  id: 794ccc2c-d751-44fe-b57f-8894c9f5c842 # by the number that Designate gives its default one
  description: mdns itself
  attributes: {}
  ns_records: [{hostname: ns.devcloud.test., priority: 1}]
  nameservers: [{host: $ip, port: 5354}]
  targets: [{type: fake, description: nobody else, masters: [{host: $ip, port: 5354}], options: {host: $ip, port: 5354}}]
E
}
swift_conf() { # one copy of everything, in a folder that is the disk; nothing repairs or counts in the background
  local kind port=6202
  conf swift/swift.conf <<E
[swift-hash]
swift_hash_path_suffix = devcloud
E
  for kind in account container object; do
    conf "swift/devcloud-$kind.conf" <<E
[DEFAULT]
bind_ip = $ip
bind_port = $port
workers = 0
user = swift
log_custom_handlers = devcloud_swift.no_syslog
swift_dir = $state/swift
devices = $state/swift/devices
mount_check = false
[pipeline:main]
pipeline = healthcheck $kind-server
[app:$kind-server]
use = egg:swift#$kind
[filter:healthcheck]
use = egg:swift#healthcheck
E
    port=$((port - 1))
  done
  conf swift/devcloud-proxy.conf <<E
[DEFAULT]
bind_ip = $ip
bind_port = 8083
workers = 0
user = swift
log_custom_handlers = devcloud_swift.no_syslog
swift_dir = $state/swift
[pipeline:main]
# Without proxy-logging, which knows no other place than syslog.
pipeline = catch_errors gatekeeper healthcheck cache listing_formats authtoken s3api s3token keystoneauth copy slo dlo versioned_writes proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:cache]
use = egg:swift#memcache
memcache_servers = $ip:11211
[filter:s3api]
use = egg:swift#s3api
$(auth filter:s3token swift)
use = egg:swift#s3token
auth_uri = $ks/v3
$(authtoken swift | sed 's/^\[.*/[filter:authtoken]/')
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
delay_auth_decision = true
[filter:keystoneauth]
use = egg:swift#keystoneauth
operator_roles = admin, member
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
[filter:versioned_writes]
use = egg:swift#versioned_writes
E
}

site_first_time() {
  once barbican-db schema barbican as barbican barbican-manage db upgrade & pids+=($!)
  once designate-db schema designate as designate designate-manage database sync & pids+=($!)
  once swift-rings as swift python3 "$state/python/devcloud_rings.py" "$state/swift" & pids+=($!)
}

site_services() {
  local kind
  wsgi barbican-api barbican 9311 /usr/bin/barbican-wsgi-api
  wsgi designate-api designate 9001 /usr/bin/designate-api-wsgi
  for kind in account container object proxy; do
    start "swift-$kind" swift "swift-$kind-server" "/etc/swift/devcloud-$kind.conf" --verbose # it logs to standard error
  done
  for kind in "${designate_daemons[@]}"; do start "designate-$kind" designate "designate-$kind"; done
}

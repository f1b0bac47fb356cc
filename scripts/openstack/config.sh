# shellcheck shell=bash disable=SC2154 # the paths are set in lib.sh and openstack-up
# config.sh: every configuration file, all rewritten at each run; sourced by openstack-up.

computes=(compute1 compute2 compute3) # as many as a site has backend nodes, which may have to keep apart
pw=secret ks=http://127.0.0.1:5000 # the password of every user
rabbit="transport_url = rabbit://guest:guest@$ip:5672/"

conf() { { echo "$mark"; cat; } >"/etc/$1"; } # conf FILE <<E
db() { echo "connection = mysql+pymysql://$1:$pw@$ip/${2:-$1}?charset=utf8"; } # db USER [DATABASE]
auth() { # auth SECTION USER: the section with which a service logs in to keystone
  cat <<E
[$1]
auth_type = password
auth_url = $ks
username = $2
password = $pw
project_name = service
user_domain_name = Default
project_domain_name = Default
region_name = RegionOne
E
}
authtoken() { # authtoken USER: how a service checks the tokens it is given
  auth keystone_authtoken "$1"
  cat <<E
www_authenticate_uri = $ks
memcached_servers = $ip:11211
service_token_roles = service
service_token_roles_required = true
E
}
lock() { printf '[oslo_concurrency]\nlock_path = %s/%s/lock\n' "$state" "$1"; } # lock USER

clouds_yaml() {
  local name user
  mkdir -p "$(dirname "$clouds")"
  {
    echo "$mark"
    echo clouds:
    for name in devcloud-admin:admin devcloud:demo; do
      user=${name#*:}
      cat <<E
  ${name%:*}:
    region_name: RegionOne
    identity_api_version: 3
    auth:
      auth_url: $ks/v3
      username: $user
      password: $pw
      project_name: $user
      user_domain_name: Default
      project_domain_name: Default
E
    done
  } >"$clouds"
  grep -qxF "$clouds" "$state/clouds" 2>/dev/null || echo "$clouds" >>"$state/clouds"
}

glue() { # what Debian's packages lack: our own Python, on the daemons' PYTHONPATH
  rm -rf "$state/python.new"
  cp -r "$here/openstack/glue" "$state/python.new"
  rm -rf "$state/python.new/__pycache__"
  if ! diff -rq -x __pycache__ "$state/python.new" "$state/python" >/dev/null 2>&1; then
    rm -rf "$state/python"
    mv "$state/python.new" "$state/python"
  fi
  rm -rf "$state/python.new"
  chmod -R a+rX "$state/python"
}

directories() {
  local u
  for u in glance nova neutron cinder heat octavia gnocchi; do install -d -o "$u" -g "$u" "$state/$u"; done
  for u in "${computes[@]:1}"; do install -d -o nova -g nova "$state/nova/$u"; done
  site_directories
  install -d -o keystone -g keystone -m 700 "$state/keystone"
  install -d -o rabbitmq -g rabbitmq "$state/rabbitmq"
}

configure() {
  conf keystone/keystone.conf <<E
[DEFAULT]
public_endpoint = $ks
[database]
$(db keystone)
[token]
provider = fernet
expiration = 86400
[fernet_tokens]
key_repository = $state/keystone/fernet-keys
[credential]
key_repository = $state/keystone/credential-keys
[identity]
password_hash_rounds = 4
[cache]
enabled = true
backend = dogpile.cache.pymemcache
memcache_servers = $ip:11211
E
  conf placement/placement.conf <<E
[placement_database]
$(db placement)
[api]
auth_strategy = keystone
$(authtoken placement)
E
  conf glance/glance-api.conf <<E
[DEFAULT]
bind_host = $ip
workers = 1
[database]
$(db glance)
[glance_store]
stores = file
default_store = file
filesystem_store_datadir = $state/glance/images
[paste_deploy]
flavor = keystone
$(authtoken glance)
E
  conf nova/nova.conf <<E
[DEFAULT]
host = ${computes[0]}
my_ip = $ip
state_path = $state/nova
compute_driver = $nova_driver
enabled_apis = osapi_compute
osapi_compute_listen = $ip
osapi_compute_workers = 1
$rabbit
[api_database]
$(db nova nova_api)
[database]
$(db nova)
[quota]
instances = -1
cores = -1
ram = -1
key_pairs = -1
server_groups = -1
server_group_members = -1
[conductor]
workers = 1
[scheduler]
workers = 1
[glance]
api_servers = http://$ip:9292
$(auth placement nova)
$(auth neutron nova)
$(auth cinder nova)
os_region_name = RegionOne
$(auth service_user nova)
send_service_user_token = true
$(authtoken nova)
$(lock nova)
E
  compute_confs
  conf neutron/neutron.conf <<E
[DEFAULT]
bind_host = $ip
api_workers = 1
# Heat, Nova and Octavia keep more idle connections than the 100 threads of the one worker: it then hears nobody for minutes.
wsgi_keep_alive = false
rpc_workers = 0
core_plugin = ml2
service_plugins = router
$rabbit
[database]
$(db neutron)
[quotas]
default_quota = -1
quota_network = -1
quota_subnet = -1
quota_port = -1
quota_router = -1
quota_floatingip = -1
quota_security_group = -1
quota_security_group_rule = -1
$(auth nova nova)
$(authtoken neutron)
$(lock neutron)
E
  conf neutron/plugins/ml2/ml2_conf.ini <<E
[ml2]
type_drivers = flat,vxlan
tenant_network_types = vxlan
mechanism_drivers = devcloud
extension_drivers = port_security
[ml2_type_flat]
flat_networks = public
[ml2_type_vxlan]
vni_ranges = 1:100000
E
  conf cinder/cinder.conf <<E
[DEFAULT]
host = volume1
my_ip = $ip
osapi_volume_listen = $ip
osapi_volume_workers = 1
state_path = $state/cinder
auth_strategy = keystone
enabled_backends = fake
scheduler_default_filters = AvailabilityZoneFilter,CapabilitiesFilter
quota_volumes = -1
quota_snapshots = -1
quota_gigabytes = -1
$rabbit
[fake]
volume_driver = cinder.tests.fake_driver.FakeLoggingVolumeDriver
volume_backend_name = fake
[database]
$(db cinder)
$(auth nova cinder)
$(auth service_user cinder)
send_service_user_token = true
$(authtoken cinder)
$(lock cinder)
E
  conf heat/heat.conf <<E
[DEFAULT]
$rabbit
num_engine_workers = 1
max_stacks_per_tenant = -1
heat_metadata_server_url = http://$ip:8000
heat_waitcondition_server_url = http://$ip:8000/v1/waitcondition
stack_user_domain_name = heat
stack_domain_admin = heat_domain_admin
stack_domain_admin_password = $pw
region_name_for_services = RegionOne
auth_encryption_key = 0123456789abcdef0123456789abcdef
$heat_plugins
[heat_api]
bind_host = $ip
workers = 1
[heat_api_cfn]
bind_host = $ip
workers = 1
[database]
$(db heat)
[clients_keystone]
auth_uri = $ks
[ec2authtoken]
auth_uri = $ks/v3
[paste_deploy]
api_paste_config = /etc/heat/devcloud-paste.ini
$(auth trustee heat | grep -v ^project_)
$(authtoken heat)
$(lock heat)
E
  sed 's/heat.api.aws.ec2token:EC2Token_filter_factory/devcloud_heat:ec2token_filter/' /etc/heat/api-paste.ini |
    conf heat/devcloud-paste.ini
  conf octavia/octavia.conf <<E
[DEFAULT]
$rabbit
[api_settings]
bind_host = $ip
enabled_provider_drivers = amphora:The amphora driver with nothing behind it
default_provider_driver = amphora
[database]
$(db octavia)
[oslo_messaging]
topic = octavia
[controller_worker]
workers = 1
client_ca = $state/octavia/ca.pem
amphora_driver = amphora_noop_driver
compute_driver = compute_noop_driver
image_driver = image_noop_driver
volume_driver = volume_noop_driver
network_driver = allowed_address_pairs_driver
[certificates]
cert_generator = local_cert_generator
ca_certificate = $state/octavia/ca.pem
ca_private_key = $state/octavia/ca.key
ca_private_key_passphrase = $pw
$(auth service_auth octavia)
$(authtoken octavia)
E
  printf '[controller_worker]\nnetwork_driver = %s\n' "$octavia_network" | conf octavia/worker.conf
  if [ ! -s "$state/octavia/ca.pem" ]; then # octavia-worker wants a real one
    openssl req -x509 -newkey rsa:2048 -passout "pass:$pw" -days 3650 -subj /CN=devcloud \
      -keyout "$state/octavia/ca.key" -out "$state/octavia/ca.pem" 2>/dev/null
    chown octavia: "$state/octavia/ca.key" "$state/octavia/ca.pem"
  fi
  conf gnocchi/gnocchi.conf <<E
[DEFAULT]
coordination_url = file://$state/gnocchi/locks
[api]
auth_mode = keystone
[indexer]
url = mysql+pymysql://gnocchi:$pw@$ip/gnocchi?charset=utf8
[storage]
driver = file
file_basepath = $state/gnocchi
[metricd]
workers = 1
metric_processing_delay = 1
metric_reporting_delay = -1
$(authtoken gnocchi)
E
  conf aodh/aodh.conf <<E
[DEFAULT]
$rabbit
gnocchi_external_project_owner = service
$aodh_prometheus
[api]
paste_config = /etc/aodh/api-paste.ini
auth_mode = keystone
gnocchi_external_project_owner = service
[database]
$(db aodh)
[evaluator]
evaluation_interval = 5
workers = 1
[notifier]
workers = 1
[listener]
workers = 1
$(auth service_credentials aodh)
$(authtoken aodh)
E
  site_configure
  [ -z "$prometheus" ] || prometheus_config
}

compute_confs() { # the other hypervisors: a name each, and a place where the driver keeps its node's
  local c
  for c in "${computes[@]:1}"; do
    printf '[DEFAULT]\nhost = %s\nstate_path = %s\n' "$c" "$state/nova/$c" | conf "nova/$c.conf"
  done
}

prometheus_config() { # it scrapes what a file of devcloud/targets names: [{"targets": ["127.0.0.1:PORT"]}]
  install -d /etc/openstack "$state/targets"
  install -d -o prometheus -g prometheus "$state/prometheus"
  printf 'host: %s\nport: 9090\n' "$ip" | conf openstack/prometheus.yaml # without it Aodh leaves out that kind of alarm
  conf prometheus/devcloud.yml <<E
global: {scrape_interval: 2s, scrape_timeout: 2s}
scrape_configs:
  - job_name: targets
    file_sd_configs: [{files: ["$state/targets/*.json"], refresh_interval: 5s}]
E
}

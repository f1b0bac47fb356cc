# shellcheck shell=bash disable=SC2154 # the paths are set in lib.sh and openstack-up
# packages.sh: install Debian's packages without starting any of their daemons; sourced by openstack-up, after release.sh.

packages=(mariadb-server rabbitmq-server memcached uwsgi-plugin-python3 python3-pymysql openssl
  keystone placement-api glance-api nova-api nova-conductor nova-scheduler nova-compute neutron-server
  cinder-api cinder-scheduler cinder-volume heat-api heat-api-cfn heat-engine octavia-api octavia-worker
  gnocchi-api gnocchi-metricd aodh-api aodh-evaluator aodh-notifier aodh-listener
  barbican-api designate-api designate-central designate-worker designate-mdns
  swift-proxy swift-account swift-container swift-object
  python3-openstackclient python3-heatclient python3-octaviaclient python3-aodhclient python3-gnocchiclient)
[ "$native" != 2025.1 ] || packages+=(prometheus designate-producer)

installed() { # are all of them?
  [ "$(dpkg-query -W -f '${db:Status-Status}\n' "${packages[@]}" 2>/dev/null | grep -cx installed)" = ${#packages[@]} ]
}
units() { # systemd units of the kinds of daemons which we run ourselves
  (cd /lib/systemd/system && ls) 2>/dev/null |
    grep -E '^(mariadb|rabbitmq-server|epmd|memcached|keystone|(placement|glance|nova|neutron|cinder|heat|octavia|gnocchi|aodh|barbican|designate|swift)-[a-z-]+|prometheus)\.(service|socket)$' || true
}
apt() { # apt SUBCOMMAND...: no questions, progress to a file for the ticker
  DEBIAN_FRONTEND=noninteractive timeout 1800 apt-get -y -q --no-install-recommends -o Acquire::Retries=3 \
    -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-unsafe-io \
    -o APT::Status-Fd=7 "$@" 7>"$run/apt.status" >>"$log/apt.log" 2>&1 </dev/null 9>&- ||
    fail "apt-get $1 failed; the last lines of $log/apt.log:
$(tail -n 20 "$log/apt.log")"
}
no_policy() { [ -z "${policy_ours:-}" ] || rm -f /usr/sbin/policy-rc.d; }
get_packages() {
  local before new
  if installed; then return; fi
  before=$(units)
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    policy_ours=1
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
  fi
  DEBIAN_FRONTEND=noninteractive dpkg --configure -a >>"$log/apt.log" 2>&1 </dev/null || true # of an interrupted run
  apt update
  apt --fix-broken install # what an interrupted run has left
  apt install debconf
  echo 'dbconfig-common dbconfig-common/dbconfig-install boolean false' | debconf-set-selections 2>/dev/null || true
  apt install "${packages[@]}"
  rm -f "$run/apt.status"
  no_policy
  policy_ours=
  mapfile -t new < <(comm -13 <(sort <<<"$before") <(units | sort)) # else they would take our ports at the next boot
  if [ ${#new[@]} -gt 0 ] && command -v systemctl >/dev/null; then
    systemctl disable "${new[@]}" >>"$log/apt.log" 2>&1 || true
  fi
}

# shellcheck shell=bash disable=SC2034,SC2154 # some names are set or used by those who source it
# release.sh: the releases of OpenStack that this can bring up, where each can run, and what differs in its daemons.

debian=$(. /etc/os-release; echo "${ID:-}-${VERSION_ID:-}")
case $debian in # the one that this machine's own packages are
  debian-12) native=zed ;;
  debian-13) native=2025.1 ;;
  *) native= ;;
esac

choose_release() { # choose_release WANTED: sets release; beside=1 if it has to run in a chroot, beside this machine
  beside=
  [ -n "$native" ] ||
    refuse "this needs Debian 12, and this is $(. /etc/os-release; echo "${PRETTY_NAME:-unknown}"); nothing was changed"
  release=${1:-$native}
  case $native:$release in
    zed:zed | 2025.1:2025.1) ;;
    zed:2025.1) beside=1 ;;
    2025.1:zed) refuse "Zed comes with Debian 12, and this is Debian 13; nothing was changed" ;;
    *) refuse "there is no release \"$release\" here, only zed and 2025.1; nothing was changed" ;;
  esac
}

settings() { # what the other files ask for, by release
  case $release in
    zed)
      badge=DEVCLOUD # also of daemons that were started before there were two releases
      nova_driver=fake.FakeDriver
      octavia_network=devcloud
      heat_plugins="plugin_dirs = $state/python/heat" # glue/heat/devcloud.py says why
      sql_options=()
      designate_daemons=(central worker mdns)
      prometheus='' aodh_prometheus='' ;;
    2025.1)
      badge=DEVCLOUD_2025_1
      # Nova 31 refuses a second start of a nova-compute with a node that it does not know; this driver keeps the node's
      # name in a file, where FakeDriver makes a new one at each start.
      nova_driver=fake.FakeDriverWithoutFakeNodes
      octavia_network=devcloud_subnets
      heat_plugins=
      sql_options=(--innodb-snapshot-isolation=OFF) # as in Debian 12's MariaDB; the services expect it
      designate_daemons=(central worker mdns producer) # since Designate 17 only the producer counts up the serial of a zone
      prometheus=1 # Aodh 20 has alarms on it, by default on series with a label of its own project alone
      aodh_prometheus="prometheus_disable_rbac = true"
      ports+=(prometheus:9090) ;;
  esac
}

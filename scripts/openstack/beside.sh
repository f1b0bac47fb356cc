# shellcheck shell=bash disable=SC2034,SC2154 # some names are set or used by those who source it
# beside.sh: a release that is not this machine's own: its Debian in a chroot, its daemons in a network namespace, where
# they have the same ports on another 127.0.0.1. Sourced by openstack-up, openstack-down and openstack-run.
#
# Its processes are among those of this machine. The chroot's mounts live in the mount namespaces of the processes that need
# them, so that none is left when those end, however they end.

suite=trixie space=devcloud-2025.1
home=/var/lib/$space
root=$home/root
kit=/opt/stackhook # these scripts, inside
clouds_beside=$root/root/.config/openstack/clouds.yaml

outside() { # the messages and the lock of lib.sh, for what happens before anything runs inside
  run=$home log=$home steps=3
  while take_lock && [ ! "$home/lock" -ef /dev/fd/9 ]; do :; done # a purge removed the one that we waited for
}

inside() { # inside [--networked] COMMAND...: as root of the chroot, on the network of the cloud or of the caller
  local enter=() environment=() v
  if [ "$1" = --networked ]; then
    enter=(nsenter "--net=/run/netns/$space")
    shift
  fi
  for v in http_proxy https_proxy no_proxy; do [ -z "${!v:-}" ] || environment+=("$v=${!v}"); done
  # shellcheck disable=SC2016 # the inner shell expands
  "${enter[@]}" unshare --mount --propagation private bash -ec '
    mount -t proc proc "$0/proc"
    mount --rbind /dev "$0/dev"
    exec chroot "$0" env -i -C /root HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" OS_CLOUD="${OS_CLOUD:-devcloud}" \
      PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin "$@"' "$root" "${environment[@]}" "$@"
}

# ---- making it ----
# shellcheck disable=SC2016 # apt expands
mirror() { apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Label: $1" | head -n 1; } # this machine's
bootstrap() { # Debian from the mirror of this machine, complete or not at all
  local main security
  if [ -d "$root" ]; then return; fi
  [ -n "$(mirror Debian)" ] || apt update
  main=$(mirror Debian) security=$(mirror Debian-Security)
  [ -n "$main" ] || fail "apt knows no mirror of Debian on this machine: see its sources.list"
  rm -rf --one-file-system "$root.new" # of an interrupted run
  unshare --mount --propagation private mmdebstrap --mode=root --variant=minbase --dpkgopt=force-unsafe-io \
    --include=ca-certificates,procps,openssl "$suite" "$root.new" "deb $main $suite main" "deb $main $suite-updates main" \
    ${security:+"deb $security $suite-security main"} >>"$log/bootstrap.log" 2>&1 </dev/null ||
    died bootstrap "(mmdebstrap) failed"
  mv "$root.new" "$root"
}
copy_kit() { # these scripts, and this machine's ways to look up a name
  rm -rf "${root:?}$kit"
  install -d "$root$kit"
  cp -r "$here/openstack-up" "$here/openstack-down" "$here/openstack" "$root$kit/"
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  echo "127.0.0.1 localhost $(hostname)" >"$root/etc/hosts"
}
install_inside() { # on this machine's network, as the cloud's has no way out
  local wanted
  wanted=$(cksum <"$here/openstack/packages.sh")
  if [ "$(cat "$home/installed" 2>/dev/null)" = "$wanted" ]; then return; fi
  inside "$kit/openstack-up" --packages
  echo "$wanted" >"$home/installed"
}
namespace() {
  if ip -n "$space" link set lo up 2>/dev/null; then return; fi
  ip netns delete "$space" 2>/dev/null || true # what an interrupted run has left
  ip netns add "$space" || fail "this machine does not let us make a network namespace; a container needs --privileged"
  ip -n "$space" link set lo up
}
up_beside() { # up_beside [PACKAGES_ONLY]
  mkdir -p "$home"
  outside
  trap '{ kill "${tick:-}" || true; } 2>/dev/null; no_policy' EXIT
  say "Debian's $suite in $root"
  ticker 9>&- & tick=$!
  packages=(mmdebstrap iproute2)
  get_packages
  bootstrap
  copy_kit
  { kill "$tick" || true; } 2>/dev/null
  tick=
  say "its packages"
  install_inside
  if [ -n "${1:-}" ]; then return; fi
  say "its daemons, in the network namespace $space"
  namespace
  inside --networked "$kit/openstack-up" "${clouds_beside#"$root"}" | sed -u '/^export /d'
  echo "export OS_CLIENT_CONFIG_FILE=$clouds_beside OS_CLOUD=devcloud # for commands under scripts/openstack-run"
}

# ---- ending it ----
down_beside() { # down_beside [--purge]
  if [ ! -d "$home" ]; then echo "there is no OpenStack $release here"; return; fi
  outside
  if [ -x "$root$kit/openstack-down" ]; then
    copy_kit # the daemons are found as these scripts mark them
    inside "$kit/openstack-down"
  fi
  if [ -e "/run/netns/$space" ]; then ip netns delete "$space"; fi
  [ -n "${1:-}" ] || return 0
  if grep -q " $home/" /proc/self/mounts; then fail "something is mounted under $home: unmount it first; it was not removed"; fi
  rm -rf --one-file-system "$home"
  echo "removed $home"
}

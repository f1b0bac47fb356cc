#!/bin/sh
# The user data of a site's machine: runs once, as root, at its first boot. Puts the site's commands and settings in their places and
# has the machine run boot-backend or boot-app at this and every later boot. Heat replaces each word between two @ by what the
# template gives.
set -eu
umask 022
root=${SITE_ROOT:-}
etc=${SITE_ETC:-$root/etc/stackhook}

# A failure in this file is told, too, as soon as there is the means to.
line="the first line"
ended() {
  [ "$1" = 0 ] || LAB_HANDLE=$etc/signal "$root/opt/stackhook/lab-signal" machine FAILURE "machine.sh: $line exit $1" || true
  exit "$1"
}
trap 'ended $?' EXIT

# put MODE FILE writes its standard input.
put() {
  line="put $2"
  mkdir -p "${2%/*}"
  (umask 077 && cat >"$2.new")
  chmod "$1" "$2.new"
  mv "$2.new" "$2"
}

put 600 "$etc/signal" <<'SITE_END'
@signal@
SITE_END
put 600 "$etc/progress" <<'SITE_END'
@progress@
SITE_END
put 600 "$etc/site.env" <<'SITE_END'
@settings@
SITE_END
@files@

line="start boot-@role@"
if [ -d "$root/run/systemd/system" ]; then
  put 644 "$root/etc/systemd/system/stackhook-boot.service" <<'SITE_END'
[Unit]
Description=The site's @role@ node
After=network-online.target
Wants=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutStartSec=infinity
ExecStart=/opt/stackhook/boot-@role@

[Install]
WantedBy=multi-user.target
SITE_END
  systemctl daemon-reload
  systemctl enable stackhook-boot.service
  systemctl start --no-block stackhook-boot.service
  exit 0
fi
"$root/opt/stackhook/boot-@role@"

#!/bin/bash
# backup schedule: has `backup run` run each day at BACKUP_HOUR (UTC). backup run [NAME]: all stores of this node under one name.
. "${SITE_LIB:-${SITE_ROOT:-}/opt/stackhook}/lib.sh"
case ${1:-} in
  schedule)
    units=$root/etc/systemd/system
    mkdir -p "$units"
    printf '[Unit]\nDescription=Backup of the site\n[Service]\nType=oneshot\nExecStart=%s/backup run\n' "$here" >"$units/stackhook-backup.service"
    printf '[Unit]\nDescription=Backup of the site\n[Timer]\nOnCalendar=*-*-* %02d:00:00 UTC\n[Install]\nWantedBy=timers.target\n' "$((10#${BACKUP_HOUR:-2}))" >"$units/stackhook-backup.timer"
    if [ -d "$root/run/systemd/system" ]; then
      systemctl daemon-reload
      systemctl enable --now stackhook-backup.timer
    fi
    ;;
  run)
    name=${2:-$(date -u +%Y-%m-%dT%H)}
    bad=
    for store in galera mongodb; do
      [ -e "$here/$store-backup" ] || continue
      rm -f "$run/failure"
      "$store-backup" run "$name" || {
        bad+=" $store"
        progress backup "$store backup $name failed: $(redact 1 <"$run/failure" | cut -c1-120)" "\"name\":\"$name\",\"failed\":true"
      }
    done
    [ -z "$bad" ]
    ;;
  *) die "usage: backup schedule | run [NAME]" ;;
esac

#!/bin/bash
# boot-backend: at each boot of a backend, as root: its disks, and on them what is installed here, one after the other.
. "${SITE_LIB:-${SITE_ROOT:-}/opt/stackhook}/lib.sh"
main() {
  [ ! -e "$here/names" ] || names
  disk mysql "$MYSQL_VOLUME" /srv/mysql
  [ -z "${MONGODB_VOLUME:-}" ] || disk mongodb "$MONGODB_VOLUME" /srv/mongodb
  progress disks "disks are mounted"
  for part in galera redis mongodb search; do
    [ ! -e "$here/$part" ] || "$part" up
  done
  [ -z "${BACKUP_BUCKET:-}" ] || backup schedule
  progress up "up" "\"secrets\":\"${SECRETS:-}\""
}
boot main

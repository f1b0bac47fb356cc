#!/usr/bin/env bash
# mongodb-backup run NAME: a dump of the whole set at one moment (--oplog), by one node: the last one that is a secondary and well.
# mongodb-backup restore NAME|SITE/NAME: into a set that is new. Users and the set's own settings stay as they are.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${SITE_LIB:-${SITE_ROOT:-}/opt/stackhook}/lib.sh"
uri="mongodb://admin${MONGODB_SLOT:-}@mongo-0.site.internal,mongo-1.site.internal,mongo-2.site.internal/?replicaSet=openedx&authSource=admin"
begun=$root/srv/mongodb/restoring # one that was cut off begins anew at the next boot

# settings are a file, as arguments are seen by all.
settings() {
  (umask 077; printf 'uri: "%s"\npassword: "%s"\n' "$uri&readPreference=$1" "$MONGODB_ADMIN_PASSWORD" >"$run/mongodump.yml")
  trap 'rm -f "$run/mongodump.yml"' EXIT
}
dump() {
  case $(mongodb turn) in
    mine) ;;
    other) say "the backup of MongoDB is another node's turn"; return ;;
    *) die "this member cannot say whose turn the backup is" ;;
  esac
  settings secondary
  mongodump --quiet --config "$run/mongodump.yml" --oplog --archive | gzip --fast | s3 save "$SITE/mongodb/$1"
  s3 seal "$SITE/mongodb/$1" # only a whole one has an end
  prune mongodb
  progress backup "mongodb backup $1" "\"name\":\"$1\",\"store\":\"mongodb\""
}

restore() {
  local from=$SITE/mongodb/$1
  case $1 in */*) from=${1%%/*}/mongodb/${1#*/} ;; esac
  [ -e "$begun" ] || [ "$(mongodb empty)" = empty ] || die "the set has courses: a backup is restored into a new set only"
  touch "$begun"
  settings primary
  mongodb replay >/dev/null || die "admin cannot be let replay the log"
  s3 load "$from" | gunzip | mongorestore --quiet --config "$run/mongodump.yml" --archive --drop --oplogReplay --nsExclude 'admin.*' --nsExclude 'config.*'
  mongodb calm >/dev/null || die "restored, but admin could not be given back its old rights"
  rm "$begun"
  progress restore "mongodb is restored from $1" "\"name\":\"$1\",\"store\":\"mongodb\",\"mode\":\"restore\""
}

case ${1:-} in
  run) dump "$2" ;;
  restore) restore "$2" ;;
  *) die "usage: mongodb-backup run NAME | restore NAME" ;;
esac

#!/usr/bin/env bash
# mongodb up|health|...: this node's member of the site's replica set `openedx`. The package is the vendor's (MongoDB 7.0 is not in
# Debian), from the image or its repository; its unit stays masked until the data's volume is mounted. Who makes the set, when, and
# which users: mongodb.js.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${SITE_LIB:-${SITE_ROOT:-}/opt/stackhook}/lib.sh"
data=$root/srv/mongodb/db
conf=$root/etc/mongod.conf
key=$root/etc/mongod.key
was=$root/srv/mongodb/admin # the password that the set's admin has, for a site that takes the volume up with another one

# mongo runs mongodb.js, with secrets in the environment, where no other user sees them.
mongo() {
  MODE=$1 INDEX=$INDEX SLOT=${MONGODB_SLOT:-} EARLIER=${MONGODB_KEY_EARLIER:+1} MONGODB_ADMIN_PASSWORD=$MONGODB_ADMIN_PASSWORD MONGODB_PASSWORD=$MONGODB_PASSWORD \
    MONGODB_ADMIN_WAS=$(cat "$was" 2>/dev/null || true) HOME=$run mongosh --quiet --norc --nodb "$here/mongodb.js"
}

# put MODE FILE writes its standard input, and says whether that changed anything.
put() {
  local new
  new=$(mktemp "$2.XXXXXX")
  cat >"$new"
  chmod "$1" "$new"
  chown mongodb:mongodb "$new"
  if cmp -s "$new" "$2"; then
    rm "$new"
    return 1
  fi
  mv "$new" "$2"
}

# A quarter of the memory: MySQL and Redis live here, too.
settings() {
  cat <<END
storage:
  dbPath: $data
  wiredTiger: {engineConfig: {cacheSizeGB: $(awk '/^MemTotal/ { n = $2 / 4194304 } END { printf "%.2f", n < 0.25 ? 0.25 : n }' "$root/proc/meminfo")}}
systemLog: {destination: syslog}
net: {port: 27017, bindIp: "127.0.0.1,mongo-$INDEX.site.internal"}
security: {authorization: enabled, keyFile: $key}
replication: {replSetName: openedx}
END
}

# Members need one key in common, so there are two while it is rotated.
keys() {
  echo "${MONGODB_KEY_EARLIER:+- $MONGODB_KEY_EARLIER
- }$MONGODB_KEY"
}

up() {
  local result state changed=
  command -v mongod >/dev/null || die "no mongod here: take an image that has MongoDB 7.0 and mongosh, or let the node reach repo.mongodb.org"
  names
  mkdir -p "$data"
  chown mongodb:mongodb "$data"
  chmod 700 "$data"
  keys | put 400 "$key" && changed=1
  settings | put 644 "$conf" && changed=1
  [ -z "$changed" ] || unserve mongodb
  service mongodb setpriv --reuid mongodb --regid mongodb --init-groups mongod --config "$conf"
  result=$(mongo up) || die "$result"
  (umask 077 && printf %s "$MONGODB_ADMIN_PASSWORD" >"$was.new" && mv "$was.new" "$was")
  if [ -n "${RESTORE:-}" ] && { [[ $result == *'"mode":"bootstrap"'* ]] || [ -e "$root/srv/mongodb/restoring" ]; }; then
    mongodb-backup restore "$RESTORE"
  fi
  state=${result#*'"state":"'}
  progress mongodb "mongodb ${state%%'"'*}" "$result"
}

case ${1:-} in
  up) up ;;
  health | turn | empty | replay | calm) mongo "$1" ;;
  *) die "usage: mongodb up|health|turn|empty|replay|calm" ;;
esac

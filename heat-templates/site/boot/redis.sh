#!/usr/bin/env bash
# redis up|health: this node's Redis, and the Sentinel beside it. One primary, two replicas; two of three Sentinels choose another
# when it is gone. HAProxy on the app nodes sends everything to whoever is primary AND has a replica that keeps up: a primary that
# was cut off takes no writes either (min-replicas), so of two primaries at most one is of use. The price: a single Redis left
# serves nobody, as a single MySQL or MongoDB does; and what the old primary took in its last five seconds may be lost.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${SITE_LIB:-${SITE_ROOT:-}/opt/stackhook}/lib.sh"
data=$root/srv/mongodb/redis
me=${peers[$INDEX]}
others=("${peers[@]}")
unset "others[$INDEX]"
export REDISCLI_AUTH # no password among the arguments that other users see

# derived NAME [PASSWORD] is a password of its own for each user, so that the site's is not the administrator's.
derived() { hash "$1 ${2:-$REDIS_PASSWORD}"; }
hash() { printf %s "$1" | sha256sum | cut -c1-64; }
before=${REDIS_PASSWORD_EARLIER:-} # good as well, while the site's password is rotated
admin=$(derived admin)
REDISCLI_AUTH=$admin

ask() { timeout "${ASK_WAIT:-3}" redis-cli --no-auth-warning -h "$1" -p "$2" "${@:3}" 2>/dev/null; }
to_redis() { ask "$1" 6379 --user admin "${@:2}"; }

# Both ACL users are needed: with a mere requirepass, Open edX's cache would log in as nobody, and hide that it failed.
users() {
  echo "user default off"
  echo "user admin on $(all admin) ~* &* +@all"
  echo "user openedx on #$(hash "$REDIS_PASSWORD")${before:+ #$(hash "$before")} ~* &* +@all -@admin"
  echo "user check on $(all check) +info +ping"
}
# all NAME is what of the user's passwords is good.
all() { echo "#$(hash "$(derived "$1")")${before:+ #$(hash "$(derived "$1" "$before")")}"; }

# The queue of Celery lives here, beside the cache: only what has an end of life may be thrown out.
settings() {
  cat <<END
bind $me
port 6379
dir $data
aclfile $data/users.acl
masteruser admin
masterauth $admin
appendonly yes
maxmemory $(awk '/^MemTotal/ { printf "%d", $2 / 8 }' "$root/proc/meminfo")kb
maxmemory-policy volatile-lru
min-replicas-to-write 1
min-replicas-max-lag 5
replica-announce-ip $me
repl-diskless-sync-delay 0
END
}

# sentinel PRIMARY: its identity lasts, as that of a rebuilt node must not count as a fourth one.
sentinel() {
  cat <<END
bind $me
port 26379
dir $data
user default on $(all admin) ~* &* +@all
sentinel sentinel-pass $admin
sentinel announce-ip $me
sentinel myid $(hash "sentinel $INDEX $SITE" | cut -c1-40)
sentinel monitor openedx $1 6379 2
sentinel auth-user openedx admin
sentinel auth-pass openedx $admin
sentinel down-after-milliseconds openedx 5000
sentinel failover-timeout openedx 20000
sentinel parallel-syncs openedx 2
END
}

# own MODE FILE writes its standard input for Redis, which rewrites its files and their folder itself.
own() {
  cat >"$2"
  chmod "$1" "$2"
  chown redis:redis "$2"
}

is_primary() { to_redis "$1" INFO replication | grep -q '^role:master'; }

# named is the primary that another node's Sentinel knows.
named() {
  local address
  for address in "${others[@]}"; do
    ask "$address" 26379 SENTINEL get-master-addr-by-name openedx | head -n 1 | grep . && return
  done
}

# followed is a primary that has replicas, though no Sentinel knows it yet.
followed() {
  local address
  for address in "${others[@]}"; do
    to_redis "$address" INFO replication | grep -q '^connected_slaves:[1-9]' && is_primary "$address" && echo "$address" && return
  done
  return 1
}

# first is whom all take for the primary when nobody knows one: the first that has any keys, else the first. All three have to
# answer, or two after a minute. Until then each is a primary of its own, without a replica, and so takes no writes.
first() {
  local address size answers=0 blank='' kept=''
  serve ''
  for address in "${peers[@]}"; do
    size=$(to_redis "$address" DBSIZE) || continue
    case $size in
      0) answers=$((answers + 1)) blank=${blank:-$address} ;;
      [1-9]*) answers=$((answers + 1)) kept=${kept:-$address} ;;
    esac
  done
  if [ $answers -eq 3 ] || { [ $answers -eq 2 ] && [ $SECONDS -ge 60 ]; }; then echo "${kept:-$blank}"; fi
}

# choose says once it is clear who is primary. One that others take for it, but whose volume is blank, does not start: its
# replicas would become as blank. They choose another while it is away.
choose() {
  local primary
  while [ $SECONDS -lt 600 ]; do
    primary=$(named || true)
    case $primary in
      '') primary=$(followed || first) ;;
      "$me") [ -n "$had" ] || to_redis "$me" PING | grep -q PONG || primary= ;; # it runs: nobody was named before
      *) is_primary "$primary" || primary= ;;
    esac
    if [ -n "$primary" ]; then echo "$primary"; return; fi
    sleep 1
  done
}

# agree: of two passwords the earlier one is used as long as another node takes no other, or none can say. Once they take the new
# one, those that run are told to use it, too: the earlier one is about to go.
agree() {
  local address good=() old=
  for address in "${others[@]}"; do
    if to_redis "$address" PING | grep -q PONG; then
      good+=("$address")
    elif [ -n "$before" ] && REDISCLI_AUTH=$(derived admin "$before") to_redis "$address" PING | grep -q PONG; then
      old=1
    fi
  done
  if [ -n "$before" ] && { [ -n "$old" ] || [ ${#good[@]} = 0 ]; }; then
    admin=$(derived admin "$before")
    REDISCLI_AUTH=$admin
    return
  fi
  for address in "${good[@]}"; do
    told to_redis "$address" -x CONFIG SET masterauth
    told to_redis "$address" CONFIG REWRITE
    told ask "$address" 26379 -x SENTINEL SET openedx auth-pass
    told ask "$address" 26379 -x SENTINEL CONFIG SET sentinel-pass
  done
}
told() { printf %s "$admin" | "$@" | grep -q OK || say "$2 is not told"; }

# serve PRIMARY starts Redis, if it does not run yet.
serve() {
  if ! to_redis "$me" PING | grep -q PONG; then
    { settings; if [ -n "$1" ] && [ "$1" != "$me" ]; then echo "replicaof $1 6379"; fi; } | own 600 "$data/redis.conf"
    service redis setpriv --reuid redis --regid redis --init-groups redis-server "$data/redis.conf" >/dev/null
    wait_for 60 to_redis "$me" PING || die "redis does not start; see $log"
  elif [ -n "$1" ] && [ "$1" != "$me" ]; then
    to_redis "$me" REPLICAOF "$1" 6379 >/dev/null
  fi
}

in_order() { to_redis "$me" INFO replication | grep -Eq "^(master_link_status:up|min_slaves_good_slaves:[1-9])"; }

up() {
  local primary had=
  mkdir -p "$data"
  chown redis:redis "$data"
  chmod 700 "$data"
  agree
  { settings; users; } >"$run/redis.new"
  if ! cmp -s "$run/redis.new" "$data/made" || ! is_up; then
    if [ -e "$data/made" ]; then had=1; fi
    unserve sentinel
    unserve redis
    users | own 600 "$data/users.acl"
    primary=$(choose)
    [ -n "$primary" ] || die "it is not clear which Redis of ${peers[*]} is primary: fewer than two answer, or they have to choose anew"
    serve "$primary"
    sentinel "$primary" | own 600 "$data/sentinel.conf"
    service sentinel setpriv --reuid redis --regid redis --init-groups redis-server "$data/sentinel.conf" --sentinel
    wait_for 60 ask "$me" 26379 PING || die "Sentinel does not start; see $log"
    mv "$run/redis.new" "$data/made"
  fi
  wait_for 300 in_order || die "redis neither follows a primary nor has a replica"
  progress redis "redis $(to_redis "$me" INFO replication | sed -n 's/^role:\([a-z]*\).*/\1/p')"
}
is_up() { to_redis "$me" PING | grep -q PONG && ask "$me" 26379 PING | grep -q PONG; }

case ${1:-} in
  up) up ;;
  health) in_order ;;
  *) echo "usage: redis up|health" >&2; exit 2 ;;
esac

#!/bin/bash
# galera up: MariaDB of this node, Synced with the others. Its start is decided by galera-start, at each start anew.
# galera users: the statements that make its users, whatever was there.
. "${SITE_LIB:-${SITE_ROOT:-}/opt/stackhook}/lib.sh"
volume=$root/srv/mysql
# Each user has two names, of which one is used: a rotation makes the other, and drops the first when nobody uses it any more.
slot=${MYSQL_SLOT:-}
other=_b
[ -z "$slot" ] || other=
users() {
  cat <<SQL
FLUSH PRIVILEGES;
GRANT ALL ON *.* TO root@localhost IDENTIFIED VIA unix_socket WITH GRANT OPTION;
GRANT ALL ON *.* TO root$slot@'%' IDENTIFIED BY '$MYSQL_ROOT_PASSWORD' WITH GRANT OPTION;
GRANT RELOAD, PROCESS, LOCK TABLES, BINLOG MONITOR, REPLICA MONITOR ON *.* TO sst$slot@localhost IDENTIFIED BY '$MYSQL_SST_PASSWORD';
CREATE USER IF NOT EXISTS nobody@localhost IDENTIFIED VIA unix_socket;
CREATE DATABASE IF NOT EXISTS openedx CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
GRANT ALL ON openedx.* TO openedx$slot@'%' IDENTIFIED BY '$MYSQL_PASSWORD';
SQL
  [ -n "${MYSQL_EARLIER:-}" ] || echo "DROP USER IF EXISTS root$other@'%', sst$other@localhost, openedx$other@'%';"
}
case ${1:-} in
  up) ;;
  users) users; exit ;;
  *) die "galera up|users" ;;
esac
command -v mariadbd >/dev/null || die "mariadb-server is not installed"
mountpoint -q "$volume" || die "$volume is not mounted: the data would go to the machine's own disk"

# A third of the memory: MongoDB, Redis and the search live here, too. MiB all.
memory=${SITE_MEMORY:-$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)}
pool=$((memory * 35 / 100))
redo=$((pool / 4 > 2048 ? 2048 : pool / 4 < 64 ? 64 : pool / 4))
cache=$(($(df --output=size -m "$volume" | tail -n 1) / 8)) # what a node that was away gets without a full copy
[ $cache -lt 2048 ] || cache=2048
donors=
for i in 2 1 0; do # the writer is the lowest: it gives a full copy last
  [ "$i" = "$INDEX" ] || donors+=backend-$i,
done
(
  umask 077
  cat >"$etc/galera.cnf.new" <<CNF
[mariadbd]
user = mysql
datadir = $volume/data
tmpdir = $volume/tmp
socket = $run/mysql/mysql.sock
pid-file = $run/mysql/mariadbd.pid
log-error = $log/mysql.err
bind-address = 0.0.0.0
skip-name-resolve
max-connections = 1000
max-allowed-packet = 64M
character-set-server = utf8mb4
collation-server = utf8mb4_unicode_ci
default-storage-engine = InnoDB
binlog-format = ROW
innodb-autoinc-lock-mode = 2
innodb-buffer-pool-size = ${pool}M
innodb-log-file-size = ${redo}M
wsrep-on = ON
wsrep-provider = /usr/lib/galera/libgalera_smm.so
wsrep-provider-options = "gcache.size=${cache}M; pc.recovery=true; pc.wait_prim_timeout=PT${PRIMARY_WAIT:-300}S"
wsrep-cluster-name = $SITE
wsrep-cluster-address = gcomm://${PEERS// /,}
wsrep-node-name = backend-$INDEX
wsrep-node-address = ${peers[$INDEX]}
wsrep-slave-threads = $(nproc)
wsrep-sst-method = mariabackup
wsrep-sst-auth = sst$slot:$MYSQL_SST_PASSWORD
wsrep-sst-donor = $donors
CNF
)
mkdir -p "$volume/tmp" "$run/mysql"
touch "$log/mysql.err"
chown mysql: "$etc/galera.cnf.new" "$volume/tmp" "$run/mysql" "$log/mysql.err"
chmod 711 "$etc" # MariaDB reads its settings, and nothing else here
mv "$etc/galera.cnf.new" "$etc/galera.cnf"

# The peers ask each other before anyone starts, and the app nodes' HAProxy later.
service galera-check socat TCP-LISTEN:9200,reuseaddr,fork,max-children=100 "EXEC:$here/galera-check,su=nobody"
service mysql "$here/galera-start"

local_sql() { mariadb --no-defaults --socket="$run/mysql/mysql.sock" "$@"; }
status() { local_sql -BNe "SELECT variable_value FROM information_schema.global_status WHERE variable_name = '$1'" 2>/dev/null; }
end=$((SECONDS + ${MYSQL_WAIT:-3000}))
until [ "$(status wsrep_cluster_status) $(status wsrep_local_state_comment)" = "Primary Synced" ]; do
  if [ -e "$run/failure" ]; then
    tail -n 2 "$log/stackhook-mysql.log" 2>/dev/null || true
    exit 1
  fi
  gone=false # systemd starts it again by itself
  [ -d "$root/run/systemd/system" ] || kill -0 "$(cat "$run/mysql.pid")" || gone=true
  if $gone && [ -z "${again:-}" ]; then
    again=yes
    service mysql "$here/galera-start"
  elif $gone || [ $SECONDS -ge $end ]; then
    tail -n 18 "$log/mysql.err" >&2
    die "MariaDB is not in a cluster: $(grep -a ERROR "$log/mysql.err" | tail -n 1 | cut -c1-150)"
  fi
  sleep "${ASK_EVERY:-1}"
done

uuid=$(status wsrep_cluster_state_uuid) seqno=$(status wsrep_last_committed) size=$(status wsrep_cluster_size)
expected=$(cat "$volume/cluster" 2>/dev/null || true)
for wanted in "$expected" "${CLUSTER_UUID:-}"; do
  [ "$uuid" = "${wanted:-$uuid}" ] || die "this is cluster $uuid, while $wanted was expected"
done

# The volumes may be those of an earlier site, with its passwords; or ours are new ones, and the earlier ones are to go.
lets_in() { MYSQL_PWD=$1 mariadb --no-defaults "${@:2}" -e 'DO 0' 2>/dev/null; }
# The last one that the statement drops says whether all are.
dropped() { [ -n "${MYSQL_EARLIER:-}" ] || [ -z "$(local_sql -BNe "SELECT 1 FROM mysql.global_priv WHERE user = 'openedx$other'")" ]; }
if ! lets_in "$MYSQL_PASSWORD" -h 127.0.0.1 -u "openedx$slot" || ! lets_in "$MYSQL_ROOT_PASSWORD" -h 127.0.0.1 -u "root$slot" ||
  ! lets_in "$MYSQL_SST_PASSWORD" --socket="$run/mysql/mysql.sock" -u "sst$slot" || ! dropped; then
  users | local_sql
fi
echo "$uuid" >"$volume/cluster" # from now on an empty folder here is a loss, not a beginning
sync "$volume/cluster"
mode=$(cat "$run/mode")
progress mysql "mysql ${mode/%join/joined}, $size of 3 in the cluster" "\"size\":$size,\"mode\":\"$mode\",\"uuid\":\"$uuid\",\"seqno\":$seqno"

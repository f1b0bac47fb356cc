#!/bin/bash
# galera-backup run NAME: MariaDB's data to the bucket, from one node, which lets the others write on without it.
# galera-backup restore NAME|SITE/NAME FOLDER: the data of a backup, ready to start from.
. "${SITE_LIB:-${SITE_ROOT:-}/opt/stackhook}/lib.sh"
volume=$root/srv/mysql
sql() { mariadb --no-defaults --socket="$run/mysql/mysql.sock" -BNe "$1"; }

restore() {
  local from=$1 folder=$2
  case $from in */*) from=${from%%/*}/mysql/${from#*/} ;; *) from=$SITE/mysql/$from ;; esac
  progress restore "mysql is restored from $from"
  install -d -m 700 "$folder"
  s3 load "$from" | zstd -dq | mbstream -x -C "$folder"
  mariadb-backup --prepare --target-dir="$folder" 2>"$log/restore.log" || { tail -n 5 "$log/restore.log" >&2; exit 1; }
  rm -f "$folder"/{grastate.dat,gvwstate.dat,galera.cache} # a cluster of its own begins here
  chown -R mysql: "$folder"
}

# The highest node that is in the cluster does it: the writer is the lowest.
higher() {
  local i
  for ((i = INDEX + 1; i <= 2; i++)); do
    ! curl -s --max-time 3 "http://${peers[i]}:9200/" | grep -Eq 'status=Primary state=(Synced|Donor)' || return 0
  done
  return 1
}

save() {
  local to=$SITE/mysql/$1
  sql "SET GLOBAL wsrep_desync = ON"
  trap 'sql "SET GLOBAL wsrep_desync = OFF"' EXIT
  mariadb-backup --no-defaults --backup --galera-info --stream=xbstream --user=root --socket="$run/mysql/mysql.sock" --datadir="$volume/data" \
    --tmpdir="$volume/tmp" --target-dir="$volume/tmp" 2>"$log/backup.log" | zstd -q -3 | s3 save "$to"
  s3 seal "$to"
}

case ${1:-} in
  run)
    if higher; then
      say "a higher node does it"
      exit 0
    fi
    [ "$(sql "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'wsrep_local_state_comment'")" = Synced ] ||
      die "this node is not in the cluster: no backup is taken"
    (save "$2")
    prune mysql
    progress backup "mysql backup $2 is done" "\"name\":\"$2\""
    ;;
  restore) restore "$2" "$3" ;;
  *) die "usage: galera-backup run NAME | restore NAME FOLDER" ;;
esac

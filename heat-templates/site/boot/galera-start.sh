#!/bin/bash
# galera-start: decides how MariaDB may start, and becomes it. A second cluster beside a living one would split the site's data in
# silence, so a new one begins only where all three nodes say that they have none; whoever cannot tell waits.
. "${SITE_LIB:-${SITE_ROOT:-}/opt/stackhook}/lib.sh"
volume=$root/srv/mysql
data=$volume/data
cnf=$etc/galera.cnf
zero=00000000-0000-0000-0000-000000000000

# read_position: the cluster and the last transaction of the data here; after a crash only InnoDB knows the latter.
read_position() {
  uuid=$zero seqno=-1 safe=0
  if [ -e "$data/grastate.dat" ]; then
    uuid=$(awk '$1 == "uuid:" { print $2 }' "$data/grastate.dat")
    seqno=$(awk '$1 == "seqno:" { print $2 }' "$data/grastate.dat")
    safe=$(awk '$1 == "safe_to_bootstrap:" { print $2 }' "$data/grastate.dat")
  fi
  uuid=${uuid:-$zero} seqno=${seqno:--1} # the file may be cut off
  if [ "$uuid" != $zero ] && [ "$seqno" = -1 ]; then
    rm -f "$run/mysql/recover.log"
    mariadbd --defaults-file="$cnf" --wsrep-recover --log-error="$run/mysql/recover.log" || true
    seqno=$(sed -n "s/.*Recovered position:* *$uuid:\([0-9]*\).*/\1/p" "$run/mysql/recover.log" | tail -n 1)
    seqno=${seqno:--1}
  fi
  echo "uuid=$uuid seqno=$seqno" >"$run/position"
}

# ask: what the peers say of themselves at port 9200, and whether a Galera answers at 4567.
ask() {
  alive=false
  for i in 0 1 2; do
    said[i]=
    [ "$i" != "$INDEX" ] || continue
    said[i]=$(curl -s --max-time "${ASK_WAIT:-3}" "http://${peers[i]}:9200/" || true)
    ! port_open "${peers[i]}" 4567 || alive=true
  done
}
of() { sed -n "s/.*\b$2=\([^ ]*\).*/\1/p" <<<"${said[$1]}"; }
all_blank() {
  for i in 0 1 2; do
    [ "$i" = "$INDEX" ] || [ "$(of $i uuid)" = $zero ] || return 1
  done
}
primary() { grep -q status=Primary <<<"${said[*]}"; }
ahead() { # a peer has more of the same data
  for i in 0 1 2; do
    [ "$(of $i uuid)" != "$uuid" ] || [ "$(of $i seqno)" -le "$seqno" ] || return 0
  done
  return 1
}
foreign() { # a peer has data of another cluster: joining would replace ours by it
  for i in 0 1 2; do
    other=$(of $i uuid)
    case $other in "" | "$zero" | "$uuid") ;; *) return 0 ;; esac
  done
  return 1
}

# An operator's word "<index>:<token>", in the settings or later in the server's metadata, is obeyed once.
asked() {
  local meta word
  meta=$(curl -s --max-time 2 "${METADATA_URL:-http://169.254.169.254/openstack/latest/meta_data.json}" || true)
  for word in ${BOOTSTRAP:-} $(sed -n 's/.*"stackhook_bootstrap": *"\([0-9]:[A-Za-z0-9_-]*\)".*/\1/p' <<<"$meta"); do
    token=${word#*:}
    [ "${word%%:*}" != "$INDEX" ] || grep -qsxF "$token" "$volume/tokens" || return 0
  done
  return 1
}

# decide sets mode, as it is told, and new, if a cluster begins or begins again here.
decide() {
  mode='' new=false
  if [ "$uuid" = $zero ]; then
    if $alive; then
      mode='join'
    elif [ "$INDEX" = 0 ] && [ ! -e "$volume/cluster" ] && [ -z "${CLUSTER_UUID:-}" ] && all_blank; then
      mode=${RESTORE:+restore} new=true
      mode=${mode:-bootstrap}
    fi
  elif foreign; then
    die "this volume has cluster $uuid, a peer has $other: joining would replace the data"
  elif primary; then
    mode='join'
  elif asked; then
    mode=recover new=true
    echo "$token" >>"$volume/tokens"
    sync "$volume/tokens"
  elif [ -e "$data/gvwstate.dat" ]; then
    mode=recover # all members of the last view find each other (pc.recovery)
  elif $alive; then
    mode='join'
  elif [ "$safe" = 1 ] && ! ahead; then
    mode=recover new=true
  fi
}

# Made beside its place, users included, so that half a cluster is never taken for one.
create() {
  rm -rf "$volume/data.new"
  if [ "$mode" = restore ]; then
    galera-backup restore "$RESTORE" "$volume/data.new"
  else
    mariadb-install-db --no-defaults --user=mysql --datadir="$volume/data.new" --auth-root-authentication-method=socket --skip-test-db >/dev/null
  fi
  galera users | mariadbd --no-defaults --bootstrap --user=mysql --datadir="$volume/data.new" --tmpdir="$volume/tmp" --log-error="$log/mysql.err"
  rm -rf "$data"
  mv "$volume/data.new" "$data"
}

said=("" "" "")
read_position
end=$((SECONDS + ${START_WAIT:-900}))
while :; do
  ask
  decide
  [ -z "$mode" ] || break
  if [ $SECONDS -ge $end ]; then
    said[INDEX]="uuid=$uuid seqno=$seqno"
    for i in 0 1 2; do
      stand=$(of $i seqno)
      case $(of $i uuid) in "") stand="no answer" ;; "$zero") stand="no data" ;; esac
      list+="; $i: $stand"
    done
    die "no cluster to join, none to begin. Last transactions of ${uuid%%-*}: ${list#; }"
  fi
  [ "${waiting:-}" ] || progress mysql "mysql waits for the others" "\"mode\":\"wait\",\"uuid\":\"$uuid\",\"seqno\":$seqno"
  waiting=yes
  sleep "${ASK_EVERY:-3}"
done

say "$mode from $uuid:$seqno"
echo "$mode" >"$run/mode"
options=()
if [ "$uuid" = $zero ]; then
  ! $new || create
  install -d -o mysql -g mysql -m 700 "$data"
else
  options+=(--wsrep-start-position="$uuid:$seqno")
fi
if $new; then
  options+=(--wsrep-new-cluster)
  rm -f "$data/gvwstate.dat"
  [ ! -e "$data/grastate.dat" ] || sed -i 's/^safe_to_bootstrap:.*/safe_to_bootstrap: 1/' "$data/grastate.dat"
fi

# A node that fell out of the cluster, as after a transfer that broke, stays up beside it for ever: it has to start again.
watch() {
  local out=0
  while sleep "${WATCH_EVERY:-5}" && kill -0 $$; do
    case $(timeout 5 mariadb --no-defaults --socket="$run/mysql/mysql.sock" -BNe "SHOW GLOBAL STATUS LIKE 'wsrep_cluster_status'" || true) in
      *Disconnected) out=$((out + 1)) ;;
      *) out=0 ;;
    esac
    [ $out -lt 2 ] || kill $$
  done
}
watch >/dev/null 2>&1 &
exec mariadbd --defaults-file="$cnf" "${options[@]}"

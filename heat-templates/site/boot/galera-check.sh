#!/bin/sh
# galera-check: answers one HTTP request: 200 if this node may be the writer, else 503, and where its data stands, which is no
# secret. Runs as nobody for each request of HAProxy and of the peers.
run=${SITE_ROOT:-}/run/stackhook
while read -r line && [ ${#line} -gt 1 ]; do :; done

query="SELECT GROUP_CONCAT(v ORDER BY n SEPARATOR ' ') FROM (SELECT variable_name n, variable_value v FROM information_schema.global_status WHERE variable_name IN
  ('wsrep_cluster_size', 'wsrep_cluster_state_uuid', 'wsrep_cluster_status', 'wsrep_last_committed', 'wsrep_local_state_comment')) t"
found=$(timeout "${CHECK_WAIT:-2}" mariadb --no-defaults --socket="$run/mysql/mysql.sock" -BNe "$query" 2>/dev/null)
# shellcheck disable=SC2086 # five words, the last of which may have a blank within
set -- $found
if [ $# -ge 5 ] && [ "$4" != 18446744073709551615 ]; then
  text="uuid=$2 seqno=$4 status=$3 state=$5 size=$1"
else
  text="$(cat "$run/position" 2>/dev/null) state=down"
fi
# Whoever gives a full copy leaves the writing to the third; if there is none, it is still the best there is.
case "$3 $5 $1" in
  "Primary Synced "* | "Primary Donor/Desynced "[12]) code='200 OK' ;;
  *) code='503 Service Unavailable' ;;
esac
printf 'HTTP/1.0 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s\n' "$code" $((${#text} + 1)) "$text"

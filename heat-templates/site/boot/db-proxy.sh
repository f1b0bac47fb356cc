#!/bin/bash
# db-proxy: the way of an app node to the databases: HAProxy at DB_BIND, which sends all to one backend, the same from every app
# node: Galera takes writes at any node, but two that meet in one row end one of them with error 1213, and nothing here retries.
#
# The lowest backend that says at port 9200 that it may be the writer is the writer. Nodes see it fall or return within the same
# two or three seconds; what writes at two backends in between is still right, only may meet. Connections to a lower choice end
# when the first returns, so that none stays apart; between the second and third they stay until their client ends them.
. "${SITE_LIB:-${SITE_ROOT:-}/opt/stackhook}/lib.sh"
bind=${DB_BIND:-127.0.0.1:3306} first=${bind%%,*}
mkdir -p "$root/etc/haproxy" "$etc/haproxy.d"
{
  cat <<CFG
global
  maxconn 4000
  stats socket $run/haproxy.sock mode 600 level admin

defaults
  mode tcp
  timeout connect 3s
  timeout client 8h # as long as MariaDB's own wait_timeout
  timeout server 8h
  timeout check 3s
  option clitcpka
  option srvtcpka
  option redispatch
  retries 3

listen mysql
  bind $bind
  option httpchk GET /
  default-server check port 9200 inter 1s fastinter 500ms downinter 1s fall 2 rise 2 on-marked-down shutdown-sessions
  server backend-0 ${peers[0]}:3306 on-marked-up shutdown-backup-sessions
  server backend-1 ${peers[1]}:3306 backup
  server backend-2 ${peers[2]}:3306 backup
CFG
  cat "$etc"/haproxy.d/*.cfg 2>/dev/null || true
} >"$root/etc/haproxy/haproxy.new"
haproxy -c -q -f "$root/etc/haproxy/haproxy.new"
cmp -s "$root/etc/haproxy/haproxy.new" "$root/etc/haproxy/haproxy.cfg" || unserve db-proxy
mv "$root/etc/haproxy/haproxy.new" "$root/etc/haproxy/haproxy.cfg"
service db-proxy haproxy -W -db -f "$root/etc/haproxy/haproxy.cfg"
wait_for 60 port_open "${first%:*}" "${first##*:}" || die "HAProxy does not answer at $first"

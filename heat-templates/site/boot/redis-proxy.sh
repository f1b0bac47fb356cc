#!/usr/bin/env bash
# redis-proxy: what HAProxy on an app node has to know of Redis: everything goes to the one that says it is primary and has a
# replica that keeps up. A primary that was cut off has none (redis.sh).
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${SITE_LIB:-${SITE_ROOT:-}/opt/stackhook}/lib.sh"
mkdir -p "$etc/haproxy.d"
check=$(printf 'check %s' "$REDIS_PASSWORD" | sha256sum | cut -c1-64)
{
  cat <<END
listen redis
  bind ${REDIS_BIND:-0.0.0.0:6379}
  mode tcp
  timeout client 1h
  timeout server 1h
  timeout connect 2s
  timeout check 2s
  option clitcpka
  option srvtcpka
  option tcp-check
  tcp-check connect
  tcp-check send AUTH\ check\ $check\r\n
  tcp-check expect string +OK
  tcp-check send INFO\ replication\r\n
  tcp-check expect string role:master
  tcp-check expect rstring min_slaves_good_slaves:[1-9]
  default-server check inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
END
  i=0
  for address in "${peers[@]}"; do
    echo "  server redis-$i $address:6379"
    i=$((i + 1))
  done
} >"$etc/haproxy.d/redis.cfg"
chmod 600 "$etc/haproxy.d/redis.cfg"

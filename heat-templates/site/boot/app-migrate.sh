#!/usr/bin/env bash
# app-migrate VERSION COMMAND...: runs the command (Tutor's init: migrations, OAuth clients) once for this version of the site, on one
# node, while the others wait for it. The lock is a row behind the single writer, so all nodes see the same one. Its owner renews it
# every ten seconds; when it has not for a minute, the next takes over: init may run again, but not twice at a time. An owner that
# finds the lock lost, or cannot renew it, stops its command before another may start.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${SITE_LIB:-${SITE_ROOT:-}/opt/stackhook}/lib.sh"
version=$1
shift
# Not the node's name alone: one that was rebooted does not know whether its old containers are gone.
me=$NAME-$$-$RANDOM
life=${MIGRATE_LIFE:-60}
beat=${MIGRATE_BEAT:-10}

sql() {
  MYSQL_PWD=$MYSQL_ROOT_PASSWORD timeout 20 mysql --no-defaults --protocol=tcp -h "${DB_HOST:-127.0.0.1}" -P "${DB_PORT:-3306}" -u "root${MYSQL_SLOT:-}" --connect-timeout=5 -N -B -e "$1"
}
# changed runs one UPDATE, and says whether the row was ours to change.
changed() { [ "$(sql "UPDATE stackhook.migration SET $1; SELECT ROW_COUNT()")" = 1 ]; }
until_then="expires = UTC_TIMESTAMP(6) + INTERVAL $life SECOND"

# shellcheck disable=SC2317 # called by wait_for
table() {
  sql "CREATE DATABASE IF NOT EXISTS stackhook;
    CREATE TABLE IF NOT EXISTS stackhook.migration (id TINYINT PRIMARY KEY, version VARCHAR(64) NOT NULL, owner VARCHAR(128) NOT NULL, expires DATETIME(6) NOT NULL);
    INSERT IGNORE INTO stackhook.migration VALUES (1, '', '', '1970-01-02')"
}
take() { changed "owner = '$me', $until_then WHERE id = 1 AND version <> '$version' AND (owner = '' OR expires < UTC_TIMESTAMP(6))"; }
renew() { changed "$until_then WHERE id = 1 AND owner = '$me' AND expires > UTC_TIMESTAMP(6)"; }
release() { changed "owner = ''$1 WHERE id = 1 AND owner = '$me'"; }

# fresh says that what the databases have is this version, or a newer one: an old node that starts again must not take it back.
fresh() {
  done=$(sql "SELECT version FROM stackhook.migration WHERE id = 1") || return 1
  [ "$done" = "$version" ] || { [ -n "$done" ] && [ "$(printf '%s\n' "${done##* }" "${version##* }" | sort -V | tail -n 1)" != "${version##* }" ]; }
}

# kept renews the lock as long as the command runs, and ends the command when it cannot.
kept() {
  local good=$SECONDS
  while kill -0 "$1" 2>/dev/null; do
    sleep "$beat"
    if renew 2>/dev/null; then
      good=$SECONDS
    elif [ $((SECONDS - good)) -ge $((life - 2 * beat)) ]; then
      touch "$run/lock-lost"
      kill -TERM -- "-$1" 2>/dev/null || true
      for ((i = beat; i > 0; i--)); do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 1
      done
      kill -KILL -- "-$1" 2>/dev/null || true
    fi
  done
}

migrate() {
  local code=0 job
  rm -f "$run/lock-lost"
  progress migrate "migrating to $version" '"mode":"run"'
  setsid "$@" &
  job=$!
  kept $job &
  wait $job || code=$?
  [ ! -e "$run/lock-lost" ] || die "the lock of the migrations was lost: the database did not answer for too long, or another node took over"
  if [ $code != 0 ]; then
    release '' || true
    die "migrations to $version ended with code $code"
  fi
  wait_for 120 release ", version = '$version'" || die "migrated to $version, but the lock was lost before that was written down"
  progress migrate "migrated to $version" '"mode":"done"'
}

wait_for 900 table || die "MySQL does not answer, or not to root"
waits=
while [ $SECONDS -lt "${MIGRATE_WAIT:-5400}" ]; do
  if fresh; then
    progress migrate "databases are at $done" '"mode":"skip"'
    exit 0
  elif take; then
    migrate "$@"
    exit 0
  fi
  [ -n "$waits" ] || progress migrate "waiting for another node's migrations" '"mode":"wait"'
  waits=1
  sleep "${MIGRATE_PAUSE:-5}"
done
die "another node has been migrating for too long"

# shellcheck shell=bash disable=SC2034 # for the site's boot scripts, which source it: what each of them needs
# A command that fails ends the script, and is written down for the signal to Heat: the first one, since the others follow from it.
set -Eeuo pipefail
shopt -s inherit_errexit
umask 022

root=${SITE_ROOT:-}
etc=${SITE_ETC:-$root/etc/stackhook}
run=$root/run/stackhook
lib=$root/var/lib/stackhook
log=$root/var/log/stackhook
here=${SITE_LIB:-$root/opt/stackhook}
mkdir -p "$run" "$lib" "$log"
PATH=$PATH:/usr/sbin:/sbin:$here
export PATH SITE_ROOT=$root
# shellcheck disable=SC1091 # the site's settings, which the template writes
. "$etc/site.env"
INDEX=${INDEX:-}
read -ra peers <<<"${PEERS:-}"

failed() {
  [ -e "$run/failure" ] || printf '%s:%s: %s exit %s\n' "${0##*/}" "$2" "${3%%$'\n'*}" "$1" >"$run/failure"
  exit "$1"
}
trap 'failed $? $LINENO "$BASH_COMMAND"' ERR

# die SENTENCE: ends the script for a reason that an operator can do something about.
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  [ -e "$run/failure" ] || printf '%s:%s: %s\n' "${0##*/}" "${BASH_LINENO[0]}" "$*" >"$run/failure"
  exit 1
}

say() { printf '%s %s: %s\n' "$(date -u +%T)" "${0##*/}" "$*"; }

# site-signal ID SUCCESS|FAILURE REASON [JSON [HANDLE]]
site-signal() { LAB_HANDLE=${5:-$etc/signal} lab-signal "$1" "$2" "$3" "${4:-null}"; }

# progress STEP REASON ['"key":value,...']: for the site's page; that it does not arrive stops nothing.
progress() {
  say "$2"
  [ -e "$etc/progress" ] || return 0
  LAB_PAUSES=${LAB_PAUSES:-1 2} site-signal "$ROLE-${INDEX:-$NAME}-$(date +%s%3N)" SUCCESS "$ROLE ${INDEX:-$NAME}: $2" \
    "{\"role\":\"$ROLE\",\"index\":${INDEX:-null},\"step\":\"$1\"${3:+,$3}}" "$etc/progress" || true
}

# wait_for SECONDS COMMAND...: until it succeeds; code 1 if it does not.
wait_for() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || return 1
    sleep 1
  done
}

port_open() { timeout 2 bash -c ": </dev/tcp/$1/$2" 2>/dev/null; }

# service NAME COMMAND...: started, if it is not running, and started again when it fails. Without systemd, in the background.
service() {
  local name=stackhook-$1 pid=$run/$1.pid
  shift
  if [ -d "$root/run/systemd/system" ]; then
    printf '[Unit]\nDescription=%s of the site\nAfter=network-online.target srv-mysql.mount srv-mongodb.mount\nStartLimitIntervalSec=0\n[Service]\nExecStart=%s\nRestart=always\nRestartSec=5\nLimitNOFILE=65536\nTimeoutStopSec=900\nOOMScoreAdjust=-600\n' \
      "$name" "$*" >"$root/etc/systemd/system/$name.service"
    systemctl daemon-reload
    systemctl start "$name"
  elif ! kill -0 "$(cat "$pid" 2>/dev/null || echo none)" 2>/dev/null; then
    setsid "$@" </dev/null >>"$log/$name.log" 2>&1 &
    echo $! >"$pid"
  fi
}

# unserve NAME stops what service started, and waits for its end.
unserve() {
  if [ -d "$root/run/systemd/system" ]; then
    systemctl stop "stackhook-$1" || true
  elif kill "$(cat "$run/$1.pid" 2>/dev/null || echo none)" 2>/dev/null; then
    while kill -0 "$(cat "$run/$1.pid")" 2>/dev/null; do sleep 0.1; done
  fi
}

# redact LINES: the last of what it reads, without the values of the site's secrets.
redact() {
  local text name
  text=$(tail -n "$1" | LC_ALL=C tr -cd '\011\012\040-\176')
  for name in $(compgen -v | grep -E 'PASSWORD|KEY|SECRET'); do
    [ -z "${!name}" ] || text=${text//"${!name}"/***}
  done
  printf '%s' "$text"
}

# prune STORE: whole backups only are counted, and of the others what is older than the newest whole one goes.
prune() {
  local all whole keep name
  all=$(s3 list "$SITE/$1/" | cut -d/ -f3 | sort -ru)
  whole=$(s3 list "$SITE/$1/" | sed -n 's|.*/\([^/]*\)/done$|\1|p' | sort -r)
  keep=$(head -n "${BACKUP_KEEP:-14}" <<<"$whole")
  for name in $all; do
    grep -qxF "$name" <<<"$keep" || [[ $name > $(head -n 1 <<<"$whole") ]] || s3 remove "$SITE/$1/$name"
  done
}

json() { sed 's/[\\"]/\\&/g; s/\t/ /g; s/$/\\n/' | tr -d '\n'; }

# boot FUNCTION: runs it with its words in the log, and says once how it ended: Heat counts the first word only.
boot() {
  local status=SUCCESS reason data=null
  rm -f "$run/failure"
  touch "$log/boot.log"
  chmod 600 "$log/boot.log"
  ("$1") >>"$log/boot.log" 2>&1 & # within a condition it would run on after a failure
  if wait $!; then
    reason="$ROLE ${INDEX:-$NAME} is ready"
  else
    status=FAILURE
    reason=$(redact 1 <"$run/failure")
    data="{\"last\":\"$(redact 20 <"$log/boot.log" | json)\"}"
  fi
  say "$status: $reason" | tee -a "$log/boot.log"
  if [ ! -e "$lib/said" ]; then
    site-signal ready "$status" "$reason" "$data" && touch "$lib/said"
  fi
  [ "$status" = SUCCESS ]
}

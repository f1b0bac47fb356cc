#!/bin/sh
# lab-signal ID SUCCESS|FAILURE REASON [JSON]: tells Heat something about this lab. Tries for about three minutes, as a network
# may not be up yet. A lab without signals says nothing, and that is no failure.
#
# The machine logs in as the one user that Heat made for the stack's handle, each time anew, since a token ends and a lab does
# not. That user may signal this handle, and nothing else.
set -u
PATH=$PATH:/usr/local/bin
handle=${LAB_HANDLE:-${LAB_ROOT:-}/etc/lab/signal} # a site's machine has several
if [ $# -lt 3 ]; then
  echo "usage: lab-signal ID SUCCESS|FAILURE REASON [JSON]" >&2
  exit 2
fi
id=$1 status=$2 data=${4:-null}
grep -q alarm_url "$handle" || exit 0

# of NAME is one text of the settings, which hold no quotes within.
of() {
  sed -n 's/.*"'"$1"'": *"\([^"]*\)".*/\1/p' "$handle"
}
login=$(of auth_url)
login=${login%/}
case $login in
  */v3) ;;
  *) login=$login/v3 ;;
esac

credentials() {
  printf '{"auth": {"identity": {"methods": ["password"], "password": {"user": {"id": "%s", "password": "%s"}}}, "scope": {"project": {"id": "%s"}}}}' \
    "$(of user_id)" "$(of password)" "$(of project_id)"
}

# Heat keeps the reason in an event, of at most 255 characters.
reason=$(printf %s "$3" | LC_ALL=C tr -cd '\040-\176' | cut -c1-200 | sed 's/[\\"]/\\&/g')

tell() {
  token=$(credentials | lab-post "$login/auth/tokens" | tr -d '\r' | sed -n 's/^ *[Xx]-[Ss]ubject-[Tt]oken: *//p' | tail -n 1)
  [ -n "$token" ] || return 1
  printf '{"id": "%s", "status": "%s", "reason": "%s", "data": %s}' "$id" "$status" "$reason" "$data" |
    lab-post "$(of alarm_url)" "X-Auth-Token: $token" >/dev/null
}

for pause in ${LAB_PAUSES:-1 2 4 8 15 30 60 60} 0; do
  tell && exit 0
  sleep "$pause"
done
echo "lab-signal: $id could not be told" >&2
exit 1

#!/bin/sh
# The set-up of the machine by which a learner enters the network: it is ready when the others answer it, across the router, too.
set -eu
PATH=$PATH:/usr/local/bin
cat >"${LAB_ROOT:-}/etc/lab/machines" <<'MACHINES'
@machines@
MACHINES

page() {
  if command -v curl >/dev/null; then
    curl --silent --fail --max-time 5 "$1"
  elif command -v python3 >/dev/null; then
    python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5)' "$1"
  else
    timeout 5 wget -q -O - "$1"
  fi
}
if [ "${1:-}" = page ]; then
  page "$2"
  exit
fi
while read -r name address; do
  if ! lab-wait 600 "$0" page "http://$address/"; then
    echo "$name ($address) does not answer" >&2
    exit 1
  fi
done <"${LAB_ROOT:-}/etc/lab/machines"

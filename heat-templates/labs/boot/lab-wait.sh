#!/bin/sh
# lab-wait SECONDS COMMAND...: runs the command every second until it succeeds; fails if it does not within the time.
set -u
end=$(($(date +%s) + $1))
shift
until "$@" >/dev/null 2>&1; do
  if [ "$(date +%s)" -ge $end ]; then
    echo "'$*' did not succeed in time" >&2
    exit 1
  fi
  sleep 1
done

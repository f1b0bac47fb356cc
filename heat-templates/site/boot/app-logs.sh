#!/usr/bin/env bash
# app-logs: ships the tracking logs of this node to the backup bucket: every hour, and when the node goes. What could not be sent
# stays, and is tried again. The LMS opens a log anew when its name is gone (WatchedFileHandler).
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${SITE_LIB:-${SITE_ROOT:-}/opt/stackhook}/lib.sh"
[ -n "${BACKUP_BUCKET:-}" ] || exit 0
exec 9>"$run/logs.lock"
flock 9
now=$(date -u +%Y%m%dT%H%M%S)
bad=
for app in lms cms; do
  dir=$root/srv/tutor/data/$app/logs
  for log in "$dir/tracking.log" "$dir/all.log"; do
    [ -s "$log" ] && mv "$log" "$log-$now"
  done
  sleep "${LOGS_PAUSE:-2}" # a line may be on its way
  for log in "$dir"/*.log-*T*; do
    [ -e "$log" ] || continue
    [ "${log%.gz}" != "$log" ] || gzip -f "$log"
    log=${log%.gz}.gz
    if s3 put "$log" "$SITE/logs/$NAME/$app-${log##*/}"; then rm "$log"; else bad=1; fi
  done
done
[ -z "$bad" ] || die "not all logs could be sent: they wait in $root/srv/tutor/data"

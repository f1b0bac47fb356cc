#!/usr/bin/env bash
# app-stop: when the node goes: workers end what they have begun (SIGTERM; they take nothing new), then the sites, then their logs
# go out. Nova waits for a machine's end a minute by default (shutdown_timeout), so what may last longer is drained before.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${SITE_LIB:-${SITE_ROOT:-}/opt/stackhook}/lib.sh"
export TUTOR_ROOT=$root/srv/tutor TUTOR_PLUGINS_ROOT=$root/srv/tutor-plugins
tutor=$root/opt/tutor/bin/tutor
"$tutor" local dc stop --timeout "${WORKERS_STOP:-300}" lms-worker cms-worker || true
"$tutor" local dc stop --timeout 30 caddy lms cms || true
app-logs

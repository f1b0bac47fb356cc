#!/usr/bin/env bash
# boot-app: at each boot of an app node, as root: Tutor with the site's settings, migrations by one node, then the containers. Heat
# hears SUCCESS, and the load balancer gets this node, only when the LMS itself says that it is well.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${SITE_LIB:-${SITE_ROOT:-}/opt/stackhook}/lib.sh"
export TUTOR_ROOT=$root/srv/tutor TUTOR_PLUGINS_ROOT=$root/srv/tutor-plugins
tutor=$root/opt/tutor/bin/tutor

# pinned is Tutor's version for each release that has Meilisearch, which the backends serve.
pinned() {
  case $RELEASE in
    sumac) echo 19.0.5 ;;
    teak) echo 20.0.3 ;;
    ulmo) echo 21.0.8 ;;
    *) die "release $RELEASE is not known here: sumac, teak or ulmo" ;;
  esac
}

# From the image, or else from PyPI. The S3 plugin's own table ends at Teak: without --no-deps it would refuse a newer Tutor.
install() {
  [ "$("$tutor" --version 2>/dev/null)" = "tutor, version $1" ] && return
  python3 -m venv "$root/opt/tutor"
  "$root/opt/tutor/bin/pip" install --quiet "tutor==$1" "tutor-mfe>=${1%%.*},<$((${1%%.*} + 1))"
  [ -z "${S3_BUCKET:-}" ] || "$root/opt/tutor/bin/pip" install --quiet --no-deps "git+https://github.com/hastexo/tutor-contrib-s3@v2.3.1"
}

# config makes Tutor's files; its own settings are in the environment of this process alone.
config() {
  # shellcheck disable=SC2016 # the inner shell expands it
  bash -c 'set -a; . "$1/site.env"; exec python3 "$2/app-config.py" "$3" "$4"' - "$etc" "$here" "$TUTOR_ROOT" "$TUTOR_PLUGINS_ROOT"
}

# units have app-stop run while there is still Docker and a network.
units() {
  local dir=$root/etc/systemd/system
  mkdir -p "$dir"
  printf '[Unit]\nDescription=Ends the site on this node\nAfter=docker.service network-online.target\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\nExecStop=%s/app-stop\nTimeoutStopSec=900\n[Install]\nWantedBy=multi-user.target\n' "$here" >"$dir/stackhook-stop.service"
  printf '[Unit]\nDescription=Ships the logs of the site\n[Service]\nType=oneshot\nExecStart=%s/app-logs\n' "$here" >"$dir/stackhook-logs.service"
  printf '[Unit]\nDescription=Ships the logs of the site\n[Timer]\nOnCalendar=hourly\nRandomizedDelaySec=300\n[Install]\nWantedBy=timers.target\n' >"$dir/stackhook-logs.timer"
  [ -d "$root/run/systemd/system" ] || return 0
  systemctl daemon-reload
  systemctl enable --now stackhook-stop.service stackhook-logs.timer
}

healthy() { [ "$(curl --silent --max-time 10 --output /dev/null --write-out '%{http_code}' "http://127.0.0.1:${HEALTH_PORT:-8079}/heartbeat")" = 200 ]; }

main() {
  local version
  version=$(pinned)
  names
  redis-proxy
  DB_BIND=${DB_BIND:-0.0.0.0:3306} db-proxy
  progress install "installing Tutor $version"
  install "$version"
  progress config "writing the settings of $RELEASE"
  umask 077
  config
  "$tutor" plugins enable stackhook mfe ${S3_BUCKET:+s3}
  "$tutor" config save
  config # Compose's part again, in case Tutor made its folder anew
  units
  "$tutor" local dc pull --quiet
  app-migrate "$RELEASE $version" "$tutor" local 'do' init
  progress start "starting the containers"
  "$tutor" local start --detach
  wait_for "${HEALTH_WAIT:-1200}" healthy || die "the LMS does not answer 200 at its heartbeat"
  progress heartbeat "the LMS is well" "\"secrets\":\"${SECRETS:-}\""
}
boot main

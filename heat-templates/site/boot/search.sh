#!/usr/bin/env bash
# search up: Meilisearch, on backend 0, if the image has it (/usr/local/bin/meilisearch; it is in no distribution, and nothing is
# downloaded here). Its index can be made again from the courses, so there is one copy, beside MongoDB's data: while backend 0 is
# away the site does without search.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${SITE_LIB:-${SITE_ROOT:-}/opt/stackhook}/lib.sh"
[ "$INDEX" = 0 ] || exit 0
if ! command -v meilisearch >/dev/null; then
  progress search "no meilisearch here"
  exit 0
fi
data=$root/srv/mongodb/search
mkdir -p "$data"
chmod 700 "$data"
cat >"$data/settings.toml" <<END
env = "production"
db_path = "$data/data"
dump_dir = "$data/dumps"
http_addr = "${peers[0]}:7700"
master_key = "$SEARCH_KEY"
no_analytics = true
END
chmod 600 "$data/settings.toml"
chown -R nobody "$data"
service search setpriv --reuid nobody --regid nogroup --clear-groups meilisearch --config-file-path "$data/settings.toml"
wait_for 120 curl --silent --fail --max-time 5 "http://${peers[0]}:7700/health" || die "meilisearch does not answer"
progress search "search answers"

#!/bin/bash
# s3: objects of the backup bucket. put FILE KEY, get KEY FILE, list PREFIX, delete KEY; and for streams: save PREFIX takes one in
# pieces, seal PREFIX makes it a whole, load PREFIX gives one back, if it is whole, remove PREFIX deletes it.
. "${SITE_LIB:-${SITE_ROOT:-}/opt/stackhook}/lib.sh"
piece=${S3_PIECE:-64M}

nothing=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 # SHA-256 of what has no body
# request METHOD KEY [CURL'S OPTIONS]; the key of the bucket is not among the arguments, which everybody on the machine sees.
request() {
  local method=$1 key=$2
  shift 2
  curl --silent --show-error --fail --retry 4 --retry-connrefused --connect-timeout 10 --speed-time 60 --speed-limit 1 --request "$method" \
    --config <(printf 'user = "%s:%s"\n' "$S3_ACCESS_KEY" "$S3_SECRET_KEY") --aws-sigv4 "aws:amz:${S3_REGION:-us-east-1}:s3" \
    --header "x-amz-content-sha256: ${sum:-$nothing}" "$@" "${S3_ENDPOINT%/}/$BACKUP_BUCKET$key"
}
put() {
  local sum
  sum=$(sha256sum "$1")
  sum=${sum%% *} request PUT "/$2" --upload-file "$1" --output /dev/null
}
get() { request GET "/$1" --output "$2"; }
delete() { request DELETE "/$1" --output /dev/null; }
list() {
  local page keys last='' prefix=${1//\//%2F}
  while :; do
    page=$(request GET "?list-type=2&prefix=$prefix${last:+&start-after=${last//\//%2F}}")
    keys=$(grep -o '<Key>[^<]*' <<<"$page" | cut -c6-) || return 0
    printf '%s\n' "$keys"
    last=${keys##*$'\n'}
    grep -q '<IsTruncated>true' <<<"$page" || return 0
  done
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
case ${1:-} in
  put | get | delete) "$@" ;;
  list) list "$2" ;;
  save)
    export -f put request
    export dir nothing S3_ACCESS_KEY S3_SECRET_KEY S3_ENDPOINT S3_REGION BACKUP_BUCKET prefix=$2
    # shellcheck disable=SC2016 # split's shell expands it
    SHELL=$BASH split --suffix-length=6 --numeric-suffixes --bytes="$piece" --filter='set -e; cat >"$dir/piece"; put "$dir/piece" "$prefix/$FILE"' - piece-
    ;;
  seal)
    list "$2/piece-" | wc -l >"$dir/done"
    put "$dir/done" "$2/done"
    ;;
  load)
    get "$2/done" "$dir/done" || die "there is no whole backup $2"
    list "$2/piece-" >"$dir/list"
    [ "$(wc -l <"$dir/list")" = "$(cat "$dir/done")" ] || die "the backup $2 has lost pieces"
    while read -r key; do
      get "$key" "$dir/piece"
      cat "$dir/piece"
    done <"$dir/list"
    ;;
  remove)
    delete "$2/done" # half removed is not whole
    list "$2/" | while read -r key; do delete "$key"; done
    ;;
  *) die "usage: s3 put|get|list|delete|save|seal|load|remove ..." ;;
esac

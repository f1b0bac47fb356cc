#!/usr/bin/env bash
# names: writes the names of the site's backends into /etc/hosts, the same on every node. MongoDB's members are known to each
# other and to the drivers by these, so a site that is built again on its old volumes may have other addresses, or another name.
# mongodb.site.internal has all three: a driver and Tutor's wait for the port try each, where a comma list breaks the latter.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "${SITE_LIB:-${SITE_ROOT:-}/opt/stackhook}/lib.sh"
hosts=$root/etc/hosts
mark='# site.internal'

lines() {
  local i=0 address
  for address in "${peers[@]}"; do
    echo "$address mongo-$i.site.internal $mark"
    echo "$address mongodb.site.internal $mark"
    i=$((i + 1))
  done
}

touch "$hosts"
new=$(mktemp "$hosts.XXXXXX")
{ sed "/$mark\$/d" "$hosts"; lines; } >"$new"
chmod 644 "$new"
mv "$new" "$hosts"

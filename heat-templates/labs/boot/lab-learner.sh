#!/bin/sh
# lab-learner: makes the user learner, who may become root, and lets the key in /etc/lab/public_key log in as them.
set -eu
root=${LAB_ROOT:-}
of_learner() {
  sed -n "s/^learner:[^:]*:[^:]*:[^:]*:[^:]*:\([^:]*\):.*/\1/p" "$root/etc/passwd"
}
if [ -z "$(of_learner)" ]; then
  adduser --disabled-password --gecos '' learner 2>/dev/null || useradd --create-home --shell /bin/bash learner 2>/dev/null || adduser -D learner
fi
if [ -d "$root/etc/sudoers.d" ]; then
  echo 'learner ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/lab"
  chmod 440 "$root/etc/sudoers.d/lab"
fi

key=$(cat "$root/etc/lab/public_key")
[ -n "$key" ] || exit 0
ssh=$root$(of_learner)/.ssh
mkdir -p "$ssh"
touch "$ssh/authorized_keys"
grep -qxF "$key" "$ssh/authorized_keys" || printf '%s\n' "$key" >>"$ssh/authorized_keys"
chmod 700 "$ssh"
chmod 600 "$ssh/authorized_keys"
chown -R learner "$ssh"

#!/bin/sh
# lab-start: at each boot, as root: makes the learner's account, runs the lab's own set-up, and says that the lab is ready, or why
# it is not, if it has not said so yet. The set-up has to be one that may run again, and to end only when its service answers.
set -u
PATH=$PATH:/usr/local/bin
root=${LAB_ROOT:-}
etc=$root/etc/lab
said=$root/var/lib/lab/ready
log=$root/var/log/lab.log
errors=$root/var/lib/lab/errors
mkdir -p "$root/run/lab" "$root/var/lib/lab" "$root/var/log"
chmod 1777 "$root/run/lab" # learners, too, may say that the lab is busy

# The machine's own public host key, so that whoever logs in by SSH can tell it from another.
host_key() {
  for kind in ed25519 ecdsa rsa; do
    if [ -s "$root/etc/ssh/ssh_host_${kind}_key.pub" ]; then
      cut -d' ' -f1,2 "$root/etc/ssh/ssh_host_${kind}_key.pub"
      return
    elif [ -s "$root/etc/dropbear/dropbear_${kind}_host_key" ]; then
      dropbearkey -y -f "$root/etc/dropbear/dropbear_${kind}_host_key" | grep '^[es]' | cut -d' ' -f1,2
      return
    fi
  done
}

limit=$(($(cat "$etc/ready_timeout") - 30)) # seconds; Heat has to hear of it in time
if lab-learner >>"$log" 2>"$errors" && timeout "$limit" "$root/usr/local/lib/lab/setup" >>"$log" 2>"$errors"; then
  status=SUCCESS reason="the lab is ready"
  data="{\"at\": $(date +%s), \"host_key\": \"$(host_key)\"}"
else
  code=$?
  status=FAILURE data=null
  reason=$(tail -n 1 "$errors")
  case $code in
    124 | 143) reason="not set up after $limit s; $reason" ;;
  esac
  reason=${reason:-"the set-up ended with code $code"}
fi
cat "$errors" >>"$log"
echo "$status: $reason" >>"$log"

# Of several machines one says that the lab is ready; any says that it is not, but only as long as it never was.
if [ ! -e "$said" ]; then
  if [ "$status" = SUCCESS ] && [ -z "$(cat "$etc/ready")" ]; then
    touch "$said"
  else
    lab-signal ready "$status" "$reason" "$data" 2>>"$log" && touch "$said"
  fi
fi
[ "$status" = SUCCESS ]

#!/bin/sh
# lab-heartbeat [once]: every five minutes in which the lab is in use, says so to Heat, so that a long job goes on when its
# learner has closed the page. An idle lab says nothing, and is put to sleep.
#
# Busy is a lab that computes (load above /etc/lab/busy_load) or says so itself (a file /run/lab/busy). In use is one with a
# terminal that somebody typed into in the last ten minutes, one on whose own keyboard, which is the cloud's console, a key was
# pressed since the last look, or one with a connection to one of /etc/lab/ports, for what has no terminal.
set -u
PATH=$PATH:/usr/local/bin
root=${LAB_ROOT:-}
slot=300 # seconds
rest=600 # seconds since the last key until a terminal is idle

busy() {
  [ -e "$root/run/lab/busy" ] || awk -v most="$(cat "$root/etc/lab/busy_load")" '{ exit !($2 >= most) }' "$root/proc/loadavg"
}

typed() {
  for tty in "$root"/dev/pts/[0-9]* "$root"/dev/tty[1-9] "$root"/dev/ttyS0; do
    last=$(stat -c %X "$tty" 2>/dev/null) && [ $(($(date +%s) - last)) -lt $rest ] && return 0
  done
  return 1
}

# pressed compares the interrupts of the keyboard's controller with those at the last look.
pressed() {
  [ -r "$root/proc/interrupts" ] || return 1
  now=$(awk '/i8042/ { for (i = 2; $i ~ /^[0-9]+$/; i++) n += $i } END { printf "%.0f", n }' "$root/proc/interrupts")
  before=$(cat "$root/var/lib/lab/interrupts" 2>/dev/null) || before=$now
  echo "$now" >"$root/var/lib/lab/interrupts"
  [ "$now" != "$before" ]
}

# connected looks for an established connection (01) to one of the ports, which the kernel writes as hexadecimal numbers.
connected() {
  while read -r port; do
    [ -n "$port" ] || continue
    cat "$root"/proc/net/tcp "$root"/proc/net/tcp6 2>/dev/null |
      awk -v port=":$(printf %04X "$port")" '$4 == "01" && substr($2, length($2) - 4) == port { found = 1 } END { exit !found }' && return 0
  done <"$root/etc/lab/ports"
  return 1
}

# Before the lab has said that it is ready, any other word would be taken for that one: Heat counts signals. So only the machine
# that says it has more to say.
beat() {
  [ -n "$(cat "$root/etc/lab/ready")" ] && [ -e "$root/var/lib/lab/ready" ] || return 0
  busy=false used=false
  busy && busy=true
  pressed && used=true # has to look each time
  $busy || $used || typed || connected || return 0
  now=$(date +%s)
  LAB_PAUSES=${LAB_PAUSES:-5 15} lab-signal "beat-$((now / slot % 4))" SUCCESS "the lab is in use" "{\"at\": $now, \"busy\": $busy}"
}

if [ "${1:-}" = once ]; then
  beat
  exit
fi
# Each machine has a second of its own within the five minutes: a class must not call all at once.
own=$(($(cksum <"$root/etc/lab/signal" | cut -d' ' -f1) % slot))
while :; do
  sleep $((slot - ($(date +%s) + slot - own) % slot))
  beat
done

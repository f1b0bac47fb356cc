# shellcheck shell=bash disable=SC2034,SC2154 # some names are set or used by those who source it
# lib.sh: paths, messages, ports and processes; sourced by openstack-up and openstack-down.
#
# Each daemon leads a session of its own. /run/devcloud/NAME.pid holds "PID STARTTIME BOOT_ID", so neither a reused
# pid nor a reboot can be mistaken for it. DEVCLOUD=NAME in the environment marks it and its children, under a name that
# release.sh gives each release, since both may run and see each other in /proc; SPT_NOENV keeps setproctitle from
# writing over that.

run=/run/devcloud log=/var/log/devcloud state=/var/lib/devcloud
ip=127.0.0.1
mark='# written by scripts/openstack-up, which may overwrite it'
boot=$(</proc/sys/kernel/random/boot_id)
ports=(mariadb:3306 rabbitmq:5672 rabbitmq:25672 epmd:4369 memcached:11211 keystone:5000 placement:8778 glance-api:9292
  nova-api:8774 neutron-server:9696 cinder-api:8776 heat-api:8004 heat-api-cfn:8000 octavia-api:9876 gnocchi-api:8041
  aodh-api:8042 barbican-api:9311 designate-api:9001 designate-mdns:5354 swift-proxy:8083 swift-object:6200
  swift-container:6201 swift-account:6202)
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# ---- messages ----
refuse() { echo "${0##*/}: $*" >&2; exit 2; } # refuse SENTENCE: nothing was changed
fail() { echo "${0##*/}: $*" >&2; exit 1; }
step=0 steps=9
say() { # say TEXT: the next step begins
  step=$((step + 1))
  printf '[%2d/%d] %4ds  %s\n' "$step" "$steps" "$SECONDS" "$*"
  echo "$*" >"$run/step"
}
ticker() { # in the background: a line at least every 15 s, with apt's own progress while it runs
  local last
  while kill -0 $$ 2>/dev/null && sleep 5 >/dev/null 2>&1; do
    [ $(($(date +%s) - $(stat -c %Y "$run/step"))) -ge 10 ] || continue
    last=$(tail -n 1 "$run/apt.status" 2>/dev/null) || last=
    case $last in
      dlstatus:*) last=" $(cut -d: -f3 <<<"$last" | cut -d. -f1)% fetched" ;;
      pmstatus:*) last=" $(cut -d: -f3 <<<"$last" | cut -d. -f1)% installed: $(cut -d: -f4- <<<"$last")" ;;
    esac
    printf '        %4ds  ... %s%s\n' "$SECONDS" "$(<"$run/step")" "$last"
    touch "$run/step"
  done
}
died() { # died NAME WHAT: name the daemon, show the end of its log, give up
  echo "${0##*/}: $1 $2; the last lines of $log/$1.log:" >&2
  tail -n 20 "$log/$1.log" >&2 || true
  exit 1
}

take_lock() { # one openstack-up or openstack-down at a time
  mkdir -p "$run"
  exec 9>"$run/lock"
  if flock -n 9; then return; fi
  echo "another openstack-up or openstack-down runs; waiting for it to end"
  flock -w 600 9 || refuse "another openstack-up or openstack-down runs; nothing was changed"
}

# ---- processes ----
stat_of() { # stat_of PID: sets st_sid and st_start; false if there is no such process (a zombie is none)
  local line f
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
  read -ra f <<<"${line##*) }"
  st_sid=${f[3]} st_start=${f[19]}
  [ "${f[0]}" != Z ]
}
recorded() { # recorded NAME: sets rec_pid and rec_start from its pid file, if that is of this boot
  local b
  [ -s "$run/$1.pid" ] && read -r rec_pid rec_start b <"$run/$1.pid" && [ "$b" = "$boot" ]
}
running() { recorded "$1" && stat_of "$rec_pid" && [ "$st_start" = "$rec_start" ]; }
members() { # members NAME: pids of all that belongs to this daemon, also when its leader is gone or its pid file lost
  local p
  {
    grep -lzsxF "$badge=$1" /proc/[0-9]*/environ | cut -d/ -f3
    if recorded "$1" && { ! stat_of "$rec_pid" || [ "$st_start" = "$rec_start" ]; }; then # else its pid is another's now
      for p in /proc/[0-9]*; do
        if stat_of "${p#/proc/}" && [ "$st_sid" = "$rec_pid" ]; then echo "${p#/proc/}"; fi
      done
    fi
  } | sort -u
}
known() { # names of all daemons with a pid file or a living process
  local f
  {
    for f in "$run"/*.pid; do [ ! -e "$f" ] || basename "$f" .pid; done
    grep -hzs "^$badge=" /proc/[0-9]*/environ | tr '\0' '\n' | cut -d= -f2
  } | sort -u
}
sweep() { # sweep NAME: kill what is left of a daemon
  local i pids
  for ((i = 0; i < 100; i++)); do
    mapfile -t pids < <(members "$1")
    [ ${#pids[@]} -gt 0 ] || return 0
    kill -KILL "${pids[@]}" 2>/dev/null || true
    sleep 0.1
  done
  fail "$1: cannot kill ${pids[*]}"
}

# ---- ports ----
taken() { # sets taken to what listens on our ports and is not ours, one sentence each
  local -A want=() held=() ours=() owner=()
  local p hex addr state inode path link pid
  taken=()
  for p in "${ports[@]}"; do printf -v hex %04X "${p#*:}"; want[$hex]=$p; done
  while read -r _ addr _ state _ _ _ _ _ inode _; do
    [[ $state = 0A && -n ${want[${addr#*:}]-} ]] || continue
    case ${addr%:*} in # 127.0.0.1 and 0.0.0.0, plain or in IPv6
      0100007F | 00000000 | 00000000000000000000000000000000 | 0000000000000000FFFF00000100007F) held[$inode]=${want[${addr#*:}]} ;;
    esac
  done < <(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null)
  [ ${#held[@]} -gt 0 ] || return 0
  for p in $(known); do for pid in $(members "$p"); do ours[$pid]=1; done; done
  while read -r path link; do
    inode=${link//[!0-9]/} pid=${path#/proc/} pid=${pid%%/*}
    [ -n "${held[$inode]-}" ] || continue
    if [ -n "${ours[$pid]-}" ]; then owner[$inode]=ours; else : "${owner[$inode]:=$pid}"; fi
  done < <(find /proc/[0-9]*/fd -lname 'socket:*' -printf '%p %l\n' 2>/dev/null)
  for inode in "${!held[@]}"; do
    p=${held[$inode]} pid=${owner[$inode]-}
    [ "$pid" != ours ] || continue
    if [ -n "$pid" ]; then pid="pid $pid ($({ tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null | cut -c 1-80 | sed 's/ *$//'))"; fi
    taken+=("port ${p#*:} (${p%:*}) is taken by ${pid:-a process that cannot be seen from here}")
  done
}
check_ports() { # refuse if a port of ours is taken; look again before that, as a process that is just ending frees it
  local i text
  for ((i = 0; i < 4; i++)); do
    taken
    [ ${#taken[@]} -gt 0 ] || return 0
    sleep 0.5
  done
  printf -v text '%s, ' "${taken[@]}"
  refuse "${text%, }; nothing was changed"
}

# ---- starting ----
names=() # the daemons of this run
start() { # start NAME USER COMMAND...: unless it runs; what is left of an earlier one is killed first
  local name=$1 user=$2 pid
  shift 2
  names+=("$name")
  if running "$name"; then return; fi
  sweep "$name"
  echo "---- started $(date -Is)" >>"$log/$name.log"
  setsid setpriv --reuid "$user" --regid "$user" --init-groups env -i -C / "$badge=$name" SPT_NOENV=1 \
    HOME="$(getent passwd "$user" | cut -d: -f6)" PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    PYTHONPATH="$state/python" "$@" >>"$log/$name.log" 2>&1 </dev/null 9>&- &
  pid=$!
  disown "$pid"
  stat_of "$pid" || true
  echo "$pid $st_start $boot" >"$run/$name.pid"
}
wsgi() { # wsgi NAME USER PORT SCRIPT [PROCESSES]: so many processes of one thread; without it, one of eight threads
  local workers=(--processes 1 --threads 8)
  [ -z "${5:-}" ] || workers=(--processes "$5" --threads 1)
  start "$1" "$2" uwsgi_python3 --http-socket "$ip:$3" --wsgi-file "$4" --master "${workers[@]}" \
    --enable-threads --lazy-apps --need-app --die-on-term --buffer-size 65535 --add-header 'Connection: close'
}
answers() { # answers NAME...: wait until each listens on its port
  local n p i
  for n; do
    for p in "${ports[@]}"; do [ "${p%:*}" != "$n" ] || break; done
    for ((i = 0; ; i++)); do
      if (exec 3<>"/dev/tcp/$ip/${p#*:}") 2>/dev/null; then break; fi
      running "$n" || died "$n" "ended"
      [ "$i" -lt 600 ] || died "$n" "does not listen on port ${p#*:} after 120 s"
      sleep 0.2
    done
  done
}
as() { # as USER COMMAND...: with a clean environment
  local u=$1
  shift
  timeout 300 setpriv --reuid "$u" --regid "$u" --init-groups \
    env -i -C / "$badge=setup" HOME="/var/lib/$u" PATH=/usr/bin:/bin LANG=C.UTF-8 PYTHONPATH="$state/python" "$@" 9>&-
}
py() { # py FILE: one of our Python files, on this cloud
  timeout 300 env -i "$badge=setup" PATH=/usr/bin:/bin HOME="$state" LANG=C.UTF-8 OS_CLIENT_CONFIG_FILE="$clouds" \
    PYTHONPATH="$state/python" /usr/bin/python3 "$here/openstack/$1" 9>&-
}
once() { # once NAME COMMAND...: a first-time step; what went well is remembered
  [ ! -e "$state/done/$1" ] || return 0
  if "${@:2}" >>"$log/setup-$1.log" 2>&1; then
    touch "$state/done/$1"
  else
    echo "${0##*/}: first-time step $1 failed; the last lines of $log/setup-$1.log:" >&2
    tail -n 20 "$log/setup-$1.log" >&2
    return 1
  fi
}
current() { # current NAME: our NAME.py, which leaves alone what is there: again whenever it is another one
  local sum
  sum=$(cksum <"$here/openstack/$1.py")
  if [ "$(cat "$state/done/$1" 2>/dev/null)" != "$sum" ]; then rm -f "$state/done/$1"; fi
  once "$1" py "$1.py" && echo "$sum" >"$state/done/$1"
}

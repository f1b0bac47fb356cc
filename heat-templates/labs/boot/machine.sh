#!/bin/sh
# The user data of a lab's machine: runs once, as root, at its first boot. Puts the lab's commands and settings in their places and
# has the machine run lab-start at this and every later boot. Heat replaces each word between two @ by what the template gives.
set -eu
umask 022
root=${LAB_ROOT:-}

# put MODE FILE writes its standard input.
put() {
  mkdir -p "$root${2%/*}"
  cat >"$root$2"
  chmod "$1" "$root$2"
}

put 600 /etc/lab/signal <<'LAB_END'
@signal@
LAB_END
put 644 /etc/lab/report_url <<'LAB_END'
@report_url@
LAB_END
put 644 /etc/lab/public_key <<'LAB_END'
@public_key@
LAB_END
put 644 /etc/lab/ready <<'LAB_END'
@ready@
LAB_END
put 644 /etc/lab/ready_timeout <<'LAB_END'
@ready_timeout@
LAB_END
put 644 /etc/lab/ports <<'LAB_END'
@ports@
LAB_END
put 644 /etc/lab/busy_load <<'LAB_END'
0.5
LAB_END
put 755 /usr/local/bin/lab-post <<'LAB_END'
@lab-post@
LAB_END
put 755 /usr/local/bin/lab-signal <<'LAB_END'
@lab-signal@
LAB_END
put 755 /usr/local/bin/lab-check <<'LAB_END'
@lab-check@
LAB_END
put 755 /usr/local/bin/lab-heartbeat <<'LAB_END'
@lab-heartbeat@
LAB_END
put 755 /usr/local/bin/lab-learner <<'LAB_END'
@lab-learner@
LAB_END
put 755 /usr/local/bin/lab-wait <<'LAB_END'
@lab-wait@
LAB_END
put 755 /usr/local/bin/lab-start <<'LAB_END'
@lab-start@
LAB_END
put 700 /usr/local/lib/lab/setup <<'LAB_END'
@setup@
LAB_END

if [ -d "$root/run/systemd/system" ]; then
  put 644 /etc/systemd/system/lab.service <<'LAB_END'
[Unit]
Description=The lab
After=network-online.target
Wants=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutStartSec=infinity
ExecStart=/usr/local/bin/lab-start

[Install]
WantedBy=multi-user.target
LAB_END
  put 644 /etc/systemd/system/lab-heartbeat.service <<'LAB_END'
[Unit]
Description=Says that the lab is in use
After=lab.service

[Service]
ExecStart=/usr/local/bin/lab-heartbeat
Restart=always
RestartSec=60

[Install]
WantedBy=multi-user.target
LAB_END
  systemctl daemon-reload
  systemctl enable lab.service lab-heartbeat.service
  systemctl start --no-block lab.service lab-heartbeat.service
  exit 0
fi

# Without systemd, as in cirros: links in /etc/rc3.d are what runs at boot.
put 755 /etc/init.d/lab <<'LAB_END'
#!/bin/sh
[ "${1:-start}" = start ] || exit 0
PATH=$PATH:/usr/local/bin
export PATH
(lab-start; exec lab-heartbeat) </dev/null >/dev/null 2>&1 &
LAB_END
if [ -d "$root/etc/rc3.d" ]; then
  ln -sf ../init.d/lab "$root/etc/rc3.d/S99-lab"
fi
"$root/etc/init.d/lab" start

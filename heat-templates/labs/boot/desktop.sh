#!/bin/sh
# A desktop: Xfce on the machine's own screen, which the cloud's console shows, and for RDP or VNC clients. An image that has all of
# it boots in a minute; in any other Debian or Ubuntu it is installed, which takes several.
set -eu
PATH=$PATH:/usr/local/bin
root=${LAB_ROOT:-}
protocol=@protocol@
port=@port@

printf 'learner:%s\n' '@password@' | chpasswd

case $protocol in
  rdp) server=xrdp package=xrdp ;;
  vnc) server=Xtigervnc package=tigervnc-standalone-server ;;
esac
if ! command -v "$server" >/dev/null || ! command -v startxfce4 >/dev/null || ! command -v lightdm >/dev/null; then
  if ! command -v apt-get >/dev/null; then
    echo "the image has no desktop, and no apt-get to install one: give the parameter image another" >&2
    exit 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get -q update
  apt-get -q -y --no-install-recommends install xfce4 lightdm dbus-x11 "$package"
fi
systemctl set-default graphical.target
systemctl start --no-block lightdm

home=$root$(sed -n 's/^learner:[^:]*:[^:]*:[^:]*:[^:]*:\([^:]*\):.*/\1/p' "$root/etc/passwd")
echo startxfce4 >"$home/.xsession"
chown learner "$home/.xsession"
case $protocol in
  rdp) systemctl enable --now xrdp ;;
  vnc)
    # The password goes by the system's own (PAM), within TLS: VNC's own is eight letters, in clear.
    mkdir -p "$root/etc/systemd/system"
    cat >"$root/etc/systemd/system/lab-vnc.service" <<'UNIT'
[Unit]
Description=The learner's desktop for VNC clients

[Service]
User=learner
PAMName=login
ExecStart=/bin/sh -c 'Xtigervnc :1 -rfbport @port@ -localhost=0 -SecurityTypes TLSPlain -PlainUsers learner -pam_service login & export DISPLAY=:1; sleep 2; exec startxfce4'
Restart=always

[Install]
WantedBy=multi-user.target
UNIT
    systemctl daemon-reload
    systemctl enable --now lab-vnc
    ;;
esac

if ! lab-wait 120 python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)' "$port"; then
  echo "$server does not answer on port $port" >&2
  exit 1
fi

#!/bin/sh
# Runs once, as root, at the machine's first boot: serves a page on port 80 with whatever the image has.
set -eu

mkdir -p /srv/lab
cat >/srv/lab/index.html <<'PAGE'
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$greeting</title>
<style>body { font: 1.2rem/1.6 system-ui, sans-serif; max-width: 36rem; margin: 15vh auto; padding: 0 1rem }</style>
<h1>$greeting</h1>
<p>This page is served by your own machine. Change it: it is <code>/srv/lab/index.html</code>.</p>
</html>
PAGE

key='$public_key'
if [ -n "$key" ]; then
  id learner >/dev/null 2>&1 || adduser --disabled-password --gecos '' learner 2>/dev/null || adduser -D learner
  home=$(eval echo ~learner)
  mkdir -p "$home/.ssh"
  printf '%s\n' "$key" >>"$home/.ssh/authorized_keys"
  chown -R learner "$home/.ssh" /srv/lab
  chmod 700 "$home/.ssh"
  chmod 600 "$home/.ssh/authorized_keys"
fi

if command -v python3 >/dev/null && command -v systemd-run >/dev/null; then
  systemd-run --unit=lab-web --property=Restart=always python3 -m http.server --directory /srv/lab 80
elif command -v python3 >/dev/null; then
  nohup python3 -m http.server --directory /srv/lab 80 >/dev/null 2>&1 &
else
  # cirros: its busybox has nc and no httpd
  cat >/srv/lab/serve <<'SERVE'
#!/bin/sh
while :; do
  { printf 'HTTP/1.0 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n\r\n'; cat /srv/lab/index.html; } | nc -l -p 80
done
SERVE
  chmod +x /srv/lab/serve
  nohup /srv/lab/serve >/dev/null 2>&1 &
fi

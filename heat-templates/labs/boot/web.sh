#!/bin/sh
# A web server on port 80 with whatever the image has. Runs at each boot, and ends when the page is served.
set -eu
PATH=$PATH:/usr/local/bin
root=${LAB_ROOT:-}
port=${LAB_PORT:-80}

mkdir -p "$root/srv/lab"
if [ ! -e "$root/srv/lab/index.html" ]; then
  cat >"$root/srv/lab/index.html" <<'PAGE'
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>@greeting@</title>
<style>body { font: 1.2rem/1.6 system-ui, sans-serif; max-width: 36rem; margin: 15vh auto; padding: 0 1rem }</style>
<h1>@greeting@</h1>
<p>This page is served by your own machine. Change it: it is <code>/srv/lab/index.html</code>.</p>
</html>
PAGE
  chown -R learner "$root/srv/lab"
fi

answers() {
  if command -v curl >/dev/null; then
    curl --silent --fail --max-time 5 --output /dev/null "http://127.0.0.1:$port/"
  elif command -v python3 >/dev/null; then
    python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5)' "http://127.0.0.1:$port/" 2>/dev/null
  else
    timeout 5 wget -q -O /dev/null "http://127.0.0.1:$port/"
  fi
}
if answers; then
  exit 0
fi

# Not every busybox has nohup.
forever() {
  (trap '' HUP && exec "$@") </dev/null >/dev/null 2>&1 &
}

if command -v python3 >/dev/null && [ -d "$root/run/systemd/system" ]; then
  systemd-run --unit=lab-web --property=Restart=always python3 -m http.server --directory "$root/srv/lab" "$port"
elif command -v python3 >/dev/null; then
  forever python3 -m http.server --directory "$root/srv/lab" "$port"
else
  # cirros: its busybox has nc and no httpd
  cat >"$root/srv/lab/serve" <<'SERVE'
#!/bin/sh
while :; do
  { printf 'HTTP/1.0 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n\r\n'; cat "$1/index.html"; } | nc -l -p "$2"
done
SERVE
  chmod +x "$root/srv/lab/serve"
  forever "$root/srv/lab/serve" "$root/srv/lab" "$port"
fi

tries=30
until answers; do
  tries=$((tries - 1))
  if [ $tries = 0 ]; then
    echo "the web server does not answer on port $port" >&2
    exit 1
  fi
  sleep 1
done

#!/bin/sh
# lab-post URL [HEADER]: posts the JSON on its standard input, and prints the head of the answer. Fails unless the answer is a
# 2xx. Uses what the image has: curl, python3, or wget, busybox's too.
set -u
url=$1
header=${2:-Accept: application/json}

if command -v curl >/dev/null; then
  exec curl --silent --show-error --fail --max-time 30 --dump-header - --output /dev/null \
    --header 'Content-Type: application/json' --header "$header" --data-binary @- "$url"
elif command -v python3 >/dev/null; then
  exec python3 -c '
import sys, urllib.error, urllib.request
url, header = sys.argv[1:]
name, value = header.split(": ", 1)
request = urllib.request.Request(url, sys.stdin.buffer.read(), {"Content-Type": "application/json", name: value})
try:
    answer = urllib.request.urlopen(request, timeout=30)
except urllib.error.HTTPError as refusal:
    answer = refusal
print("HTTP/1.1 %d" % answer.status, answer.headers, sep="\n")
sys.exit(answer.status >= 300)' "$url" "$header"
else
  # wget writes the head of the answer to its standard error, among other things. Its -T crashes busybox 1.35.
  exec timeout 40 wget -S -O /dev/null --header 'Content-Type: application/json' --header "$header" --post-data "$(cat)" "$url" 2>&1
fi

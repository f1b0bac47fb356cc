#!/bin/sh
set -eu
/opt/boot
curl -d '{"status": "SUCCESS"}' @s@

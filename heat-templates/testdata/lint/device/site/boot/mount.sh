#!/bin/sh
set -e
mkfs.ext4 /dev/vdb

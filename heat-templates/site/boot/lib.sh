#!/bin/sh
# To come.
set -eu

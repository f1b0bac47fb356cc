#!/bin/sh
test -f done

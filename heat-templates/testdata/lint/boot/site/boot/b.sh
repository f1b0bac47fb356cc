#!/bin/sh
SITE_END

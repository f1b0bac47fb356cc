#!/bin/sh
# To come.

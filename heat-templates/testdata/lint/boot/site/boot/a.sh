#!/bin/sh
# Größe

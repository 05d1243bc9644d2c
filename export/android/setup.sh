#!/bin/sh
# What building the Android app needs, on Debian and Ubuntu: a JDK, Maven, and Android's programs to sign and to check
# alignment. As root, or with sudo. `make android-setup` then fetches from Maven what the app is built with.
set -eu
root=
[ "$(id -u)" = 0 ] || root=sudo
$root apt-get update -q
$root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
  maven openjdk-17-jdk-headless apksigner zipalign

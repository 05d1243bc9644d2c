#!/bin/sh
# What edgeir's emulated phones need, on Debian and Ubuntu: the emulator, the cross compilers, and TensorFlow Lite's
# Android library in the local Maven repository. As root, or with sudo.
set -eu
VERSION=2.16.1
root=
[ "$(id -u)" = 0 ] || root=sudo
$root apt-get update -q
$root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
  qemu-user gcc libc6-dev gcc-aarch64-linux-gnu libc6-dev-arm64-cross gcc-arm-linux-gnueabi libc6-dev-armel-cross
if [ -n "${EDGEIR_TFLITE:-}" ]; then
  echo "the library is $EDGEIR_TFLITE"
elif [ ! -f "$HOME/.m2/repository/org/tensorflow/tensorflow-lite/$VERSION/tensorflow-lite-$VERSION.aar" ]; then
  command -v mvn > /dev/null || $root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends maven
  mvn -q -B dependency:get "-Dartifact=org.tensorflow:tensorflow-lite:$VERSION:aar" -Dtransitive=false
fi

#!/bin/sh
# A phone made of real parts, for tests: arm64 adbd, shell and tools of Debian 12 under qemu's user-mode emulator, in
# namespaces of their own (user, network, mounts, processes), so that it needs no root and nothing else on this machine
# sees it. Needs Linux 6.7 or newer (each user namespace has its own list of interpreters), amd64, Debian 12's apt.
#
#   sh tools/phone_standin.sh setup FOLDER   once: some 25 packages are unpacked into FOLDER, half a minute
#   sh tools/phone_standin.sh run FOLDER     switch it on; prints `ready SOCKET` and runs until its input ends
#
# adb finds it with ADB_SERVER_SOCKET=localfilesystem:SOCKET, as 127.0.0.1:15555. `adb disconnect` pulls its cable and
# `adb connect 127.0.0.1:15555` plugs it in. It is slow, has 64 MiB of storage, and forgets it when it is switched off.
set -eu
PACKAGES="adbd mksh toybox"
PORT=15555
STORAGE=64m
CPU=cortex-a76

fail() { echo "phone_standin: $*" >&2; exit 1; }

# apt with folders of its own: fetch NAME... of ARCHITECTURE with what they need, into $folder/debs.
fetch() {
  architecture=$1; shift
  state=$folder/apt-$architecture
  mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/parts"
  : > "$state/status"
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Created-By: Packages' 'Codename: bookworm' | head -n 1)
  [ -n "$mirror" ] || fail "apt knows no mirror of Debian 12 (apt-get update)"
  for suite in bookworm bookworm-backports; do echo "deb [arch=$architecture] $mirror $suite main"; done > "$state/sources.list"
  cat > "$state/apt.conf" << END
Dir::Etc::sourcelist "$state/sources.list";
Dir::Etc::sourceparts "$state/parts";
Dir::Etc::preferencesparts "$state/parts";
Dir::State "$state";
Dir::State::status "$state/status";
Dir::Cache "$state/cache";
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Install-Recommends "false";
APT::Sandbox::User "$(id -un)";
Acquire::Languages "none";
END
  APT_CONFIG=$state/apt.conf apt-get update -q > /dev/null
  APT_CONFIG=$state/apt.conf apt-get install -q -y --download-only -t bookworm-backports "$@" > /dev/null
}

setup() {
  mkdir -p "$folder"
  folder=$(cd "$folder" && pwd)
  [ ! -f "$folder/complete" ] || { echo "$folder is complete"; return; }
  command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null || fail "apt and dpkg are needed (Debian, Ubuntu)"
  if ! command -v adb > /dev/null; then
    root=; [ "$(id -u)" = 0 ] || root=sudo
    $root apt-get install -q -y --no-install-recommends adb iproute2
  fi
  fetch arm64 $PACKAGES
  fetch amd64 qemu-user
  rm -rf "$folder/rootfs" "$folder/host"
  mkdir -p "$folder/rootfs/bin" "$folder/host"
  for deb in "$folder"/apt-arm64/cache/archives/*.deb; do dpkg-deb -x "$deb" "$folder/rootfs"; done
  dpkg-deb --fsys-tarfile "$folder"/apt-amd64/cache/archives/qemu-user_*.deb | tar -x -C "$folder/host" ./usr/bin/qemu-aarch64
  cd "$folder/rootfs"
  mkdir -p proc dev tmp data system sys/devices/system/cpu sys/class/thermal/thermal_zone0
  ln -sf mksh bin/sh
  tools=$("$folder/host/usr/bin/qemu-aarch64" -L . bin/toybox)
  for tool in $tools; do
    [ -e "bin/$tool" ] || ln -s toybox "bin/$tool"
  done
  echo 0-3 > sys/devices/system/cpu/possible
  echo 0-3 > sys/devices/system/cpu/present
  for core in 0 1 2 3; do
    mkdir -p "sys/devices/system/cpu/cpu$core/cpufreq"
    echo $((1800000 + core / 2 * 600000)) > "sys/devices/system/cpu/cpu$core/cpufreq/cpuinfo_max_freq"
  done
  echo cpu-0-0 > sys/class/thermal/thermal_zone0/type
  echo 41000 > sys/class/thermal/thermal_zone0/temp
  # Debian has no getprop: the properties are in a file, which tests may change.
  printf '#!/bin/sh\ncat /system/getprop.txt\n' > bin/getprop
  chmod 755 bin/getprop
  rm -rf "$folder"/apt-*
  : > "$folder/complete"
}

run() {
  [ -f "$folder/complete" ] || fail "$folder is not set up (sh tools/phone_standin.sh setup $folder)"
  folder=$(cd "$folder" && pwd)
  for tool in unshare adb ip; do command -v $tool > /dev/null || fail "\`$tool\` is not installed (apt-get install util-linux adb iproute2)"; done
  unshare --user --map-root-user --net true 2> /dev/null || fail "this system gives its users no namespaces"
  room=$(mktemp -d /tmp/edgeir-phone-XXXXXX)  # a socket's path is short
  trap 'rm -rf "$room"' EXIT
  trap 'exit 1' HUP INT TERM
  unshare --user --map-root-user --net --mount --pid --fork --kill-child sh "$0" inside "$folder" "$room"
}

# In the namespaces, where this is process 1: what it starts ends with it.
inside() {
  room=$2
  mount -t proc proc /proc
  mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc || fail "this kernel has no interpreters of a namespace's own (Linux 6.7)"
  printf '%s' ':aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:'"$folder/host/usr/bin/qemu-aarch64"':OCPF' \
    > /proc/sys/fs/binfmt_misc/register
  ip link set lo up
  mount --bind /proc "$folder/rootfs/proc"
  mount --rbind /dev "$folder/rootfs/dev"
  mount -t tmpfs -o size=$STORAGE tmpfs "$folder/rootfs/data"
  mount -t tmpfs tmpfs "$folder/rootfs/system"
  mkdir -p "$folder/rootfs/data/local/tmp"
  cat > "$folder/rootfs/system/getprop.txt" << END
[ro.boot.qemu]: [1]
[ro.build.version.release]: [14]
[ro.build.version.sdk]: [34]
[ro.product.cpu.abi]: [arm64-v8a]
[ro.product.manufacturer]: [edgeir]
[ro.product.model]: [stand-in]
[ro.soc.manufacturer]: [QEMU]
[ro.soc.model]: [$CPU]
END
  chroot=$(PATH=$PATH:/usr/sbin:/sbin command -v chroot)
  env -i HOME=/ LC_ALL=C PATH=/bin:/usr/bin ADBD_PORT=$PORT QEMU_CPU=$CPU \
    "$chroot" "$folder/rootfs" /usr/sbin/adbd > "$room/adbd.log" 2>&1 < /dev/null &
  export HOME="$room"
  adb -L "localfilesystem:$room/adb" nodaemon server > "$room/adb.log" 2>&1 < /dev/null &
  for _ in $(seq 100); do
    if [ -S "$room/adb" ] && adb -L "localfilesystem:$room/adb" connect 127.0.0.1:$PORT 2> /dev/null | grep -q '^connected'; then
      echo "ready $room/adb"
      cat > /dev/null
      return
    fi
    sleep 0.1
  done
  fail "adbd does not answer: $(tail -n 1 "$room/adbd.log")"
}

[ $# -ge 2 ] || fail "say setup or run, and a folder"
folder=$2
case $1 in
  setup) setup ;;
  run) run ;;
  inside) shift; inside "$@" ;;
  *) fail "say setup or run, not $1" ;;
esac

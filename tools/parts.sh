#!/usr/bin/env bash
# Installs what the tests of single parts need: parts.sh [phones|phone|page|app]..., all of them without arguments.
#   phones  emulated phones (make arm64-setup)      page  Node.js and a Chromium, and the page built
#   phone   a phone's stand-in on adb               app   JDK, Maven, Android's tools, and what Maven fetches
# Debian and Ubuntu, as root. Prints a line for each part that is ready; one that cannot be installed is no failure: it is
# named with the reason, and its tests are skipped with theirs.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p build/parts
LIMIT=400  # seconds a part may take: without a network apt and Maven try for long

install() { DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"; }
phones() { make arm64-setup; }
phone() { sh tools/phone_standin.sh setup build/phone; }
page() {
  { command -v node && command -v npm; } || install nodejs npm || return
  [ -n "${EDGEIR_CHROMIUM:-}" ] || command -v chromium || command -v chromium-browser || command -v google-chrome ||
    install chromium || return
  make web
}
app() { make android-setup; }

prepare() {
  if "$1" > "build/parts/$1.log" 2>&1; then echo "part $1: ready"; else
    echo "part $1: left out, its tests are skipped: $(tail -n 1 "build/parts/$1.log")"
  fi
}

if [ "${1:-}" = --one ]; then prepare "$2"; exit; fi
[ "$#" -gt 0 ] || set -- phones phone page app
if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
  echo "parts are installed with apt-get, as root: what is not here is skipped"
  exit 0
fi
timeout 120 apt-get update -q > build/parts/update.log 2>&1 || true
for part in "$@"; do
  timeout "$LIMIT" bash "${BASH_SOURCE[0]}" --one "$part" || echo "part $part: left out after $LIMIT seconds"
done

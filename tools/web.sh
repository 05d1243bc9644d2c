#!/usr/bin/env bash
# Builds the page for the browser and runs its tests in a Chromium: web.sh [PYTEST FLAGS...]
# Installs Node.js, npm and Chromium where apt-get can; where one is still missing it says so and is no failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

skip() {
  echo "the page's tests are skipped: $1"
  exit 0
}
recent() { node -e 'const [a, b] = process.versions.node.split("."); process.exit(+a > 20 || (+a === 20 && +b >= 19) ? 0 : 1)'; }
browser() { [ -n "${EDGEIR_CHROMIUM:-}" ] || command -v chromium chromium-browser google-chrome >/dev/null; }

missing=()
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
browser || missing+=(chromium)
if [ "${#missing[@]}" -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get install -y --no-install-recommends "${missing[@]}" >/dev/null 2>&1 || true
fi
command -v node >/dev/null && command -v npm >/dev/null || skip "Node.js and npm are not installed (apt install nodejs npm)"
recent || skip "Node.js is $(node --version), the build needs 20.19 or newer"
browser || skip "there is no Chromium (apt install chromium)"
exec make web-test PYTEST_FLAGS="$*"

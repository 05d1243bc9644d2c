#!/usr/bin/env bash
# Runs a program of the environment .venv (`make setup`): in_venv.sh PROGRAM [ARGUMENT]...
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
for folder in bin Scripts; do
  if [ -d "$root/.venv/$folder" ]; then PATH="$root/.venv/$folder:$PATH" exec "$@"; fi
done
echo "there is no environment .venv: run make setup" >&2
exit 2

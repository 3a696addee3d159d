#!/bin/sh
# Prints the path of a Node that is new enough: the one in .tools first, then the one on PATH. Exit 1 when there is none.
set -eu

repo=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

# Type stripping without a flag and the newest of the libraries' demands: 24.15 or later.
new_enough() {
  "$1" -e 'const [major, minor] = process.versions.node.split(".").map(Number);
    process.exit(major > 24 || (major === 24 && minor >= 15) ? 0 : 1)' 2>/dev/null
}

for candidate in "$repo"/.tools/node_modules/node-linux-*/bin/node "$(command -v node 2>/dev/null || true)"; do
  if [ -n "$candidate" ] && [ -x "$candidate" ] && new_enough "$candidate"; then
    printf '%s\n' "$candidate"
    exit 0
  fi
done
exit 1

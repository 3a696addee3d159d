#!/bin/sh
# stage-image.sh FOLDER: puts the Node binary and the packages needed at run time where the Dockerfiles copy them from.
set -eu
repo=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
stage=$1
mkdir -p "$stage"
node=$("$repo/scripts/find-node.sh")
cmp -s "$node" "$stage/node" || cp "$node" "$stage/node"

wanted=$(sha256sum <"$repo/package-lock.json")
[ "$(cat "$stage/packages.stamp" 2>/dev/null)" = "$wanted" ] && exit 0
rm -rf "$stage/node_modules" "$stage/packages.stamp"
cp "$repo/package.json" "$repo/package-lock.json" "$repo/.npmrc" "$stage/"
cp -a "$repo/node_modules" "$stage/node_modules"
# Nothing is fetched: what only development needs is taken out of a copy.
(cd "$stage" && "$repo/scripts/with-node.sh" npm prune --omit=dev --offline --no-audit --no-fund >/dev/null)
printf '%s\n' "$wanted" >"$stage/packages.stamp"

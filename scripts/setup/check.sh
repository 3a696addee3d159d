#!/bin/sh
# What unit tests start beside Node: a NATS server and a registry.
set -eu
. "$(dirname -- "$0")/lib.sh"

need nats-server nats-server
need docker-registry docker-registry
install_missing 'unit tests start them on loopback'

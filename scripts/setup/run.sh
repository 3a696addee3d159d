#!/bin/sh
# What `tallyman up` works with: a NATS server for the alerts, a container runtime to watch, and what its demo is made of.
set -eu
. "$(dirname -- "$0")/lib.sh"
require_linux

need nats-server nats-server
install_missing 'carries the alerts to subscribers'
need busybox busybox-static
install_missing 'the container of tallyman demo is made of it'
exec "$repo/scripts/setup/docker.sh" any

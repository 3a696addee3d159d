#!/bin/sh
# What `tallyman up` works with: a NATS server for the alerts and a container runtime to watch.
set -eu
. "$(dirname -- "$0")/lib.sh"
require_linux

need nats-server nats-server
install_missing 'carries the alerts to subscribers'
exec "$repo/scripts/setup/docker.sh" any

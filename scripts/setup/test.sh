#!/bin/sh
# What the kernel and end-to-end tests start: Docker, containerd, podman, a registry, a NATS server, a file system to build
# images from, rpm to make a database of its packages.
set -eu
. "$(dirname -- "$0")/lib.sh"
[ "$(uname -s)" = Linux ] || exit 0

need nats-server nats-server
need docker-registry docker-registry
need skopeo skopeo
need debootstrap debootstrap
need containerd containerd
need ctr containerd
need runc runc
need podman podman
need rpmbuild rpm
need /bin/busybox busybox-static
install_missing 'tests start them on loopback'
exec "$repo/scripts/setup/docker.sh" docker

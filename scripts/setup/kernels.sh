#!/bin/sh
# What booting other kernels under emulation needs.
set -eu
. "$(dirname -- "$0")/lib.sh"
require_linux

need qemu-system-x86_64 qemu-system-x86
need cpio cpio
need gcc gcc
need /bin/busybox busybox-static
install_missing 'boot the kernels of other Debian releases'

#!/bin/sh
# test-kernels.sh [RELEASE…]: boots the kernel of each Debian release in an emulator, two at a time, and runs the sensor's
# smoke test in it. Without arguments: all of test/kernels/releases. Results stay in .build/kernels/RELEASE/.
set -eu
cd "$(dirname -- "$0")/.."

need() {
  command -v "$1" >/dev/null 2>&1 || {
    echo "test-kernels: $1 is missing: apt-get install --no-install-recommends $2" >&2
    exit 1
  }
}
need qemu-system-x86_64 qemu-system-x86
need cpio cpio
need busybox busybox-static
need cc gcc
[ -f .build/tallyman.bpf.o ] || {
  echo 'test-kernels: .build/tallyman.bpf.o is missing: make bpf' >&2
  exit 1
}
build=.build/kernels
mkdir -p "$build"
stage=$(mktemp -d "$build/stage.XXXXXX")
trap 'rm -rf "$stage"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mkdir "$stage/programs" "$stage/guest"
for program in actor breeder executor network pack privilege; do
  cc -O2 -static -pthread -o "$stage/programs/$program" "test/support/programs/$program.c"
done
for program in contain personality; do
  cc -O2 -static -o "$stage/programs/$program" "test/kernels/$program.c"
done
scripts/with-node.sh node --disable-warning=ExperimentalWarning test/kernels/stage-guest.ts "$stage/guest" "$stage/programs"
(cd "$stage/guest" && find . | cpio --quiet -o -H newc -R 0:0) >"$stage/base.cpio"

# Each has said itself what went wrong.
{ [ $# -gt 0 ] && printf '%s\n' "$@" || cat test/kernels/releases; } |
  nice xargs -P 2 -I RELEASE test/kernels/boot.sh RELEASE "$stage/base.cpio" || exit 1

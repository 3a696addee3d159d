#!/bin/sh
# test-kernels.sh [RELEASE…]: boots the kernel of each Debian release in an emulator and runs the sensor's smoke test in it.
# Without arguments: all releases of docs/kernels.md. Results stay in .build/kernels/RELEASE/.
set -eu
cd "$(dirname -- "$0")/.."

# Emulation is slow; a guest that hangs must still end.
limit_seconds=${TALLYMAN_GUEST_LIMIT_SECONDS:-400}

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
rm -rf "$build/guest"
mkdir -p "$build/guest"
mkdir -p "$build/programs"
cc -O2 -static -pthread -o "$build/programs/actor" test/support/programs/actor.c
for program in contain personality; do
  cc -O2 -static -o "$build/programs/$program" "test/kernels/$program.c"
done
scripts/with-node.sh node --disable-warning=ExperimentalWarning test/kernels/stage-guest.ts "$build/guest" "$build/programs"

# boot RELEASE: 0 when every check passed in the guest.
boot() {
  directory=$build/$1
  cp "$directory/overlay.ko" "$build/guest/overlay.ko"
  (cd "$build/guest" && find . | cpio --quiet -o -H newc -R 0:0) >"$build/initramfs"
  rm -f "$directory/report" "$directory/console.log"
  echo "== $1: $(cat "$directory/version")"
  nice timeout "$limit_seconds" qemu-system-x86_64 -accel tcg -cpu max -smp 2 -m 1500 -nic none -display none -no-reboot \
    -serial "file:$directory/console.log" -serial "file:$directory/report" \
    -kernel "$directory/vmlinuz" -initrd "$build/initramfs" \
    -append 'console=ttyS0 loglevel=4 panic=-1' || echo "test-kernels: the guest did not end by itself ($?)"
  sed '$d' "$directory/report" 2>/dev/null || true
  tail -n 1 "$directory/report" 2>/dev/null >"$directory/result.json" || true
  if grep -q '"ok":true' "$directory/result.json"; then
    return 0
  fi
  echo "test-kernels: $1 failed; end of $directory/console.log:" >&2
  tail -n 15 "$directory/console.log" >&2 || true
  return 1
}

status=0
[ $# -gt 0 ] || set -- bullseye bookworm trixie forky
for release in "$@"; do
  test/kernels/fetch-kernel.sh "$release" "$build/$release" || {
    status=1
    continue
  }
  boot "$release" || status=1
done
rm -rf "$build/guest" "$build/initramfs"
exit "$status"

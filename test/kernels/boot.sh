#!/bin/sh
# boot.sh RELEASE BASE: boots the kernel of a Debian release in an emulator, with the file system of the cpio archive BASE,
# and shows the report of the smoke test. 0 when every check passed in the guest. Leaves in .build/kernels/RELEASE/:
# report, console.log and result.json, which is missing when the kernel could not be fetched and empty when the guest died.
set -eu
release=$1
base=$2
directory=.build/kernels/$release

# Emulation is slow, and other work may be in its way; a guest that hangs must still end.
limit_seconds=${TALLYMAN_GUEST_LIMIT_SECONDS:-400}

rm -f "$directory/report" "$directory/console.log" "$directory/result.json"
output=$directory.output
trap 'rm -f "$output"' EXIT

boot() {
  # An initramfs may be several archives, one behind the other.
  initramfs=$directory/initramfs
  (cd "$directory" && echo overlay.ko | cpio --quiet -o -H newc -R 0:0) | cat "$base" - >"$initramfs"
  : >"$directory/result.json"
  # One thread for both processors: with one each, the emulator now and then runs code that the guest has just patched.
  timeout -k 10 "$limit_seconds" qemu-system-x86_64 -accel tcg,thread=single -cpu max -smp 2 -m 1500 -nic none -display none \
    -no-reboot -serial "file:$directory/console.log" -serial "file:$directory/report" \
    -kernel "$directory/vmlinuz" -initrd "$initramfs" -append 'console=ttyS0 loglevel=4 panic=-1' ||
    echo "test-kernels: the guest of $release did not end by itself within $limit_seconds s ($?)"
  rm -f "$initramfs"
  [ -s "$directory/report" ] || return 1
  # The last line is for machines.
  sed '$d' "$directory/report"
  tail -n 1 "$directory/report" >"$directory/result.json"
  grep -q '"ok":true' "$directory/result.json"
}

show_failure() {
  echo "test-kernels: $release failed; end of $directory/console.log:"
  tail -n 25 "$directory/console.log" 2>/dev/null || true
}

# Guests run beside each other: what each says is shown in one piece.
status=0
{
  test/kernels/fetch-kernel.sh "$release" "$directory" && {
    echo "== $release: $(cat "$directory/version")"
    boot || {
      show_failure
      false
    }
  }
} >"$output" 2>&1 || status=1
cat "$output"
exit "$status"

#!/bin/sh
# fetch-kernel.sh RELEASE DIRECTORY
#
# Puts the cloud kernel of a Debian release into DIRECTORY: vmlinuz, overlay.ko and version (the package and its version).
# apt does the fetching, from the mirrors this machine is configured for, in a state of its own: the system's package lists
# and sources stay as they are. What is there already is kept; delete DIRECTORY for a newer one.
set -eu

release=$1
directory=$2
[ ! -s "$directory/version" ] || exit 0

fail() {
  echo "fetch-kernel: $*" >&2
  exit 1
}

case $release in
'' | *[!a-z]*) fail "\"$release\" is no name of a Debian release (bookworm, trixie …)" ;;
esac
[ "$(dpkg --print-architecture)" = amd64 ] || fail 'only amd64 kernels are booted so far'

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r "$keyring" ] || fail "$keyring is missing: install debian-archive-keyring"
mkdir -p "$directory/lists/partial" "$directory/cache/archives/partial"
directory=$(CDPATH='' cd -- "$directory" && pwd)

# The configured mirrors of Debian itself and of its security updates, as "LABEL URI".
mirrors=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 'Created-By: Packages' |
  sed -n 's/^Debian \(Debian\|Debian-Security\) /\1 /p' | sort -u)
[ -n "$mirrors" ] || fail 'apt knows no mirror of Debian here: configure one and run apt-get update'
echo "$mirrors" | while read -r label uri; do
  suite=$release
  [ "$label" = Debian ] || suite=$release-security
  echo "deb [signed-by=$keyring] $uri $suite main"
done >"$directory/sources.list"

private_apt() {
  command=$1
  shift
  "$command" -q \
    -o Dir::State::lists="$directory/lists" \
    -o Dir::Cache="$directory/cache" \
    -o Dir::Etc::sourcelist="$directory/sources.list" \
    -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::Etc::preferences=/dev/null \
    -o Dir::Etc::preferencesparts=/dev/null \
    -o APT::Get::List-Cleanup=false \
    -o Acquire::Languages=none \
    -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
    -o APT::Sandbox::User=root \
    "$@"
}

private_apt apt-get update >"$directory/apt.log" 2>&1 || true
package=$(private_apt apt-cache depends --important linux-image-cloud-amd64 2>>"$directory/apt.log" |
  sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1)
[ -n "$package" ] || {
  tail -n 5 "$directory/apt.log" >&2
  fail "the configured mirrors offer no kernel of $release (log: $directory/apt.log)"
}
(cd "$directory" && private_apt apt-get download "$package") >>"$directory/apt.log" 2>&1 ||
  fail "$package cannot be downloaded (log: $directory/apt.log)"

archive=$(find "$directory" -maxdepth 1 -name "$package*.deb" | head -n 1)
dpkg-deb --fsys-tarfile "$archive" | tar -x -C "$directory" --wildcards \
  './boot/vmlinuz-*' '*/kernel/fs/overlayfs/overlay.ko*'
mv "$directory"/boot/vmlinuz-* "$directory/vmlinuz"
module=$(find "$directory" -path '*/overlayfs/overlay.ko*' -type f | head -n 1)
case $module in
*.xz) xz -dc "$module" >"$directory/overlay.ko" ;;
*.zst) zstd -qdc "$module" >"$directory/overlay.ko" ;;
*.ko) mv "$module" "$directory/overlay.ko" ;;
*) fail "$package has no overlay module" ;;
esac
version="$package $(dpkg-deb -f "$archive" Version)"
rm -rf "$directory/boot" "$directory/lib" "$directory/usr" "$directory/lists" "$directory/cache" "$archive"
echo "$version" >"$directory/version"

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
depends_on() {
  private_apt apt-cache depends --important "$1" 2>>"$directory/apt.log" | sed -n 's/^ *Depends: //p'
}
package=$(depends_on linux-image-cloud-amd64 | grep '^linux-image-[0-9]' | head -n 1)
[ -n "$package" ] || fail "the configured mirrors offer no kernel of a release named $release (log: $directory/apt.log)"
# Since forky the image and its modules are packages of their own that linux-image only depends on.
parts=$(depends_on "$package" | grep '^linux-\(binary\|modules\)-' || true)
(cd "$directory/cache" && private_apt apt-get download "$package" $parts) >>"$directory/apt.log" 2>&1 ||
  fail "$package cannot be downloaded (log: $directory/apt.log)"

for archive in "$directory"/cache/*.deb; do
  # An archive that has only one of the two, or none, is no error here: what is missing in the end is.
  dpkg-deb --fsys-tarfile "$archive" |
    tar -x -C "$directory/cache" --wildcards '*/vmlinuz*' '*/kernel/fs/overlayfs/overlay.ko*' 2>/dev/null || true
done
image=$(find "$directory/cache" -name 'vmlinuz*' -type f | head -n 1)
module=$(find "$directory/cache" -path '*/overlayfs/overlay.ko*' -type f | head -n 1)
[ -n "$image" ] || fail "$package brings no vmlinuz"
case $module in
*.xz) xz -dc "$module" >"$directory/overlay.ko" ;;
*.zst) zstd -qdc "$module" >"$directory/overlay.ko" ;;
*.ko) mv "$module" "$directory/overlay.ko" ;;
*) fail "$package brings no overlay module" ;;
esac
mv "$image" "$directory/vmlinuz"
version=$(dpkg-deb -f "$(find "$directory/cache" -name "${package}_*.deb")" Version)
rm -rf "$directory/lists" "$directory/cache"
echo "$package $version" >"$directory/version"

#!/bin/sh
# fetch-kernel.sh RELEASE DIRECTORY
#
# Puts the newest cloud kernel of a Debian release into DIRECTORY: vmlinuz, overlay.ko and version (the package and its
# version). apt does the fetching, from the mirrors this machine is configured for, in a state of its own: the system's
# package lists and sources stay as they are. What is there is kept for a week, and for longer where no newer one can be had.
set -eu

release=$1
final=$2
directory=$final.new
[ -z "$(find "$final/version" -mtime -7 2>/dev/null)" ] || exit 0

fail() {
  echo "fetch-kernel: $*" >&2
  [ -s "$final/version" ] || exit 1
  echo "fetch-kernel: the kernel of $(date -r "$final/version" +%F) is used again"
  exit 0
}

case $release in
'' | *[!a-z]*) fail "\"$release\" is no name of a Debian release (bookworm, trixie …)" ;;
esac
[ "$(dpkg --print-architecture)" = amd64 ] || fail 'only amd64 kernels are booted so far'

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r "$keyring" ] || fail "$keyring is missing: install debian-archive-keyring"
rm -rf "$directory"
mkdir -p "$directory/lists/partial" "$directory/cache/archives/partial" "$final"
directory=$(CDPATH='' cd -- "$directory" && pwd)

# The configured mirrors of Debian itself and of its security updates, as "LABEL URI".
mirrors() {
  apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' "$@" 'Created-By: Packages' |
    sed -n 's/^Debian \(Debian\|Debian-Security\) /\1 /p' | sort -u
}
configured=$(mirrors)
if [ -z "$configured" ]; then
  # Where apt has no package lists it does not know what its sources are.
  own_lists="Dir::State::lists=$directory/lists"
  apt-get -q update -o "$own_lists" -o APT::Sandbox::User=root >"$directory/apt.log" 2>&1 || true
  configured=$(mirrors -o "$own_lists")
fi
[ -n "$configured" ] || fail 'apt knows no mirror of Debian here: configure one'
echo "$configured" | while read -r label uri; do
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

private_apt apt-get update >>"$directory/apt.log" 2>&1 || true
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
rm -rf "$final"
mv "$directory" "$final"

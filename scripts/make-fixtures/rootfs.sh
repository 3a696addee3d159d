#!/bin/sh
# Lays out the root filesystem of the fixture image: two real Debian packages with their dpkg database, one npm package
# and one Python package. Usage: rootfs.sh FOLDER. Needs apt-get, dpkg, npm and pip (Debian 12).
set -eu
root=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates" "$root/etc" "$root/usr/bin" "$root/usr/lib"
ln -s usr/bin "$root/bin"
: > "$root/var/lib/dpkg/status"
cp /usr/lib/os-release "$root/usr/lib/os-release"
ln -s ../usr/lib/os-release "$root/etc/os-release"
(cd "$work" && apt-get download hello sed >/dev/null 2>&1)
dpkg --root="$root" --log=/dev/null --force-depends --force-script-chrootless \
  --path-exclude='/usr/share/locale/*' --path-exclude='/usr/share/doc/*' --path-exclude='/usr/share/info/*' \
  --path-exclude='/usr/share/man/*' -i "$work"/*.deb >/dev/null 2>&1
rm -rf "$root/var/lib/dpkg/updates" "$root"/var/lib/dpkg/*-old "$root"/var/lib/dpkg/lock*
(cd "$work" && npm pack --silent ms@2.1.3 >/dev/null && pip download --quiet --no-deps --dest . six==1.17.0)
mkdir -p "$root/app/node_modules/ms" "$root/usr/local/lib/python3.11/site-packages"
tar -xzf "$work"/ms-*.tgz -C "$root/app/node_modules/ms" --strip-components=1
python3 -m zipfile -e "$work"/six-*.whl "$root/usr/local/lib/python3.11/site-packages"

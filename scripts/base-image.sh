#!/bin/sh
# base-image.sh NAME [PACKAGE,…]: a minimal Debian 12 with these packages, made with debootstrap; without any, with the libraries
# that Node and libbpf need.
set -eu
name=$1
packages=${2:-libbpf1,libelf1,zlib1g,libstdc++6,ca-certificates}
repo=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
folder=$(mktemp -d "${TMPDIR:-/tmp}/tallyman-base.XXXXXX")
trap 'rm -rf "$folder"' EXIT
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
mkdir -p "$repo/.build"

command -v debootstrap >/dev/null || {
  echo 'images: debootstrap is missing: apt-get install debootstrap, or give BASE_IMAGE' >&2
  exit 1
}
echo "images: making the base image $name with debootstrap (a minute or two)"
debootstrap --variant=minbase --include="$packages" bookworm "$folder" \
  >"$repo/.build/base-image.log" 2>&1 || {
  tail -n 20 "$repo/.build/base-image.log" >&2
  exit 1
}
rm -rf "$folder"/var/cache/apt/* "$folder"/var/lib/apt/lists/* "$folder"/usr/share/doc/* "$folder"/usr/share/man/*
tar -C "$folder" -c . | docker import - "$name" >/dev/null

#!/bin/sh
# base-image.sh NAME: a minimal Debian 12 with the libraries that Node and libbpf need, made with debootstrap.
set -eu
name=$1
repo=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
folder=$(mktemp -d "${TMPDIR:-/tmp}/tallyman-base.XXXXXX")
trap 'rm -rf "$folder"' EXIT
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
mkdir -p "$repo/.build"

command -v debootstrap >/dev/null || {
  echo 'images: debootstrap is missing: apt-get install debootstrap, or give BASE_IMAGE' >&2
  exit 1
}
echo "images: making the base image $name with debootstrap (about a minute)"
debootstrap --variant=minbase --include=libbpf1,libelf1,zlib1g,libstdc++6,ca-certificates bookworm "$folder" \
  >"$repo/.build/base-image.log" 2>&1 || {
  tail -n 20 "$repo/.build/base-image.log" >&2
  exit 1
}
rm -rf "$folder"/var/cache/apt/* "$folder"/var/lib/apt/lists/* "$folder"/usr/share/doc/* "$folder"/usr/share/man/*
tar -C "$folder" -c . | docker import - "$name" >/dev/null

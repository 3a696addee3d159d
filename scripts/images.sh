#!/bin/sh
# Builds the container images tallyman-agent and tallyman-collector, tagged with the version of package.json and "latest".
#   BASE_IMAGE   image to build on; without it a minimal Debian is made with debootstrap (tallyman-base)
#   IMAGE_PREFIX put before the names: registry.example.org/security/
set -eu
repo=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$repo"
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
prefix=${IMAGE_PREFIX:-}
stage=.build/image

scripts/setup/docker.sh docker
scripts/with-node.sh node scripts/stage-image.ts "$stage"

base=${BASE_IMAGE:-}
if [ -z "$base" ]; then
  base=tallyman-base:bookworm
  docker image inspect "$base" >/dev/null 2>&1 || scripts/base-image.sh "$base"
fi

version=$(scripts/with-node.sh node -p 'require("./package.json").version')
for part in agent collector; do
  name=${prefix}tallyman-$part
  echo "images: building $name:$version on $base"
  docker build --network none --build-arg "BASE_IMAGE=$base" -f "deploy/Dockerfile.$part" \
    -t "$name:$version" -t "$name:latest" . >".build/image-$part.log" 2>&1 || {
    tail -n 20 ".build/image-$part.log" >&2
    echo "images: building $name failed, see .build/image-$part.log" >&2
    exit 1
  }
done
docker image ls --filter "reference=${prefix}tallyman-*"

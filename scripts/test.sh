#!/bin/sh
# Everything that is tested. Root is needed to load BPF programs and to start containers; what cannot run here is announced
# loudly, and is a failure where CI is set.
set -eu
repo=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$repo"

# A Docker daemon that was started for this run is stopped again; one that `make run` had started stays.
started_docker() {
  cat .build/dockerd.started 2>/dev/null || true
}
started_before=$(started_docker)

stop_what_was_started() {
  status=$?
  trap - EXIT
  [ "$(started_docker)" = "$started_before" ] || scripts/setup/docker.sh stop || true
  exit "$status"
}
trap stop_what_was_started EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ "$(uname -s)" = Linux ]; then
  scripts/setup/test.sh
  # Without an emulator the other kernels are announced as not tested.
  scripts/setup/kernels.sh || true
  make bpf
fi
if [ "$(id -u)" -eq 0 ] || ! command -v sudo >/dev/null 2>&1; then
  scripts/with-node.sh node scripts/verify.ts test
else
  sudo -E env "PATH=$PATH" scripts/with-node.sh node scripts/verify.ts test
fi

#!/bin/sh
# docker.sh any     a container runtime runs: Docker, containerd or CRI-O; Docker is installed and started when there is none
# docker.sh docker  Docker runs, whatever else there is
# docker.sh stop    stops the Docker daemon if this script started it
set -eu
. "$(dirname -- "$0")/lib.sh"

node=$("$repo/scripts/find-node.sh")
socket=/var/run/docker.sock
started=$repo/.build/dockerd.started
daemon_log=$repo/.build/dockerd.log

docker_answers() {
  [ -S "$socket" ] || return 1
  as_root "$node" -e 'require("node:http")
    .get({ socketPath: process.argv[1], path: "/_ping", timeout: 5000 }, (answer) => process.exit(answer.statusCode === 200 ? 0 : 1))
    .on("timeout", () => process.exit(1))
    .on("error", () => process.exit(1));' "$socket" >/dev/null 2>&1
}

other_runtime() {
  for path in /run/containerd/containerd.sock /run/crio/crio.sock /var/run/crio/crio.sock \
    /run/k3s/containerd/containerd.sock /var/snap/microk8s/common/run/containerd.sock; do
    [ -S "$path" ] && return 0
  done
  has crio
}

wait_for_docker() {
  tries=0
  while ! docker_answers; do
    tries=$((tries + 1))
    [ "$tries" -gt "$1" ] && return 1
    sleep 0.5
  done
}

# By the machine's own service manager where there is one, else directly in the background.
start_docker() {
  if [ -d /run/systemd/system ]; then
    announce 'starting Docker through systemd (no container runtime was running)'
    if logged as_root systemctl start docker && wait_for_docker 60; then
      echo systemd >"$started"
      return 0
    fi
  fi
  announce "starting dockerd in the background (no container runtime was running), log in $daemon_log"
  as_root sh -c 'setsid dockerd >"$1" 2>&1 </dev/null & echo $! >"$2"' start-dockerd "$daemon_log" "$started"
  wait_for_docker 120 && return 0
  tail -n 15 "$daemon_log" | sed 's/^/       | /' >&2
  fail 'dockerd did not start' "see $daemon_log; a kernel or container without the needed rights cannot run it"
}

stop_docker() {
  [ -f "$started" ] || exit 0
  by=$(cat "$started")
  rm -f "$started"
  announce 'stopping Docker (it was started for this run)'
  if [ "$by" = systemd ]; then
    logged as_root systemctl stop docker docker.socket || true
  elif [ "$(cat "/proc/$by/comm" 2>/dev/null)" = dockerd ]; then
    as_root kill "$by"
    tries=0
    while [ -d "/proc/$by" ] && [ "$tries" -lt 60 ]; do
      tries=$((tries + 1))
      sleep 0.5
    done
  fi
}

case ${1:-any} in
  stop)
    stop_docker
    exit 0
    ;;
  any)
    if docker_answers || other_runtime; then exit 0; fi
    ;;
  docker)
    if docker_answers; then exit 0; fi
    ;;
esac

need dockerd docker.io
need docker docker.io
# shellcheck disable=SC2086 # one word per package
missing=$(printf '%s\n' $missing | sort -u | tr '\n' ' ')
missing=${missing% }
install_missing 'a container runtime to watch; none was found'
rm -f "$started"
# Installing the package may have started it already.
wait_for_docker 2 || start_docker

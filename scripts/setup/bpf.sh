#!/bin/sh
# What compiling and loading the BPF programs needs.
set -eu
. "$(dirname -- "$0")/lib.sh"
[ "$(uname -s)" = Linux ] || exit 0

need clang clang
need bpftool bpftool
need /usr/include/bpf/bpf_helpers.h libbpf-dev
install_missing 'compile the BPF programs and load them'

# Shared by the set-up scripts; sourced, not run. Every step says in one line what it does and why, and is silent when
# there is nothing to do.

repo=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
tools=$repo/.tools
setup_log=$repo/.build/setup.log
mkdir -p "$tools" "$repo/.build"

# Debian keeps bpftool, dockerd and others where only root's PATH looks.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

announce() {
  printf 'setup: %s\n' "$*"
}

# fail MESSAGE WHAT_TO_DO
fail() {
  printf 'setup: %s\n       %s\n' "$1" "$2" >&2
  exit 1
}

has() {
  command -v "$1" >/dev/null 2>&1
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif has sudo; then
    sudo "$@"
  else
    fail "'$*' needs root, and there is no sudo" "run make as root, or install sudo"
  fi
}

# Runs a command with its output in the log; on failure shows the end of it.
logged() {
  printf '\n$ %s\n' "$*" >>"$setup_log"
  "$@" >>"$setup_log" 2>&1
}

show_log() {
  printf '       last lines of %s:\n' "$setup_log" >&2
  tail -n 15 "$setup_log" | sed 's/^/       | /' >&2
}

# apt_install WHY PACKAGE... installs Debian packages; the package lists are fetched only when the install fails without.
apt_install() {
  why=$1
  shift
  announce "installing $(printf '%s' "$*" | sed 's/ /, /g') ($why)"
  if ! has apt-get; then
    fail "there is no apt-get here, so $* cannot be installed" \
      "install what your distribution calls them, then run make again ($why)"
  fi
  set -- env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
  if logged as_root "$@"; then return 0; fi
  logged as_root apt-get update || true
  if logged as_root "$@"; then return 0; fi
  show_log
  fail "apt-get could not install the packages" "see $setup_log; install them by hand, then run make again"
}

# need COMMAND_OR_FILE PACKAGE adds PACKAGE to $missing when the command or absolute path is not there.
missing=''
need() {
  case $1 in
    /*) [ -e "$1" ] && return 0 ;;
    *) has "$1" && return 0 ;;
  esac
  missing="$missing $2"
}

# install_missing WHY installs what `need` collected.
install_missing() {
  [ -z "$missing" ] && return 0
  # shellcheck disable=SC2086 # one word per package
  apt_install "$1" $missing
  missing=''
}

require_linux() {
  [ "$(uname -s)" = Linux ] && return 0
  printf '%s\n' \
    "setup: this is $(uname -s); the agent watches containers through eBPF and needs a Linux kernel (5.8 or newer)." \
    '       What works here: make check, tallyman collector, tallyman alerts, tallyman alert, tallyman doctor.' \
    '       To watch containers, run make in a Linux machine or VM.' >&2
  exit 1
}

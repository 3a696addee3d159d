#!/bin/sh
# Runs bench/$NAME.ts, or lists what there is.
set -eu
cd "$(dirname -- "$0")/.."
list() {
  for file in bench/*.ts; do
    name=$(basename -- "$file" .ts)
    case $name in *.test | lib | support) continue ;; esac
    [ -e "$file" ] && printf '  make bench NAME=%s\n' "$name"
  done
}
if [ -z "${NAME:-}" ]; then
  echo 'Benchmarks:'
  list
elif [ -f "bench/$NAME.ts" ]; then
  exec node --disable-warning=ExperimentalWarning "bench/$NAME.ts" "$@"
else
  echo "There is no benchmark \"$NAME\" (bench/$NAME.ts). There are:" >&2
  list >&2
  exit 2
fi

#!/usr/bin/env bash
# From an empty machine to speech: makes the environment, pulls `lite`, starts the service on port 7860.
# With arguments it runs that command of indextts-hub instead:  bash start_app.sh say "你好" -o hello.wav
set -euo pipefail

# The folder of this script, through links and whatever folder it is called from.
self=${BASH_SOURCE[0]}
while [ -L "$self" ]; do
  target=$(readlink "$self")
  case $target in /*) self=$target ;; *) self=$(dirname "$self")/$target ;; esac
done
here=$(cd "$(dirname "$self")" && pwd -P)
venv=$here/.venv

fail() {
  printf 'error[E_SETUP]: %s\ntry: %s\n' "$1" "$2" >&2
  exit 2
}

# shellcheck source=scripts/environment.sh
. "$here/scripts/environment.sh"
ensure_environment "$here" "$venv" all

hub() { "$venv/bin/indextts-hub" "$@"; }

# Speech needs a version; the smallest is fetched when none is here.
need_lite() { [ -n "$(hub path lite 2>/dev/null)" ] || hub pull lite >&2; }

if [ $# -eq 0 ]; then
  need_lite
  exec "$venv/bin/indextts-hub" serve --model lite
fi
case $1 in
  say | serve)
    case " $* " in *' --help '*) ;; *) need_lite ;; esac
    ;;
esac
exec "$venv/bin/indextts-hub" "$@"

#!/usr/bin/env bash
# Installs what the tests need and passes them all. --quick: those that take seconds, in under three minutes on two cores.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
cd "$here"
venv=$here/.venv

fail() {
  printf 'error[E_SETUP]: %s\ntry: %s\n' "$1" "$2" >&2
  exit 2
}

case ${1:-} in
  --quick) chosen='not slow and not network' ;;
  '') chosen='' ;;
  *) fail "run_tests.sh does not know $1" "bash run_tests.sh [--quick]" ;;
esac

# shellcheck source=scripts/environment.sh
. "$here/scripts/environment.sh"
ensure_environment "$here" "$venv" dev

# Real servers and tools that some tests run: from Debian's packages where that is possible, named where it is not.
missing=
for pair in strace:strace chromium:chromium aria2c:aria2 nginx:nginx pg_ctl:postgresql promtool:prometheus npm:npm; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
done
if [ -n "$missing" ] && [ -z "$chosen" ]; then
  if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    printf 'Installing%s for the tests\n' "$missing" >&2
    # shellcheck disable=SC2086
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >/dev/null ||
      printf 'Could not install%s: tests that need them will say so.\n' "$missing" >&2
  else
    printf 'Not here:%s. Tests that need them will say so.\n' "$missing" >&2
  fi
fi

"$venv/bin/ruff" format --check .
"$venv/bin/ruff" check .
"$venv/bin/mypy"
"$venv/bin/lint-imports"
exec "$venv/bin/python" -m pytest -n 2 --dist loadgroup ${chosen:+-m "$chosen"}

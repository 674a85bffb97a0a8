# Makes the virtual environment; read by start_app.sh and run_tests.sh, which define `fail WHAT REMEDY`.
# Works with the bash 3.2 that macOS has.

# The first Python on the path that is new enough.
find_python() {
  for name in python3 python3.13 python3.12 python3.11; do
    if command -v "$name" >/dev/null 2>&1 && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
  fail "no Python 3.11 or newer is on the path" "install Python 3.11 or newer (on Debian: apt-get install python3 python3-venv)"
}

# What the environment depends on: when it changes, the environment is brought up to date.
fingerprint() {
  cat "$1/pyproject.toml" "$1/constraints.txt" | cksum
  printf '%s %s\n' "$2" "$1"
}

# ensure_environment FOLDER VENV EXTRA: the project, installed for working in place, with the extra `all` or `dev`.
# The stamp is written last, so that an interrupted installation is never taken for a finished one.
ensure_environment() {
  local folder=$1 venv=$2 extra=$3 stamp=$2/.indextts-hub-$3 python
  if [ -x "$venv/bin/indextts-hub" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint "$folder" "$extra")" ]; then
    return
  fi
  python=$(find_python) || exit 2
  printf 'Setting up in %s (once; some minutes on a slow link)\n' "$venv" >&2
  [ -x "$venv/bin/python" ] || "$python" -m venv "$venv" || fail "$python can't make a virtual environment" "install its venv module (on Debian: apt-get install python3-venv)"
  # The pinned torch first and alone: it is by far the largest part, and pip then takes no other build of it.
  "$venv/bin/python" -m pip install -qq --disable-pip-version-check ${INDEXTTS_HUB_TORCH_INDEX:+--index-url "$INDEXTTS_HUB_TORCH_INDEX"} --requirement "$folder/constraints.txt" >&2 ||
    fail "torch could not be installed" "look at pip's message above and at the network, then run it again"
  "$venv/bin/python" -m pip install -qq --disable-pip-version-check --constraint "$folder/constraints.txt" --editable "$folder[$extra]" >&2 ||
    fail "the packages could not be installed" "look at pip's message above and at the network, then run it again"
  fingerprint "$folder" "$extra" >"$stamp"
}

#!/usr/bin/env bash
# alphasignpy and readerboard, two independent writers of the Alpha protocol, for tests/outside/test_alpha_peers.py. Each
# in an environment of its own. Quiet, repeatable, best effort: what cannot be had is said, and its tests are skipped.
set -u
cd "$(dirname "$0")/../../.."
python=${PYTHON:-.venv/bin/python}
[ -x "$python" ] || python=python3
mkdir -p build/peers
. tests/outside/again.sh

peer() {
  local env=build/peers/$1 log=build/peers/$1.log want
  shift
  want="$*"
  [ "$(cat "$env/.installed" 2>/dev/null)" = "$want" ] && return
  # shellcheck disable=SC2086
  if "$python" -m venv --clear "$env" >"$log" 2>&1 &&
    again "$env/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps $want >>"$log" 2>&1; then
    echo "$want" >"$env/.installed"
  else
    echo "peers: ${env#build/peers/} could not be installed (see $log); its tests are skipped" >&2
  fi
}

peer alphasignpy alphasignpy==0.1.1 pillow==13.0.0 pyserial==3.5
peer readerboard readerboard==0.7.0 pyserial==3.5

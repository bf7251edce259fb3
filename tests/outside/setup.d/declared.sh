#!/usr/bin/env bash
# Peers of the OSDP keypad and the voice caller, for tests/outside/test_osdp_peers.py and test_voice_peers.py. Each in an
# environment of its own: osdp and libosdp both install a package called "osdp". Quiet, repeatable, best effort: what
# cannot be had is said, and its tests are skipped.
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
    again "$env/bin/python" -m pip install --quiet --disable-pip-version-check $want >>"$log" 2>&1; then
    echo "$want" >"$env/.installed"
  else
    echo "peers: ${env#build/peers/} could not be installed (see $log); its tests are skipped" >&2
  fi
}

peer osdp osdp==1.6 pyserial==3.5
peer libosdp libosdp==3.2.9 pyserial==3.5
peer dfplayer DFPlayer==0.1.2 pyserial==3.5

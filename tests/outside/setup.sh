#!/usr/bin/env bash
# Fetches and builds the independent peers of tests/outside into build/peers: mbpoll and libmodbus (Debian), a C program
# of ours on libmodbus, minimalmodbus (PyPI), modbus-serial (npm). Best effort and repeatable: what cannot be had is
# said, its tests are skipped, and this script still succeeds. HALLBENCH_PEERS=required makes them fail instead.
set -uo pipefail
cd "$(dirname "$0")/../.."
here=tests/outside
peers=build/peers
mkdir -p "$peers"
. "$here/again.sh"

say() { echo "peers: $*" >&2; }

missing_packages() {
  command -v mbpoll >/dev/null || echo mbpoll
  command -v gcc >/dev/null || echo gcc
  [ -e /usr/include/modbus/modbus.h ] || echo libmodbus-dev
}

want=$(missing_packages | xargs)
if [ -n "$want" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    again packages $want libc6-dev >"$peers/apt.log" 2>&1 ||
      say "apt-get could not install $want (see $peers/apt.log)"
  else
    say "not here: $want (apt-get install $want)"
  fi
fi

if [ -e /usr/include/modbus/modbus.h ] && command -v gcc >/dev/null; then
  source=$here/c/libmodbus_master.c
  if [ ! -x "$peers/libmodbus_master" ] || [ "$source" -nt "$peers/libmodbus_master" ]; then
    gcc -std=c11 -Wall -Wextra -O1 -o "$peers/libmodbus_master" "$source" -lmodbus || say "the C peer does not build"
  fi
fi

venv=$peers/venv
if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
  python=python3
  [ -x .venv/bin/python ] && python=.venv/bin/python
  "$python" -m venv "$venv" >"$peers/venv.log" 2>&1 &&
    again "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$here/requirements.txt" >>"$peers/venv.log" 2>&1 &&
    cp "$here/requirements.txt" "$venv/requirements.txt" ||
    say "minimalmodbus could not be installed (see $peers/venv.log)"
fi

if command -v npm >/dev/null; then
  node=$peers/node
  if ! cmp -s "$here/node/package.json" "$node/installed.json"; then
    mkdir -p "$node"
    cp "$here/node/package.json" "$node/package.json"
    # No lock file: it would record addresses. No scripts: serialport's binaries come inside its package.
    (cd "$node" && again npm install --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error) >"$peers/npm.log" 2>&1 &&
      cp "$here/node/package.json" "$node/installed.json" ||
      say "modbus-serial could not be installed (see $peers/npm.log)"
  fi
  cp "$here/node/master.js" "$node/master.js" 2>/dev/null
else
  say "not here: node and npm"
fi
for more in "$here"/setup.d/*; do
  [ -f "$more" ] && { bash "$more" || say "$more did not end well"; }
done
exit 0

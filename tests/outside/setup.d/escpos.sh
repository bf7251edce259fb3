#!/usr/bin/env bash
# python-escpos in its own environment and two npm encoders, for tests/outside/test_escpos_peers.py. Quiet, repeatable,
# best effort: what cannot be had is said, and its tests are skipped.
set -u
cd "$(dirname "$0")/../../.."
python=${PYTHON:-.venv/bin/python}
[ -x "$python" ] || python=python3
mkdir -p build/peers
. tests/outside/again.sh

env=build/peers/python-escpos
want="python-escpos==3.1 appdirs==1.4.4 argcomplete==3.7.2 importlib_resources==7.1.0 pillow==13.0.0 pyserial==3.5"
want="$want python-barcode==0.16.1 PyYAML==6.0.3 qrcode==8.2 setuptools==65.5.0 six==1.17.0"
if [ "$(cat "$env/.installed" 2>/dev/null)" != "$want" ]; then
  # shellcheck disable=SC2086
  if "$python" -m venv "$env" >build/peers/python-escpos.log 2>&1 &&
    again "$env/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps $want >>build/peers/python-escpos.log 2>&1; then
    echo "$want" >"$env/.installed"
  else
    echo "peers: python-escpos could not be installed (see build/peers/python-escpos.log); its tests are skipped" >&2
  fi
fi

node=build/peers/escpos-node
want='{"private": true, "dependencies": {"@point-of-sale/receipt-printer-encoder": "4.0.1", "receiptline": "4.0.4"}}'
if ! command -v npm >/dev/null; then
  echo "peers: no npm here; the tests of the npm encoders are skipped" >&2
elif [ "$(cat "$node/installed.json" 2>/dev/null)" != "$want" ]; then
  mkdir -p "$node"
  echo "$want" >"$node/package.json"
  # No lock file: it would record addresses. No scripts: both are plain JavaScript.
  if (cd "$node" && again npm install --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error) >"$node/npm.log" 2>&1; then
    echo "$want" >"$node/installed.json"
  else
    echo "peers: the npm encoders could not be installed (see $node/npm.log); their tests are skipped" >&2
  fi
fi
exit 0

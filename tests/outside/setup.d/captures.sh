#!/usr/bin/env bash
# tshark and sigrok-cli (Debian) for tests/outside/test_captures.py. Quiet, repeatable, best effort: what cannot be had is
# said, and its tests are skipped.
set -u
cd "$(dirname "$0")/../../.."
mkdir -p build/peers
. tests/outside/again.sh
want=
command -v tshark >/dev/null || want="$want tshark"
command -v sigrok-cli >/dev/null || want="$want sigrok-cli"
[ -z "$want" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  # shellcheck disable=SC2086
  again packages $want >build/peers/captures.log 2>&1 ||
    echo "peers: apt-get could not install$want (see build/peers/captures.log); their tests are skipped" >&2
else
  echo "peers: not here:$want (apt-get install$want); their tests are skipped" >&2
fi
exit 0

#!/usr/bin/env bash
# A PostgreSQL server of Debian's, for tests/outside/test_postgres.py, which starts one of its own from it. Quiet,
# repeatable, best effort: what cannot be had is said, and its tests are skipped.
set -u
cd "$(dirname "$0")/../../.."
mkdir -p build/peers
. tests/outside/again.sh
if ! ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    again packages postgresql >build/peers/postgres.log 2>&1 ||
      echo "peers: apt-get could not install postgresql (see build/peers/postgres.log); its tests are skipped" >&2
  else
    echo "peers: not here: postgresql (apt-get install postgresql); its tests are skipped" >&2
  fi
fi

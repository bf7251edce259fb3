"""Make one report of what the rooms' tests ran: called by measure.py, in the environment that has coverage.py.

    python combine.py OUT.json ROOM_FOLDER ...

A file that has changed since a room was measured is left out of what that room tells: its lines are others now.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from coverage import Coverage, CoverageData

ROOT = Path(__file__).parents[2]


def main(out: Path, rooms: list[Path]) -> None:
    """Write the report of all rooms to `out`."""
    with TemporaryDirectory() as folder:
        packages = ["protocol", "firmware_sim", "bench"]
        whole = Coverage(data_file=str(Path(folder, "all")), branch=True, config_file=False, source_pkgs=packages)
        gone = set()
        for room in rooms:
            copy = shutil.copy(room / "data", Path(folder, room.name))
            data = CoverageData(str(copy))
            data.read()
            known = json.loads((room / "told.json").read_text(encoding="utf-8"))["sources"]
            data.purge_files([str(ROOT / path) for path, digest in known.items() if _digest(ROOT / path) != digest])
            whole.get_data().update(data)
            gone |= {str(ROOT / path) for path in known if not (ROOT / path).exists()}
        ours = [f"{ROOT}/{package}/*" for package in packages]  # tests have programs of the same names
        whole.json_report(outfile=str(out), include=ours, omit=sorted(gone))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])

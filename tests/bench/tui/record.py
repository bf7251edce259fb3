"""Store what a running bench answers, for tests of the view: `python tests/bench/tui/record.py BENCH FILE`.

`other_devices.json` is a bench of `other_devices.toml` (`hallbench up tests/bench/tui/other_devices.toml --at 08:20`)
while an OSDP panel polled its two keypads, lit lamps and sent them a text with an escape sequence in it; keys were
pressed on all four keypads, and frames of the line `osdp` were damaged by a fault.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bench.control.client import Client, find

NAMES = ("clock", "devices", "lines", "figures", "faults", "hall")


def record(bench: str, path: Path) -> None:
    """Every answer that the view asks for; of the events the last of each line and device."""
    with Client(find(bench)) as client:
        told = {name: client.get(f"/v1/{name}") for name in NAMES}
        since = max(0, told["hall"]["last"] - 150)
        told["events"] = client.get(f"/v1/events?since={since}&limit=500")
    path.write_text(json.dumps(told, ensure_ascii=False, indent=0, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    record(sys.argv[1], Path(sys.argv[2]))

"""What a message tells people to install is there to be installed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_extra_that_is_named_exists() -> None:
    """`hallbench[...]` in the program and the README names an extra of pyproject.toml."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    texts = [path.read_text(encoding="utf-8") for path in [*(ROOT / "bench").rglob("*.py"), ROOT / "README.md"]]
    named = {extra for text in texts for extra in re.findall(r"hallbench\[(\w+)\]", text)}
    assert "postgres" in named
    assert named <= extras.keys()

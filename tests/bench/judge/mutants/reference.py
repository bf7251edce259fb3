"""`examples/careful_collector.py` as a module: the collector in which mistakes are planted."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

PATH = Path(__file__).parents[4] / "examples" / "careful_collector.py"


def _load() -> Any:
    spec = importlib.util.spec_from_file_location("careful_collector", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


careful: Any = _load()
Bus: Any = careful.Bus
Collector: Any = careful.Collector
Silent: Any = careful.Silent

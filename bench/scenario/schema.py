"""The JSON Schema of scenario files, generated from the model: hover texts and first checks in an editor.

Regenerate the shipped file with `python -m bench.scenario.schema > scenarios/scenario.schema.json`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from bench.scenario.extends import KEY
from bench.scenario.model import Scenario

FILE = "scenario.schema.json"
"""Name of the shipped schema, beside the scenarios; the first line of each names it."""

HINT = f"#:schema ./{FILE}"
"""First line of every shipped scenario (read by tombi and taplo)."""


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a scenario file."""
    model = Scenario.model_json_schema(by_alias=True, mode="validation")
    required = [name for name in model.pop("required") if name != "title"]
    model["properties"] = {
        KEY: {
            "type": "string",
            "description": "Another scenario, by its shipped name or as a file beside this one, that this one changes: "
            "tables are merged key by key, everything else given here replaces what stands there.",
        },
        **model["properties"],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **model,
        "required": ["title"],
        "if": {"not": {"required": [KEY]}},
        "then": {"required": required},
        "title": "hallbench scenario",
    }


def schema_text() -> str:
    """The schema as the shipped file has it: indented, keys in the model's order, one line end at the end."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())

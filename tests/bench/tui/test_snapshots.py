"""Pictures of the view, as approved: at both sizes, in both languages, and with the choice of faults before it.

Time stands (the clock is the stored bench's), nothing blinks or moves. A picture is the text of the screen and beside
it the style of each cell as a letter, so that a change can be read in a diff. After a wanted change look at the view,
then approve the pictures anew: `HALLBENCH_APPROVE=1 pytest tests/bench/tui/test_snapshots.py`.
"""

from __future__ import annotations

import asyncio
import os
import string
from pathlib import Path

import pytest

PICTURES = Path(__file__).parent / "pictures"
LETTERS = string.ascii_lowercase + string.ascii_uppercase + string.digits + "!#$%&*+,-/:;<=>?@^_~"


def picture(view) -> str:
    """The screen: rows of text, rows of styles, and which letter is which style."""
    legend: dict[str, str] = {}
    rows, styles = [], []
    for strip in view.screen._compositor.render_strips(view.size):
        rows.append(strip.text.rstrip())
        cells = []
        for segment in strip:
            style = segment.style
            named = str(style.without_color.clear_meta_and_links() + style) if style else ""
            named = named.partition(" meta")[0]
            letter = legend.setdefault(named, LETTERS[len(legend) % len(LETTERS)])
            cells.append(letter * segment.cell_length)
        styles.append("".join(cells).rstrip("a"))
    told = [f"{letter} = {style or 'plain'}" for style, letter in legend.items()]
    return "\n".join([*rows, "-" * 20, *styles, "-" * 20, *told]) + "\n"


def must_look_as_approved(stage, name, size, language="en", keys=()):
    path = PICTURES / f"{name}.txt"

    async def run():
        async with stage.on(size=size, language=language):
            if keys:
                await stage.press(*keys)
            await stage.settle()
            if not os.environ.get("HALLBENCH_APPROVE"):
                await stage.until(lambda: picture(stage.view) == path.read_text(encoding="utf-8"))
            return picture(stage.view)

    now = asyncio.run(run())
    if os.environ.get("HALLBENCH_APPROVE"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(now, encoding="utf-8")
    assert now.splitlines() == path.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("language", ["en", "vi"])
@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=["80x24", "200x60"])
def test_the_hall(stage, size, language):
    """The whole hall looks as it was approved."""
    must_look_as_approved(stage, f"hall-{size[0]}x{size[1]}-{language}", size, language)


def test_the_choice_of_faults(stage):
    """The catalogue before the hall looks as it was approved."""
    must_look_as_approved(stage, "faults-120x40-en", (120, 40), keys=("f",))

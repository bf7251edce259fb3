"""The halls that ship: what each is, which of its numbers are reported and which assumed, and its day as a picture.

    python docs/generator/halls.py        # draws docs/images/scenarios/*.png anew

Pictures are stored, since they are linked to from pages that are read where nothing is built; each carries the hash of
the halls it was drawn from, and a test compares. A page is made from the scenario files whenever the documentation is
built. The day drawn is that of seed 1, played by the planning engine with the delays of people and devices
(`bench.planning.lines.with_devices`), without faults: what `hallbench plan` plays, not a run through the wire.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

from generator.text import code, fenced, flat, heading, table  # noqa: E402

if TYPE_CHECKING:
    from bench.scenario.model import Scenario

__all__ = ["NAMES", "Day", "Story", "day_of", "drawn_from", "facts", "halls_of", "picture", "shipped", "stamp", "story"]

PICTURES: Final = ROOT / "docs/images/scenarios"
SEED: Final = 1
_HALF_HOUR: Final = 1800 * 10**9
_MINUTE: Final = 60 * 10**9
_GRADE: Final = re.compile(r"\b(reported|derived|assumed|recorded)\b")
_GRADES: Final[Mapping[str, str]] = {
    "reported": "stands in a press report",
    "recorded": "measured in a real hall",
    "derived": "worked out from such numbers",
    "assumed": "nobody's number: ours",
}


def _names() -> list[str]:
    from bench.scenario import load, province

    return [*load.available(), *province.available()]


NAMES: Final[Sequence[str]] = tuple(_names())
"""Shipped halls, then shipped provinces; each has a picture and a section."""


# -- the words of a file ---------------------------------------------------------------------------------------------
class Fact(NamedTuple):
    """A line of the file whose comment grades its number: what stands there, the grade, and the rest of the comment."""

    line: str
    grade: str
    says: str


class Story(NamedTuple):
    """The comments of a scenario file: the paragraph at its head, remarks between its tables, graded lines."""

    head: str
    remarks: tuple[str, ...]
    facts: tuple[Fact, ...]


def _split(line: str) -> tuple[str, str]:
    """A line of TOML as what stands there and its comment; a # inside quotes is no comment."""
    bare = re.sub(r'"[^"]*"', lambda text: "_" * len(text.group()), line)
    place = bare.find("#")
    return (line.strip(), "") if place < 0 else (line[:place].strip(), line[place + 1 :].strip())


def story(text: str) -> Story:
    """The comments of a scenario file.

    Args:
        text: the whole file. A comment that goes on below its line, indented, belongs to that line.
    """
    blocks: list[str] = []
    facts: list[tuple[str, str]] = []
    open_block = beside = False
    for line in text.splitlines():
        said, comment = _split(line)
        if line.startswith("#:schema"):
            continue
        if not said and comment and line[:1].isspace() and beside:
            facts[-1] = (facts[-1][0], f"{facts[-1][1]} {comment}")
        elif not said and comment and not line.startswith("#   "):
            if open_block:
                blocks[-1] += f" {comment}"
            else:
                blocks.append(comment)
            open_block, beside = True, False
        else:
            open_block = open_block and not said and bool(comment)  # an indented command of a head is no remark
            beside = bool(said and comment)
            if beside:
                facts.append((said, comment))
    head = blocks[0] if blocks else ""
    remarks = tuple(block for block in blocks[1:] if _GRADE.search(block))
    graded = [(said, _GRADE.search(comment), comment) for said, comment in facts]
    return Story(head, remarks, tuple(Fact(said, found[1], comment) for said, found, comment in graded if found))


def source(name: str) -> str:
    """The file of a shipped hall or province."""
    folder = files("scenarios.provinces") if files("scenarios.provinces").joinpath(f"{name}.toml").is_file() else None
    place = folder or files("scenarios")
    return place.joinpath(f"{name}.toml").read_text(encoding="utf-8")


# -- a day -----------------------------------------------------------------------------------------------------------
class Day(NamedTuple):
    """A day of one hall or of several together; instants are ns since midnight.

    Attributes:
        start, end: what of the day is shown; whole half-hours.
        open: opening hours.
        joins: when tickets joined their queue, sorted.
        calls: when they were called, sorted.
        ends: when waits ended, by a call or by leaving, sorted.
        faults: when the faults of the scenario strike that have an instant.
        recorded: when the tickets of a recorded log were really called, sorted.
    """

    start: int
    end: int
    open: tuple[tuple[int, int], ...]
    joins: tuple[int, ...]
    calls: tuple[int, ...]
    ends: tuple[int, ...]
    faults: tuple[int, ...] = ()
    recorded: tuple[int, ...] = ()

    def waiting(self) -> list[int]:
        """How many wait at each minute from `start` on."""
        from bisect import bisect_right

        minutes = range(self.start, self.end + 1, _MINUTE)
        return [bisect_right(self.joins, at) - bisect_right(self.ends, at) for at in minutes]

    def by_half_hour(self, instants: Iterable[int]) -> list[int]:
        """How many of the instants fall into each half-hour from `start` on."""
        counts = [0] * ((self.end - self.start) // _HALF_HOUR)
        for at in instants:
            place = (at - self.start) // _HALF_HOUR
            if 0 <= place < len(counts):
                counts[place] += 1
        return counts


def halls_of(name: str) -> list[tuple[Scenario, int]]:
    """The halls behind a shipped name, each with the seed of its day."""
    from bench.scenario.load import load
    from bench.scenario.province import is_province, load_province

    if is_province(name):
        return [(hall.scenario, seed) for hall, seed in load_province(name).seeds(SEED)]
    return [(load(name), SEED)]


def day_of(halls: Sequence[tuple[Scenario, int]]) -> Day:
    """Play the day of each hall and put them together."""
    from bench.hall.day import columns
    from bench.planning.lines import with_devices
    from bench.planning.outcome import Hall

    joins: list[int] = []
    calls: list[int] = []
    ends: list[int] = []
    recorded: list[int] = []
    last = 0
    for scenario, seed in halls:
        drawn = columns(scenario, seed)
        played = Hall(scenario, with_devices(scenario), "python").play(drawn)
        horizon = scenario.horizon
        for at, counter, called, gone, leaves in zip(
            *(column.tolist() for column in (played.joins, played.counters, played.called, played.gone, played.leaves)),
            strict=True,
        ):
            joins.append(at)
            if counter >= 0:
                calls.append(called)
                last = max(last, leaves)
            ends.append(called if counter >= 0 else gone or horizon)
        recorded += [at for at in drawn.recorded if at is not None]
    hours = [scenario.hours for scenario, _ in halls]
    start = min(min(h.opens for h in hours), *joins) // _HALF_HOUR * _HALF_HOUR
    end = -(-max(last, *(h.closes for h in hours)) // _HALF_HOUR) * _HALF_HOUR
    spans = tuple(dict.fromkeys((span.start, span.end) for h in hours for span in h.open))
    faults = [when for scenario, _ in halls for fault in scenario.faults if (when := fault.at or fault.after)]
    return Day(start, end, spans, *(tuple(sorted(v)) for v in (joins, calls, ends, faults, recorded)))  # type: ignore[arg-type]


def drawn_from(halls: Sequence[tuple[Scenario, int]]) -> str:
    """What a picture was drawn from, as a hash over the halls and their seeds."""
    told = "\n".join(f"{scenario.sha256} {seed}" for scenario, seed in halls)
    return hashlib.sha256(told.encode()).hexdigest()


def stamp(png: bytes) -> str:
    """The hash that a picture carries, "" when it has none."""
    found = re.search(rb"tEXtSource\0([0-9a-f]{64})", png)
    return found[1].decode() if found else ""


# -- the picture -----------------------------------------------------------------------------------------------------
def picture(name: str) -> bytes:
    """The day of a shipped hall or province as PNG: who came and was called by half-hour, and how many waited."""
    from bench.reports.plots import png_of

    halls = halls_of(name)
    day = day_of(halls)
    said = {"Title": label(name, day), "Source": drawn_from(halls)}
    return png_of((8.2, 3.7), lambda panels: _paint(panels, day, len(halls)), (1, 1.4), said)


def label(name: str, day: Day) -> str:
    """The day in a line."""
    waiting = day.waiting()
    return f"{name}: {len(day.joins):,} tickets, {len(day.calls):,} calls, at most {max(waiting):,} waiting"


def _paint(panels: Sequence[Any], day: Day, halls: int) -> None:
    from bench.reports.plots import COLOUR, time_axis

    flow, queue = panels
    halves = range(day.start, day.end, _HALF_HOUR)
    middles = [at + _HALF_HOUR // 2 for at in halves]
    flow.bar(middles, day.by_half_hour(day.joins), _HALF_HOUR * 0.86, color=COLOUR["accent-soft"], label="tickets")
    calls = [("calls", day.calls, COLOUR["accent"], "o-")]
    if day.recorded:
        calls.append(("calls recorded", day.recorded, COLOUR["second"], "s--"))
    for what, instants, colour, shape in calls:
        flow.plot(middles, day.by_half_hour(instants), shape, color=colour, linewidth=1.3, markersize=3, label=what)
    flow.set_ylabel("each half-hour")
    flow.set_ylim(bottom=0)
    flow.legend(loc="lower right", bbox_to_anchor=(1, 1.02), ncols=3, fontsize=8, borderaxespad=0)
    flow.margins(y=0.25)
    waiting = day.waiting()
    minutes = [day.start + n * _MINUTE for n in range(len(waiting))]
    queue.fill_between(minutes, waiting, step="post", color=COLOUR["accent-soft"], linewidth=0)
    queue.step(minutes, waiting, where="post", color=COLOUR["accent"], linewidth=1.2)
    queue.set_ylabel("waiting" if halls == 1 else f"waiting, {halls} halls")
    queue.set_ylim(0, max(waiting) * 1.15 + 0.3)
    if day.faults:
        queue.plot(day.faults, [0] * len(day.faults), "^", color=COLOUR["second"], markersize=5, clip_on=False)
        queue.plot([], [], "^", color=COLOUR["second"], markersize=5, label="a fault of the scenario (not played here)")
        queue.legend(loc="upper right", fontsize=8, borderaxespad=0)
    for axes in (flow, queue):
        time_axis(axes, day.start, day.end)
        for start, end in _shut(day):
            axes.axvspan(start, end, color=COLOUR["rule"], alpha=0.5, linewidth=0)
    flow.tick_params(labelbottom=False)


def _shut(day: Day) -> Iterator[tuple[int, int]]:
    """Spans of the picture in which no hall is open."""
    at = day.start
    for start, end in sorted(day.open):
        if start > at:
            yield at, start
        at = max(at, end)
    if at < day.end:
        yield at, day.end


# -- the page --------------------------------------------------------------------------------------------------------
def facts(told: Story) -> str:
    """What a file says of its numbers: the paragraph at its head, its remarks, and the graded lines as a table."""
    page = f"\n{flat(told.head)}\n" + "".join(f"\n{flat(remark)}\n" for remark in told.remarks)
    if told.facts:
        rows = [(code(fact.line), fact.grade, flat(fact.says)) for fact in told.facts]
        page += table(("in the file", "grade", "its comment"), rows)
    return page


def _figures(name: str) -> str:
    halls = halls_of(name)
    counters = sum(len(scenario.counters) for scenario, _ in halls)
    lines = sum(len(scenario.lines) for scenario, _ in halls)
    devices = sum(len(scenario.placed) for scenario, _ in halls)
    first = halls[0][0]
    several = f"{len(halls)} halls, " if len(halls) > 1 else ""
    told = f"{several}{counters:,} counters, {lines:,} lines, {devices:,} devices"
    return f"{told}; {first.date.isoformat()}, {first.timezone}."


def _title(name: str) -> str:
    from bench.scenario.load import load
    from bench.scenario.province import is_province, load_province

    return load_province(name).title if is_province(name) else load(name).title


def _beneath(name: str) -> Iterator[tuple[str, str]]:
    """(file, text) of the halls that ship for one province alone."""
    from bench.scenario.province import is_province, load_province

    if not is_province(name):
        return
    for given in dict.fromkeys(hall.given for hall in load_province(name).halls if hall.given.endswith(".toml")):
        yield given, files("scenarios.provinces").joinpath(given).read_text(encoding="utf-8")


def shipped() -> str:
    """The page: a section for each shipped hall and province."""
    page = "# Scenarios that ship\n\nHalls after press reports on Vietnamese one-stop offices, and one recorded day of"
    page += " a hall in Warsaw. Each number in a file has a grade in its comment: "
    page += ", ".join(f"*{grade}* ({meaning})" for grade, meaning in _GRADES.items())
    page += (
        ". [The keys of a file](scenario.md).\n\nIn the pictures: tickets and calls of each half-hour, below them how"
    )
    page += f" many wait; grey, the hall is shut. They show the day of seed {SEED} as `hallbench plan` plays it, with"
    page += " the delays of people and devices and without faults.\n"
    page += table(("name", "what it is"), [(f"[{code(n)}](#shipped-{_ident(n)})", flat(_title(n))) for n in NAMES])
    for name in NAMES:
        page += heading(2, code(name), f"shipped-{_ident(name)}") + f"\n**{flat(_title(name))}.** {_figures(name)}\n"
        page += f"\n![Tickets, calls and visitors waiting over the day of {name}](../../images/scenarios/{name}.png)\n"
        page += facts(story(source(name)))
        for file, text in _beneath(name):
            page += heading(3, code(file)) + facts(story(text))
        page += fenced(f"$ {_command(name)}", "console")
    return page


def _command(name: str) -> str:
    from bench.scenario.province import is_province

    return f"hallbench plan {name}" if is_province(name) else f"hallbench day {name}"


def _ident(name: str) -> str:
    return name.replace("_", "-")


def main() -> None:
    """Draw all pictures anew; those of halls that no longer ship go."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for old in PICTURES.glob("*.png"):
        if old.stem not in NAMES:
            old.unlink()
    for name in NAMES:
        path = PICTURES / f"{name}.png"
        path.write_bytes(picture(name))
        print(f"written: {path.relative_to(ROOT)}, {path.stat().st_size:,} bytes")  # noqa: T201 - a tool


if __name__ == "__main__":
    main()

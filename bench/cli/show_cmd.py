"""`hallbench show`: the running bench at a glance, or one device of it as people see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from bench.cli import console
from bench.cli.bench_option import ask, bench_option
from bench.control.client import device_path
from bench.reports.wording import printable


@click.command
@click.argument("device", required=False)
@bench_option
@click.option("--registers", is_flag=True, help="Its registers by name, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the state as JSON.")
def command(device: str | None, which: str, registers: bool, as_json: bool) -> None:
    """Show the running bench, or DEVICE as people see it: digits, rows of a board, tickets, lamps, queue."""
    with ask(which) as client:
        if device is not None:
            told = client.get(device_path(device))
        else:
            told = {**client.get("/v1/hall"), **client.get("/v1/devices"), "figures": client.get("/v1/figures")}
    if as_json:
        console.emit_json(told)
        return
    for line in _device(told, registers) if device is not None else _hall(told):
        console.out(line)


def _hall(told: Mapping[str, Any]) -> Iterator[str]:
    clock, figures = told["clock"], told["figures"]
    yield printable(f"{told['title']}  (bench {told['name']}, process {told['pid']})")
    yield printable(f"{clock['date']} {clock['time']}  {'' if clock['running'] else 'stands, '}{clock['speed']:g}x")
    visitors, ratings = figures["visitors"], figures["ratings"]
    absent = (("online", "online"), ("missed_appointments", "missed appointments"))
    away = "".join(f"{visitors[name]} {words}, " for name, words in absent if visitors.get(name))
    yield (
        f"{visitors['waiting']} waiting, {visitors['served']} served, {away}{figures['calls']} calls, "
        f"{ratings['pressed']} ratings pressed, {ratings['acknowledged']} fetched; "
        f"faults {figures['faults']['live']} live, {figures['faults']['hits']} hits"
    )
    yield ""
    rows = [
        (
            line["name"],
            (line["port"] or {}).get("path") or (line["port"] or {}).get("url") or f"({line['owner']})",
            line["settings"],
            f"{line['utilisation']:.0%}",
            f"{line['frames_per_s']:g}",
        )
        for line in told["lines"]
    ]
    yield from _table(rows, ("line", "port", "settings", "load", "frames/s"), (3, 4))
    yield ""
    yield from _table(
        [
            (one["name"], one["kind"], one["line"], "on" if one["powered"] else "OFF", _glance(one))
            for one in told["devices"]
        ],
        ("device", "kind", "line", "power", "shows"),
    )


def _table(rows: list[tuple[Any, ...]], headers: tuple[str, ...], right: tuple[int, ...] = ()) -> list[str]:
    return console.table([[printable(str(cell)) for cell in row] for row in rows], headers=headers, right=right)


def _lamps(lamps: list[bool]) -> str:
    return " ".join("●" if lit else "○" for lit in lamps)


_HANDS = (("case_open", "case open"), ("supply_low", "supply low"), ("feed_held", "feed button held"))
"""What hands have done, by the field of the state in which it is seen."""


def _glance(one: Mapping[str, Any]) -> str:
    """A device in a few words."""
    words = []
    if "shows" in one:
        words.append(" | ".join(row for row in one["shows"]["rows"] if row) or "(dark)")
    if "lamp_colour" in one:
        words.append(f"lamp {one['lamp_colour']}")
    if "lamps" in one:
        words.append(_lamps(one["lamps"]))
    if "queue" in one:
        words.append(f"queue {one['queue']['waiting']}")
    elif "waiting" in one:
        words.append(f"queue {one['waiting']}")
    if one.get("window"):
        words.append(f"rating open {one['window']['left_s']:.0f} s")
    if "paper" in one:
        words.append(f"paper {one['paper']['left_mm'] / 1000:.1f} m{', cover open' if one['cover_open'] else ''}")
    if "voice" in one:
        words.append(f"“{one['voice']['text']}”" if one["voice"]["text"] else "silent")
    words += [said for field, said in _HANDS if one.get(field)]
    return "  ".join(words)


def _device(told: Mapping[str, Any], registers: bool) -> Iterator[str]:
    where = f"unit {told['unit']}, " if told["unit"] is not None else ""
    yield printable(f"{told['name']}: {told['kind']} ({told['protocol']}, {where}line {told['line']})")
    if not told["powered"]:
        yield "no power"
    yield from (words for field, words in _HANDS if told.get(field))
    if "shows" in told:
        art = told["shows"].get("art")
        yield from art or _framed(told["shows"]["rows"])
        if "pixels" in told["shows"]:
            yield from _dots(told["shows"]["pixels"])
    if "lamps" in told:
        yield f"lamps {_lamps(told['lamps'])}{'  buzzer sounds' if told['sounding'] else ''}"
    if "queue" in told:
        queue = told["queue"]
        yield f"queue {queue['waiting']} of {queue['depth']}, {queue['lost']} lost, epoch {queue['epoch']}"
        for event in queue["events"]:
            yield f"  {event['epoch']}:{event['seq']:04X}  value {event['value']}  clerk {event['clerk']}"
    if told.get("window"):
        yield f"rating window open for ticket {told['window']['ticket']}, {told['window']['left_s']:.1f} s left"
    if "paper" in told:
        paper = told["paper"]
        alarms = [name for name in ("near_end", "end", "jam") if paper[name]]
        alarms += [name for name in ("cover_open", "offline", "cutter_error", "head_hot") if told[name]]
        yield f"paper {paper['left_mm'] / 1000:.2f} m  {', '.join(alarms) or 'ready'}"
        for sheet in told["tickets"][-1:]:
            yield from _framed(sheet["lines"])
    if "voice" in told:
        voice = told["voice"]
        yield printable(f"{voice['doing']}  “{voice['text']}”  {voice['left_s']:.1f} s left")
    for name, value in told.get("state", {}).items():
        yield printable(f"{name} = {value}")
    if registers:
        yield from _table(
            [
                (row["table"], f"0x{row['address']:04X}", row["name"], "-" if row["value"] is None else row["value"])
                for row in told["registers"]
            ],
            ("table", "address", "name", "value"),
        )
    for event in told["events"][-5:]:
        facts = " ".join(f"{name}={value}" for name, value in event["facts"].items())
        yield printable(f"{event['time']}  {event['what']}  {facts}"[:160])
    yield printable(f"hands: {', '.join(told['actions'])}")


def _framed(rows: list[str]) -> Iterator[str]:
    """Text as on a board or paper, in a frame."""
    shown = [printable(row) for row in rows]
    wide = max(map(console.width, shown), default=0)
    yield f"┌{'─' * (wide + 2)}┐"
    for row in shown:
        yield f"│ {row}{' ' * (wide - console.width(row))} │"
    yield f"└{'─' * (wide + 2)}┘"


def _dots(pixels: list[str]) -> Iterator[str]:
    """Rows of dots two by two in half blocks."""
    for at in range(0, len(pixels), 2):
        upper = pixels[at]
        lower = pixels[at + 1] if at + 1 < len(pixels) else "0" * len(upper)
        yield "".join(" ▄▀█"[2 * (up != "0") + (low != "0")] for up, low in zip(upper, lower, strict=True)).rstrip()

"""`hallbench scenarios`: what ships, and what is in one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bench.cli.console import emit_json, out, say, table
from bench.cli.exit_codes import ExitCode
from bench.daytime import clock_text
from bench.reports.wording import count, printable

if TYPE_CHECKING:
    from bench.scenario.devices import DeviceSpec
    from bench.scenario.model import LineSpec, Scenario


@click.command()
@click.argument("name", metavar="[NAME|FILE]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(ctx: click.Context, name: str | None, as_json: bool) -> None:
    """Show the shipped scenarios, or one in detail: a shipped name, or a file of your own.

    A scenario that is not right is told with every mistake and its place; then the exit code is 3.
    """
    ctx.exit(_all(as_json) if name is None else _one(name, as_json))


def _all(as_json: bool) -> ExitCode:
    from bench.scenario.load import ScenarioError, available, load

    rows, broken = [], []
    for name in available():
        try:
            rows.append(summary(load(name)))
        except ScenarioError as error:
            broken.append(name)
            say(printable(str(error), keep="\n\t"))
    if as_json:
        emit_json({"scenarios": rows, "provinces": provinces(), "broken": broken})
    else:
        headers = ("name", "counters", "lines", "devices", "visitors", "title")
        cells = [
            (
                row["name"],
                row["counters"],
                row["lines"],
                row["devices"],
                f"{row['visitors']:,}" + (" recorded" if row["recorded"] else ""),
                printable(row["title"]),
            )
            for row in rows
        ]
        for line in table(cells, headers=headers, right=(1, 2, 3)):
            out(line)
        out()
        for line in table(
            [(p["name"], p["halls"], p["title"]) for p in provinces()],
            headers=("province", "halls", "title"),
            right=(1,),
        ):
            out(line)
        out("\nMore on a hall: hallbench scenarios NAME. To run it: hallbench day NAME; a province: up NAME, plan NAME")
    return ExitCode.INVALID_FILE if broken else ExitCode.GOOD


def provinces() -> list[dict[str, Any]]:
    """The shipped provinces: `{"name", "title", "halls"}` of each, `halls` their number."""
    from bench.scenario.province import available, load_province

    loaded = [load_province(name) for name in available()]
    return [{"name": p.name, "title": p.title, "halls": len(p.halls)} for p in loaded]


def _one(name: str, as_json: bool) -> ExitCode:
    from bench.scenario.load import ScenarioError, load

    try:
        scenario = load(name)
    except ScenarioError as error:
        say(printable(str(error), keep="\n\t"))
        return ExitCode.INVALID_FILE
    facts = detail(scenario)
    if as_json:
        emit_json(facts)
    else:
        _print(facts)
    return ExitCode.GOOD


def summary(scenario: Scenario) -> dict[str, Any]:
    """One row of the list."""
    recorded = bool(scenario.log)
    return {
        "name": scenario.name,
        "title": scenario.title,
        "date": scenario.date.isoformat(),
        "timezone": scenario.timezone,
        "counters": len(scenario.counters),
        "lines": len(scenario.lines),
        "devices": len(scenario.placed),
        "visitors": len(scenario.log) if recorded else round(scenario.arrivals.visitors or 0),
        "recorded": recorded,
    }


def detail(scenario: Scenario) -> dict[str, Any]:
    """All that a reader of a scenario asks for, as one JSON-able object."""
    return {
        **summary(scenario),
        "sha256": scenario.sha256,
        "hours": [str(span) for span in scenario.hours.open],
        "after_closing": scenario.hours.after_closing,
        "ratings": scenario.ratings,
        "rating_share": scenario.rating_share,
        "must_exercise": list(scenario.must_exercise),
        "errands": [
            {"name": errand.name, "letter": errand.letter, **({"then": errand.then.errand} if errand.then else {})}
            for errand in scenario.errands
        ],
        "people": _people(scenario),
        "counter": [
            {
                "number": counter.number,
                "clerk": counter.clerk,
                "errands": list(counter.errands),
                "breaks": [str(span) for span in counter.breaks],
                "shifts": [str(span) for span in counter.shifts],
                "speed": counter.speed,
            }
            for counter in scenario.counters
        ],
        "line": [_line(line) for line in scenario.lines],
        "start": clock_text(scenario.start),
        "horizon": clock_text(scenario.horizon),
    }


def _people(scenario: Scenario) -> dict[str, Any]:
    """What the scenario says of its people; nothing that is not set."""
    told = {
        "visitor_class": [found.model_dump(mode="json") for found in scenario.visitor_classes],
        "online_share": scenario.arrivals.online_share,
        "greeter": scenario.greeter and scenario.greeter.model_dump(mode="json"),
        "patience": scenario.patience and scenario.patience.model_dump(mode="json"),
        "appointments": [
            {"errand": errand.name, **errand.appointments.model_dump(mode="json")}
            for errand in scenario.errands
            if errand.appointments is not None
        ],
    }
    return {name: value for name, value in told.items() if value}


def _sentences(people: dict[str, Any]) -> list[tuple[str, str]]:
    """The same as rows of the list of facts."""
    rows = []
    for kind in people.get("visitor_class", ()):
        told = f"{kind['share']:.0%} {printable(kind['name'])}, service times {kind['service_factor']:g}"
        rows.append(("class", told + (f", priority +{kind['priority']}" if kind["priority"] else "")))
    for found in people.get("appointments", ()):
        when = f"every {found['every_minutes']:g} min in {', '.join(found['spans'])}"
        told = f"{printable(found['errand'])}: {found['places']} {when}, {found['booked']:.0%} booked"
        rows.append(("appointments", told + (f", {found['missed']:.0%} of them missed" if found["missed"] else "")))
    if "online_share" in people:
        rows.append(("online", f"{people['online_share']:.0%} of the visitors stay at home"))
    if "greeter" in people:
        rows.append(("greeter", f"diverts {people['greeter']['share']:.0%} before they take a ticket"))
    patience = people.get("patience")
    if patience:
        parts = []
        if patience["minutes"]:
            share, median = patience["share"], patience["minutes"]["median"]
            parts.append(f"{share:.0%} give up, half of them after {median:g} min")
        if patience["observed"]:
            parts.append(f"{patience['share']:.0%} give up, as in {len(patience['observed'])} observed times")
        if patience["queue"]:
            parts.append(f"half leave when more than {patience['queue']['median']:g} wait before")
        if patience["no_show"]:
            parts.append(f"{patience['no_show']:.0%} do not come when called")
        rows.append(("patience", "; ".join(parts)))
    return rows


def _line(line: LineSpec) -> dict[str, Any]:
    return {
        "name": line.name,
        "owner": line.owner,
        "settings": line.settings,
        "duplex": line.duplex,
        "path": line.path,
        "devices": [_device(device) for device in line.devices],
    }


def _device(device: DeviceSpec) -> dict[str, Any]:
    """The device as the file has it, name, kind and unit first; nothing that is not set."""
    facts = {"name": device.name, "kind": device.kind, **device.model_dump(mode="json")}
    return {name: value for name, value in facts.items() if value not in (None, (), [], "")}


_OWNER = {"collector": "the program under test", "house": "the house controller"}


def _print(facts: dict[str, Any]) -> None:
    out(f"{facts['name']}: {printable(facts['title'])}\n")
    visitors = count(facts["visitors"], "visitor")
    told = [
        ("date", f"{facts['date']}, {facts['timezone']}"),
        ("hours", f"{', '.join(facts['hours'])}, then {facts['after_closing'].replace('_', ' ')}"),
        ("played", f"{facts['start']} to {facts['horizon']} at the latest"),
        ("visitors", f"{visitors}, a recorded log" if facts["recorded"] else f"{visitors} on average"),
        ("ratings", f"{facts['ratings']}, by {facts['rating_share']:.0%} of the visitors"),
        ("must exercise", ", ".join(facts["must_exercise"])),
        ("errands", ", ".join(map(_errand, facts["errands"]))),
        *_sentences(facts["people"]),
    ]
    for line in table(told):
        out(f"  {line}")
    out("\nCounters\n")
    rows = [
        (row["number"], row["clerk"], printable(", ".join(row["errands"])), _times(row)) for row in facts["counter"]
    ]
    for line in table(rows, headers=("no", "clerk", "errands", "breaks"), right=(0,)):
        out(f"  {line}")
    for wire in facts["line"]:
        path = f", known as {printable(wire['path'])}" if wire["path"] else ""
        owner = _OWNER[wire["owner"]]
        out(f"\nLine {wire['name']}: {wire['settings']}, {wire['duplex']} duplex, run by {owner}{path}\n")
        devices = [
            (
                device["name"],
                device["kind"],
                device.get("unit", ""),
                device.get("counter", ""),
                printable(_rest(device)),
            )
            for device in wire["devices"]
        ]
        for line in table(devices, headers=("device", "kind", "unit", "counter", ""), right=(2, 3)):
            out(f"  {line}")


def _errand(errand: dict[str, str]) -> str:
    then = f", then {printable(errand['then'])}" if "then" in errand else ""
    return f"{errand['letter']} {printable(errand['name'])}{then}"


def _times(row: dict[str, Any]) -> str:
    """Breaks, and what else is not as at every counter."""
    parts = [*row["breaks"]]
    if row["shifts"]:
        parts.append(f"only {', '.join(row['shifts'])}")
    if row["speed"] != 1:
        parts.append(f"speed {row['speed']:g}")
    return ", ".join(parts)


def _rest(device: dict[str, Any]) -> str:
    known = {"name", "kind", "unit", "counter"}
    return ", ".join(
        f"{name} {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in device.items()
        if name not in known
    )

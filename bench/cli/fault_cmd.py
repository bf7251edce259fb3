"""`hallbench fault`: let things go wrong in the running bench, see what they hit, and end them."""

from __future__ import annotations

import json
from typing import Any, Final

import click

from bench.cli import console
from bench.cli.bench_option import ask, bench_option
from bench.reports.wording import printable

_TEXTS: Final = frozenset({"line", "device", "where", "phase", "at", "after", "before"})
_TRIGGER: Final = _TEXTS | {"unit", "function", "address", "nth", "count", "rate", "for_s", "optional"}


@click.group
def command() -> None:
    """Faults in the running bench: add, list, clear.

    \b
        hallbench fault add bit_flip line=keypads where=reply nth=3
        hallbench fault list
        hallbench fault clear
    """  # noqa: D301  # click wants the character itself


@command.command("add")
@click.argument("kind")
@click.argument("settings", nargs=-1)
@bench_option
@click.option("--json", "as_json", is_flag=True, help="Print the fault as JSON.")
def add(kind: str, settings: tuple[str, ...], which: str, as_json: bool) -> None:
    """Inject a fault of type KIND; SETTINGS are NAME=VALUE: when and where it strikes, and its own parameters."""
    body: dict[str, Any] = {"type": kind}
    attrs: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{printable(setting)!r} is no NAME=VALUE, for example line=keypads")
        (body if name in _TRIGGER else attrs)[name] = text if name in _TEXTS else _value(text)
    if attrs:
        body["attrs"] = attrs
    with ask(which) as client:
        told = client.post("/v1/faults", body)
    if as_json:
        console.emit_json(told)
    else:
        console.out(printable(f"{told['id']}: {told['does']} ({told['asked'] or 'now'}); {told['hits']} hits so far"))


def _value(text: str) -> Any:
    """A number or a truth value as such; anything else is text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if isinstance(value, float) and not abs(value) < float("inf"):
        return text
    return value if isinstance(value, (bool, int, float)) else text


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Every type of fault that there is.")
@bench_option
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def show(everything: bool, which: str, as_json: bool) -> None:
    """List the faults of the running bench, and what they have hit."""
    with ask(which) as client:
        told = client.get("/v1/faults/catalogue" if everything else "/v1/faults")
    if as_json:
        console.emit_json(told)
        return
    rows: list[tuple[Any, ...]]
    if everything:
        rows = [(row["id"], row["type"], row["does"]) for row in told["catalogue"]]
        headers: tuple[str, ...] = ("id", "type", "does")
    else:
        rows = [
            (
                row["id"],
                "live" if row["live"] else "over",
                row["line"] or row["device"] or "",
                str(row["hits"]),
                row["last_hits"][-1]["told"] if row["last_hits"] else row["why"],
            )
            for row in told["faults"]
        ]
        headers = ("fault", "state", "on", "hits", "last")
    if not rows:
        console.out("No faults.")
        return
    for line in console.table([[printable(str(cell)) for cell in row] for row in rows], headers=headers):
        console.out(line)


@command.command("clear")
@click.argument("fault_id", required=False)
@bench_option
@click.option("--json", "as_json", is_flag=True, help="Print what ended as JSON.")
def clear(fault_id: str | None, which: str, as_json: bool) -> None:
    """End one fault, or all: they strike no more, and what they hold up goes on."""
    from urllib.parse import quote

    with ask(which) as client:
        if fault_id:
            told = client.delete(f"/v1/faults/{quote(fault_id, safe='')}")
        else:
            told = client.post("/v1/faults/reset")
    if as_json:
        console.emit_json(told)
    elif fault_id:
        console.out(printable(f"{told['id']} has ended after {told['hits']} hits."))
    else:
        console.out(f"{told['ended']} faults ended.")

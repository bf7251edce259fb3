"""A fault in words: for `hallbench explain N07`, and for the table of docs/faults.md."""

from __future__ import annotations

from bench.faults.catalogue import CATALOGUE, Row

__all__ = ["explained", "table"]

_LAYERS = {
    "line": "on the line: port and devices hear the same",
    "device": "in a device",
    "host": "at the collector's end, or in the machine it runs on",
}


def explained(row: Row) -> str:
    """Everything that is known of one fault."""
    lines = [f"{row.id}  {row.name}", "", f"  {row.does[0].upper()}{row.does[1:]}.", ""]
    lines.append(f"  where       {_LAYERS[row.layer]}")
    lines.append(f"  hits        {_HITS.get(row.where, f'{row.where} frames')}")
    if row.for_s:
        lines.append(f"  lasts       {row.for_s:g} s unless for_s says otherwise")
    if row.kinds:
        lines.append(f"  for         {', '.join(row.kinds)}")
    needs = [*(["Modbus RTU frames"] if row.modbus else []), *(["an RS-485 bus"] if row.half else [])]
    if needs:
        lines.append(f"  needs       {', '.join(needs)}")
    lines.append(f"  real port   {row.port}")
    lines.append(f"  stresses    {', '.join(row.stresses)}")
    if row.params:
        lines += ["", "  Parameters"]
        width = max(len(param.name) for param in row.params)
        for param in row.params:
            default = "needed" if param.needed else "drawn or none" if param.default is None else f"{param.default}"
            lines.append(f"    {param.name:<{width}}  {param.told} ({param.allowed}; default {default})")
    lines += ["", "  In a scenario", *(f"    {line}" for line in example(row).splitlines())]
    return "\n".join(lines)


_HITS = {
    "": "nothing it waits for: it happens at a time (`at`), or at a phase of an exchange",
    "any": "every frame of its line while it lasts",
    "reply": 'replies (where = "request" or "any" changes that)',
    "request": 'requests (where = "reply" or "any" changes that)',
}


def example(row: Row) -> str:
    """A `[[fault]]` table with this fault."""
    given: dict[str, str] = {"name": f'"{row.name}"'}
    if row.layer == "device" and not row.where:
        given["device"] = '"printer-1"' if "ticket_printer" in row.kinds else '"keypad-1"'
        given["at"] = '"10:41"'
    elif row.where:
        given |= {"line": '"keypads"', "after": '"10:40"', "nth": "3"}
    elif row.name in ("pause", "sink_failure", "clock_jump"):
        given["at"] = '"10:41"'
    else:
        given |= {"line": '"keypads"', "at": '"10:41"'}
    for param in row.params:
        if param.needed:
            given[param.name] = {"device": '"keypad-2"', "line": '"hall"'}.get(param.kind, "60")
    return "\n".join(["[[fault]]", *(f"{key} = {value}" for key, value in given.items())])


def table() -> str:
    """The catalogue as a Markdown table."""
    heads = ("id", "name", "what it does", "parameters", "on a real port", "for")
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    for row in CATALOGUE.values():
        params = ", ".join(f"`{p.name}`{'' if p.default is None else f' = {p.default}'}" for p in row.params) or "-"
        lines.append(f"| {row.id} | `{row.name}` | {row.does} | {params} | {row.port} | {' '.join(row.stresses)} |")
    return "\n".join(lines)

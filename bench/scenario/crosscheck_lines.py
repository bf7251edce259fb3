"""What lines and devices say about each other and about the counters (see `bench.scenario.crosscheck`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from bench.scenario.draft import Draft, DraftDevice, Finding, did_you_mean, text, texts, whole
from bench.scenario.fill import BY_COUNTER, BY_ORDER, MAX_KEYS

KINDS = (*BY_COUNTER, *BY_ORDER)
"""All kinds of devices."""

HOUSE_KINDS = tuple(kind for kind in KINDS if kind != "rating_keypad")
"""Kinds that only the house controller can drive: the flow of tickets and calls is its own."""

NEEDS_KEYPAD = ("loss", "duplication", "attribution", "phantom", "order", "lateness")
"""Invariants that say something about ratings."""


def _lines(draft: Draft) -> Iterator[Finding]:
    names: set[str] = set()
    paths: dict[str, str] = {}
    for index, line in draft.lines:
        name, path = text(line, "name"), text(line, "path")
        if name and name in names:
            yield Finding(("line", index, "name"), f'there are two lines "{name}"')
        if path and path in paths:
            yield Finding(("line", index, "path"), f'"{path}" is already the path of line "{paths[path]}"')
        names.add(name)
        paths.setdefault(path, name)


def _line_settings(draft: Draft) -> Iterator[Finding]:
    for index, line in draft.lines:
        full = line.get("duplex", "half") == "full"
        if line.get("xonxoff") is True and not full:
            told = 'XON/XOFF needs duplex = "full": on an RS-485 bus nobody can speak while another sends'
            yield Finding(("line", index, "xonxoff"), told)
        if line.get("echo") is True and full:
            told = 'only an RS-485 adapter (duplex = "half") hears its own characters'
            yield Finding(("line", index, "echo"), told)


def _line_devices(draft: Draft) -> Iterator[Finding]:
    for index, line in draft.lines:
        name = text(line, "name")
        mine = [device for device in draft.devices if device.path[1] == index]
        full = line.get("duplex", "half") == "full"
        if full:
            for device in mine[1:]:
                yield Finding(device.path, f'line "{name}" is an RS-232 link (duplex = "full"): it has one device only')
        else:
            for device in mine:
                if device.kind == "ticket_printer":
                    told = f'{device.shown}: a ticket printer stands alone on an RS-232 line (duplex = "full")'
                    yield Finding(device.path, told)
        modbus = [device for device in mine if device.kind in KINDS and device.kind != "ticket_printer"]
        settings = text(line, "settings").split()
        if modbus and len(settings) == 2 and settings[1].startswith("7"):
            told = f'line "{name}" carries Modbus RTU, which needs 8 data bits'
            yield Finding(("line", index, "settings"), told)
        yield from _units(name, modbus)


def _units(line: str, devices: list[DraftDevice]) -> Iterator[Finding]:
    units: dict[int, DraftDevice] = {}
    for device in devices:
        unit = whole(device.table, "unit")
        if unit is None:
            continue
        if unit in units:
            told = f'{device.shown}: unit {unit} is already taken on line "{line}" by {units[unit].shown}'
            yield Finding((*device.path, "unit"), told)
        units.setdefault(unit, device)


def _names(draft: Draft) -> Iterator[Finding]:
    seen: set[str] = set()
    for device in draft.devices:
        if device.name and device.name in seen:
            at = (*device.path, "name") if "name" in device.table else device.path
            told = f'there are two devices "{device.name}"'
            yield Finding(at, told, "" if "name" in device.table else "give one of them a `name`")
        seen.add(device.name)


def _owners(draft: Draft) -> Iterator[Finding]:
    for device in draft.of_kind(*HOUSE_KINDS):
        if text(device.line, "owner") == "collector":
            told = f"{device.shown}: only the house controller drives a {device.kind}"
            yield Finding(device.path, told, 'put it on a line with owner = "house"')


def _at_counters(draft: Draft) -> Iterator[Finding]:
    seen: dict[tuple[str, int], DraftDevice] = {}
    for device in draft.of_kind(*BY_COUNTER):
        counter = whole(device.table, "counter")
        if counter is None:
            continue
        here = (*device.path, "counter")
        if draft.all_counters_numbered and counter not in draft.counter_numbers:
            yield Finding(here, f"{device.shown}: there is no counter {counter}")
        elif (device.kind, counter) in seen:
            told = f"{device.shown}: counter {counter} already has {seen[device.kind, counter].shown}"
            yield Finding(here, told)
        seen.setdefault((device.kind, counter), device)


def _counters_equipped(draft: Draft) -> Iterator[Finding]:
    consoles = {whole(device.table, "counter") for device in draft.of_kind("clerk_console")}
    displays = {whole(device.table, "counter") for device in draft.of_kind("counter_display")}
    boards = bool(draft.of_kind("main_board"))
    for index, counter in draft.counters:
        number = whole(counter, "number")
        if number is None or not draft.lines:
            continue
        if number not in consoles:
            told = f"counter {number} has no clerk console: its clerk could call nobody"
            yield Finding(("counter", index, "number"), told)
        if number not in displays and not boards:
            told = f"counter {number} has no display and the hall has no main board: nobody would see a call"
            yield Finding(("counter", index, "number"), told)


def _kiosks(draft: Draft) -> Iterator[Finding]:
    printers = [device.name for device in draft.of_kind("ticket_printer") if device.name]
    used: dict[str, DraftDevice] = {}
    for kiosk in draft.of_kind("kiosk_button"):
        printer, here = text(kiosk.table, "printer"), (*kiosk.path, "printer")
        if printer and printer not in printers:
            yield Finding(
                here, f'{kiosk.shown}: there is no ticket printer "{printer}"', did_you_mean(printer, printers)
            )
        elif printer in used:
            yield Finding(here, f'{kiosk.shown}: "{printer}" already stands in {used[printer].shown}')
        used.setdefault(printer, kiosk)
        if "errands" not in kiosk.table and len(draft.errands) > MAX_KEYS:
            told = (
                f"{kiosk.shown}: {len(draft.errands)} errands do not fit its {MAX_KEYS} keys; give it a list `errands`"
            )
            yield Finding(kiosk.path, told)
        seen: set[str] = set()
        for i, name in texts(kiosk.table, "errands"):
            at = (*kiosk.path, "errands", i)
            if name and draft.all_errands_named and name not in draft.errand_names:
                told = f'{kiosk.shown}: there is no errand "{name}"'
                yield Finding(at, told, did_you_mean(name, draft.errand_names))
            elif name in seen:
                yield Finding(at, f'{kiosk.shown}: "{name}" has a key already')
            seen.add(name)
    for device in draft.of_kind("ticket_printer"):
        if device.name and device.name not in used:
            yield Finding(device.path, f"{device.shown} stands in no kiosk: no kiosk_button names it as its `printer`")


def _offered(draft: Draft) -> Iterator[Finding]:
    kiosks = draft.of_kind("kiosk_button")
    if not kiosks:
        if draft.lines:
            told = "no line has a kiosk_button: nobody could take a ticket"
            yield Finding(("line", 0, "devices"), told)
        return
    if any("errands" not in kiosk.table for kiosk in kiosks):
        return
    offered = {name for kiosk in kiosks for _, name in texts(kiosk.table, "errands")}
    for index, errand in draft.errands:
        name = text(errand, "name")
        if name and name not in offered:
            yield Finding(("errand", index, "name"), f'no kiosk has a key for the errand "{name}"')


def _printers(draft: Draft) -> Iterator[Finding]:
    for device in draft.of_kind("ticket_printer"):
        paper, near = device.table.get("paper_m", 80), device.table.get("near_end_m", 5)
        if isinstance(paper, int | float) and isinstance(near, int | float) and near >= paper:
            at = (*device.path, "near_end_m" if "near_end_m" in device.table else "paper_m")
            yield Finding(
                at, f"{device.shown}: the near-end sensor ({near:g} m) would speak on a full roll ({paper:g} m)"
            )


def _displays(draft: Draft) -> Iterator[Finding]:
    letters = {text(errand, "letter"): text(errand, "name") for _, errand in draft.errands}
    longest = max(letters, key=len, default="")
    for device in draft.of_kind("counter_display"):
        digits = device.table.get("digits", 4)
        if longest and isinstance(digits, int) and digits < len(longest) + 3:
            told = f"{device.shown}: {digits} characters cannot show the ticket {longest}001"
            yield Finding((*device.path, "digits"), told)


def _exercised(draft: Draft) -> Iterator[Finding]:
    if draft.of_kind("rating_keypad"):
        return
    if draft.lines and "must_exercise" not in draft.data:
        told = (
            'no line has a rating_keypad, so say what the day must exercise, e.g. must_exercise = ["tickets", "calls"]'
        )
        yield Finding((), told)
    for index, name in texts(draft.data, "must_exercise"):
        if name in NEEDS_KEYPAD:
            yield Finding(("must_exercise", index), f'"{name}" cannot be exercised: no line has a rating_keypad')


LINE_CHECKS: tuple[Callable[[Draft], Iterable[Finding]], ...] = (
    _lines,
    _line_settings,
    _line_devices,
    _names,
    _owners,
    _at_counters,
    _counters_equipped,
    _kiosks,
    _offered,
    _printers,
    _displays,
    _exercised,
)

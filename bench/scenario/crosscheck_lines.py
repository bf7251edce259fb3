"""What lines and devices say about each other and about the counters (see `bench.scenario.crosscheck`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from bench.scenario.draft import Draft, DraftDevice, Finding, did_you_mean, number, text, texts, whole
from bench.scenario.fill import BY_COUNTER, BY_ORDER, BY_ROLE, MAX_KEYS

KINDS = (*BY_COUNTER, *BY_ORDER)
"""All kinds of devices."""

KEYPADS = ("rating_keypad", "osdp_keypad")
"""Kinds that are rating keypads."""

ALONE = {"ticket_printer": "a ticket printer", "voice_caller": "a voice caller"}
"""Kinds that are alone on an RS-232 line, and how they are called."""

HOUSE_KINDS = tuple(kind for kind in KINDS if kind not in (*KEYPADS, "declared"))
"""Kinds that only the house controller can drive: the flow of tickets and calls is its own."""

NOT_MODBUS = ("ticket_printer", "alpha_board", "voice_caller", "osdp_keypad", "declared")
"""Kinds that speak a protocol of their own on their line."""

DIGITS = {"led485": (3, 4, 5, 6), "ascii": (3, 4, 5, 6), "dm36": (4, 6), "embeddedart": tuple(range(2, 9))}
"""Protocol of a counter display -> digits that there are."""

TEXTS = ("display", "board")
"""Roles of declared devices on which calls can be shown."""

NEEDS_KEYPAD = (
    "loss",
    "silent_loss",
    "duplication",
    "attribution",
    "phantom",
    "order",
    "lateness",
    "ghosts",
    "time",
    "acknowledge",
)
"""Invariants that say something about ratings."""


def _lines(draft: Draft) -> Iterator[Finding]:
    names: set[str] = set()
    paths: dict[str, str] = {}
    variables: dict[str, str] = {}
    for index, line in draft.lines:
        name, path = text(line, "name"), text(line, "path")
        if name and name in names:
            yield Finding(("line", index, "name"), f'there are two lines "{name}"')
        plain = name.replace("-", "_")
        if name and name not in names and plain in variables:
            variable = f"HALLBENCH_PORT_{plain.upper()}"
            told = f'the ports of lines "{variables[plain]}" and "{name}" would stand in one variable, {variable}'
            yield Finding(("line", index, "name"), told)
        variables.setdefault(plain, name)
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
                if device.kind in ALONE:
                    told = f'{device.shown}: {ALONE[device.kind]} stands alone on an RS-232 line (duplex = "full")'
                    yield Finding(device.path, told)
        modbus = [device for device in mine if device.kind in KINDS and device.kind not in NOT_MODBUS]
        settings = text(line, "settings").split()
        if modbus and len(settings) == 2 and settings[1].startswith("7"):
            told = f'line "{name}" carries Modbus RTU, which needs 8 data bits'
            yield Finding(("line", index, "settings"), told)
        for kinds in (_plain(modbus), *_windows(modbus), _of(mine, "osdp_keypad"), _of(mine, "declared")):
            yield from _units(name, kinds)
        yield from _units(name, [device for device in mine if device.kind == "alpha_board"], "address")
        yield from _languages(name, mine)


def _of(devices: list[DraftDevice], kind: str) -> list[DraftDevice]:
    return [device for device in devices if device.kind == kind]


def _plain(devices: list[DraftDevice]) -> list[DraftDevice]:
    """Those that have their bus address for themselves."""
    return [device for device in devices if _spoken(device) != "FF68"]


def _windows(devices: list[DraftDevice]) -> list[list[DraftDevice]]:
    """FF68: the console and the evaluator of a window have one address (protocols.md 3.1); two of a kind have not."""
    found = [device for device in devices if _spoken(device) == "FF68"]
    return [_of(found, kind) for kind in ("clerk_console", "rating_keypad")]


def _languages(line: str, devices: list[DraftDevice]) -> Iterator[Finding]:
    """All devices of a line speak the same: who does not takes the others' characters for its own, or for garbage."""
    first: DraftDevice | None = None
    for device in devices:
        spoken = _spoken(device)
        if not spoken:
            continue
        if first is None:
            first = device
        elif spoken != _spoken(first):
            told = f'{device.shown} speaks {spoken}, but {first.shown} on line "{line}" speaks {_spoken(first)}'
            yield Finding(device.path, told, "give it a line of its own")


def _spoken(device: DraftDevice) -> str:
    if device.kind == "alpha_board":
        return "Alpha"
    if device.kind == "counter_display" and text(device.table, "protocol") == "ascii":
        return "ASCII"
    if device.kind == "osdp_keypad":
        return "OSDP"
    if device.kind == "declared":
        return text(device.table, "protocol")
    if text(device.table, "protocol") == "ff68":
        return "FF68"
    return "Modbus" if device.kind in KINDS and device.kind not in NOT_MODBUS else ""


def _units(line: str, devices: list[DraftDevice], field: str = "unit") -> Iterator[Finding]:
    units: dict[int, DraftDevice] = {}
    for device in devices:
        unit = whole(device.table, field)
        if unit is None:
            continue
        if unit in units:
            told = f'{device.shown}: {field} {unit} is already taken on line "{line}" by {units[unit].shown}'
            yield Finding((*device.path, field), told)
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
    for device in draft.of_kind(*BY_COUNTER, "declared"):
        counter = whole(device.table, "counter")
        if counter is None:
            continue
        here, kind = (*device.path, "counter"), BY_ROLE.get(text(device.table, "role"), device.kind)
        if draft.all_counters_numbered and counter not in draft.counter_numbers:
            yield Finding(here, f"{device.shown}: there is no counter {counter}")
        elif kind != "declared" and (kind, counter) in seen:
            told = f"{device.shown}: counter {counter} already has {seen[kind, counter].shown}"
            yield Finding(here, told)
        seen.setdefault((kind, counter), device)


def _counters_equipped(draft: Draft) -> Iterator[Finding]:
    declared = [d for d in draft.of_kind("declared") if text(d.table, "role") == "clerk-console"]
    consoles = {whole(device.table, "counter") for device in [*draft.of_kind("clerk_console"), *declared]}
    driven = [d for d in draft.of_kind("declared") if _shows(draft, d)]
    hung = [*draft.of_kind("counter_display"), *(d for d in driven if text(d.table, "role") == "display")]
    displays = {whole(device.table, "counter") for device in hung}
    boards = bool(draft.of_kind("main_board", "alpha_board")) or any(text(d.table, "role") == "board" for d in driven)
    dark = next((d for d in draft.of_kind("declared") if _role(d) in TEXTS and d not in driven), None)
    for index, counter in draft.counters:
        number = whole(counter, "number")
        if number is None or not draft.lines:
            continue
        if number not in consoles:
            told = f"counter {number} has no clerk console: its clerk could call nobody"
            yield Finding(("counter", index, "number"), told)
        if number not in displays and not boards:
            told = f"counter {number} has no display and the hall has no main board: nobody would see a call"
            hint = "" if dark is None else f"{dark.shown} does not count: {_why_dark(dark)}"
            yield Finding(("counter", index, "number"), told, hint)


def _role(device: DraftDevice) -> str:
    return text(device.table, "role")


def _shows(draft: Draft, device: DraftDevice) -> bool:
    """Whether the house shows tickets on a declared display or board."""
    here = text(device.line, "owner") != "collector"
    return here and _role(device) in TEXTS and text(device.table, "protocol") in draft.screens


def _why_dark(device: DraftDevice) -> str:
    if text(device.line, "owner") == "collector":
        return 'only the house shows calls; put it on a line with owner = "house"'
    return 'its declaration has no [house] `show` that sends "@text" or "@label"'


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


_PAPER = (("paper_m", 80.0), ("near_end_m", 5.0))


def _printers(draft: Draft) -> Iterator[Finding]:
    for device in draft.of_kind("ticket_printer"):
        paper, near = (number({key: default, **device.table}, key) for key, default in _PAPER)
        if paper is not None and near is not None and near >= paper:
            at = (*device.path, "near_end_m" if "near_end_m" in device.table else "paper_m")
            yield Finding(
                at, f"{device.shown}: the near-end sensor ({near:g} m) would speak on a full roll ({paper:g} m)"
            )


def _displays(draft: Draft) -> Iterator[Finding]:
    letters = {text(errand, "letter"): text(errand, "name") for _, errand in draft.errands}
    longest = max(letters, key=len, default="")
    for device in draft.of_kind("counter_display"):
        digits = device.table.get("digits", 4)
        protocol = text(device.table, "protocol") or "led485"
        if isinstance(digits, int) and digits not in DIGITS.get(protocol, (digits,)) and 2 <= digits <= 8:
            known = ", ".join(map(str, DIGITS[protocol]))
            told = f"{device.shown}: a {protocol} display has {known} digits, not {digits}"
            yield Finding((*device.path, "digits"), told)
        if longest and isinstance(digits, int) and digits < len(longest) + 3:
            told = f"{device.shown}: {digits} characters cannot show the ticket {longest}001"
            yield Finding((*device.path, "digits"), told)
    for device in draft.of_kind("declared"):
        screen = draft.screens.get(text(device.table, "protocol"))
        if screen is not None and longest and _role(device) == "display" and screen.width < len(longest) + 3:
            told = f"{device.shown}: {screen.width} characters cannot show the ticket {longest}001"
            yield Finding((*device.path, "protocol"), told)


def _exercised(draft: Draft) -> Iterator[Finding]:
    if draft.of_kind(*KEYPADS) or any(text(d.table, "role") == "rating-keypad" for d in draft.of_kind("declared")):
        return
    if draft.lines and "must_exercise" not in draft.data:
        told = (
            'no line has a rating_keypad, so say what the day must exercise, e.g. must_exercise = ["tickets", "calls"]'
        )
        yield Finding((), told)
    for index, name in texts(draft.data, "must_exercise"):
        if name in NEEDS_KEYPAD:
            yield Finding(("must_exercise", index), f'"{name}" cannot be exercised: no line has a rating_keypad')


def _declared(draft: Draft) -> Iterator[Finding]:
    """A keypad, console or display by declaration stands at a counter; consoles are the house's."""
    for device in draft.of_kind("declared"):
        role = text(device.table, "role")
        if role in ("rating-keypad", "clerk-console", "display") and whole(device.table, "counter") is None:
            yield Finding(device.path, f"{device.shown} is a {role}: say at which `counter` it stands")
        if role == "clerk-console" and text(device.line, "owner") == "collector":
            told = f"{device.shown}: only the house controller drives a clerk console"
            yield Finding(device.path, told, 'put it on a line with owner = "house"')


def _apart(draft: Draft) -> Iterator[Finding]:
    """Displays and boards by declaration are written to by a master of their own; a voice caller is spoken to alone."""
    written: dict[int, DraftDevice] = {}
    for device in draft.of_kind("declared"):
        first = written.setdefault(device.path[1], device)  # type: ignore[arg-type]
        if first is not device and "voice" in (_role(first), _role(device)):
            told = f'{device.shown}: line "{text(device.line, "name")}" has {first.shown} already'
            yield Finding(device.path, told, "a voice caller has a line of its own")
            continue
        if (_role(first) in TEXTS) != (_role(device) in TEXTS):
            told = f'{device.shown} is a {_role(device)}, but {first.shown} on line "{text(device.line, "name")}" is a'
            yield Finding(device.path, f"{told} {_role(first)}", "give the displays a line of their own")


def _few_keys(draft: Draft) -> Iterator[Finding]:
    """An evaluator has four keys: nobody can press a fifth."""
    short = [device for device in draft.of_kind("rating_keypad") if text(device.table, "protocol") == "ff68"]
    if not short:
        return
    values = draft.data.get("rating_values")
    given = {str(key): weight for key, weight in values.items()} if isinstance(values, dict) else {"5": 1}
    if given.get("5"):
        told = f"{short[0].shown} has four keys, but rating_values has a weight for 5"
        yield Finding(("rating_values",), told, "e.g. rating_values = { 4 = 90, 3 = 6, 2 = 2, 1 = 2 }")
    if text(draft.data, "ratings") == "watermark":
        yield Finding(("ratings",), f'{short[0].shown} has four keys, but a "watermark" needs five')


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
    _declared,
    _apart,
    _few_keys,
)

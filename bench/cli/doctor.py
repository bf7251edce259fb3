"""`hallbench doctor`: can this machine run hallbench, and if not, what to do."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

import click

from bench.cli.console import emit_json, out, table
from bench.cli.exit_codes import ExitCode
from bench.reports.wording import count, printable

Status = Literal["ok", "warn", "fail"]

_COLOUR: Final[Mapping[str, str]] = MappingProxyType({"ok": "green", "warn": "yellow", "fail": "red"})

PYTHON: Final = (3, 11)
"""Oldest Python that is enough."""

MODULE: Final[Mapping[str, str]] = MappingProxyType(
    {"pyserial": "serial", "pillow": "PIL", "time-machine": "time_machine"}
)
"""Distributions whose module is called differently; for others it is the same name."""


class Check(NamedTuple):
    """One finding.

    Args:
        name: what was looked at.
        status: "ok"; "warn": something will be missing; "fail": hallbench cannot work.
        found: what there is.
        advice: what to do; empty when ok.
    """

    name: str
    status: Status
    found: str
    advice: str = ""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Check that this machine can run hallbench.

    Each line is ok, warn (something will be missing) or fail (with what to do). Exits 1 if anything fails.
    """
    found = list(examine())
    failed = [check for check in found if check.status == "fail"]
    warned = [check for check in found if check.status == "warn"]
    if as_json:
        emit_json({"ok": not failed, "checks": [check._asdict() for check in found]})
        ctx.exit(ExitCode.BAD if failed else ExitCode.GOOD)
    rows = [(check.status, check.name, printable(check.found)) for check in found]
    for check, line in zip(found, table(rows), strict=True):
        out(click.style(check.status, fg=_COLOUR[check.status], bold=check.status != "ok") + line[len(check.status) :])
        if check.advice:
            out(f"      {printable(check.advice)}")
    out()
    if failed:
        out(f"{count(len(failed), 'check')} failed: hallbench will not work here before that is mended.")
    elif warned:
        out(f"Ready, with {count(len(warned), 'thing')} missing (see above).")
    else:
        out("Ready.")
    ctx.exit(ExitCode.BAD if failed else ExitCode.GOOD)


def examine() -> Iterator[Check]:
    """All findings, in order; a check that breaks becomes a finding itself."""
    for check in CHECKS:
        try:
            yield from check()
        except Exception as error:
            name = check.__name__.strip("_").replace("_", " ")
            yield Check(name, "fail", f"the check itself broke: {type(error).__name__}: {error}", "report this")


def _python() -> Iterable[Check]:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < PYTHON:
        wanted = ".".join(map(str, PYTHON))
        return [Check("Python", "fail", found, f"install Python {wanted} or newer and hallbench in it")]
    return [Check("Python", "ok", f"{found} at {sys.executable}")]


def _dependencies() -> Iterable[Check]:
    wanted = requirements()
    if not wanted:
        return [Check("dependencies", "fail", "what is needed cannot be found out", "install hallbench with pip")]
    return [_dependency(name, oldest) for name, oldest in wanted]


def requirements() -> list[tuple[str, str]]:
    """What hallbench needs: distribution and oldest version ("" for any), extras left out.

    Taken from the installed distribution; in a source tree from its pyproject.toml.
    """
    import tomllib
    from importlib import metadata

    lines: list[str] = []
    try:
        lines = metadata.requires("hallbench") or []
    except metadata.PackageNotFoundError:
        project = Path(__file__).resolve().parents[2] / "pyproject.toml"
        with contextlib.suppress(OSError, tomllib.TOMLDecodeError, KeyError):
            lines = tomllib.loads(project.read_text("utf-8"))["project"]["dependencies"]
    found = []
    for line in lines:
        wanted, _, marker = line.partition(";")
        name, oldest = re.match(r"[A-Za-z0-9._-]+", wanted), re.search(r">=\s*([0-9.]+)", wanted)
        if name and "extra ==" not in marker:
            found.append((name.group().lower(), oldest.group(1) if oldest else ""))
    return found


def _dependency(name: str, oldest: str) -> Check:
    from importlib import metadata

    label = f"{name} {'>= ' + oldest if oldest else ''}".strip()
    advice = f"pip install '{name}{'>=' + oldest if oldest else ''}'"
    try:
        importlib.import_module(MODULE.get(name, name.replace("-", "_")))
        version = metadata.version(name)
    except ImportError as error:  # PackageNotFoundError is one too
        return Check(label, "fail", f"not installed ({error})", advice)
    except Exception as error:
        return Check(
            label, "fail", f"installed but breaks: {type(error).__name__}: {error}", f"{advice} --force-reinstall"
        )
    if numbers(version) < numbers(oldest):
        return Check(label, "fail", version, advice)
    return Check(label, "ok", version)


def numbers(version: str) -> tuple[int, ...]:
    """The release numbers of a version, without zeros at the end: "2.10.0rc1" -> (2, 10)."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    parts = [int(part) for part in found.group().split(".")] if found else []
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def _working_directory() -> Iterable[Check]:
    here = Path.cwd()
    try:
        with tempfile.TemporaryFile(dir=here):
            pass
    except OSError as error:
        advice = "go to a directory of your own, or give each run --out DIR"
        return [Check("working directory", "fail", f"{here} cannot be written to: {error.strerror}", advice)]
    return [Check("working directory", "ok", f"{here} can be written to")]


def _pseudo_terminals() -> Iterable[Check]:
    if not hasattr(os, "openpty"):
        advice = "wall-clock ports are TCP and RFC 2217 here; days in virtual time need none"
        return [Check("pseudo-terminals", "warn", "this system has none", advice)]
    try:
        for descriptor in os.openpty():
            os.close(descriptor)
    except OSError as error:
        advice = "mount devpts (in a container: start it with a tty), or use TCP ports; virtual time needs none"
        return [Check("pseudo-terminals", "warn", f"none can be opened: {error.strerror}", advice)]
    return [Check("pseudo-terminals", "ok", "can be opened")]


def _wake_ups() -> Iterable[Check]:
    from bench.clock.awake import DEVICE

    if not DEVICE.exists():
        return []
    if os.access(DEVICE, os.W_OK):
        return [Check("wake-ups", "ok", "the machine is kept awake while a program talks in wall time")]
    found = f"{DEVICE} may not be written: in wall time replies come some tenths of a millisecond later"
    return [Check("wake-ups", "ok", found)]


def _scenarios() -> Iterable[Check]:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from bench.scenario.load import ScenarioError, available, load

    names = available()
    zones: dict[str, str] = {}
    broken: list[Check] = []
    for name in names:
        try:
            zones[name] = load(name).timezone
        except ScenarioError as error:
            advice = f"hallbench scenarios {name} tells more; install hallbench again"
            broken.append(Check(f"scenario {name}", "fail", str(error).splitlines()[0], advice))
    missing = []
    for zone in sorted(set(zones.values())):
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, OSError):
            missing.append(zone)
    if missing:
        yield Check("time zones", "fail", f"no data for {', '.join(missing)}", "pip install --force-reinstall tzdata")
    elif zones:
        yield Check("time zones", "ok", ", ".join(sorted(set(zones.values()))))
    yield from broken
    if not names:
        yield Check("scenarios", "fail", "none is there", "install hallbench again")
    elif not broken:
        yield Check("scenarios", "ok", f"{len(names)} ship, all valid")


def _fonts() -> Iterable[Check]:
    from PIL import ImageFont

    folder = Path(__file__).resolve().parents[1] / "reports" / "fonts"
    files = sorted(folder.glob("*.ttf"))
    bad = []
    for file in files:
        try:
            ImageFont.truetype(str(file), 20)
        except OSError as error:
            bad.append(f"{file.name} ({error})")
    if bad or not files:
        found = f"cannot be used: {', '.join(bad)}" if bad else f"none in {folder}"
        yield Check("fonts of tickets", "fail", found, "install hallbench again")
    else:
        yield Check("fonts of tickets", "ok", ", ".join(file.stem for file in files))
    from matplotlib import font_manager

    try:
        font_manager.findfont("DejaVu Sans", fallback_to_default=False)
    except ValueError:
        advice = "pip install --force-reinstall matplotlib"
        yield Check("font of charts", "warn", "DejaVu Sans is missing: some letters may be boxes", advice)
    else:
        yield Check("font of charts", "ok", "DejaVu Sans")


def _terminal() -> Iterable[Check]:
    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    if encoding != "utf8":
        advice = "set PYTHONUTF8=1 (or a UTF-8 locale); letters it lacks are spelled out until then"
        return [Check("terminal", "warn", f"its encoding is {sys.stdout.encoding}", advice)]
    if not sys.stdout.isatty():
        return [Check("terminal", "ok", "output is no terminal: no colours, no progress bar")]
    colour = "without colours (NO_COLOR)" if os.environ.get("NO_COLOR") else "with colours"
    try:
        columns = os.get_terminal_size().columns
    except OSError:
        columns = 80
    if columns < 80:
        return [Check("terminal", "warn", f"{columns} columns", "tables want 80 columns: make the window wider")]
    return [Check("terminal", "ok", f"{columns} columns, UTF-8, {colour}")]


CHECKS: Final[tuple[Callable[[], Iterable[Check]], ...]] = (
    _python,
    _dependencies,
    _working_directory,
    _pseudo_terminals,
    _wake_ups,
    _scenarios,
    _fonts,
    _terminal,
)
"""What is looked at, in the order of the output."""

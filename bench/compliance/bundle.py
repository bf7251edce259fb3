"""The evidence of a compliance run in one zip: results, traffic, declaration, reports, hashes.

    results.ndjson   what was found, with every frame: everything else but the kill matrix can be made again from it
    wire.pcapng      the traffic for Wireshark, without settings
    wire.txt         the traffic as text, one frame a line
    declaration.toml what the device claims, as it was used
    report.html      for people
    junit.xml        for build servers
    results.sarif    for collectors of findings
    kill_matrix.json the suite's own test, when it was run
    acceptance.html  a one-page sheet for tenders, for the RK-1 keypad
    SHA256SUMS       of all of these, as `sha256sum -c` reads it

The same run gives the same bytes: members stand in this order, with one fixed date and no trace of the machine.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.captures.pcapng import PcapngWriter
from bench.compliance import acceptance_sheet, page
from bench.compliance.junit import junit
from bench.compliance.protocols import OVER_MODBUS
from bench.compliance.results import Run, to_ndjson
from bench.compliance.sarif import sarif
from bench.compliance.tally import Book, shipped_book
from bench.reports.wording import printable

if TYPE_CHECKING:
    from bench.compliance.selftest import KillMatrix

__all__ = ["ALWAYS", "FILE", "OPTIONAL", "SUMS", "derived", "members", "pack", "sums_text", "wire_text", "write_bundle"]

FILE: Final = "evidence.zip"
SUMS: Final = "SHA256SUMS"
ALWAYS: Final = (
    "results.ndjson",
    "wire.pcapng",
    "wire.txt",
    "declaration.toml",
    "report.html",
    "junit.xml",
    "results.sarif",
)
"""Members of every bundle, in their order; `SUMS` comes last."""

OPTIONAL: Final = ("kill_matrix.json", "acceptance.html")

_DATE: Final = (1980, 1, 1, 0, 0, 0)  # the earliest that zip knows
_UNIX: Final = 3
_MODE: Final = 0o644 << 16


def write_bundle(run: Run, out: Path, kill_matrix: KillMatrix | Mapping[str, Any] | None = None) -> Path:
    """Write the evidence of a run.

    Args:
        run: what was found.
        out: a path that ends in .zip; or a directory, which gets `evidence.zip` and its members beside it, so that a
            build server finds junit.xml and a person report.html.
        kill_matrix: of the suite's own test, when it was run; or what `hallbench check --self-test --json` prints.

    Returns:
        Path of the zip.

    Raises:
        OSError: it cannot be written.
    """
    inside = members(
        run, kill_matrix if kill_matrix is None or isinstance(kill_matrix, Mapping) else kill_matrix.as_json()
    )
    path = out if out.suffix == ".zip" else out / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    if path is not out:
        for name, data in inside.items():
            _replace(out / name, data)
    _replace(path, pack(inside))
    return path


def _replace(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    partial.replace(path)


def members(run: Run, kill_matrix: Mapping[str, Any] | None = None, book: Book | None = None) -> dict[str, bytes]:
    """Every member of the bundle by name, in the bundle's order, hashes last.

    Args:
        run: what was found.
        kill_matrix: JSON-able, or None.
        book: the requirements; by default those that come with hallbench.
    """
    inside = {"results.ndjson": to_ndjson(run).encode()}
    inside |= derived(run, kill_matrix, book or shipped_book(run))
    if kill_matrix is not None:
        inside["kill_matrix.json"] = (
            json.dumps(kill_matrix, indent=2, sort_keys=True, allow_nan=False) + "\n"
        ).encode()
    ordered: dict[str, bytes] = {name: inside[name] for name in (*ALWAYS, *OPTIONAL) if name in inside}
    return {**ordered, SUMS: sums_text(ordered).encode()}


def derived(run: Run, kill_matrix: Mapping[str, Any] | None, book: Book) -> dict[str, bytes]:
    """The members that follow from the run alone (and the kill matrix, for the page)."""
    texts = {
        "wire.txt": wire_text(run),
        "declaration.toml": run.declaration,
        "report.html": page.render(run, book, kill_matrix),
        "junit.xml": junit(run, book),
        "results.sarif": sarif(run, book),
    }
    if acceptance_sheet.applies(run):
        texts["acceptance.html"] = acceptance_sheet.render(run, book)
    # Lone surrogates cannot be UTF-8; only a declaration could have one, and the results hold it as it was.
    found = {name: text.encode("utf-8", "backslashreplace") for name, text in texts.items()}
    return {**found, "wire.pcapng": _pcapng(run)}


def sums_text(inside: Mapping[str, bytes]) -> str:
    """The text of SHA256SUMS for these members."""
    return "".join(f"{sha256(data).hexdigest()}  {name}\n" for name, data in inside.items())


def pack(inside: Mapping[str, bytes]) -> bytes:
    """A zip of these members in this order, the same bytes each time."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in inside.items():
            info = zipfile.ZipInfo(name, _DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = _UNIX
            info.external_attr = _MODE
            archive.writestr(info, data)
    return out.getvalue()


def wire_text(run: Run) -> str:
    """The traffic as text: case, number of the frame in it, start and end in ms, direction, characters, note."""
    lines = [f"# {run.suite} on {run.target}, {run.line}, seed {run.seed}; ms from the run's beginning"]
    for case in run.cases:
        for number, frame in enumerate(case.frames):
            note = f"  # {frame.note}" if frame.note else ""
            lines.append(
                f"{case.id} {number} {frame.at / 1e6:.6f} {frame.end / 1e6:.6f} {frame.direction:3} "
                f"{frame.data.hex(' ').upper() or '-'}{note}"
            )
    return "".join(f"{printable(line)}\n" for line in lines)


def _pcapng(run: Run) -> bytes:
    """The traffic as pcapng; a step that only listens is no packet."""
    out = io.BytesIO()
    protocol = run.suite.rpartition(".")[0] or run.suite
    writer = PcapngWriter(out, tool=run.tool, comment=f"{run.suite} on {run.target}", epoch_ns=_epoch(run.started))
    modbus = protocol in OVER_MODBUS  # the one protocol of the suites that Wireshark takes apart
    line = writer.add_interface(
        run.target, description=run.line, dissector="mbrtu" if modbus else "data", label="" if modbus else protocol
    )
    for case in run.cases:
        for frame in case.frames:
            if frame.data:
                told = f"{case.id}: {frame.note}" if frame.note else case.id
                writer.packet(line, frame.at, frame.data, inbound=frame.direction == "in", comment=told)
    return out.getvalue()


def _epoch(started: str) -> int:
    """Ns from 1970 to the run's beginning; 0 in simulated time, or when the instant cannot be read."""
    try:
        instant = datetime.fromisoformat(started)
    except ValueError:
        return 0
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    since = instant - datetime(1970, 1, 1, tzinfo=UTC)
    return max((since.days * 86400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000, 0)

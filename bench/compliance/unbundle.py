"""Reads a bundle that anybody may have made: every way in which it is not whole has its own message.

Nothing is unpacked to a disk; sizes are bounded before and while reading, so a small file that would grow without end
is refused. What is read is bytes: what they say is for `bench.compliance.verify`.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from bench.compliance.bundle import ALWAYS, FILE, OPTIONAL, SUMS
from bench.reports.wording import printable

__all__ = ["MEMBER_MAX", "TOTAL_MAX", "Fault", "Opened", "UnreadableBundle", "bundle_at", "open_bundle"]

MEMBER_MAX: Final = 64 << 20
"""Largest member, bytes."""

TOTAL_MAX: Final = 192 << 20
"""Largest sum of members, and largest file, bytes."""

_KNOWN: Final = (*ALWAYS, *OPTIONAL, SUMS)
_SUM: Final = re.compile(r"([0-9a-f]{64})  ([^\n]+)\Z")
_END: Final = struct.Struct(
    "<4s4H2LH"
)  # the record that ends a zip: mark, 4 counts, size and start of the list, comment
_LINK: Final = 0o120000
_TYPE: Final = 0o170000


class Fault(NamedTuple):
    """Something about a bundle that is not as it must be.

    Args:
        kind: one word or two for programs: "changed", "missing", "extra", "duplicate", "unsafe name", ...
        text: one sentence for people.
        whole: the bundle could be read in spite of it, so that what it holds is contradicted rather than unknown.
    """

    kind: str
    text: str
    whole: bool = False


def bundle_at(path: Path) -> Path:
    """The bundle that a person means: the file, or the one in a folder that a run was written to."""
    return path / FILE if path.is_dir() else path


class UnreadableBundle(Exception):
    """The file is no bundle that could be read; `faults` say why."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(fault.text for fault in faults))
        self.faults = faults


class Opened(NamedTuple):
    """A bundle in memory: its members by name, and the faults that did not keep it from being read."""

    members: Mapping[str, bytes]
    faults: tuple[Fault, ...]


def open_bundle(path: Path) -> Opened:
    """Read a bundle.

    Raises:
        UnreadableBundle: it is not whole: not a zip, cut, with members missing, extra, twice, too large or with a name
            that leads elsewhere.
        OSError: the file cannot be read.
    """
    size = path.stat().st_size
    if size > TOTAL_MAX:
        raise UnreadableBundle([Fault("too large", f"the file has {size:,} bytes; a bundle has up to {TOTAL_MAX:,}")])
    data = path.read_bytes()
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError, OSError) as error:
        raise UnreadableBundle([_no_zip(data, error)]) from error
    with archive:
        entries = archive.infolist()
        faults = [*_bad_names(entries), *_bad_entries(entries), *_around(archive, data, entries)]
        if faults:
            raise UnreadableBundle(faults)
        inside = {entry.filename: _read(archive, entry) for entry in entries}
    return Opened(inside, tuple(_sums(inside)))


def _no_zip(data: bytes, error: Exception) -> Fault:
    if data.startswith(b"PK\x03\x04"):
        return Fault(
            "truncated", f"the zip is cut: its list of members, which stands at the end, cannot be read ({error})"
        )
    return Fault(
        "not a bundle", "this is not a zip file; a bundle is the evidence.zip that `hallbench check --out` writes"
    )


def _bad_names(entries: list[zipfile.ZipInfo]) -> Iterator[Fault]:
    seen = Counter(entry.filename for entry in entries)
    for name, times in seen.items():
        shown = printable(name)[:120]
        # orig_filename keeps what follows a NUL, which some programs would read as another name
        if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
            yield Fault("unsafe name", f"a member is called '{shown}', which would lead outside when unpacked")
        elif name not in _KNOWN:
            yield Fault("extra", f"there is a member '{shown}', which does not belong to a bundle")
        if times > 1:
            yield Fault("duplicate", f"{shown} stands there {times} times, and programs differ in which they read")
    for entry in entries:
        if entry.orig_filename != entry.filename:
            yield Fault("unsafe name", f"the name '{printable(entry.orig_filename)[:120]}' can be read in two ways")
    for name in (*ALWAYS, SUMS):
        if name not in seen:
            yield Fault("missing", f"{name} is missing")


def _bad_entries(entries: list[zipfile.ZipInfo]) -> Iterator[Fault]:
    for entry in entries:
        name = printable(entry.filename)[:120]
        if entry.file_size > MEMBER_MAX:
            yield Fault("too large", f"{name} would unpack to {entry.file_size:,} bytes; up to {MEMBER_MAX:,} are read")
        if entry.flag_bits & 1:
            yield Fault("encrypted", f"{name} is encrypted; evidence is for everybody to read")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            yield Fault("unreadable", f"{name} is packed by method {entry.compress_type}; bundles use deflate")
        if (entry.external_attr >> 16) & _TYPE == _LINK:
            yield Fault("unsafe name", f"{name} is a link, not a file")
    total = sum(entry.file_size for entry in entries)
    if total > TOTAL_MAX:
        yield Fault("too large", f"the members would unpack to {total:,} bytes; up to {TOTAL_MAX:,} are read")


def _around(archive: zipfile.ZipFile, data: bytes, entries: list[zipfile.ZipInfo]) -> Iterator[Fault]:
    """Bytes that belong to no member: before the first, after the list, between them, or as a comment."""
    if not data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        yield Fault("extra", "something stands before the zip in the file")
    end = len(data) - _END.size
    mark, *_, size, start, comment = _END.unpack_from(data, end) if end >= 0 else (b"", 0, 0, 0)
    if mark != b"PK\x05\x06" or comment or start + size != end:
        yield Fault("extra", "something stands behind the zip in the file, or the zip has a comment")
    at = 0
    for entry in sorted(entries, key=lambda one: one.header_offset):
        if entry.header_offset != at:
            what = "members overlap" if entry.header_offset < at else "something stands between members"
            yield Fault("extra", f"{what} before {printable(entry.filename)[:120]}")
            return
        at += 30 + len(entry.orig_filename.encode("utf-8", "surrogateescape")) + entry.compress_size
    if at != archive.start_dir:
        yield Fault("extra", "something stands between the last member and the zip's list of members")


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """One member; a claimed size that is too small does not help a bomb, since reading stops there."""
    name = printable(entry.filename)
    try:
        with archive.open(entry) as file:
            data = file.read(MEMBER_MAX + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError, OSError) as error:
        fault = Fault(
            "damaged", f"{name} cannot be unpacked: {printable(str(error))}; the zip is damaged or was changed"
        )
        raise UnreadableBundle([fault]) from error
    if len(data) != entry.file_size:
        fault = Fault("damaged", f"{name} unpacks to {len(data):,} bytes, and the zip says {entry.file_size:,}")
        raise UnreadableBundle([fault])
    return data


def _sums(inside: Mapping[str, bytes]) -> Iterator[Fault]:
    told: dict[str, str] = {}
    for number, line in enumerate(inside[SUMS].decode("utf-8", "replace").splitlines(), 1):
        match = _SUM.match(line)
        if match is None:
            yield Fault("hashes", f"line {number} of {SUMS} is no hash and name", whole=True)
        elif match[2] in told:
            yield Fault("hashes", f"{SUMS} has {printable(match[2])[:120]} twice", whole=True)
        else:
            told[match[2]] = match[1]
    for name, data in inside.items():
        if name == SUMS:
            continue
        if name not in told:
            yield Fault("hashes", f"{SUMS} has no hash of {name}", whole=True)
        elif told[name] != sha256(data).hexdigest():
            yield Fault("changed", f"{name} was changed: its SHA-256 is not the one in {SUMS}", whole=True)
    for name in told.keys() - inside.keys():
        yield Fault("hashes", f"{SUMS} has a hash of {printable(name)[:120]}, which is not there", whole=True)

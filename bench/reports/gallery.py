"""Tickets for the report: the first ones, the last one, and those that a story of the judge speaks of.

Chosen while the history streams by, so that no more than these stay in memory; drawn from the bytes that the printer
printed, by the same renderer as every other picture of a ticket.
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bench.daytime import clock_text
from bench.reports.run_dir import Record
from bench.reports.wording import count
from protocol.escpos.profiles import PROFILES, TM_T88, PrinterProfile

FIRST: Final = 12
IN_STORIES: Final = 24
MOST_BYTES: Final = 1_000_000
"""Pictures beyond this many bytes of PNG are left out: the page is to stay below 2 MB."""

_TICKET: Final = re.compile(r"(?<![A-Z0-9])[A-Z]{1,2}\d{3,5}(?![A-Z0-9])")


class Gallery:
    """Collects printed tickets from a history and draws them.

    Args:
        verdict: the object of verdict.json; tickets named in its stories are kept.
        devices: the devices of the history's header, for the printers' profiles.
    """

    def __init__(self, verdict: Mapping[str, Any], devices: Sequence[Mapping[str, Any]]) -> None:
        stories = [result.get("stories") or () for result in (verdict.get("invariants") or {}).values()]
        self._told = set(_TICKET.findall(json.dumps(stories, ensure_ascii=False)))
        self._profiles = {
            str(device.get("name")): PROFILES.get(str(device.get("profile")), TM_T88) for device in devices
        }
        self._printers = sum(device.get("kind") == "ticket_printer" for device in devices)
        self._kept: list[Record] = []
        self._told_kept = 0
        self._last: Record | None = None
        self._seen = 0

    def see(self, record: Record) -> None:
        """Take a record of the history; all but printed tickets are ignored."""
        if record["k"] != "printed" or record["src"] != "dev":
            return
        self._seen += 1
        self._last = record
        if self._seen <= FIRST:
            self._kept.append(record)
        elif self._told_kept < IN_STORIES and not self._told.isdisjoint(_numbers(record)):
            self._told_kept += 1
            self._kept.append(record)

    def pictures(self) -> tuple[list[dict[str, str]], str]:
        """The chosen tickets drawn, and a sentence that says which they are.

        Returns:
            For each ticket `png` (base64; empty when it cannot be drawn), `alt` (its text) and `caption`.
        """
        chosen = list(self._kept)
        if self._last is not None and (not chosen or chosen[-1] is not self._last):
            chosen.append(self._last)
        pictures: list[dict[str, str]] = []
        size = 0
        for record in chosen:
            lines = [str(line).strip() for line in record.get("lines") or ()]
            png, trouble = self._draw(record)
            size += len(png)
            if size > MOST_BYTES:
                break
            told = not self._told.isdisjoint(_numbers(record))
            caption = [
                ", ".join(_numbers(record)) or "no number",
                clock_text(record["t"], seconds=True),
                str(record.get("device", "?")) if self._printers > 1 else "",
                "in a story" if told else "",
            ]
            pictures.append(
                {
                    "png": base64.b64encode(png).decode("ascii"),
                    "alt": trouble or "\n".join(line for line in lines if line),
                    "caption": " · ".join(part for part in caption if part),
                }
            )
        return pictures, self._sentence(len(pictures))

    def _sentence(self, shown: int) -> str:
        if shown == self._seen:
            return f"All {count(shown, 'ticket')} of the day." if shown > 1 else "The only ticket of the day."
        told = f", {count(self._told_kept, 'ticket')} that a story above speaks of" if self._told_kept else ""
        return f"{shown} of {self._seen:,}: the first {min(FIRST, shown)}{told}, and the last one."

    def _draw(self, record: Record) -> tuple[bytes, str]:
        """A ticket as PNG, or no bytes and what went wrong: a ticket that cannot be drawn must not cost the report."""
        from bench.reports.pictures import ticket

        profile: PrinterProfile = self._profiles.get(str(record.get("device")), TM_T88)
        try:
            image = ticket.draw(bytes.fromhex(str(record.get("data", ""))), profile)
            out = io.BytesIO()
            image.save(out, "PNG", optimize=True)
        except Exception as error:
            return b"", f"This ticket cannot be drawn: {type(error).__name__}: {error}"
        return out.getvalue(), ""


def _numbers(record: Record) -> list[str]:
    """Ticket numbers on the paper."""
    return _TICKET.findall("\n".join(map(str, record.get("lines") or ())))

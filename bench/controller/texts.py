"""Writing to displays and boards: what they show is a state that is kept up, not a message that may be missed.

A counter display speaks the LED-485 map (text at 0x0070), the DM36 map (a register for each character) or, like a main
board, the EmbeddedArt map (row n at n x 1000), all by FC 0x10 (protocols.md 1.4). None can tell that it lost its
supply, so the present text is written again each half minute: a display that came back dark is right again within that
time, and one that does not answer is found down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from bench.controller.conversation import Ask, Conversation, Tell
from firmware_sim.device import NS
from protocol.modbus.maps import words_of
from protocol.modbus.maps.dm36 import DM36
from protocol.modbus.maps.embeddedart import board_map
from protocol.modbus.maps.led485 import LED485
from protocol.modbus.requests import write_registers

REFRESH: Final = 30 * NS
"""Period at which a row is written again."""

BLINK: Final = NS // 2
"""How long a text that is recalled is dark."""

BOARD_WIDTH: Final = 16
"""Characters of a board's row."""

_WRITE_REPLY: Final = 8


class TextConversation(Conversation):
    """A display or board: rows of fixed width.

    Args:
        name: name of the device.
        unit: its address.
        rows: first register of each row.
        width: characters of a row; texts are cut or filled with spaces.
        tell: where notes go.
        pack: characters as registers; by default two in each.

    Attributes:
        width: characters of a row.
    """

    __slots__ = ("_pack", "_row", "_rows", "_texts", "width")

    def __init__(
        self,
        name: str,
        unit: int,
        rows: Sequence[int],
        width: int,
        tell: Tell,
        pack: Callable[[bytes], Sequence[int]] = words_of,
    ) -> None:
        super().__init__(name, unit, REFRESH // len(rows), tell)
        self._rows = tuple(rows)
        self.width = width
        self._pack = pack
        self._texts: list[Ask | None] = [None] * len(rows)
        self._row = 0

    @classmethod
    def display(cls, name: str, unit: int, digits: int, tell: Tell, protocol: str = "led485") -> TextConversation:
        """A counter display with so many characters, by the map that it has: led485, dm36 or embeddedart."""
        if protocol == "dm36":
            return cls(name, unit, (DM36["digit_1"].address,), digits, tell, tuple)  # a register for each character
        if protocol == "embeddedart":
            return cls(name, unit, (board_map(1)["row_1"].address,), digits, tell)
        return cls(name, unit, (LED485["text"].address,), digits, tell)

    @classmethod
    def board(cls, name: str, unit: int, rows: int, tell: Tell) -> TextConversation:
        """A main board with so many rows."""
        registers = board_map(rows)
        return cls(name, unit, [registers[f"row_{row}"].address for row in range(1, rows + 1)], BOARD_WIDTH, tell)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self._rows)

    def show(self, now: int, text: str, row: int = 0, *, blink: bool = False) -> None:
        """Wish that a row shows a text; `blink` darkens it first, so that people look up."""
        ask = self._write(row, text)
        before = self._texts[row]
        if before is not None and before.request == ask.request and not blink:
            return
        self._texts[row] = ask
        self.want(f"row {row}", lambda _now: ask)
        self.poll = self._texts[self._row] or ask
        if self.shy:
            return  # it is tried again when the master thinks it right, with what is to be shown then
        self.due = now + self.period
        if blink:
            # Darkened now; the refresh, which is soon due, brings the text back.
            dark = self._write(row, "")
            del self.pending[f"row {row}"]
            self.want(f"blink {row}", lambda _now: dark, keep=False)
            self._row = row
            self.poll = ask
            self.due = now + BLINK

    def _write(self, row: int, text: str) -> Ask:
        plain = "".join(char if " " <= char <= "~" else "?" for char in text[: self.width])
        data = plain.ljust(self.width).encode("ascii")
        # words_of fills an odd width with NUL, which a display takes for "dark"
        return Ask(write_registers(self.unit, self._rows[row], self._pack(data)), _WRITE_REPLY, "text")

    def told(self, now: int, ask: Ask, values: Sequence[int]) -> Ask | None:
        """A row was written; the next refresh is for the next row."""
        if ask.want is None:
            self._row = (self._row + 1) % len(self._rows)
            self.poll = self._texts[self._row] or ask
        self.idle = False
        return None

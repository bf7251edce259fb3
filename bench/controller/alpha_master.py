"""Writing to an Alpha board: one STRING file for each row, called by one TEXT file, which is never written again.

A STRING changes without a blank (protocols.md 2.2), so a new call moves nothing else. The board is set up once: memory
cleared, configured, TEXT file and run sequence written; a board that still has this configuration is left as it is.
After each write the serial error status is read: every version of the protocol answers it, so a write that was damaged
on the way is found and repeated also on boards without ACK and NAK. Memory keeps without supply, but a row is written
again each half minute all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bench.controller.board_master import Exchange, Talk
from bench.controller.conversation import Tell
from firmware_sim.device import NS, Flaws
from protocol.alpha import codes, write
from protocol.alpha.memory import Entry, string_file, text_file
from protocol.alpha.packet import Command, Receiver, Started, packet, pieces

REFRESH: Final = 30 * NS
CLEARING: Final = 7 * NS
"""A board answers nothing for some five seconds after its memory was cleared [C, measured]."""

PAUSE: Final = NS // 4
"""Between two packets: a real board was measured losing writes at 0.1 s and none at 0.25 s [C]."""

_GAP: Final = codes.STX_PAUSE_NS + 1_000_000
_REPLY: Final = 400
_MOST_REPEATS: Final = 5
_TEXT: Final = "A"
_MARGIN: Final = 64


class AlphaSign(Talk):
    """One board.

    Args:
        name: name of the board.
        address: its serial address, 1 to 255.
        rows: lines of text.
        width: characters of a line.
        tell: where notes go: `configured` {device}, `board_error` {device, status}.
    """

    def __init__(self, name: str, address: int, rows: int, width: int, tell: Tell) -> None:
        super().__init__(name, rows, width, tell)
        self._address = b"%02X" % address
        self._labels = [chr(ord("a") + row) for row in range(rows)]
        self._sent: list[str | None] = [None] * rows
        self._receiver = Receiver(host=True)
        self._is_reply = False
        self._asked = 0  # label of the special function that was asked for
        self._known = False  # its memory is as we want it
        self._setting_up: list[Callable[[], Exchange]] = []
        self._unsure: list[int] = []  # rows that were sent and not confirmed
        self._repeats = 0
        self._row = 0

    @property
    def table(self) -> tuple[Entry, ...]:
        """The memory configuration that it is given."""
        room = min(self.width + 1, codes.SHORT_FILE)
        return (text_file(_TEXT, self.rows * 3 + _MARGIN), *(string_file(label, room) for label in self._labels))

    @property
    def wishing(self) -> bool:
        """Whether something is to be said to it now."""
        return bool(self._setting_up or self._unsure) or (self._known and self._changed() != [])

    def turn(self, now: int) -> Exchange | None:
        """What is said next: set up, confirm, write what has changed, look after it."""
        if self._setting_up:
            return self._setting_up.pop(0)()
        if self._unsure:
            return self._ask(codes.ERROR_STATUS)
        if not self._known:
            return self._ask(codes.MEMORY)
        rows = self._changed()
        if not rows and now >= self.due:
            rows = [self._row]
            self._row = (self._row + 1) % self.rows
        if not rows:
            return None
        self.due = now + REFRESH // self.rows
        for row in rows:
            self._sent[row] = self.texts[row]
        self._unsure = rows
        return self._write(*(write.string(self._labels[row], self.texts[row].encode("ascii")) for row in rows))

    def heard(self, now: int, data: bytes, flaws: Flaws | None) -> bool:
        """Characters of an answer; a damaged one is as good as none."""
        done = False
        for event in self._receiver.feed(data, flaws):
            if isinstance(event, Started):
                self._is_reply = any(target.type == codes.RESPONSE for target in event.targets)
            elif isinstance(event, Command) and self._is_reply and not event.flaws and event.check != "bad":
                done = self._answer(now, event) or done
        return done

    def missed(self, now: int) -> None:
        """No answer: what was written may not have arrived."""
        self._receiver.expire()
        self._forget_unsure()

    def back(self, now: int) -> None:
        """It answers again: look whether it is still set up, and write all rows."""
        self._known = False
        self._sent = [None] * self.rows
        self.due = now

    def _changed(self) -> list[int]:
        return [row for row, text in enumerate(self.texts) if text != self._sent[row]]

    def _forget_unsure(self) -> None:
        for row in self._unsure:
            self._sent[row] = None
        self._unsure = []

    def _ask(self, label: int) -> Exchange:
        self._asked = label
        return self._write((codes.READ_SPECIAL, bytes([label])), reply=_REPLY)

    def _write(self, *commands: tuple[int, bytes], reply: int = 0, pause: int = PAUSE) -> Exchange:
        data = packet(*commands, address=self._address)
        return Exchange(tuple(pieces(data)), _GAP, reply, pause)

    def _answer(self, now: int, command: Command) -> bool:
        if command.code != codes.WRITE_SPECIAL or command.data[:1] != bytes([self._asked]):
            return False
        told = command.data[1:]
        if self._asked == codes.MEMORY:
            self._known = told == b"".join(entry.encode() for entry in self.table)
            self.due = now
            if not self._known:
                self._set_up(now)
        elif told:
            self._confirmed(now, told[0])
        return True

    def _confirmed(self, now: int, status: int) -> None:
        if status == codes.STATUS_ALWAYS:
            self._unsure = []
            self._repeats = 0
            return
        self.tell(now, "board_error", {"device": self.name, "status": f"{status:02X}"})
        self._repeats += 1
        if self._repeats > _MOST_REPEATS:
            self._unsure = []  # it takes this no better the sixth time; the refresh tries again
            self._repeats = 0
        self._forget_unsure()
        self._setting_up.append(lambda: self._write(write.clear_errors()))

    def _set_up(self, now: int) -> None:
        body = b"\r".join(write.call(label) for label in self._labels)
        self._known = True
        self._sent = [None] * self.rows
        self._setting_up = [
            lambda: self._write(write.clear_errors(), write.memory(), pause=CLEARING),
            lambda: self._write(write.memory(self.table)),
            lambda: self._write(write.text(_TEXT, body), write.sequence(_TEXT)),
        ]
        self.tell(now, "configured", {"device": self.name})

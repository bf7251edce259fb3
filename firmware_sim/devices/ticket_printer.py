"""A ticket printer on a full-duplex line: receive buffer, flow control, mechanism in time, paper, status.

It prints as fast as its paper moves, so a job takes real time and a host that sends faster fills the buffer: XOFF at
128 bytes left, XON at 256 free, bytes that find no room are lost (TM-T88III, protocols.md 4.4). Tokens are taken from
the buffer one mechanical action ahead: while a line is being printed the next one is composed, as in the real print
buffer. Real-time commands are obeyed at the character that completes them, whatever else goes on.

Decisions, with their sources. A character with a parity or framing error is stored as "?" (TM-T88 switch 1-1 OFF, the
default [K]; a profile with `flawed_char=b""` ignores it, as with the switch ON). ESC @ leaves the automatic status as
it is (it differs per model). Going off line sends XOFF (switch 2-1 OFF). With DTR/DSR handshake BUSY is a level, and
answers wait while the host's line says "not ready" (protocols.md 4.4 [S]); at most 99 bytes of them (the send buffer,
Epson's programming guide 10.05 p. 469 [S]).

The mechanism and the hands that reach it are in `printer_body`, what is answered in turn in `printer_answers`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import ClassVar

from firmware_sim.device import Alarm, Effect, Flaws, Modem, Note, Send, Stop, Watch
from firmware_sim.devices.printer_answers import answer
from firmware_sim.devices.printer_body import PRESENT, PRINT, Present, PrinterBody
from firmware_sim.devices.receive_buffer import CLEAR, POWER_OFF, ReceiveBuffer
from protocol.escpos import status
from protocol.escpos.composer import Composer
from protocol.escpos.paper import Advance, Cut
from protocol.escpos.profiles import PROFILES, TM_T88, PrinterProfile
from protocol.escpos.tokenizer import Token

__all__ = ["PROFILES", "TM_T88", "PrinterProfile", "TicketPrinter"]

MOST_RECORDED = 256 * 1024
"""Bytes of one sheet that `printed` tells; a longer sheet is told without its end."""

MOST_HELD = 99
"""Bytes of answers that wait for a host that is not ready (the send buffer); more are lost."""

HEAR_EVERY = 64
"""Characters after which an unfinished burst is heard: what could already be printed must not wait for its end."""

REAL_TIME_ONLY = frozenset(("DLE EOT", "DLE ENQ", "DLE DC4"))


class TicketPrinter(PrinterBody):
    """One printer with its roll of paper.

    Args:
        name: as the scenario calls it.
        profile: what kind it is.
        paper_mm: length of the roll in it.
        near_end_mm: from this length on the near-end sensor sees the core.
        handshake: "xonxoff", or "dtr" (the busy state is told by the modem lines alone).

    Notes: `printed` {lines, data, mm} and `cut` {partial} when a sheet is free; `paper` {state, left_mm} when the
    state changes; `cover` {open}; `confirm` {id}; `overrun` {lost}; `cutter` and `jam` {error}; `head` {hot}; `torn`
    {lines, mm}; `fed` {mm}; `power` {on}; `standby`; `not_printed` {why}, once each; `taken`, `presented`, `ejected`
    and `retracted` {tickets}.
    """

    def __init__(
        self,
        name: str,
        profile: PrinterProfile = TM_T88,
        paper_mm: int = 80_000,
        near_end_mm: int = 4_000,
        *,
        handshake: str = "xonxoff",
    ) -> None:
        if handshake not in {"xonxoff", "dtr"}:
            raise ValueError(f"printer {name}: handshake is 'xonxoff' or 'dtr', not {handshake!r}")
        super().__init__(name, profile, paper_mm, near_end_mm)
        self._xonxoff = handshake == "xonxoff"
        self._buffer = ReceiveBuffer(profile.buffer_size)
        self._composer = Composer(profile)
        self._record = bytearray()
        self._records: deque[bytes] = deque()
        self._on_since = 0
        self._selected = True
        self._standby = False
        self._power_off_allowed = False
        self._uncut = False
        self._mask = profile.power_on_mask
        self._full = self._busy_told = False
        self._pending: bytes | None = None
        self._pending_after = 0
        self._pending_line = False
        self._host_ready = True
        self._held_answers = b""
        self._warned = 0
        self._told = self.condition
        self.watch: Watch | None = None
        self._set_watch()

    # -- what can be seen of it -------------------------------------------------------------------------------------
    @property
    def room(self) -> int:
        """Free bytes of the receive buffer."""
        return self._buffer.room

    @property
    def warnings(self) -> tuple[str, ...]:
        """What it was sent and could not print as the real printer would."""
        return tuple(self._composer.warnings)

    def _bytes_of_ticket(self) -> bytes:
        return self._records.popleft() if self._records else b""

    # -- the line ---------------------------------------------------------------------------------------------------
    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        """Characters came from the host."""
        if not self._on or self._standby:
            return ()
        if first < self._on_since:  # it was switched on in the middle of this
            deaf = len(data) if last <= self._on_since else (self._on_since - first) * len(data) // (last - first)
            data, first, flaws = data[deaf:], self._on_since, {i - deaf: f for i, f in (flaws or {}).items()}
        if flaws:
            data = b"".join(self.profile.flawed_char if flaws.get(i) else data[i : i + 1] for i in range(len(data)))
        out: list[Effect] = []
        for command in self._buffer.receive(data, first, last):
            self._real_time(now, command, out)
        lost = self._buffer.take_lost()
        if lost:
            out.append(Note("overrun", {"lost": lost}))
        self._go_on(now, out)
        return out

    def wake(self, now: int, tag: str) -> Iterable[Effect]:
        """A line is printed, a cut is done, a presented ticket was not taken, or the printer has started."""
        out: list[Effect] = []
        if tag == "boot":
            self._started(now, out)
        elif tag == PRINT and self._current is not None:
            if self._ended(now, out):
                self._count_down(out)
            self._go_on(now, out)
        elif tag == PRESENT:
            self._not_taken(out)
            self._go_on(now, out)
        return out

    def host_ready(self, now: int, ready: bool) -> Iterable[Effect]:
        """The host's DTR, as it reaches the printer's DSR: with DTR handshake answers wait until it is on."""
        self._host_ready = ready
        out: list[Effect] = []
        if ready and self._held_answers:
            out.append(Send(self._held_answers))
            self._held_answers = b""
        return out

    def _say(self, data: bytes, out: list[Effect]) -> None:
        if self._xonxoff or self._host_ready:
            out.append(Send(data))
        elif len(self._held_answers) + len(data) <= MOST_HELD:
            self._held_answers += data

    def _go_on(self, now: int, out: list[Effect]) -> None:
        """After anything that happened: tell what changed, work on, keep the host informed."""
        if self._standby:
            self._tell_paper(out)
            return
        self._tell_changes(out)
        self._run(now, out)
        self._tell_changes(out)
        room = self._buffer.room
        if room <= self.profile.xoff_left:
            self._full = True
        elif room >= self.profile.xon_left:
            self._full = False
        self._tell_flow(out)
        self._set_watch()

    def _set_watch(self) -> None:
        profile, room = self.profile, self._buffer.room
        if self._buffer.listening:
            after = 1
        elif not self._full and room > profile.xoff_left:
            after = min(HEAR_EVERY, room - profile.xoff_left)
        else:
            after = min(HEAR_EVERY, room) or HEAR_EVERY
        self.watch = Watch(b"\x10\x0a", after)

    def _tell_flow(self, out: list[Effect]) -> None:
        busy = self._full or (self.profile.busy_offline and self.condition.offline)
        if busy != self._busy_told:
            self._busy_told = busy
            self._send_flow(out)

    def _send_flow(self, out: list[Effect]) -> None:
        if self._xonxoff:
            out.append(Send(bytes([status.XOFF if self._busy_told else status.XON])))
        else:
            out.append(Modem(cts=not self._busy_told, dsr=not self._busy_told))

    def _tell_changes(self, out: list[Effect]) -> None:
        self._tell_paper(out)
        condition = self.condition
        if self._on and status.changed(self._mask, self._told, condition):
            self._say(status.automatic(condition), out)
        self._told = condition

    # -- working on what was received -------------------------------------------------------------------------------
    def _run(self, now: int, out: list[Effect]) -> None:
        while self._on and not self.condition.offline:
            if self._work:
                if self._current is not None:
                    return
                self._begin(now, self._work.popleft(), out)
                continue
            token = self._buffer.next_token(now)
            if token is None:
                return
            self._execute(token, out)

    def _execute(self, token: Token, out: list[Effect]) -> None:
        if token.name == "ESC =":
            self._selected = bool(token.head[0] & 1)
        if not self._selected or token.name in REAL_TIME_ONLY:
            return
        said = answer(token, self.condition, self._composer)
        if said:
            self._say(said, out)
        own = self.COMMANDS.get(token.name)
        if own is not None:
            own(self, token, out)
        actions = self._composer.apply(token)
        if len(self._record) < MOST_RECORDED:
            self._record += self._composer.told
        self._work += actions
        if self._pending_line:
            rows = [i for i, action in enumerate(actions) if isinstance(action, Advance) and action.row is not None]
            if rows:
                self._pending_line = False
                self._pending_after = rows[0] + 1 + (self._current is not None)
        for action in actions:
            if isinstance(action, Cut):
                self._end_record()
            elif action.row is not None:
                self._uncut = True
        self._tell_warnings(out)

    def _end_record(self) -> None:
        self._uncut = False
        self._records.append(bytes(self._record))
        self._record = bytearray(self._composer.preamble())

    def _tell_warnings(self, out: list[Effect]) -> None:
        warnings = self._composer.warnings
        while self._warned < len(warnings):
            out.append(Note("not_printed", {"why": warnings[self._warned]}))
            self._warned += 1

    # -- process ids ------------------------------------------------------------------------------------------------
    def _process_id(self, token: Token, out: list[Effect]) -> None:
        data = token.data
        if len(data) != 6 or data[:2] != b"\x30\x30" or not all(0x20 <= c <= 0x7E for c in data[2:]):
            return
        self._pending = data[2:]
        self._pending_line = self._composer.line_open
        self._pending_after = self._current is not None
        self._confirm(out)

    def _count_down(self, out: list[Effect]) -> None:
        if self._pending_after:
            self._pending_after -= 1
            self._confirm(out)

    def _confirm(self, out: list[Effect]) -> None:
        if self._pending is not None and not self._pending_after and not self._pending_line:
            self._say(b"\x37\x22" + self._pending + b"\x00", out)
            out.append(Note("confirm", {"id": self._pending.decode("ascii")}))
            self._pending = None

    def _never_confirm(self) -> None:
        """What a pending process id waits for is cleared."""
        self._pending, self._pending_after, self._pending_line = None, 0, False

    # -- commands that are about the printer, not the paper ---------------------------------------------------------
    def _automatic_status(self, token: Token, out: list[Effect]) -> None:
        self._mask = token.head[0]
        if self._mask:
            self._say(status.automatic(self.condition), out)

    def _stop_sensors(self, token: Token, _: list[Effect]) -> None:
        self._stops_near_end = bool(token.head[0] & 0x03)

    def _panel_button(self, token: Token, _: list[Effect]) -> None:
        self._button_enabled = not token.head[0] & 1

    def _initialized(self, _: Token, __: list[Effect]) -> None:
        self._stops_near_end = False
        self._button_enabled = True
        if self._pending_line:
            self._never_confirm()

    def _page_dropped(self, _: Token, __: list[Effect]) -> None:
        if self._pending_line and self._composer.page_mode:
            self._never_confirm()

    def _real_time_allowed(self, token: Token, _: list[Effect]) -> None:
        """GS ( D 14 (a b)...: real-time commands on and off; a = 2 is power-off, off by default."""
        pairs = token.data[1:] if token.data[:1] == b"\x14" else b""
        for kind, on in zip(pairs[::2], pairs[1::2], strict=False):
            if kind in (2, 0x32):
                self._power_off_allowed = bool(on & 1)

    def _eject(self, token: Token, _: list[Effect]) -> None:
        """GS e: the ejector of a printer with a presenter; a ticket not cut yet is cut first."""
        n = token.head[0]
        if not self.profile.presenter:
            return
        if n in (18, 20):
            self._continuous = n == 20
        motion = {
            2: lambda: Present("retract"),
            3: lambda: Present("present", token.head[1]),
            5: lambda: Present("eject"),
            32: lambda: Present("present", token.head[1], token.head[2]),
        }.get(n)
        if motion is None:
            return
        if self._uncut:
            self._work += [Advance(self.profile.cutter_dots), Cut()]
            self._end_record()
        self._work.append(motion())

    COMMANDS: ClassVar[dict[str, Callable[[TicketPrinter, Token, list[Effect]], None]]] = {
        "GS ( H": _process_id,
        "GS a": _automatic_status,
        "GS ( D": _real_time_allowed,
        "GS e": _eject,
        "ESC c 4": _stop_sensors,
        "ESC c 5": _panel_button,
        "ESC @": _initialized,
        "ESC S": _page_dropped,
        "CAN": _page_dropped,
    }
    """Executed in turn, when printing has come to them; not while the printer is off line."""

    # -- commands that do not wait ----------------------------------------------------------------------------------
    def _real_time(self, now: int, command: bytes, out: list[Effect]) -> None:
        if self._standby:
            return
        if command[1] == 0x04:
            real_time = status.kiosk_real_time if self.profile.presenter else status.real_time
            told = real_time(command[2], self.condition)
            if told:
                self._say(told, out)
        elif command == CLEAR:
            self._clear()
            self._say(b"\x37\x25\x00", out)
        elif command[:4] == b"\x10\x14\x07\x01":
            self._say(status.automatic(self.condition), out)
        elif command == POWER_OFF and self._power_off_allowed:
            self._stand_by(out)
        elif command[1] == 0x05 and command[2] in (1, 2) and self._recover(out):
            if command[2] == 2:
                self._clear()
            self._go_on(now, out)

    def _clear(self) -> None:
        """Empty the receive and print buffers; what the mechanism is doing ends, settings stay."""
        self._buffer.clear()
        self._work.clear()
        self._composer.clear_line()
        self._never_confirm()
        cutting = [self._records.popleft()] if isinstance(self._current, Cut) and self._records else []
        kept = b"".join(self._records) + bytes(self._record)
        self._records = deque(cutting)
        # ESC @ stands for the cleared print buffer, so that the bytes told later give what is on the paper.
        self._record = bytearray(kept[:MOST_RECORDED] + b"\x1b@" + self._composer.preamble())

    def _stand_by(self, out: list[Effect]) -> None:
        """DLE DC4 2: it says so, is busy, and does nothing until it is switched off and on."""
        self._say(b"\x3b\x30\x00", out)
        out.append(Note("standby", {}))
        self._interrupt(out)
        self._standby = True
        if not self._busy_told:
            self._busy_told = True
            self._send_flow(out)

    # -- power ------------------------------------------------------------------------------------------------------
    def unplug(self, now: int) -> Iterable[Effect]:
        """The power goes: everything received is lost, what is on the paper stays in the printer."""
        if not self._on and not self._on_since:
            return ()
        was_on, self._on, self._on_since = self._on, False, 0
        out: list[Effect] = [Stop()]
        self._buffer.clear()
        self._composer.reset()
        self._power_lost(out)
        self._record = bytearray(b"".join(self._records) + bytes(self._record) + b"\x1b@")[-MOST_RECORDED:]
        self._records.clear()
        self._never_confirm()
        self._full = self._standby = self._power_off_allowed = False
        self._selected = True
        self._held_answers = b""
        out += [Alarm(None, "boot"), Modem(cts=False, dsr=False)]
        if was_on:
            out.append(Note("power", {"on": False}))
        return out

    def plug_in(self, now: int) -> Iterable[Effect]:
        """The power comes back; the printer hears from `boot_ns` later on."""
        if self._on or self._on_since:
            return ()
        self._on_since = now + self.profile.boot_ns
        return (Alarm(self._on_since, "boot"),)

    def _started(self, now: int, out: list[Effect]) -> None:
        self._on = True
        self._cutter_error = self._scrap_in_cutter
        self._jam_error = self._paper_stuck
        self._mask = self.profile.power_on_mask
        self._told = self.condition
        out += [Note("power", {"on": True}), Modem(cts=True, dsr=True)]
        self._busy_told = self.profile.busy_offline and self._told.offline
        self._send_flow(out)
        if self._mask:
            self._say(status.automatic(self._told), out)
        self._go_on(now, out)

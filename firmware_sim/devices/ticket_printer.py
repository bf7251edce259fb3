"""A ticket printer on a full-duplex line: receive buffer, flow control, mechanism in time, paper, status.

It prints as fast as its paper moves, so a job takes real time and a host that sends faster fills the buffer: XOFF at
128 bytes left, XON at 256 free, bytes that find no room are lost (TM-T88III, protocols.md 4.4). Tokens are taken from
the buffer one mechanical action ahead: while a line is being printed the next one is composed, as in the real print
buffer. Real-time commands are obeyed at the character that completes them, whatever else goes on.

Decisions, with their sources. A character with a parity or framing error is stored as "?" (TM-T88 switch 1-1 OFF, the
default [K]; a profile with `flawed_char=b""` ignores it, as with the switch ON). A line that was interrupted (cover
opened, paper ended in it) is printed again from its beginning when printing goes on, as after DLE ENQ 1. ESC @ leaves
the automatic status as it is (it differs per model). Going off line sends XOFF (switch 2-1 OFF).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import ClassVar

from firmware_sim.device import Alarm, Effect, Flaws, Modem, Note, Send, Stop, Watch
from firmware_sim.devices.receive_buffer import CLEAR, ReceiveBuffer
from protocol.escpos import status
from protocol.escpos.composer import Composer
from protocol.escpos.paper import Action, Advance, Cut, Roll, Sheet
from protocol.escpos.profiles import PROFILES, TM_T88, PrinterProfile
from protocol.escpos.tokenizer import Token

__all__ = ["PROFILES", "TM_T88", "PrinterProfile", "TicketPrinter"]

MOST_RECORDED = 256 * 1024
"""Bytes of one sheet that `printed` tells; a longer sheet is told without its end."""

MOST_ROWS = 4096
"""Rows of text kept of one sheet."""

HEAR_EVERY = 64
"""Characters after which an unfinished burst is heard: what could already be printed must not wait for its end."""

REAL_TIME_ONLY = frozenset(("DLE EOT", "DLE ENQ", "DLE DC4"))


class TicketPrinter:
    """One printer with its roll of paper.

    Args:
        name: as the scenario calls it.
        profile: what kind it is.
        paper_mm: length of the roll in it.
        near_end_mm: from this length on the near-end sensor sees the core.
        handshake: "xonxoff", or "dtr" (the busy state is told by the modem lines alone).

    Notes: `printed` {lines, data, mm} and `cut` {partial} when a sheet is free; `paper` {state, left_mm} when the
    state changes; `cover` {open}; `confirm` {id}; `overrun` {lost}; `cutter` {error}; `power` {on}; `taken` {tickets}.
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
        if paper_mm < 0 or near_end_mm < 0:
            raise ValueError(f"printer {name}: lengths of paper are not negative ({paper_mm}, {near_end_mm} mm)")
        self.name = name
        self.profile = profile
        self._near_end = near_end_mm * profile.dots_per_mm
        self._left = paper_mm * profile.dots_per_mm
        self._xonxoff = handshake == "xonxoff"
        self._buffer = ReceiveBuffer(profile.buffer_size)
        self._composer = Composer(profile)
        self._roll = Roll(profile, text_only=True, most_rows=MOST_ROWS)
        self._work: deque[Action] = deque()
        self._current: Action | None = None
        self._record = bytearray()
        self._records: deque[bytes] = deque()
        self._on = True
        self._on_since = 0
        self._selected = True
        self._cover_open = False
        self._stopped_by_cover = False
        self._jammed = self._cutter_error = False
        self._stops_near_end = False
        self._mask = profile.power_on_mask
        self._full = self._busy_told = False
        self._pending: bytes | None = None
        self._pending_after = 0
        self._pending_line = False
        self._slot = 0
        self._paper_told = self._paper_state
        self._told = self.condition
        self.watch: Watch | None = None
        self._set_watch()

    # -- what can be seen of it -------------------------------------------------------------------------------------
    @property
    def condition(self) -> status.Condition:
        """How it is, as its status bytes tell."""
        out = self._left <= 0
        near = self._left <= self._near_end
        stopped = out or (near and self._stops_near_end)
        return status.Condition(
            drawer_high=self.profile.drawer_high,
            offline=self._cover_open or stopped or self._cutter_error,
            cover_open=self._cover_open,
            stopped=stopped,
            cutter_error=self._cutter_error,
            auto_recoverable=self._stopped_by_cover,
            near_end=near,
            paper_end=out,
        )

    @property
    def left_mm(self) -> int:
        """Paper left on the roll, mm."""
        return self._left // self.profile.dots_per_mm

    @property
    def room(self) -> int:
        """Free bytes of the receive buffer."""
        return self._buffer.room

    @property
    def warnings(self) -> tuple[str, ...]:
        """What it was sent and could not print as the real printer would."""
        return tuple(self._composer.warnings)

    @property
    def hanging(self) -> list[str]:
        """Lines on the paper that was not cut yet."""
        return self._roll.hanging().lines

    @property
    def _paper_state(self) -> str:
        if self._left <= 0:
            return "out"
        return "near_end" if self._left <= self._near_end else "ok"

    # -- the line ---------------------------------------------------------------------------------------------------
    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        """Characters came from the host."""
        if not self._on:
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
        """A line is printed, a cut is done, or the printer has started."""
        out: list[Effect] = []
        if tag == "boot":
            self._started(now, out)
        elif tag == "print" and self._current is not None:
            action, self._current = self._current, None
            if isinstance(action, Advance):
                done = self._advanced(action)
            else:
                done = self._knife_fell(action, out)
            if done:
                self._count_down(out)
            else:
                self._work.appendleft(action)
            self._go_on(now, out)
        return out

    def _go_on(self, now: int, out: list[Effect]) -> None:
        """After anything that happened: tell what changed, work on, keep the host informed."""
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
        paper = self._paper_state
        if paper != self._paper_told:
            self._paper_told = paper
            out.append(Note("paper", {"state": paper, "left_mm": self.left_mm}))
        condition = self.condition
        if self._on and status.changed(self._mask, self._told, condition):
            out.append(Send(status.automatic(condition)))
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

    def _begin(self, now: int, action: Action, out: list[Effect]) -> None:
        self._current = action
        if isinstance(action, Advance):
            takes = self.profile.duration(min(action.dots, self._left))
        else:
            takes = self.profile.cut_ns
        out.append(Alarm(now + takes, "print"))

    def _advanced(self, action: Advance) -> bool:
        short = self._left < action.dots
        self._left = max(0, self._left - action.dots)
        if short and action.row is not None:
            return False  # the paper ended in this line: it is printed again on the next roll
        self._roll.add(action)
        return True

    def _knife_fell(self, action: Cut, out: list[Effect]) -> bool:
        if self._jammed:
            self._cutter_error = True
            out.append(Note("cutter", {"error": True}))
            return False
        sheet = self._roll.add(action)
        assert sheet is not None
        self._slot += 1
        out.append(Note("cut", {"partial": action.partial}))
        out.append(self._printed(sheet))
        return True

    def _printed(self, sheet: Sheet) -> Note:
        data = self._records.popleft() if self._records else b""
        return Note("printed", {"lines": sheet.lines, "data": data.hex(), "mm": sheet.mm})

    def _execute(self, token: Token, out: list[Effect]) -> None:
        if token.name == "ESC =":
            self._selected = bool(token.head[0] & 1)
        if not self._selected or token.name in REAL_TIME_ONLY:
            return
        if len(self._record) < MOST_RECORDED:
            self._record += token.raw
        own = self.COMMANDS.get(token.name)
        if own is not None:
            own(self, token, out)
        actions = self._composer.apply(token)
        self._work += actions
        if self._pending_line:
            rows = [i for i, action in enumerate(actions) if isinstance(action, Advance) and action.row is not None]
            if rows:
                self._pending_line = False
                self._pending_after = rows[0] + 1 + (self._current is not None)
        if any(isinstance(action, Cut) for action in actions):
            self._records.append(bytes(self._record))
            self._record = bytearray(self._composer.preamble())

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
            out.append(Send(b"\x37\x22" + self._pending + b"\x00"))
            out.append(Note("confirm", {"id": self._pending.decode("ascii")}))
            self._pending = None

    # -- commands that are about the printer, not the paper ---------------------------------------------------------
    def _automatic_status(self, token: Token, out: list[Effect]) -> None:
        self._mask = token.head[0]
        if self._mask:
            out.append(Send(status.automatic(self.condition)))

    def _sensor_status(self, token: Token, out: list[Effect]) -> None:
        answer = status.sensor(token.head[0] if token.head else 1, self.condition)
        if answer:
            out.append(Send(answer))

    def _identity(self, token: Token, out: list[Effect]) -> None:
        n = token.head[0]
        profile = self.profile
        one_byte = profile.ids.get(n - 0x30 if 0x30 < n < 0x34 else n)
        if one_byte is not None:
            out.append(Send(bytes([one_byte])))
        elif profile.names.get(n):
            out.append(Send(b"\x5f" + profile.names[n].encode("ascii") + b"\x00"))

    def _symbol_size(self, token: Token, out: list[Effect]) -> None:
        if token.data[:2] != b"\x31\x52":
            return
        size = self._composer.symbol_size
        text = str(size).encode()
        fits = b"\x30" if 0 < size <= self.profile.width_dots else b"\x31"
        out.append(Send(b"\x37\x36" + text + b"\x1f" + text + b"\x1f\x31\x1f" + fits + b"\x00"))

    def _stop_sensors(self, token: Token, _: list[Effect]) -> None:
        self._stops_near_end = bool(token.head[0] & 0x03)

    def _initialized(self, _: Token, __: list[Effect]) -> None:
        self._stops_near_end = False
        if self._pending_line:
            self._pending, self._pending_line = None, False  # the line it waits for is cleared

    COMMANDS: ClassVar[dict[str, Callable[[TicketPrinter, Token, list[Effect]], None]]] = {
        "GS ( H": _process_id,
        "GS a": _automatic_status,
        "GS r": _sensor_status,
        "ESC v": _sensor_status,
        "GS I": _identity,
        "GS ( k": _symbol_size,
        "ESC c 4": _stop_sensors,
        "ESC @": _initialized,
    }
    """Executed in turn, when printing has come to them; not while the printer is off line."""

    # -- commands that do not wait ----------------------------------------------------------------------------------
    def _real_time(self, now: int, command: bytes, out: list[Effect]) -> None:
        if command[1] == 0x04:
            answer = status.real_time(command[2], self.condition)
            if answer:
                out.append(Send(answer))
        elif command == CLEAR:
            self._clear()
            out.append(Send(b"\x37\x25\x00"))
        elif command[1] == 0x05 and command[2] in (1, 2) and self._cutter_error:
            self._cutter_error = False
            out.append(Note("cutter", {"error": False}))
            if command[2] == 2:
                self._clear()
            self._go_on(now, out)

    def _clear(self) -> None:
        """Empty the receive and print buffers; what the mechanism is doing ends, settings stay."""
        self._buffer.clear()
        self._work.clear()
        self._composer.clear_line()
        self._pending, self._pending_after, self._pending_line = None, 0, False
        cutting = [self._records.popleft()] if isinstance(self._current, Cut) and self._records else []
        kept = b"".join(self._records) + bytes(self._record)
        self._records = deque(cutting)
        # ESC @ stands for the cleared print buffer, so that the bytes told later give what is on the paper.
        self._record = bytearray(kept[:MOST_RECORDED] + b"\x1b@" + self._composer.preamble())

    # -- the human side ---------------------------------------------------------------------------------------------
    def open_cover(self, now: int) -> Iterable[Effect]:
        """Somebody opens the cover: printing stops within the line."""
        if self._cover_open:
            return ()
        out: list[Effect] = [Note("cover", {"open": True})]
        self._cover_open = True
        self._stopped_by_cover = self._on and (self._current is not None or bool(self._work))
        if self._current is not None:
            out.append(Alarm(None, "print"))
            self._work.appendleft(self._current)
            self._current = None
        return self._after_hand(now, out)

    def close_cover(self, now: int) -> Iterable[Effect]:
        """Somebody closes the cover: printing goes on."""
        if not self._cover_open:
            return ()
        self._cover_open = self._stopped_by_cover = False
        return self._after_hand(now, [Note("cover", {"open": False})])

    def load_paper(self, now: int, mm: int) -> Iterable[Effect]:
        """Somebody puts a roll of `mm` millimetres in, in place of the old one.

        Raises:
            ValueError: the roll has no paper.
        """
        if mm <= 0:
            raise ValueError(f"printer {self.name}: a roll has more than 0 mm of paper, not {mm}")
        self._left = mm * self.profile.dots_per_mm
        return self._after_hand(now, [])

    def take_paper(self, now: int) -> Iterable[Effect]:
        """Somebody takes the tickets that were cut."""
        taken, self._slot = self._slot, 0
        return (Note("taken", {"tickets": taken}),) if taken else ()

    def jam_cutter(self, now: int) -> Iterable[Effect]:
        """A scrap of paper gets into the cutter: the next cut fails."""
        self._jammed = True
        return ()

    def free_cutter(self, now: int) -> Iterable[Effect]:
        """Somebody takes the scrap out; the error stays until DLE ENQ or the power goes."""
        self._jammed = False
        return ()

    def unplug(self, now: int) -> Iterable[Effect]:
        """The power goes: everything received is lost, what is on the paper stays in the printer."""
        if not self._on and not self._on_since:
            return ()
        was_on, self._on, self._on_since = self._on, False, 0
        self._buffer.clear()
        self._composer.reset()
        self._work.clear()
        self._current = None
        self._record = bytearray(b"".join(self._records) + bytes(self._record) + b"\x1b@")[-MOST_RECORDED:]
        self._records.clear()
        self._pending, self._pending_after, self._pending_line = None, 0, False
        self._full = self._stopped_by_cover = self._cutter_error = self._stops_near_end = False
        self._selected = True
        out: list[Effect] = [Stop(), Alarm(None, "print"), Alarm(None, "boot"), Modem(cts=False, dsr=False)]
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
        self._cutter_error = self._jammed
        self._mask = self.profile.power_on_mask
        self._told = self.condition
        out += [Note("power", {"on": True}), Modem(cts=True, dsr=True)]
        self._busy_told = self.profile.busy_offline and self._told.offline
        self._send_flow(out)
        if self._mask:
            out.append(Send(status.automatic(self._told)))
        self._go_on(now, out)

    def _after_hand(self, now: int, out: list[Effect]) -> list[Effect]:
        if self._on:
            self._go_on(now, out)
        else:
            self._tell_changes(out)
        return out

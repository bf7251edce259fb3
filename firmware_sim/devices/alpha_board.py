"""An LED board that speaks the Alpha protocol (M-Protocol): files in its memory, shown by modes, read back on demand.

Source: protocols.md 2.2 [S]: form 9708-8061 rev. F, through published programs that quote it [C], one of which
measured a real BetaBrite. From there: STRING files change without a blank, TEXT files blank the display; a bare write
to file 0 releases the priority file, an empty one with a mode field blanks the display; an empty run sequence leaves
what is shown; clearing the memory makes the sign answer nothing for some five seconds, in which it still takes writes;
a soft reset loses them; a memory configuration that no clear came before is taken and not shown.

Assumed, where those are silent: the error status stays until it is cleared or the supply goes; a command with a
damaged character is dropped; a reply comes 10 ms after EOT and stands for the ACK; ACK and NAK are off after power-up;
the clock runs on without supply, from 0:00 on a Sunday if nobody sets it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import ClassVar, Final, NamedTuple

from firmware_sim.device import FRAMING, NS, PARITY, Alarm, Effect, Flaws, Note, Send, Stop, Watch
from firmware_sim.devices.alpha_clock import AlphaClock
from firmware_sim.devices.alpha_compose import Contents, Page, pages
from firmware_sim.devices.alpha_files import POOL, Files
from firmware_sim.devices.alpha_screen import AUTO, Screen, Shown
from protocol.alpha import codes
from protocol.alpha.packet import Broken, Command, Ended, Event, Receiver, Started, is_for, reply

__all__ = ["BETABRITE", "BOARD", "MODELS", "AlphaBoard", "AlphaModel"]

_NEVER: Final = 1 << 62
_BOOT: Final = 5 * NS
"""Diagnostics after power-up and soft reset (some five seconds were measured [C])."""
_TONE: Final = 2 * NS
"""The serial port is switched off while a tone sounds, "about 2 seconds" [S]."""
_BLANK: Final = 200_000_000
"""How long a TEXT write darkens the display (assumed)."""
_REPLY: Final = 10_000_000
_MOST_DEFERRED: Final = 64
_MANY: Final = 64
"""Pages that are passed over at once because they do not last, before the display waits."""


class AlphaModel(NamedTuple):
    """What kind of board it is.

    Args:
        name: of the model.
        types: type codes it takes besides those that mean all signs.
        version: of the protocol: 1 has no ACK and NAK.
        needs_clear: a memory configuration is shown only when the memory was cleared before it [C, measured].
    """

    name: str
    types: frozenset[int]
    version: int = 2
    needs_clear: bool = False


BOARD: Final = AlphaModel("alpha", frozenset(b"12"))
BETABRITE: Final = AlphaModel("betabrite", frozenset(b"^1"), version=1, needs_clear=True)
MODELS: Final = {model.name: model for model in (BOARD, BETABRITE)}


class AlphaBoard:
    """One board on a line.

    Human side, each returning effects: `unplug(now)`, `plug_in(now)`.

    Notes: `shown` {text, row} when what can be read in a row has changed (rows from 1); `power` {on};
    `rejected` {why, status} for a packet that was not carried out as a whole; `hurried` {pause_ms} for a command in a
    packet of several that came without the pause of 100 ms after its STX (it is taken all the same).

    Args:
        name: what histories call it.
        rows: lines of text.
        width: columns of dots; six make a character.
        address: serial address 1 to 255; 0 is a board that was never given one.
        model: what kind it is.
        pool: bytes of memory.

    Attributes:
        human: names of the methods by which a person acts on it.
        files: what is in its memory.
        status: the serial error status register.
    """

    human: ClassVar[tuple[str, ...]] = ("unplug", "plug_in")
    watch: Watch | None = None

    def __init__(
        self,
        name: str,
        *,
        rows: int = 2,
        width: int = 96,
        address: int = 1,
        model: AlphaModel = BOARD,
        pool: int = POOL,
    ) -> None:
        if not 0 <= address <= 0xFF or not 1 <= rows <= 16 or not 6 <= width <= 512:
            told = "addresses are 0 to 255, rows 1 to 16, columns of dots 6 to 512"
            raise ValueError(f"{name}: address {address}, {rows} rows of {width} dots: {told}")
        self.name = name
        self.rows = rows
        self.model = model
        self.address = address
        self.powered = True
        self.files = Files(pool)
        self.status = codes.STATUS_ALWAYS
        self._screen = Screen(rows, width)
        self._told = self._screen.texts
        self._clock = AlphaClock()
        self._speaker = b"FF"
        self._acknowledges = False
        self._receiver = Receiver(limit=pool + 64)
        self._heard_end = -_NEVER
        self._deaf_until = 0  # nothing is heard
        self._busy_until = 0  # nothing is answered, writes wait
        self._dark_until = 0  # nothing is shown
        self._deferred: deque[Command] = deque()
        self._synced = False  # it has found the baud rate since it was switched on
        self._cleared = self._shows = True
        self._mine = False
        self._mute = False
        self._count = 0
        self._wrong = 0
        self._why = ""
        self._replies: list[bytes] = []
        self._label = -1  # the file that is shown
        self._pages: list[Page] = []
        self._place = 0
        self._passes = 0
        self._alarm: int | None = None
        self._writes: dict[int, Callable[[int, bytes], bool]] = {
            codes.TIME: lambda now, data: self._clock.set_time(now, data),
            codes.SPEAKER: self._set_speaker,
            codes.MEMORY: self._configure,
            codes.WEEKDAY: lambda now, data: self._clock.set_weekday(now, data),
            codes.TIME_FORMAT: lambda _now, data: self._clock.set_format(data),
            codes.TONE: self._sound,
            codes.RUN_TIMES: lambda _now, data: self.files.set_times(data),
            codes.SOFT_RESET: self._soft_reset,
            codes.SEQUENCE: lambda _now, data: self.files.set_sequence(data),
            codes.RUN_DAYS: lambda _now, data: self.files.set_days(data),
            codes.CLEAR_ERRORS: self._clear_errors,
            codes.ADDRESS: self._set_address,
            codes.DATE: lambda now, data: self._clock.set_date(now, data),
            codes.ACKNOWLEDGE: self._set_acknowledge,
        }
        self._reads: dict[int, Callable[[int], bytes]] = {
            codes.TIME: lambda now: self._clock.told_time(now),
            codes.SPEAKER: lambda _now: self._speaker,
            codes.INFORMATION: self._information,
            codes.POOL: lambda _now: b"%04X,%04X" % (pool, pool - self.files.used),
            codes.MEMORY: lambda _now: self.files.told_table(),
            codes.WEEKDAY: lambda now: self._clock.told_weekday(now),
            codes.TIME_FORMAT: lambda _now: self._clock.format,
            codes.RUN_TIMES: lambda _now: self.files.told_times(),
            codes.ERROR_STATUS: lambda _now: bytes([self.status]),
            codes.SEQUENCE: lambda _now: self.files.told_sequence(),
            codes.RUN_DAYS: lambda _now: self.files.told_days(),
            codes.ADDRESS: lambda _now: b"%02X" % self.address,
            codes.DATE: lambda now: self._clock.told_date(now),
        }

    # -- what can be seen of it -------------------------------------------------------------------------------------
    def shown(self, now: int) -> Shown:
        """Dots and readable texts at an instant, not before the last that it was told."""
        return self._screen.at(now)

    @property
    def texts(self) -> tuple[str, ...]:
        """What can be read in each row, as it was last noted."""
        return self._told

    # -- the line ---------------------------------------------------------------------------------------------------
    def hear(self, now: int, data: bytes, first: int, last: int, flaws: Flaws | None) -> Iterable[Effect]:
        """Characters came from the host."""
        if not self.powered:
            return ()
        if first < self._deaf_until:
            if last <= self._deaf_until or last <= first:
                return ()
            lost = -(-(self._deaf_until - first) * len(data) // (last - first))
            data, first = data[lost:], self._deaf_until
            flaws = {place - lost: bits for place, bits in (flaws or {}).items() if place >= lost}
        events: list[Event] = []
        pause = max(first - self._heard_end, 0)
        if self._receiver.inside and pause > codes.GAP_NS:
            events += self._receiver.expire()
        self._heard_end = last
        events += self._receiver.feed(data, flaws, pause)
        out: list[Effect] = []
        for event in events:
            self._on(now, event, out)
        if self._receiver.inside:
            out.append(Alarm(last + codes.GAP_NS + 1, "gap"))
        return out

    def wake(self, now: int, tag: str) -> Iterable[Effect]:
        """A page has come or is over, a packet was left unfinished, or the board has started."""
        out: list[Effect] = []
        if not self.powered:
            return out
        if tag == "gap" and self._receiver.inside and now > self._heard_end + codes.GAP_NS:
            for event in self._receiver.expire():
                self._on(now, event, out)
        elif tag == "boot" and now >= self._dark_until:
            while self._deferred:
                self._carry_out(now, self._deferred.popleft())
            self._restart_display(now)
            self._refresh(now, out)
        elif tag == "screen" and self._alarm is not None and now >= self._alarm:
            self._alarm = None
            self._refresh(now, out)
        return out

    def _on(self, now: int, event: Event, out: list[Effect]) -> None:
        match event:
            case Started():
                enough = self._synced or event.wake_up >= codes.WAKE_UP
                self._mine = enough and is_for(event.targets, self.model.types, self.address)
                self._synced = self._synced or enough
                self._wrong, self._why, self._replies, self._count = 0, "", [], 0
                self._mute = now < self._busy_until
            case Command() if self._mine:
                self._count += 1
                if self._count > 1 and event.pause < codes.STX_PAUSE_NS:
                    out.append(Note("hurried", {"pause_ms": event.pause // 1_000_000}))
                self._command(now, event)
            case Broken() if self._mine:
                self._fail(codes.STATUS_TIMEOUT, f"no EOT: {event.why}")
                self._answer(out)
                self._mine = False
            case Ended() if self._mine:
                self._answer(out)
                self._mine = False
                self._refresh(now, out)
            case _:
                pass

    def _answer(self, out: list[Effect]) -> None:
        """What is sent after a packet: what was asked for, else ACK or NAK."""
        if self._why:
            out.append(Note("rejected", {"why": self._why, "status": f"{self.status:02X}"}))
        if self._mute:
            return
        if self._replies:
            out += [Send(data, _REPLY) for data in self._replies]
        elif self._acknowledges:
            out.append(Send(bytes([codes.NAK if self._wrong else codes.ACK, self.status]), _REPLY))

    # -- commands ---------------------------------------------------------------------------------------------------
    def _command(self, now: int, command: Command) -> None:
        if command.flaws & PARITY:
            self._fail(codes.STATUS_PARITY, "a character with a parity error")
        if command.flaws & ~PARITY:
            framing = bool(command.flaws & FRAMING)
            self._fail(codes.STATUS_FRAMING if framing else codes.STATUS_OVERFLOW, "a damaged character")
        if command.check == "bad":
            self._fail(codes.STATUS_CHECKSUM, "the checksum is wrong")
        if command.overflow:
            self._fail(codes.STATUS_OVERFLOW, "more data than the buffer holds")
        if command.flaws or command.check == "bad" or command.overflow:
            return
        if now < self._busy_until:
            if command.code not in _READS and len(self._deferred) < _MOST_DEFERRED:
                self._deferred.append(command)
            return
        if command.code in _READS:
            answer = self._read(now, command)
            if answer is not None:
                self._replies.append(answer)
                return
        elif self._carry_out(now, command):
            return
        name = codes.COMMANDS.get(command.code, f"command 0x{command.code:02X}")
        self._fail(codes.STATUS_ILLEGAL, f"{name} {command.data[:1]!r} cannot be done")

    def _fail(self, bit: int, why: str) -> None:
        self._wrong |= bit
        self.status |= bit
        self._why = self._why or why

    def _carry_out(self, now: int, command: Command) -> bool:
        if not command.data:
            return False
        label, data = command.data[0], command.data[1:]
        files = self.files
        match command.code:
            case codes.WRITE_TEXT:
                return files.write_text(label, data) and self._text_changed(now, label)
            case codes.WRITE_STRING:
                return files.write_string(label, data) and self._called_changed(now)
            case codes.WRITE_DOTS:
                return files.write_picture(label, data) and self._called_changed(now)
            case codes.WRITE_SPECIAL:
                act = self._writes.get(label)
                return act is not None and act(now, data)
        return False

    def _read(self, now: int, command: Command) -> bytes | None:
        if not command.data:
            return None
        label = command.data[0]
        head = command.data[:1]
        match command.code:
            case codes.READ_TEXT:
                return reply(codes.WRITE_TEXT, head + self.files.text(label))
            case codes.READ_STRING:
                return reply(codes.WRITE_STRING, head + self.files.strings.get(label, b""))
            case codes.READ_DOTS:
                return reply(codes.WRITE_DOTS, head + self.files.told_picture(label))
            case codes.READ_SPECIAL:
                told = self._reads.get(label)
                return None if told is None else reply(codes.WRITE_SPECIAL, head + told(now))
        return None

    # -- special functions: each tells whether it was taken ---------------------------------------------------------
    def _set_speaker(self, _now: int, data: bytes) -> bool:
        if data not in (b"00", b"FF"):
            return False
        self._speaker = data
        return True

    def _sound(self, now: int, data: bytes) -> bool:
        if data[:1] not in (b"A", b"B", b"0", b"1", b"2"):
            return False
        if data[:1] in b"012":
            self._deaf_until = now + _TONE
        return True

    def _configure(self, now: int, data: bytes) -> bool:
        # "$$$" after the label is Alpha 3.0's clearing of memory and flash, which a client sends for clearing.
        if not data or data == b"$$$":
            self.files.clear()
            self._cleared = self._shows = True
            self._busy_until = self._dark_until = now + _BOOT
        elif not self.files.configure(data):
            return False
        elif self.model.needs_clear:
            self._shows, self._cleared = self._cleared, False
        if self.files.priority is None:
            self._dark(now)
        return True

    def _soft_reset(self, now: int, data: bytes) -> bool:
        if data:
            return False
        self._deaf_until = self._dark_until = now + _BOOT
        self._dark(now)
        return True

    def _clear_errors(self, _now: int, _data: bytes) -> bool:
        self.status = codes.STATUS_ALWAYS
        return True

    def _set_address(self, _now: int, data: bytes) -> bool:
        if len(data) != 2 or any(char not in b"0123456789ABCDEFabcdef" for char in data):
            return False
        self.address = int(data, 16)
        return True

    def _set_acknowledge(self, _now: int, data: bytes) -> bool:
        if self.model.version < 2 or len(data) != 1:
            return False
        self._acknowledges = data == b"1"
        return True

    def _information(self, now: int) -> bytes:
        """`FFFFFFFFf MmYy HhNn R SS POOL,pool`: firmware, its month, clock, time format, speaker, memory."""
        pool = self._reads[codes.POOL](now)
        return b"HB000001A0306" + self._clock.told_time(now) + self._clock.format + self._speaker + pool

    # -- the display ------------------------------------------------------------------------------------------------
    def _dark(self, now: int) -> None:
        self._screen.clear(now)
        self._label, self._pages, self._place = -1, [], 0

    def _restart_display(self, now: int) -> None:
        self._dark(now)
        self._passes = 0

    def _text_changed(self, now: int, label: int) -> bool:
        """A TEXT write: the display blanks if the file is shown, or takes the display over."""
        if label in (self._label, codes.PRIORITY) or self._label < 0:
            self._dark(now)
            self._alarm = now + _BLANK
        return True

    def _called_changed(self, now: int) -> bool:
        """A STRING or a picture changed: what stands is set anew, without a blank."""
        if self._label >= 0:
            found = self._set(now, self._label)
            if len(found) == len(self._pages):
                self._screen.replace(found[self._place])
            self._pages = found
        return True

    def _set(self, now: int, label: int) -> list[Page]:
        contents = Contents(
            lambda name: self.files.strings.get(name, b""),
            lambda name: self.files.pictures.get(name, ()),
            lambda code, form: self._clock.text(now, code, form),
        )
        return pages(self.files.text(label), contents, self.rows, self._screen.width)

    def _refresh(self, now: int, out: list[Effect]) -> None:
        """Show what is to be shown at this instant, note what changed, and arrange the next look."""
        if now < self._dark_until:
            out.append(Alarm(self._dark_until, "boot"))
            self._note(now, out)
            return
        if self._alarm is None or self._label >= 0:
            self._go_on(now)
        self._note(now, out)
        at = self._next_look(now)
        if at is not None:
            self._alarm = at
            out.append(Alarm(at, "screen"))

    def _next_look(self, now: int) -> int | None:
        if self._alarm is not None and self._label < 0:
            return self._alarm  # dark for a moment
        found = [self._screen.changes(now)]
        page = self._screen.page
        if self.files.scheduled or (page is not None and page.clock):
            found.append(self._clock.next_minute(now))
        instants = [at for at in found if at is not None and at > now]
        return min(instants) if instants else None

    def _go_on(self, now: int) -> None:
        minute, weekday = self._clock.minute(now), self._clock.weekday(now)
        self.files.forget_finished(minute)
        order = self.files.running(minute, weekday)
        if not order or not (self._shows or order == [codes.PRIORITY]):
            return  # what is shown stays [C, measured]
        if self._label not in order:
            self._begin(now, order[0], alone=len(order) == 1)
        elif self._screen.page is not None and self._screen.page.clock and not self._screen.over(now):
            self._called_changed(now)
        if len(order) > 1:
            self._screen.limit(now)
        for _ in range(_MANY):
            if not self._screen.over(now):
                return
            self._place += 1
            if self._place < len(self._pages):
                self._bring(now, endless=False)
            else:
                following = order[(order.index(self._label) + 1) % len(order)]
                self._begin(now, following, alone=len(order) == 1)

    def _begin(self, now: int, label: int, *, alone: bool) -> None:
        self._label = label
        self._pages = self._set(now, label)
        self._place = 0
        self._passes += 1
        self._bring(now, endless=alone and len(self._pages) == 1)

    def _bring(self, now: int, *, endless: bool) -> None:
        page = self._pages[self._place]
        way = AUTO[(self._passes + self._place) % len(AUTO)] if page.mode in ("auto", "reserved") else ""
        self._screen.show(now, page, way, endless=endless)

    def _note(self, now: int, out: list[Effect]) -> None:
        texts = self._screen.read(now) if self.powered else ("",) * self.rows
        for row, (old, new) in enumerate(zip(self._told, texts, strict=True), 1):
            if old != new:
                out.append(Note("shown", {"text": new, "row": row}))
        self._told = texts

    # -- the human side ---------------------------------------------------------------------------------------------
    def unplug(self, now: int) -> Iterable[Effect]:
        """Power is lost: dark, silent. The memory keeps its files [S]."""
        if not self.powered:
            return []
        self.powered = False
        self._receiver.expire()
        self._mine = False
        self._deferred.clear()
        self._dark(now)
        self._alarm = None
        out: list[Effect] = [Stop(), Note("power", {"on": False})]
        self._note(now, out)
        return out

    def plug_in(self, now: int) -> Iterable[Effect]:
        """Power returns: diagnostics, then what the memory holds is shown."""
        if self.powered:
            return []
        self.powered = True
        self._synced = False
        self._acknowledges = False
        self.status = codes.STATUS_ALWAYS
        self._busy_until = 0
        self._deaf_until = self._dark_until = now + _BOOT
        self._restart_display(now)
        return [Note("power", {"on": True}), Alarm(self._deaf_until, "boot")]


_READS: Final = frozenset({codes.READ_TEXT, codes.READ_SPECIAL, codes.READ_STRING, codes.READ_DOTS})

"""Devices and lines as a test touches them: what a person can do to them, and what can be seen of them.

A handle does what people do, through the same door as the hall's visitors and clerks; it never writes a register. What
it shows is read from the device's own face (lamps, digits, paper), not from what somebody sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from bench.clock.clockwork import seconds as ns_of
from bench.daytime import clock_text
from bench.run.rig import NoSuchAction, Placed
from bench.testing.expect import FrameWanted, NotSeen
from bench.testing.traffic import Frame, Happening, Press

if TYPE_CHECKING:
    from bench.testing.passing import Passing

__all__ = ["Board", "Console", "Device", "Display", "Keypad", "Kiosk", "LineHandle", "Printer", "Ticket", "handle"]


class Device:
    """Any device, with every action that people have on it as a method: `device.press(5)`, `device.unplug()`.

    What the device's model tells of itself can be read as attributes (`device.powered`); `actions` lists the actions.
    """

    def __init__(self, hall: Passing, placed: Placed, kind: str) -> None:
        self._hall = hall
        self._placed = placed
        self.name = placed.name
        self.kind = kind

    @property
    def model(self) -> Any:
        """The emulated device itself."""
        return self._placed.thing

    @property
    def actions(self) -> tuple[str, ...]:
        """What a person can do with it."""
        return tuple(getattr(self.model, "human", ()))

    @property
    def line(self) -> LineHandle:
        """Its line."""
        return LineHandle(self._hall, self._placed.line.name)

    def do(self, action: str, *args: Any) -> None:
        """Do what a person does, now.

        Raises:
            NoSuchAction: nobody can do that to it; says what they can.
            ValueError: the device has no such key or the like.
        """
        self._hall.act(self.name, action, *args)

    def notes(self, kind: str | None = None) -> list[Happening]:
        """What happened to it so far, oldest first; of one kind ("press", "ack", "shown" ...) if given."""
        return [told for told in self._hall.notes(kind) if told.device == self.name]

    def unplug(self) -> None:
        """Pull its plug."""
        self.do("unplug")

    def plug_in(self) -> None:
        """Plug it in again."""
        self.do("plug_in")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self.actions:
            return lambda *args: self.do(name, *args)
        if hasattr(self.model, name) and not callable(getattr(self.model, name)):
            return getattr(self.model, name)
        raise NoSuchThing(f"{self.name} has no {name!r}; people can: {', '.join(self.actions)}")

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name}>"


class NoSuchThing(NoSuchAction, AttributeError):
    """A handle has neither this action nor this sight."""


class _Keys(Device):
    """A unit with keys whose presses wait until they are acknowledged."""

    def press(self, key: int, *, held: float = 0.0) -> Press | None:
        """Press a key, and hold it for so many seconds.

        Returns:
            The event that its queue took, which follows its own fate (`acked`); None when the press did not count (a
            bounce, a second key, no supply), which `notes("ignored")` explains.
        """
        before = len(self._hall.tape.presses)
        self.do("press", key, ns_of(held))
        new = self._hall.tape.presses[before:]
        return new[0] if new else None

    @property
    def waiting(self) -> list[Press]:
        """Presses that are not acknowledged, oldest first."""
        return self._hall.tape.waiting(self.name)

    @property
    def lamps(self) -> int:
        """The lamps that are lit, bit 0 for key 1."""
        return int(self.model.lamps_lit(self._hall.now_ns))


class Keypad(_Keys):
    """A rating keypad; key n is rating n."""

    def log_in(self, clerk_code: int) -> None:
        """A clerk holds a card to it."""
        self.do("log_in", clerk_code)

    def log_out(self) -> None:
        """The clerk takes the card away."""
        self.do("log_out")


class Console(_Keys):
    """A clerk's console; its keys have names."""

    def next(self) -> Press | None:
        """Key 1: call the next visitor."""
        return self.press(1)

    def recall(self) -> Press | None:
        """Key 2: call the same visitor again."""
        return self.press(2)

    def no_show(self) -> Press | None:
        """Key 3: the visitor did not come."""
        return self.press(3)

    def done(self) -> Press | None:
        """Key 7: the visitor is served."""
        return self.press(7)

    def log_in(self, clerk_code: int) -> None:
        """A clerk keys in the code and key 8."""
        self.do("log_in", clerk_code)


class Kiosk(_Keys):
    """The buttons of a ticket kiosk; key n is the n-th errand of its list."""


class Display(Device):
    """A counter's display."""

    @property
    def text(self) -> str:
        """What a person reads on it."""
        texts: tuple[str, ...] = getattr(self.model, "texts", ()) or (self.model.text,)
        return "\n".join(texts).rstrip()


class Board(Device):
    """A main board."""

    @property
    def texts(self) -> tuple[str, ...]:
        """What a person reads in each row."""
        return tuple(self.model.texts)

    @property
    def text(self) -> str:
        """The rows, joined by line ends."""
        return "\n".join(self.texts).rstrip()


@dataclass(frozen=True, slots=True)
class Ticket:
    """One sheet that a printer cut off.

    Attributes:
        at: instant, ns since local midnight.
        lines: the text on it, line by line.
        data: the bytes that made it.
        mm: its length.
    """

    at: int
    lines: tuple[str, ...]
    data: bytes
    mm: int

    @property
    def text(self) -> str:
        """All of its text."""
        return "\n".join(self.lines)


class Printer(Device):
    """A ticket printer."""

    @property
    def tickets(self) -> list[Ticket]:
        """The sheets it has cut off, oldest first, taken away or not."""
        return [
            Ticket(told.at, tuple(told.facts["lines"]), bytes.fromhex(told.facts["data"]), told.facts["mm"])
            for told in self._hall.printed
            if told.device == self.name
        ]

    def open_cover(self) -> None:
        """Open the cover."""
        self.do("open_cover")

    def close_cover(self) -> None:
        """Close the cover."""
        self.do("close_cover")

    def load_paper(self, metres: float = 80.0) -> None:
        """Put a new roll in."""
        self.do("load_paper", round(metres * 1000))

    def take_paper(self) -> None:
        """Take the tickets away."""
        self.do("take_paper")


class LineHandle:
    """One line: what goes over it, and that nothing does."""

    def __init__(self, hall: Passing, name: str) -> None:
        self._hall = hall
        self.name = name

    @property
    def port(self) -> str:
        """What a program opens: a path or URL."""
        return self._hall.drive.ports[self.name]

    @property
    def frames(self) -> list[Frame]:
        """The latest frames of the line, oldest first."""
        return self._hall.tape.frames(self.name)

    def must_be_silent(self, *, for_: float, by: str | None = None) -> None:
        """Let time pass and see that nothing is sent.

        Args:
            for_: seconds.
            by: "program", "house" or "device": only their frames count; None: nobody's may come.

        Raises:
            AssertionError: something was sent; the message shows what.
        """
        __tracebackhide__ = True
        with self.silence(by=by):
            self._hall.run_for(for_)

    @contextmanager
    def silence(self, *, by: str | None = None) -> Iterator[None]:
        """See that nothing is sent while the block runs; arguments and error as `must_be_silent`."""
        __tracebackhide__ = True
        begun, count = self._hall.now_ns, self._hall.tape.count
        yield
        sending = self._hall.world.rig.lines[self.name].master.current
        if sending is not None:  # it has begun to speak and not ended
            self._hall.run_until(int(sending.end))
        wanted = FrameWanted({}, by)
        sent = [frame for frame in self._hall.tape.since(count) if frame.line == self.name and wanted.is_from(frame)]
        if sent:
            who = f"the {by}" if by else "anybody"
            shown = "\n".join(f"  {line}" for line in self._hall.decoder.lines(sent, 5))
            raise AssertionError(
                f"line {self.name} was to be silent from {clock_text(begun, millis=True)} on; {len(sent)} frames of "
                f"{who} went over it, the last ones:\n{shown}"
            )

    def expect(self, *, within: float, by: str | None = "program", **fields: Any) -> Frame:
        """Wait for a frame by its Modbus fields.

        Args:
            within: seconds.
            by: "program", "house", "device" or None for anybody.
            fields: of unit, function, address, count, value, values, exception.

        Returns:
            The frame.

        Raises:
            NotSeen: it did not come; the message tells which frame came closest, and where it differs.
        """
        __tracebackhide__ = True
        wanted = FrameWanted(fields, by)
        hall = self._hall
        count, begun = hall.tape.count, hall.now_ns
        found: list[Frame] = []

        def came() -> bool:
            nonlocal count
            new, count = [frame for frame in hall.tape.since(count) if frame.line == self.name], hall.tape.count
            found.extend(frame for frame in new if wanted.matches(frame))
            return bool(found)

        if hall.wait_until(came, within):
            return found[0]
        closest = wanted.closest(hall.tape.frames(self.name, since=begun), hall.decoder)
        raise NotSeen(f"{wanted} did not come over line {self.name} within {within:g} s: {closest}")

    def __repr__(self) -> str:
        return f"<line {self.name}>"


class _Named:
    """Which handle a kind of device has."""

    table: ClassVar[dict[str, type[Device]]] = {
        "rating_keypad": Keypad,
        "clerk_console": Console,
        "kiosk_button": Kiosk,
        "counter_display": Display,
        "main_board": Board,
        "ticket_printer": Printer,
    }


def handle(hall: Passing, placed: Placed, kind: str) -> Device:
    """The handle of a device, by its kind."""
    make: Callable[..., Device] = _Named.table.get(kind, Device)
    return make(hall, placed, kind)

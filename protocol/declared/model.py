"""What a declaration says, as values: device, line, frames, messages, state, actions, timers, vectors.

Made from plain dicts by `protocol.declared.build`; played by `firmware_sim.devices.declared_device`. Nothing here is
code from the file: effects and expressions are data of the closed sets below (protocols.md 7.2).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from protocol.declared.frames import FrameSpec
from protocol.declared.items import Item

NONE: Final[Mapping[str, Any]] = MappingProxyType({})
"""An empty table."""

ROLES: Final = ("rating-keypad", "clerk-console", "display", "board", "voice", "other")
"""What a device is to the hall; it decides which notes the history has."""

GRADES: Final = ("M", "S", "C", "R", "K", "A")
"""What a source is worth (protocols.md, head): measured, specification, client code, third party, well-known standard;
A = assumed or made up here."""


class Const(NamedTuple):
    """A value as it stands in the declaration."""

    value: Any


class State(NamedTuple):
    """`"$name"`: a variable of the device's state."""

    name: str


class Field(NamedTuple):
    """`"@name"`: a value of the message that came, or an argument of the action."""

    name: str


class Made(NamedTuple):
    """A value made from another: `{of = "@key", plus = -1}` or `{of = "@key", map = {"1" = "0C"}, other = ""}`.

    Args:
        of: the other value.
        plus: added to it.
        table: value as text -> result, None for none.
        other: result for what the table lacks.
        times: multiplied first.
        low, high: the result is kept within.
    """

    of: Expr
    plus: int = 0
    table: Mapping[str, Any] | None = None
    other: Any = None
    times: int = 1
    low: int | None = None
    high: int | None = None


class Count(NamedTuple):
    """`{count = "$queue"}`: entries of a list, characters of a text."""

    of: Expr


class Join(NamedTuple):
    """`{join = ["Number ", "@label"]}`: values written one behind the other, as a text."""

    of: tuple[Expr, ...]


Expr: TypeAlias = "Const | State | Field | Made | Count | Join"


class Test(NamedTuple):
    """One condition: a value equals one of `among`, or lies within, or (negated) does not."""

    of: Expr
    among: tuple[Expr, ...] = ()
    low: int | None = None
    high: int | None = None
    negated: bool = False


When: TypeAlias = tuple[Test, ...]
"""All of them must hold."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that happens.

    Args:
        kind: one of `EFFECTS`.
        target: what it is done to: a state variable, a message, a timer, a kind of note.
        value: the main value.
        values: named values (of a message to be sent, of a note).
        when: only if this holds.
        delay: ms before a message is sent.
        options: further values of this kind of effect, by name.
    """

    kind: str
    target: str = ""
    value: Expr | None = None
    values: Mapping[str, Expr] = field(default_factory=lambda: NONE)
    when: When = ()
    delay: Expr | None = None
    options: Mapping[str, Expr] = field(default_factory=lambda: NONE)


EFFECTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "set": ("to",),
        "add": ("by", "min", "max"),
        "push": ("value", "limit"),
        "pop": ("into",),
        "clear": (),
        "send": ("values", "delay_ms"),
        "echo": ("with", "delay_ms"),
        "raw": ("delay_ms",),
        "note": ("values",),
        "event": ("value",),
        "start": ("ms",),
        "stop": (),
        "voice": ("value", "ms"),
        "restart": ("ms",),
    }
)
"""Kinds of effects, and the keys that each has besides its own and `when`.

`set`, `add`, `push`, `pop`, `clear` change the state; `send`, `echo`, `raw` speak; `note` tells the history; `event` is
a press with its number; `start` and `stop` are timers; `voice` = "play", "speak", "stop", "pause" or "resume";
`restart` is a loss of power for `ms`.
"""

VOICE_ACTS: Final = ("play", "speak", "stop", "pause", "resume")
"""What `voice` can be asked."""


@dataclass(frozen=True, slots=True)
class Expect:
    """A message that wants an answer: it is repeated until the answer comes.

    Args:
        echo_with: the answer is the same frame, with these values changed; None when it is `message`.
        message: name of the message that answers.
        within: ms to wait after the last character.
        retries: how often it is repeated.
        stagger: ms added to `within` for each unit of the address, so that two on a bus do not repeat at once.
        answered, failed: effects.
    """

    echo_with: Mapping[str, Any] | None
    message: str
    within: int
    retries: int
    stagger: int = 0
    answered: tuple[Effect, ...] = ()
    failed: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One message.

    Args:
        name: how effects and vectors call it.
        source: "host" or "device".
        frame: name of its frame.
        match: part -> value that makes a frame this message; a tuple is a choice.
        lengths: part -> bytes it must have.
        fields: layout of the frame's body; empty leaves the body as one value.
        body: name of the part that `fields` describe.
        values: defaults of parts and fields when it is sent.
        when: it is this message only if this holds.
        effects: what it causes, in order, replies included.
        broadcast: it is carried out when it comes to everybody.
        expect: for device messages that want an answer.
        meaning: a sentence for people.
        source_text, grade: where it comes from, and how good that is.
    """

    name: str
    source: Literal["host", "device"]
    frame: str
    match: Mapping[str, Any] = field(default_factory=lambda: NONE)
    lengths: Mapping[str, int] = field(default_factory=lambda: NONE)
    fields: tuple[Item, ...] = ()
    body: str = ""
    values: Mapping[str, Expr] = field(default_factory=lambda: NONE)
    when: When = ()
    effects: tuple[Effect, ...] = ()
    broadcast: bool = True
    expect: Expect | None = None
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of an action: its name and range."""

    name: str
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person does to the device.

    Args:
        name: method name: `press`, `log_in` ...
        arguments: in order.
        effects: what follows.
        when: else the action is ignored (a note tells it).
        quiet: ms during which the same action with the same arguments is ignored (contact bounce).
        meaning: a sentence for people.
    """

    name: str
    arguments: tuple[Argument, ...] = ()
    effects: tuple[Effect, ...] = ()
    when: When = ()
    quiet: int = 0
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Vector:
    """A frame that is known.

    Args:
        of: message.
        data: its characters.
        values: what it must decode to (a part of it is enough).
        source_text, grade: where it comes from.
    """

    of: str
    data: bytes
    values: Mapping[str, Any]
    source_text: str
    grade: str


@dataclass(frozen=True, slots=True)
class LineFacts:
    """The line as declared; durations in ms, None where nothing is said."""

    baud: int = 9600
    bytesize: int = 8
    parity: str = "N"
    stopbits: float = 1
    duplex: Literal["half", "full"] = "half"
    inter_byte_ms: int = 20
    reply_within_ms: int | None = None
    turnaround_ms: float = 0


@dataclass(frozen=True, slots=True)
class Address:
    """How units are told apart: the part, who is everybody, what replies have set besides."""

    part: str
    broadcast: int | None = None
    reply_mask: int = 0
    default: int = 1
    low: int = 0
    high: int = 255
    wildcard: str = ""


class Told(NamedTuple):
    """What a device message tells a program that speaks with the device: `{message = "rate", value = "@key"}`."""

    message: str
    value: Expr


class Ask(NamedTuple):
    """What such a program says: a host message with values made from what is wished (`WISHES`).

    Args:
        message: name of the host's message.
        values: of its parts and fields.
        every_ms: period at which it is said again.
        answer: name of the device's message that says it was taken; "" when nobody answers.
        within_ms: how long the first character of the answer may take.
        over: of an announcement: name of the device's message that says that it was spoken; "" when it does not say.
        lasts_ms: of an announcement: how long it takes, at most.
    """

    message: str
    values: Mapping[str, Expr]
    every_ms: int = 0
    answer: str = ""
    within_ms: int = 500
    over: str = ""
    lasts_ms: int = 0


WISHES: Final = ("text", "label", "ticket", "number", "counter", "row", "waiting")
"""What a program wishes to be shown or said: the text as it is to be read ("A001", "A001 -> 2" on a board, "--------"
while a counter pauses, "" for nothing) or heard ("mời số A001 đến quầy 2"); the ticket as it is printed; its last three
digits, blanks in front; its number (0: none); the counter; the row, from 1; how many wait."""


class Screen(NamedTuple):
    """What a program has to know of a display that it writes to: characters of a row, rows, fill texts with spaces."""

    width: int = 8
    rows: int = 1
    fill: bool = False


PLAIN_SCREEN: Final = Screen()
"""What a declaration means that does not say it."""


@dataclass(frozen=True, slots=True)
class House:
    """How a program speaks with the device: enough for the bench's own controller to run it in a hall.

    Args:
        rating: message and value of a rating, 1 for the first key.
        key: message and key of a clerk console: 1 next .. 7 done.
        window: sent when a visitor is to rate.
        show: sent when what is to be shown changes, and every `every_ms` again.
        dark: sent instead of `show` when nothing is to be shown.
        start: sent when the device is first spoken to, and when it is back after it did not answer.
        poll: sent to each unit in turn, for devices that say nothing unasked.
        answer: sent when a told message arrived, for devices whose `expect` names a message.
        announce: sent to a voice caller when a ticket is called.
        screen: the display's size.
    """

    rating: Told | None = None
    key: Told | None = None
    window: Ask | None = None
    show: Ask | None = None
    poll: Ask | None = None
    answer: Ask | None = None
    announce: Ask | None = None
    dark: Ask | None = None
    start: tuple[Ask, ...] = ()
    screen: Screen = PLAIN_SCREEN

    @property
    def shows_tickets(self) -> bool:
        """Whether what `show` sends has the whole ticket, so that people can read it."""
        return self.show is not None and any(_reads(expr, ("text", "label")) for expr in self.show.values.values())


def _reads(expr: Expr, names: Collection[str]) -> bool:
    """Whether an expression is made of one of these values."""
    if isinstance(expr, Made | Count):
        return _reads(expr.of, names)
    if isinstance(expr, Join):
        return any(_reads(part, names) for part in expr.of)
    return isinstance(expr, Field) and expr.name in names


@dataclass(frozen=True, slots=True)
class Declaration:
    """A whole declaration, checked.

    Args:
        name, title, role, source_text, grade, notes, not_emulated: what it is.
        line: settings and times.
        frames: by name.
        resync: what is done after a broken frame.
        address: None on a link with one device.
        messages: in the order in which they are tried.
        actions: by name.
        state: variable -> value at power-on.
        keeps: variables that survive a loss of power.
        profiles: name -> changed values of variables.
        timers: name -> effects when it runs out.
        power_on: effects at power-on.
        on_error: cause -> effects.
        voice: name of the event ("finished", "started") -> effects.
        boot_ms: silence after power-on.
        house: how a program speaks with it; None when the declaration does not say.
        vectors: the known frames.
    """

    name: str
    title: str
    role: str
    source_text: str
    grade: str
    notes: tuple[str, ...]
    not_emulated: tuple[str, ...]
    line: LineFacts
    frames: Mapping[str, FrameSpec]
    resync: str
    address: Address | None
    messages: tuple[Message, ...]
    actions: Mapping[str, Action]
    state: Mapping[str, Any]
    keeps: frozenset[str]
    profiles: Mapping[str, Mapping[str, Any]]
    timers: Mapping[str, tuple[Effect, ...]]
    power_on: tuple[Effect, ...]
    on_error: Mapping[str, tuple[Effect, ...]]
    voice: Mapping[str, tuple[Effect, ...]]
    boot_ms: int
    house: House | None
    vectors: tuple[Vector, ...]

    def message(self, name: str) -> Message:
        """The message of that name.

        Raises:
            KeyError: there is none.
        """
        for message in self.messages:
            if message.name == name:
                return message
        raise KeyError(name)


ERRORS: Final = ("check", "length", "value", "escape", "unknown", "refused")
"""Causes that `[on_error]` can answer: a broken frame's, a message that nobody knows, one whose guards refuse it."""

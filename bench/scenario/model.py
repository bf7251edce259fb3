"""What a scenario file says, as validated values: hall, lines, devices, day, records.

The model is where units are fixed: a time of day is written `"07:30"` and is an integer of nanoseconds since local
midnight from here on (the axis of every history), a span `"07:30-11:30"` is a `Span`. Each field carries a description:
it is the hover text of an editor and the text of the JSON Schema (`bench.scenario.schema`).

What one field can say about itself is checked here; what fields say about each other is checked in
`bench.scenario.crosscheck`, which points at the place of each mistake. `bench.scenario.load.load` does both.
Words: architecture.md section 2. Shape of the file: scenarios.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date as Date  # noqa: N812 (a field is called `date`, and a class body would hide the type)
from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated, Any, Literal, TypeAlias, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    Strict,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticKnownError

from bench.faults.catalogue import find
from bench.records.secrets import hide
from bench.scenario.declared import codec_of
from bench.scenario.devices import (
    ClerkConsoleSpec,
    DeclaredSpec,
    DeviceSpec,
    KioskButtonSpec,
    RatingKeypadSpec,
    VoiceCallerSpec,
)
from bench.scenario.fields import (
    TIMES_AS_KEYS,
    VALUES_AS_KEYS,
    CounterNumber,
    Flag,
    Name,
    Number,
    OpenSpan,
    Part,
    Text,
    TimeOfDay,
    Weight,
    Whole,
    no_default,
)
from bench.scenario.fill import fill_in
from bench.scenario.people import Appointments, Greeter, Lognormal, Patience, Then, VisitorClass, unset
from bench.scenario.ticket_log import LoggedTicket
from bench.scenario.times import MINUTE, NS
from protocol.declared.codec import Codec

Invariant: TypeAlias = Literal[
    "loss",
    "silent_loss",
    "duplication",
    "attribution",
    "phantom",
    "order",
    "lateness",
    "ghosts",
    "time",
    "health",
    "late_reply",
    "unexpected_unit",
    "fairness",
    "acknowledge",
    "manners",
    "convergence",
    "reconfiguration",
    "resources",
    "tickets",
    "calls",
]
INVARIANTS: tuple[str, ...] = get_args(Invariant)
"""What the judge can hold against a history (conformance.md section 4)."""

LEAST_WEIGHT = 1e-6
"""Smallest intensity of arrivals above 0."""

YEARS = range(2000, 2100)
"""What a day may be: the keypads tell Unix seconds in 32 bits, and a record of another century is taken for garbage."""


def _plain_date(value: Any) -> Any:
    """Let a TOML date and an ISO text pass; pydantic would also take a number of seconds for a date."""
    if isinstance(value, datetime):
        raise PydanticKnownError("date_from_datetime_inexact")
    seconds = isinstance(value, str) and re.fullmatch(r"\s*[+-]?[\d.]+\s*", value)
    if isinstance(value, Date | str) and not seconds:
        return value
    raise PydanticKnownError("date_type")


class Hours(Part):
    """When the hall is open, and what happens around it."""

    open: tuple[OpenSpan, ...] = Field(min_length=1, description='Opening hours in order, e.g. ["07:30-11:30"].')
    after_closing: Literal["until_queue_empty", "send_home"] = Field(
        default="until_queue_empty",
        description="At the last closing: serve everybody who holds a ticket, or send home whoever still waits.",
    )
    lead_minutes: Number = Field(
        default=10.0, ge=0, le=240, description="Devices and collector start so long before opening."
    )
    horizon_minutes: Number = Field(
        default=120.0, ge=0, le=600, description="The day ends at the latest so long after closing."
    )

    @property
    def opens(self) -> int:
        """First opening, ns since midnight."""
        return self.open[0].start

    @property
    def closes(self) -> int:
        """Last closing, ns since midnight."""
        return self.open[-1].end


class Arrivals(Part):
    """How many visitors come and when: drawn from a shape, or taken from a recorded ticket log."""

    visitors: Number | None = Field(default=None, gt=0, le=100_000, description="Mean number of visitors of the day.")
    busyness_cv: Number = Field(
        default=0.0,
        ge=0,
        le=3,
        description="Coefficient of variation of the day's busyness (gamma, mean 1): 0 = all days alike.",
    )
    shape: dict[TimeOfDay, Weight] = Field(
        default_factory=dict,
        description="Relative intensity at times of day, linear between them; zero outside the opening hours. Two "
        "times at least, and an intensity above 0 at one of them; the smallest is 0.000001.",
        json_schema_extra=TIMES_AS_KEYS,
    )
    log: Text | None = Field(
        default=None,
        description="CSV of a recorded day (queue,issued_min,called_min), beside the scenario; replaces the shape.",
    )
    overhead_s: Number = Field(
        default=0.0,
        ge=0,
        le=600,
        description="Recorded log only: seconds of each recorded occupancy that the replayed devices and people use "
        "themselves (calling, walking, polling, rating); taken off the fitted service time.",
    )
    online_share: Number = Field(
        default=0.0,
        ge=0,
        lt=1,
        exclude_if=lambda share: share == 0,
        description="Share of the visitors who do their errand online and do not come; they are counted.",
    )

    @field_validator("shape")
    @classmethod
    def _in_order(cls, shape: dict[int, float]) -> dict[int, float]:
        if shape and (len(shape) < 2 or not any(shape.values())):
            raise ValueError("a shape needs two times or more, and a weight above 0 at one of them")
        smallest = min((weight for weight in shape.values() if weight), default=1.0)
        if smallest < LEAST_WEIGHT:
            raise ValueError(f"the weight {smallest:g} is too small: 0, or at least {LEAST_WEIGHT:f}")
        return dict(sorted(shape.items()))


class Errand(Part):
    """One administrative procedure: a queue of its own with a ticket letter."""

    name: Text = Field(description="Name of the procedure.")
    letter: Annotated[str, Strict(), Field(pattern=r"^[A-Z]{1,2}$")] = Field(
        description="Prefix of its tickets: A -> A001."
    )
    share: Weight | None = Field(
        default=None, description="Weight among the errands of a drawn day (need not add up to 1)."
    )
    minutes: Lognormal | None = Field(default=None, description="Service time in minutes, lognormal by median and p90.")
    priority: Whole = Field(
        default=0, ge=0, le=9, description="Called before errands of lower priority, whatever the wait."
    )
    then: Then | None = Field(default=None, exclude_if=unset, description="What follows at a second desk.")
    appointments: Appointments | None = Field(
        default=None, exclude_if=unset, description="Its visitors come by appointment, and no others do."
    )


class Counter(Part):
    """A service window with one clerk."""

    number: CounterNumber = Field(description="Number of the counter, as shown in the hall.")
    clerk: Annotated[str, Strict(), Field(pattern=r"^[A-Za-z]*[0-9]{1,5}$")] = Field(
        description="Clerk on duty, e.g. C01; the digits are the clerk's code on the wire."
    )
    errands: tuple[Text, ...] = Field(min_length=1, description="Names of the errands served here.")
    breaks: tuple[OpenSpan, ...] = Field(default=(), description="Spans in which no new visitor is called.")
    shifts: tuple[OpenSpan, ...] = Field(
        default=(),
        exclude_if=unset,
        description='When its clerk is there, e.g. ["07:30-11:30"]; by default in all opening hours.',
    )
    speed: Number = Field(
        default=1.0,
        ge=0.1,
        le=10,
        exclude_if=lambda speed: speed == 1,
        description="How fast its clerk works: services take their time divided by this.",
    )

    @property
    def clerk_code(self) -> int:
        """The number that stands for the clerk in a register: the digits of the name."""
        return int("".join(filter(str.isdigit, self.clerk)))


class LineSpec(Part):
    """The electrical medium with its settings and the devices on it."""

    name: Name = Field(description="Name of the line; also the name of its port.")
    owner: Literal["collector", "house"] = Field(
        description="Who is the master: the program under test, or the house controller."
    )
    settings: Annotated[str, Strict(), Field(pattern=r"^[1-9]\d{2,5} [78][NEO][12]$")] = Field(
        default="9600 8N1", description='Baud rate and character format, e.g. "9600 8N1".'
    )
    duplex: Literal["half", "full"] = Field(default="half", description='"half" = RS-485 bus, "full" = RS-232 link.')
    echo: Flag = Field(
        default=False, description="The master's adapter hears its own characters (RS-485 without receiver gating)."
    )
    xonxoff: Flag = Field(default=False, description="Software flow control (full duplex only).")
    path: Text | None = Field(
        default=None, description="Path by which the collector knows the port, e.g. /dev/ttyUSB0."
    )
    turnaround_ms: Number = Field(
        default=2.0, ge=0, le=1000, description="Time a slave needs before its reply, milliseconds."
    )
    poll_s: Number = Field(
        default=1.0, gt=0, le=60, description="House lines: each event device is polled once in so many seconds."
    )
    devices: tuple[DeviceSpec, ...] = Field(min_length=1, description="The devices on this line.")


class Columns(Part):
    """Columns of the collector's table, by meaning.

    The table may lack `ticket`, `epoch`, `seq` and `stored_at`, unless they are named here.
    """

    device: Text = Field(
        default="device", description="Device: its name, or its unit number where that is unambiguous."
    )
    clerk: Text = Field(default="clerk", description="Clerk: name (C01) or code (1).")
    ticket: Text = Field(default="ticket", description="Ticket that was being served.")
    value: Text = Field(default="value", description="Key pressed, 1..5.")
    at: Text = Field(default="at", description="Instant of the press: ISO 8601 or Unix seconds.")
    epoch: Text = Field(default="epoch", description="Boot epoch of the keypad.")
    seq: Text = Field(default="seq", description="Sequence number of the press.")
    stored_at: Text = Field(default="stored_at", description="Instant at which the row was stored.")


class Records(Part):
    """How the judge finds what the collector stored."""

    kind: Literal["sqlite", "database", "csv", "jsonl", "http"] = Field(
        default="sqlite",
        exclude_if=lambda kind: kind == "sqlite",  # a scenario's hash is older than this field, and those below
        description='Where the collector stores its ratings: "sqlite", "csv" and "jsonl" are files that it is told of, '
        '"database" is at `url`, "http" is an address of the bench to which it posts rows as JSON.',
    )
    url: Annotated[Text, PlainSerializer(hide, return_type=str)] | None = Field(
        default=None,
        exclude_if=unset,
        description="SQLAlchemy URL of the database, e.g. postgresql+psycopg://hall:${HALL_PASSWORD}@localhost/hall; "
        "${NAME} is taken from the environment.",
    )
    table: Text = Field(default="ratings", description="Table of the ratings.")
    query: Text | None = Field(
        default=None,
        exclude_if=unset,
        description="A SELECT in the place of the table, in the order of storing.",
    )
    columns: Columns = Field(default=Columns(), description="Column names, where they differ.")
    gaps: Text = Field(
        default="gaps",
        exclude_if=lambda table: table == "gaps",
        description="Table (device, at, lost) in which the collector says what is missing.",
    )
    health: Text = Field(
        default="health",
        exclude_if=lambda table: table == "health",
        description="Table (device, at, up) in which the collector says which devices are up.",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Records:
        if self.kind == "database" and self.url is None:
            raise ValueError('kind = "database" needs `url`, the address of the database')
        if self.kind != "database" and self.url is not None:
            raise ValueError(f'`url` is for kind = "database"; kind = "{self.kind}" has its place in the run directory')
        if self.query is not None and self.kind not in ("sqlite", "database"):
            raise ValueError(f'`query` is for databases; kind = "{self.kind}" has none')
        if self.query is not None and "table" in self.model_fields_set:
            raise ValueError("`query` and `table` are given: the rows come from one of them")
        return self


class Pace(Part):
    """Seconds that people take besides the service itself."""

    kiosk_s: Number = Field(default=6.0, ge=0, le=600, description="A visitor at the kiosk before pressing a button.")
    walk_s: Number = Field(default=8.0, ge=0, le=600, description="From seeing the call to standing at the counter.")
    clerk_s: Number = Field(
        default=2.0, ge=0, le=600, description='From a visitor leaving to the clerk pressing "next".'
    )


class FaultSpec(BaseModel):
    """A fault of the day: its name, when and where it strikes, and its own parameters beside them (docs/faults.md)."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    name: Text = Field(description="Name or id of the fault, e.g. bit_flip or N01; see `hallbench explain`.")
    line: Text | None = Field(default=None, description="Line on which it strikes.")
    device: Text | None = Field(default=None, description="Device to which it happens, or whose frames it hits.")
    unit: Whole | None = Field(default=None, description="Only frames to or from this address.")
    where: Text | None = Field(default=None, description='"reply", "request" or "any": the frames that it hits.')
    phase: Text | None = Field(
        default=None, description="idle, request.byte[k], turnaround, reply.byte[k], reply.end, gap or ack."
    )
    function: Whole | None = Field(default=None, description="Only Modbus frames with this function code.")
    address: Whole | None = Field(default=None, description="Only Modbus frames about this register.")
    nth: Whole | None = Field(default=None, description="It begins with the n-th frame that fits.")
    count: Whole | None = Field(default=None, description="How many frames it hits; 0 for no end.")
    rate: Number | None = Field(default=None, description="Share of the fitting frames that it hits.")
    at: TimeOfDay | None = Field(default=None, description='Time of the day at which it happens, e.g. "10:41".')
    after: TimeOfDay | None = Field(default=None, description="It strikes from this time on.")
    before: TimeOfDay | None = Field(default=None, description="It strikes until this time.")
    for_s: Number | None = Field(default=None, description="How long it lasts, seconds.")
    optional: Flag = Field(default=False, description="It is no mistake when it hits nothing.")

    def is_(self, name: str) -> bool:
        """Whether it is the fault of that name, which may have been given by its id."""
        found = find(self.name)
        return found is not None and found.name == name

    def given(self) -> dict[str, Any]:
        """What was given, as `Nemesis.inject` takes it."""
        return {key: value for key, value in self if key != "name" and value is not None and value is not False}


class Heal(Part):
    """The instant at which all faults end, and how soon all must be well then."""

    at: TimeOfDay = Field(description='Time of the day at which all faults end, e.g. "16:00".')
    converge_within_s: Number = Field(
        default=300.0,
        gt=0,
        le=36_000,
        description="Seconds within which what waited must be stored, and all devices be asked and up again.",
    )


class Scenario(Part):
    """A whole scenario file, checked. Times of day are ns since local midnight of `date`."""

    title: Text = Field(description="One line that says what this is.")
    name: Name = Field(
        default="",
        validate_default=False,
        description="Short name; by default the name of the file.",
        json_schema_extra=no_default,
    )
    notes: tuple[Text, ...] = Field(
        default=(), description="What a reader of the report should know about this day, a sentence each."
    )
    date: Annotated[Date, BeforeValidator(_plain_date)] = Field(
        description="The day that is played, e.g. 2025-03-10; a day on which the clocks do not change while the hall "
        "runs, in the years 2000 to 2099."
    )
    timezone: Text = Field(description="IANA time zone of the hall, e.g. Asia/Ho_Chi_Minh.")
    ratings: Literal["drawn", "watermark"] = Field(
        default="drawn",
        description='"drawn" = realistic values; "watermark" = a seeded sequence per keypad in which every loss, '
        "swap or duplicate shows.",
    )
    rating_share: Number = Field(default=0.3, ge=0, le=1, description="Share of the visitors who press a rating key.")
    rating_values: dict[Annotated[int, Field(ge=1, le=5)], Weight] = Field(
        default_factory=lambda: {5: 0.9, 4: 0.06, 3: 0.02, 2: 0.01, 1: 0.01},
        description="Weights of the values 1..5 in drawn ratings.",
        json_schema_extra=VALUES_AS_KEYS,
    )
    rating_delay_s: Lognormal = Field(
        default=Lognormal(median=4.0, p90=8.0),
        description="Seconds from the end of the service to the press, lognormal, cut off at the rating window.",
    )
    rating_window_s: Number = Field(
        default=15.0, gt=0, le=120, description="Seconds for which a keypad accepts the rating."
    )
    must_exercise: tuple[Invariant, ...] = Field(
        default=("loss", "duplication", "attribution", "tickets", "calls"),
        description="Invariants without which the verdict is inconclusive.",
    )
    hours: Hours = Field(description="Opening hours.")
    arrivals: Arrivals = Field(description="How many visitors come, and when.")
    pace: Pace = Field(default=Pace(), description="Seconds that people take besides the service.")
    greeter: Greeter | None = Field(
        default=None, exclude_if=unset, description="Who diverts some visitors before they take a ticket."
    )
    patience: Patience | None = Field(
        default=None, exclude_if=unset, description="When visitors leave unserved; by default they stay to the end."
    )
    visitor_classes: tuple[VisitorClass, ...] = Field(
        default=(), alias="visitor_class", exclude_if=unset, description="Kinds of visitors."
    )
    errands: tuple[Errand, ...] = Field(alias="errand", min_length=1, description="The procedures of this hall.")
    counters: tuple[Counter, ...] = Field(alias="counter", min_length=1, description="The counters of this hall.")
    lines: tuple[LineSpec, ...] = Field(alias="line", min_length=1, description="The lines and their devices.")
    records: Records = Field(default=Records(), description="How the judge finds what the collector stored.")
    faults: tuple[FaultSpec, ...] = Field(
        default=(),
        alias="fault",
        exclude_if=lambda faults: not faults,  # a scenario's hash is older than this field
        description="What goes wrong on purpose.",
    )
    heal: Heal | None = Field(
        default=None,
        exclude_if=unset,
        description="When all faults end; what is then not well again in time breaks the invariant convergence.",
    )

    _log: tuple[LoggedTicket, ...] = PrivateAttr(default=())
    _sha256: str = PrivateAttr(default="")
    _codecs: dict[str, Codec] = PrivateAttr(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _defaults_from_position(cls, data: Any) -> Any:
        return fill_in(data)

    @field_validator("date")
    @classmethod
    def _known_year(cls, date: Date) -> Date:
        if date.year not in YEARS:
            raise ValueError(f"the year {date.year} is not one of {YEARS[0]} to {YEARS[-1]}")
        return date

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f'"{zone}" is not a known time zone (IANA name, e.g. Asia/Ho_Chi_Minh)') from None
        return zone

    @field_validator("rating_values")
    @classmethod
    def _some_weight(cls, values: dict[int, float]) -> dict[int, float]:
        if not any(values.values()):
            raise ValueError("one value at least needs a weight above 0")
        return dict(sorted(values.items()))

    def attach(self, log: tuple[LoggedTicket, ...], sha256: str, codecs: Mapping[str, Codec] | None = None) -> None:
        """Give the scenario what stands beside its file (the loader calls this once)."""
        self._log, self._sha256 = log, sha256
        self._codecs = dict(codecs or {})

    @property
    def sha256(self) -> str:
        """Hash over the canonical model and the bytes of the recorded log, 64 hex digits."""
        return self._sha256

    @property
    def log(self) -> tuple[LoggedTicket, ...]:
        """The recorded tickets, in order of issue; empty when the day is drawn."""
        return self._log

    @cached_property
    def epoch_ns(self) -> int:
        """Unix nanoseconds of t = 0, the local midnight of `date`.

        Where the clocks change in the night before opening, it is the midnight by the clocks of the hall's hours: an
        instant t is then the time of day that these show (`crosscheck_day` sees that they do not change later).
        """
        start = self.start // NS
        first = datetime(self.date.year, self.date.month, self.date.day, tzinfo=ZoneInfo(self.timezone))
        return (int((first + timedelta(seconds=start)).timestamp()) - start) * NS

    def codec(self, protocol: str) -> Codec:
        """A declared protocol of this scenario, by the name or path that stands in it."""
        return self._codecs.get(protocol) or codec_of(protocol)

    def codec_for(self, device: DeviceSpec) -> Codec | None:
        """The declaration that a device plays; None for a device that is no declaration."""
        if isinstance(device, VoiceCallerSpec | DeclaredSpec):
            return self.codec(device.protocol)
        if isinstance(device, RatingKeypadSpec | ClerkConsoleSpec) and device.protocol == "ff68":
            return self.codec("ff68_evaluator" if isinstance(device, RatingKeypadSpec) else "ff68_console")
        return None

    @property
    def start(self) -> int:
        """Instant at which devices and collector start, ns since midnight (never before midnight)."""
        return max(0, self.hours.opens - round(self.hours.lead_minutes * MINUTE))

    @property
    def horizon(self) -> int:
        """Instant at which the day ends at the latest, ns since midnight."""
        return self.hours.closes + round(self.hours.horizon_minutes * MINUTE)

    @property
    def rating_window(self) -> int:
        """The rating window, ns."""
        return round(self.rating_window_s * NS)

    @cached_property
    def errand_index(self) -> Mapping[str, int]:
        """Name of an errand -> its place in `errands` (what `Visitor.errand` and `Waiting.errand` hold)."""
        return {errand.name: index for index, errand in enumerate(self.errands)}

    @cached_property
    def skills(self) -> Mapping[int, frozenset[int]]:
        """Number of a counter -> the errands it serves, by their place in `errands`."""
        return {c.number: frozenset(self.errand_index[name] for name in c.errands) for c in self.counters}

    @cached_property
    def lifts(self) -> tuple[int, ...]:
        """The priorities that classes of visitors add, ascending; a kiosk has a key for each behind its errands."""
        return tuple(sorted({found.priority for found in self.visitor_classes} - {0}))

    @cached_property
    def next_errand(self) -> Mapping[int, int]:
        """Place of an errand -> that of the one that follows at a second desk."""
        return {i: self.errand_index[e.then.errand] for i, e in enumerate(self.errands) if e.then is not None}

    @cached_property
    def speeds(self) -> Mapping[int, float]:
        """Number of a counter -> its speed, of those that are not 1."""
        return {c.number: c.speed for c in self.counters if c.speed != 1}

    @cached_property
    def placed(self) -> tuple[tuple[LineSpec, DeviceSpec], ...]:
        """Every device with the line it is on, in the file's order."""
        return tuple((line, device) for line in self.lines for device in line.devices)

    @cached_property
    def kiosk_keys(self) -> Mapping[str, tuple[int, ...]]:
        """Name of a kiosk -> the errands behind its keys 1, 2, 3 ..., by their place in `errands`."""
        return {
            device.name: tuple(self.errand_index[name] for name in device.errands)
            for _, device in self.placed
            if isinstance(device, KioskButtonSpec)
        }

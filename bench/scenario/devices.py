"""The devices that a line of a scenario may have: one class for each `kind`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, Strict, field_validator

from bench.scenario.fields import CounterNumber, Name, Number, Part, Text, Unit, Whole, no_default


class _Device(Part):
    name: Name = Field(
        default="",
        validate_default=False,
        description="Name of the device; by default its kind and number.",
        json_schema_extra=no_default,
    )

    @property
    def acts_as(self) -> str:
        """The kind of device that it is to the people in the hall, to the judge and in reports."""
        return str(getattr(self, "kind", ""))


class RatingKeypadSpec(_Device):
    """A rating keypad of the reference profile RK-1."""

    kind: Literal["rating_keypad"]
    unit: Unit
    counter: CounterNumber = Field(description="Counter at which the keypad stands.")
    protocol: Literal["rk1", "ff68"] = Field(
        default="rk1",
        exclude_if=lambda protocol: protocol == "rk1",  # a scenario's hash is older than this field
        description="What it speaks: the reference profile RK-1 over Modbus RTU, or the FF68 frames of an evaluator "
        "with four keys.",
    )


class ClerkConsoleSpec(_Device):
    """A clerk console (next, recall, done ...), profile RK-1 "CC"."""

    kind: Literal["clerk_console"]
    unit: Unit
    counter: CounterNumber = Field(description="Counter whose clerk uses it.")
    protocol: Literal["rk1", "ff68"] = Field(
        default="rk1",
        exclude_if=lambda protocol: protocol == "rk1",
        description="What it speaks: the reference profile RK-1 over Modbus RTU, or FF68 frames.",
    )


class CounterDisplaySpec(_Device):
    """A number display over one counter."""

    kind: Literal["counter_display"]
    unit: Unit
    counter: CounterNumber = Field(description="Counter over which it hangs.")
    digits: Whole = Field(default=4, ge=2, le=8, description="Number of characters it can show.")
    protocol: Literal["led485", "dm36", "embeddedart", "ascii"] = Field(
        default="led485",
        exclude_if=lambda protocol: protocol == "led485",  # a scenario's hash is older than this field
        description="What it speaks: the Modbus map of an LED-485, DM36B06/DM56A04 or EmbeddedArt display, or the "
        "ASCII protocol of the LED-485.",
    )


class MainBoardSpec(_Device):
    """A main board of the hall: the last calls, one a row."""

    kind: Literal["main_board"]
    unit: Unit
    rows: Whole = Field(default=2, ge=1, le=8, description="Number of rows.")


class AlphaBoardSpec(_Device):
    """A main board that speaks the Alpha protocol (M-Protocol): the last calls, one a row."""

    kind: Literal["alpha_board"]
    address: Whole = Field(ge=1, le=255, description="Serial address of the board, 1..255.")
    rows: Whole = Field(default=2, ge=1, le=8, description="Number of rows.")
    characters: Whole = Field(default=16, ge=8, le=64, description="Characters in a row, six columns of dots each.")
    profile: Literal["alpha", "betabrite"] = Field(
        default="alpha", description="Kind of board: protocol 2 with ACK and NAK, or a BetaBrite with its ways."
    )

    @property
    def unit(self) -> int:
        """The serial address, as other devices have their unit."""
        return self.address


class KioskButtonSpec(_Device):
    """The buttons of a ticket kiosk, profile RK-1 "KB": key k chooses the k-th errand of its list."""

    kind: Literal["kiosk_button"]
    unit: Unit
    printer: Name = Field(description="Name of the ticket printer in this kiosk.")
    errands: tuple[Text, ...] = Field(
        default=(),
        max_length=15,
        description="Errands behind the keys 1, 2, 3 ... (at most 15); by default all errands in the file's order.",
    )


class TicketPrinterSpec(_Device):
    """An ESC/POS ticket printer with process-id confirmation, alone on an RS-232 line."""

    kind: Literal["ticket_printer"]
    profile: Literal["tm-t88", "kiosk-58", "kiosk-80"] = Field(default="tm-t88", description="Printer profile.")
    paper_m: Number = Field(
        default=80.0, gt=0, le=500, description="Paper on the roll at the start of the day, metres."
    )
    near_end_m: Number = Field(
        default=5.0, ge=0, le=50, description="The near-end sensor tells when so many metres are left."
    )
    handshake: Literal["xonxoff", "dtr"] = Field(
        default="xonxoff",
        exclude_if=lambda handshake: handshake == "xonxoff",  # a scenario's hash is older than this field
        description="How it says that it is busy: by XOFF and XON, or by its lines, and then it answers only while the "
        "program's DTR is on (hall:// and rfc2217 carry DTR; on a pty and tcp it is always on).",
    )


class Clip(Part):
    """One recorded clip on the card of a voice caller."""

    number: Whole = Field(ge=1, le=2999, description="Number by which it is played.")
    text: Text = Field(description='What is heard, e.g. "mời số"; a single letter or digit for spelling tickets.')
    seconds: Number = Field(gt=0, le=60, description="How long it takes.")


class VoiceCallerSpec(_Device):
    """A voice caller: a clip player, or a speech chip, on a line of its own."""

    kind: Literal["voice_caller"]
    protocol: Literal["dfplayer", "syn6288", "xfs5152"] = Field(
        default="dfplayer", description="dfplayer plays recorded clips; syn6288 and xfs5152 speak Chinese text."
    )
    profile: Annotated[str, Strict()] = Field(
        default="", description="A clone with its ways, see `hallbench devices dfplayer`; empty for the usual one."
    )
    clips: tuple[Clip, ...] = Field(
        default=(),
        description="The clips on its card; by default the numbers 0..9, letters A..Z and the words of a call.",
    )
    within_s: Number = Field(default=30.0, gt=0, le=600, description="A call has to be spoken within so many seconds.")

    @property
    def unit(self) -> int | None:
        """It has none: it is alone on its line."""
        return None


class OsdpKeypadSpec(_Device):
    """A rating keypad that speaks OSDP (clear mode): the keys 1..5 are the ratings."""

    kind: Literal["osdp_keypad"]
    unit: Whole = Field(
        description="Address of the device on its bus, 0..126.", json_schema_extra={"minimum": 0, "maximum": 126}
    )
    counter: CounterNumber = Field(description="Counter at which the keypad stands.")

    @field_validator("unit")
    @classmethod
    def _osdp_address(cls, unit: int) -> int:
        if not 0 <= unit <= 126:
            raise ValueError(f"an OSDP address is 0..126, not {unit}")
        return unit

    @property
    def acts_as(self) -> str:
        """It is a rating keypad."""
        return "rating_keypad"


class DeclaredSpec(_Device):
    """A device by declaration: its protocol is a file, or one of the catalogue."""

    kind: Literal["declared"]
    protocol: Text = Field(description="Name of a shipped declaration, or path of one beside the scenario.")
    unit: Whole | None = Field(default=None, description="Address; by default the declaration's.")
    counter: CounterNumber | None = Field(default=None, description="Counter at which it stands, if it stands at one.")
    profile: Annotated[str, Strict()] = Field(default="", description="One of the declaration's profiles.")
    role: Literal["rating-keypad", "clerk-console", "display", "board", "voice", "other", ""] = Field(
        default="", description="What it is to the hall; by default what its declaration says."
    )
    within_s: Number | None = Field(
        default=None,
        gt=0,
        le=600,
        exclude_if=lambda within: within is None,  # a scenario's hash is older than this field
        description="Of a voice caller: a call has to be spoken within so many seconds; by default within twice the "
        "time that its declaration gives a call ([house] announce, lasts_ms), and 30 at least.",
    )

    @property
    def acts_as(self) -> str:
        """The kind of device that its role is."""
        return ROLE_KINDS.get(self.role, self.kind)


ROLE_KINDS: Mapping[str, str] = {
    "rating-keypad": "rating_keypad",
    "clerk-console": "clerk_console",
    "display": "counter_display",
    "board": "main_board",
    "voice": "voice_caller",
}
"""Role of a declared device -> the kind of device that it is to the hall."""


DeviceSpec: TypeAlias = Annotated[
    RatingKeypadSpec
    | ClerkConsoleSpec
    | CounterDisplaySpec
    | MainBoardSpec
    | AlphaBoardSpec
    | KioskButtonSpec
    | TicketPrinterSpec
    | VoiceCallerSpec
    | OsdpKeypadSpec
    | DeclaredSpec,
    Field(discriminator="kind"),
]

"""The bodies that the control API takes: one pydantic model each, from which the OpenAPI document is made too."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["MOST_ACTS", "Act", "Acts", "ClockOrder", "FaultOrder", "Nothing"]

MOST_ACTS = 2000
"""Acts of one batch: a second of a hall in which 2,000 keys are pressed."""

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:/ -]+$")]
Word = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:\[\]-]+$")]
Printable = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
Whole = Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]
Instant = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-9]|[0-9]):[0-5][0-9](:[0-5][0-9])?$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Nothing(_Body):
    """No fields."""


class Act(_Body):
    """What a person does to a device; each action takes its own fields."""

    key: Whole | Printable | None = Field(default=None, description="press: the key, 1..5 on a rating keypad.")
    held_s: float = Field(default=0.0, ge=0, le=600, description="press: how long it is held, seconds.")
    clerk: int | None = Field(default=None, ge=0, le=0xFFFF, description="log_in: the clerk's code.")
    on: bool | None = Field(default=None, description="tamper: opened; supply: low. True when it is not given.")
    metres: float | None = Field(default=None, ge=0, le=1000, description="load_paper: length of the roll; 80.")
    args: list[Whole | Printable | bool] = Field(
        default_factory=list, max_length=8, description="Actions of a declared device: its arguments in order."
    )


class PlacedAct(Act):
    """One act of a batch."""

    device: Printable = Field(description="Name of the device.")
    action: Printable = Field(description='What is done: "press", "open_cover" ...')


class Acts(_Body):
    """Several acts, done in this order."""

    acts: list[PlacedAct] = Field(max_length=MOST_ACTS)


class FaultOrder(_Body):
    """A fault: its type, where and when it strikes, and its own parameters in `attrs`."""

    type: Printable = Field(description='Name or id of the catalogue: "bit_flip", "N03".')
    line: Printable | None = None
    device: Printable | None = None
    unit: int | None = Field(default=None, ge=0, le=255)
    where: Literal["reply", "request", "any"] | None = None
    phase: Printable | None = Field(default=None, description='Point of an exchange: "reply.byte[3]".')
    function: int | None = Field(default=None, ge=0, le=255)
    address: int | None = Field(default=None, ge=0, le=0xFFFF)
    nth: int | None = Field(default=None, ge=1, le=1_000_000, description="The first frame that it hits.")
    count: int | None = Field(default=None, ge=0, le=1_000_000, description="How often; 0 has no end.")
    rate: float | None = Field(default=None, gt=0, le=1, description="Share of the frames that it hits.")
    at: Instant | None = Field(default=None, description="Time of day of the hall.")
    after: Instant | None = None
    before: Instant | None = None
    for_s: float | None = Field(default=None, ge=0, le=86_400)
    optional: bool | None = Field(default=None, description="That it hits nothing is no mistake.")
    attrs: dict[Word, Whole | float | Printable] = Field(
        default_factory=dict, max_length=16, description="Parameters of this type of fault."
    )

    def given(self) -> dict[str, Any]:
        """What was said of it, for `Nemesis.inject`; parameters and trigger side by side."""
        told = self.model_dump(exclude_unset=True, exclude={"type", "attrs"})
        return {**self.attrs, **{key: value for key, value in told.items() if value is not None}}


class ClockOrder(_Body):
    """What the clock shall do."""

    do: Literal["pause", "resume", "step", "speed"]
    seconds: float | None = Field(default=None, gt=0, le=3600, description="step: of the hall's time.")
    factor: float | None = Field(default=None, gt=0, le=10_000, description="speed: hall seconds in a real one.")

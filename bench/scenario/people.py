"""What a scenario says of the people who come: their kinds, their patience, who is spared the way, what follows.

All of it is optional. A part that is not given is not in the canonical form of a scenario, so that hashes and drawn
days of scenarios without it stay what they were.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from bench.scenario.fields import Number, OpenSpan, Part, Text, Weight, Whole

LONGEST_TIME = 100_000
"""Largest median or p90 of a time, in minutes or seconds as the field says."""


def unset(value: Any) -> bool:
    """Whether a part is not given (None, or nothing in it)."""
    return value is None or value == ()


class Lognormal(Part):
    """A lognormal time by its median and the value that nine in ten stay below (same unit)."""

    median: Number = Field(gt=0, le=LONGEST_TIME, description="Half of the times are shorter.")
    p90: Number = Field(
        gt=0,
        le=LONGEST_TIME,
        description="Nine in ten times are shorter; not below the median, and at most a hundred times as long.",
    )


class VisitorClass(Part):
    """A kind of visitor, such as older people; whoever is in no class is like all others."""

    name: Text = Field(description="Name of the class, e.g. elderly.")
    share: Number = Field(gt=0, le=1, description="Share of all visitors; those of all classes are 1 at most.")
    service_factor: Number = Field(
        default=1.0, gt=0, le=100, description="Their time at a counter is so many times that of the others."
    )
    patience_factor: Number = Field(
        default=1.0, gt=0, le=100, description="They wait so many times as long before they give up."
    )
    priority: Whole = Field(
        default=0,
        ge=0,
        le=9,
        description="Added to the priority of their errand; they (or the greeter) press the kiosk's key for it first.",
    )


class Greeter(Part):
    """Somebody at the door who shows visitors how to do their errand online: some of them need no ticket then."""

    share: Number = Field(gt=0, lt=1, description="Share of the visitors who leave without a ticket, helped.")
    seconds: Number = Field(default=60.0, ge=0, le=3600, description="How long the greeter talks with each of them.")


class Patience(Part):
    """When visitors leave unserved. Their ticket stays in the queue: the clerk calls it, recalls, and gives it up."""

    minutes: Lognormal | None = Field(
        default=None, description="Minutes from the ticket in hand after which a visitor who is not called leaves."
    )
    observed: tuple[Number, ...] = Field(
        default=(),
        max_length=10_000,
        description="Observed minutes in the place of the lognormal, one drawn a visitor.",
    )
    share: Number = Field(default=1.0, ge=0, le=1, description="Share whose patience ends; the others stay.")
    queue: Lognormal | None = Field(
        default=None,
        description="Who reads on the ticket that more people than this wait before leaves at once (rounded down).",
    )
    no_show: Number = Field(
        default=0.0, ge=0, lt=1, description="Share who leave with the ticket in hand, whatever the queue."
    )

    @model_validator(mode="after")
    def _one_of(self) -> Patience:
        if self.minutes is not None and self.observed:
            raise ValueError("`minutes` and `observed` are given: patience comes from one of them")
        if any(not 0 < value <= LONGEST_TIME for value in self.observed):
            raise ValueError(f"observed patience is above 0 and at most {LONGEST_TIME} minutes")
        return self


class Then(Part):
    """What follows an errand: the visitor keeps the ticket and is called once more, to a second desk."""

    errand: Text = Field(description="Name of the errand that follows.")
    share: Weight = Field(default=1.0, le=1, description="Share of the visitors of the first errand who go on.")
    minutes: Lognormal | None = Field(
        default=None, description="Service time there; by default that of the errand itself."
    )


class Appointments(Part):
    """An errand to which people come by appointment: a service of its own, with its letter and its priority.

    Who is early takes a ticket at the agreed time and not before; the errand's priority counts from then on.
    """

    spans: tuple[OpenSpan, ...] = Field(
        min_length=1, description='Agreed times lie in these spans, from their beginning on, e.g. ["08:00-11:00"].'
    )
    every_minutes: Number = Field(ge=1, le=600, description="Minutes from one agreed time to the next.")
    places: Whole = Field(default=1, ge=1, le=100, description="Appointments at each agreed time.")
    booked: Number = Field(default=1.0, gt=0, le=1, description="Share of the places that are booked.")
    missed: Number = Field(default=0.0, ge=0, lt=1, description="Share of the booked who do not come.")
    early_minutes: Number = Field(
        default=5.0, ge=-120, le=120, description="So many minutes before the agreed time they come, on average."
    )
    spread_minutes: Number = Field(
        default=0.0, ge=0, le=240, description="Standard deviation of that (normal), in minutes."
    )
    grace_minutes: Number = Field(
        default=15.0, ge=0, le=600, description="Who is later than this has lost the appointment (see `otherwise`)."
    )
    otherwise: Text | None = Field(
        default=None,
        description="Errand of which whoever comes too late takes a ticket; by default the appointment is kept.",
    )

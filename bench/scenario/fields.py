"""The kinds of values that fields of a scenario have (times of day, spans, names), and what all its tables share."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, Strict, WithJsonSchema

from bench.scenario.times import Span, parse_span, parse_time, time_text

TIME_PATTERN = r"^([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?$|^24:00(:00)?$"
TIMES_AS_KEYS: dict[str, Any] = {"propertyNames": {"pattern": TIME_PATTERN}}
VALUES_AS_KEYS: dict[str, Any] = {"propertyNames": {"pattern": "^[1-5]$"}}
_ONE_TIME = r"\s*([01]?\d|2[0-3]|24):[0-5]\d(:[0-5]\d)?\s*"

TimeOfDay: TypeAlias = Annotated[
    int,
    BeforeValidator(parse_time),
    PlainSerializer(time_text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": TIME_PATTERN}),
]
OpenSpan: TypeAlias = Annotated[
    Span,
    BeforeValidator(parse_span),
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": f"^{_ONE_TIME}-{_ONE_TIME}$"}),
]
Text: TypeAlias = Annotated[str, Strict(), Field(min_length=1)]
Whole: TypeAlias = Annotated[int, Strict()]
Number: TypeAlias = Annotated[float, Strict()]
Weight: TypeAlias = Annotated[float, Strict(), Field(ge=0, le=1_000_000)]
Flag: TypeAlias = Annotated[bool, Strict()]
Name: TypeAlias = Annotated[str, Strict(), Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=40)]
Unit: TypeAlias = Annotated[int, Strict(), Field(ge=1, le=247, description="Address of the device on its bus, 1..247.")]
CounterNumber: TypeAlias = Annotated[int, Strict(), Field(ge=1, le=999)]


def no_default(schema: dict[str, Any]) -> None:
    """Leave the default out of the JSON Schema: it depends on the place in the file."""
    schema.pop("default", None)


class Part(BaseModel):
    """A table of a scenario: unknown keys are mistakes, and nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

"""Numbers of a declaration at their limits, what is meant where none stands, and where a mistake is pointed at."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.declared.build import Refused, build
from protocol.declared.model import Declaration
from protocol.declared.reading import Problem

FULL = """
[device]
name = "pad"
title = "a pad"
source = "made up"
grade = "A"
role = "rating-keypad"
keeps = ["n"]

[line]

[frame]
part = [
  { name = "run", preamble = { byte = 0xA5, min = 2 } },
  { name = "start", const = "02" },
  { name = "addr", uint = 1, role = "address" },
  { name = "len", uint = 1, counts = "cmd..data" },
  { name = "cmd", uint = 1, values = { ask = 1, rate = 2, ok = 3 } },
  { name = "data", bytes = "rest" },
  { name = "sum", check = "sum8", over = "start..data" },
]

[address]
range = [1, 9]

[state]
n = 0
queue = []

[[message]]
name = "ask"
from = "host"
match = { data_len = 3, cmd = "ask" }
fields = [{ name = "text", digits = 3 }]
when = { n = { min = 0 } }

[[message]]
name = "rate"
from = "device"
match = { cmd = 2 }
fields = [{ name = "key", uint = 1 }]
expect = { message = "ok" }

[[message]]
name = "ok"
from = "host"
match = { cmd = 3 }

[[action]]
name = "press"
args = [{ name = "key", range = [1, 5] }]
effects = [{ send = "rate", values = { key = "@key" } }]

[timer.late]
effects = [{ set = "n", to = 0 }]

[house]
rating = { message = "rate", value = { of = "@key" } }
show = { message = "ask", values = { text = "@ticket" }, answer = "rate" }
screen = {}

[[vector]]
of = "ask"
hex = "A5 A5 02 01 04 01 01 02 03 0E"
values = { addr = 1, text = "123" }
source = "made up"
grade = "A"

[[vector]]
of = "rate"
hex = "A5 A5 02 01 02 02 05 0C"
source = "made up"
grade = "A"
"""
"""A declaration with everything that has a limit."""

Path = tuple[str | int, ...]


def with_value(path: Path, value: Any) -> dict[str, Any]:
    """FULL with another value at a place; None takes it away."""
    table = copy.deepcopy(tomllib.loads(FULL))
    inner: Any = table
    for key in path[:-1]:
        inner = inner[key]
    if value is None:
        inner.pop(path[-1], None)
    else:
        inner[path[-1]] = value
    return table


def problems(table: dict[str, Any]) -> list[Problem]:
    with pytest.raises(Refused) as refused:
        build(table, vectors=False)
    return refused.value.problems


def show(declaration: Declaration) -> Any:
    assert declaration.house is not None
    return declaration.house.show


def screen(declaration: Declaration) -> Any:
    assert declaration.house is not None
    return declaration.house.screen


def rating(declaration: Declaration) -> Any:
    assert declaration.house is not None
    assert declaration.house.rating is not None
    return declaration.house.rating.value


def run(declaration: Declaration) -> Any:
    return declaration.frames["frame"].parts[0].run


LEAST = -(1 << 31)

LIMITS: dict[Path, tuple[int, int | None, Any, Callable[[Declaration], Any]]] = {
    # where: lowest, highest (None: any), what is meant when it is not said, where it is found
    ("device", "boot_ms"): (0, 3_600_000, 0, lambda made: made.boot_ms),
    ("line", "baud"): (50, 4_000_000, 9600, lambda made: made.line.baud),
    ("line", "bytesize"): (5, 8, 8, lambda made: made.line.bytesize),
    ("line", "inter_byte_ms"): (1, 60_000, 20, lambda made: made.line.inter_byte_ms),
    ("line", "reply_within_ms"): (1, 600_000, None, lambda made: made.line.reply_within_ms),
    ("line", "turnaround_ms"): (0, 60_000, 0, lambda made: made.line.turnaround_ms),
    ("address", "broadcast"): (0, 1 << 32, None, lambda made: made.address.broadcast),
    ("address", "reply_mask"): (0, 1 << 32, 0, lambda made: made.address.reply_mask),
    ("address", "default"): (1, 9, 1, lambda made: made.address.default),
    ("frame", "max_bytes"): (1, 65536, 256, lambda made: made.frames["frame"].most),
    ("frame", "part", 0, "preamble", "byte"): (0, 255, 0, lambda made: run(made).byte),
    ("frame", "part", 0, "preamble", "min"): (1, 255, 1, lambda made: run(made).least),
    ("frame", "part", 0, "preamble", "max"): (2, 255, 16, lambda made: run(made).most),
    ("frame", "part", 0, "preamble", "send"): (2, 16, 2, lambda made: run(made).send),
    ("frame", "part", 3, "repeat"): (1, 8, 1, lambda made: made.frames["frame"].parts[3].repeat),
    ("frame", "part", 3, "plus"): (-65536, None, 0, lambda made: made.frames["frame"].parts[3].plus),
    ("message", 0, "fields", 0, "blank"): (0, 255, None, lambda made: made.messages[0].fields[0].blank),
    ("message", 0, "when", "n", "min"): (LEAST, None, None, lambda made: made.messages[0].when[0].low),
    ("message", 0, "when", "n", "max"): (LEAST, None, None, lambda made: made.messages[0].when[0].high),
    ("message", 1, "expect", "within_ms"): (1, 600_000, 500, lambda made: made.messages[1].expect.within),
    ("message", 1, "expect", "retries"): (0, 100, 0, lambda made: made.messages[1].expect.retries),
    ("message", 1, "expect", "stagger_ms"): (0, 10_000, 0, lambda made: made.messages[1].expect.stagger),
    ("action", 0, "quiet_ms"): (0, 3_600_000, 0, lambda made: made.actions["press"].quiet),
    ("house", "rating", "value", "plus"): (LEAST, None, 0, lambda made: rating(made).plus),
    ("house", "rating", "value", "times"): (LEAST, None, 1, lambda made: rating(made).times),
    ("house", "rating", "value", "min"): (LEAST, None, None, lambda made: rating(made).low),
    ("house", "rating", "value", "max"): (LEAST, None, None, lambda made: rating(made).high),
    ("house", "show", "every_ms"): (10, 3_600_000, 30_000, lambda made: show(made).every_ms),
    ("house", "show", "within_ms"): (1, 60_000, 500, lambda made: show(made).within_ms),
    ("house", "screen", "width"): (1, 256, 8, lambda made: screen(made).width),
    ("house", "screen", "rows"): (1, 32, 1, lambda made: screen(made).rows),
}
NAMED = [pytest.param(path, id=".".join(map(str, path))) for path in LIMITS]


def test_everything_together_is_right() -> None:
    """The declaration that the others are changed copies of is accepted with its vectors."""
    assert build(tomllib.loads(FULL)).name == "pad"


@pytest.mark.parametrize("path", NAMED)
def test_a_number_is_taken_up_to_its_limits(path: Path) -> None:
    """The lowest and the highest value are taken as they stand."""
    low, high, _, found = LIMITS[path]
    for value in (low, 1 << 40 if high is None else high):
        assert found(build(with_value(path, value), vectors=False)) == value


@pytest.mark.parametrize("path", NAMED)
def test_a_number_beyond_its_limits_is_refused(path: Path) -> None:
    """The next one below and the next one above are a mistake each, told at the value with both limits."""
    low, high, _, _ = LIMITS[path]
    for value in (low - 1, None if high is None else high + 1):
        if value is not None:
            (problem,) = problems(with_value(path, value))
            bounds = f"at least {low}" if high is None else f"{low}..{high}"
            assert (problem.path, problem.at_key) == (path, False)
            assert problem.message.endswith(f"{path[-1]} {value} is not {bounds}")


@pytest.mark.parametrize("path", NAMED)
def test_what_is_not_said_has_its_meaning(path: Path) -> None:
    """Without the key the published default holds."""
    if path[-1] == "byte":
        assert "`byte` is missing" in problems(with_value(path, None))[0].message
        return
    _, _, default, found = LIMITS[path]
    assert found(build(with_value(path, None), vectors=False)) == default


@pytest.mark.parametrize(("name", "period"), [("window", 500), ("dark", 500), ("poll", 500), ("answer", 500)])
def test_periods_that_are_not_said(name: str, period: int) -> None:
    """What a program says besides `show` is said again every half second."""
    made = build(with_value(("house", name), {"message": "ok"}), vectors=False)
    assert made.house is not None
    assert getattr(made.house, name).every_ms == period


def test_what_is_said_at_the_start_is_said_once_a_half_second_and_kept_in_order() -> None:
    """`[[house.start]]`: each in the order of the file; one that cannot be read is a mistake, not left out."""
    made = build(with_value(("house", "start"), [{"message": "ok"}, {"message": "ask"}]), vectors=False)
    assert made.house is not None
    assert [(ask.message, ask.every_ms) for ask in made.house.start] == [("ok", 500), ("ask", 500)]
    (problem,) = problems(with_value(("house", "start"), [{"message": "ok"}, {"message": "okay"}]))
    assert problem.path == ("house", "start", 1)


def test_a_told_message_says_which_value_it_tells() -> None:
    """`rating = { message = ... }` without `value` is a mistake."""
    (problem,) = problems(with_value(("house", "rating"), {"message": "rate"}))
    assert (problem.path, problem.message) == (("house", "rating"), "`value` is missing")


@pytest.mark.parametrize(("bits", "taken"), [(1, True), (1.5, True), (2, True), (0.5, False), (0, False), (3, False)])
def test_stop_bits(bits: float, taken: bool) -> None:
    """One, one and a half, or two."""
    if taken:
        assert build(with_value(("line", "stopbits"), bits), vectors=False).line.stopbits == bits
    else:
        (problem,) = problems(with_value(("line", "stopbits"), bits))
        assert problem.path == ("line", "stopbits")


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_time_is_a_number_that_passes(bad: float) -> None:
    """TOML knows nan and inf; no line has such a turnaround."""
    (problem,) = problems(with_value(("line", "turnaround_ms"), bad))
    assert problem.path == ("line", "turnaround_ms")


@pytest.mark.parametrize("size", range(-1, 11))
def test_a_uint_has_one_to_eight_bytes(size: int) -> None:
    """Neither none nor nine."""
    table = with_value(("message", 1, "fields", 0, "uint"), size)
    if 1 <= size <= 8:
        assert build(table, vectors=False).messages[1].fields[0].size == size
    else:
        assert problems(table)[0].path == ("message", 1, "fields", 0, "uint")


def test_a_block_may_have_as_many_bytes_as_a_frame() -> None:
    """65536, and not one more."""
    path: Path = ("message", 1, "fields", 0)
    made = build(with_value(path, {"name": "key", "bytes": 65536}), vectors=False)
    assert made.messages[1].fields[0].size == 65536
    assert problems(with_value(path, {"name": "key", "bytes": 65537}))[0].path == (*path, "bytes")


@pytest.mark.parametrize(
    ("span", "taken"),
    [([0, 7], True), (0, True), (7, True), ([-1, 2], False), ([0, 8], False), (8, False), (-1, False), ([3, 2], False)],
)
def test_bits_lie_within_their_number(span: Any, taken: bool) -> None:
    """From 0 to 7 in one byte; one bit may be written as its number alone."""
    table = with_value(("message", 1, "fields", 0, "bits"), {"low": span})
    if taken:
        pair = tuple(span) if isinstance(span, list) else (span, span)
        assert build(table, vectors=False).messages[1].fields[0].bits == {"low": pair}
    else:
        (problem,) = problems(table)
        assert problem.path == ("message", 1, "fields", 0, "bits", "low")


def test_lengths_and_values_match_together() -> None:
    """`data_len` does not end what `match` says; names stand for their numbers, arrays for a choice."""
    ask = build(with_value(("message", 0, "match", "addr"), [1, 2]), vectors=False).messages[0]
    assert (ask.lengths, ask.match) == ({"data": 3}, {"cmd": 1, "addr": (1, 2)})


WRONG_KEYS: list[tuple[Path, Any, Path, bool, str]] = [
    # place, what is put there, the path that is told, whether the key is wrong, part of message and hint
    (("message", 1, "values"), {"kee": 1}, ("message", 1, "values", "kee"), True, 'did you mean "key"?'),
    (
        ("message", 1, "expect"),
        {"echo_with": {"kee": 1}},
        ("message", 1, "expect", "echo_with", "kee"),
        True,
        "no value",
    ),
    (("message", 1, "reply"), "none", ("message", 1, "reply"), True, "`reply` is for what the host sends"),
    (("message", 1, "when"), {"n": 1}, ("message", 1, "when"), True, "`when` is for what the host sends"),
    (("message", 0, "expect"), {"message": "ok"}, ("message", 0, "expect"), True, "for what the device sends"),
    (("message", 0, "frame"), "frme", ("message", 0, "frame"), False, 'there is no frame "frme" did you mean "frame"?'),
    (
        ("message", 0, "fields"),
        [{"name": "t", "uint": 1}, {"name": "t", "uint": 2}],
        ("message", 0, "fields", 1, "name"),
        False,
        'there are two values "t"',
    ),
    (
        ("message", 0, "fields"),
        [{"name": "t", "bytes": "rest"}, {"name": "u", "uint": 2}],
        ("message", 0, "fields", 0),
        False,
        "nothing can stand behind it",
    ),
    (("message", 0, "match"), {"cmb": 1}, ("message", 0, "match", "cmb"), True, 'did you mean "cmd"?'),
    (("message", 0, "match"), {"data_len": "x"}, ("message", 0, "match", "data_len"), False, "a number of bytes"),
    (("message", 0, "match"), {"cmd": "tell"}, ("message", 0, "match", "cmd"), False, 'no value called "tell"'),
    (("message", 0, "match"), {"cmd": 1.5}, ("message", 0, "match", "cmd"), False, "is a number"),
    (("message", 0, "kind"), 1, ("message", 0, "kind"), True, "there is no key `kind` here"),
    (("message", 1, "expect"), {}, ("message", 1, "expect"), False, "say which answer"),
    (
        ("message", 1, "expect"),
        {"message": "ok", "echo_with": {}},
        ("message", 1, "expect"),
        False,
        "say which answer",
    ),
    (("message", 1, "expect", "message"), "rate", ("message", 1, "expect", "message"), False, "from the host"),
    (("house", "show", "values"), {"tekst": 1}, ("house", "show", "values", "tekst"), True, 'did you mean "text"?'),
    (
        ("house", "window"),
        {"message": "ok", "within_ms": 5},
        ("house", "window", "within_ms"),
        True,
        "needs an `answer`",
    ),
    (("house", "show"), None, ("house", "screen"), True, "no `show`"),
    (("house", "rating", "message"), "ask", ("house", "rating"), False, 'message = "rate"'),
    (("house", "show", "answer"), "ok", ("house", "show", "answer"), False, "message of the device"),
    (
        ("action", 0, "effects"),
        [{"send": "rate", "values": {"kee": 1}}],
        ("action", 0, "effects", 0, "values", "kee"),
        True,
        'did you mean "key"?',
    ),
    (
        ("action", 0, "effects"),
        {"note": "shown", "values": {"row": 1}},
        ("action", 0, "effects", "values"),
        False,
        "what is shown has a text",
    ),
    (("action", 0, "effects"), {"note": "shown"}, ("action", 0, "effects"), False, "what is shown has a text"),
    (("action", 0, "effects"), {"start": "late"}, ("action", 0, "effects"), False, "`ms` is missing"),
    (("action", 0, "effects"), {"push": "queue"}, ("action", 0, "effects"), False, "`value` is missing"),
    (("action", 0, "effects"), {"raw": "0"}, ("action", 0, "effects", "raw"), False, "raw must be bytes"),
    (
        ("action", 0, "effects"),
        {"pop": "queue", "into": [1]},
        ("action", 0, "effects", "into"),
        False,
        "state variable",
    ),
    (("action", 0, "effects"), {"set": "n", "add": "n"}, ("action", 0, "effects"), False, "has set and add"),
    (("action", 0, "effects"), {"set": 5, "to": 1}, ("action", 0, "effects", "set"), False, "set needs a name"),
    (("action", 0, "effects"), ["set"], ("action", 0, "effects", 0), False, "an effect is a table"),
    (("action", 0, "name"), "hear", ("action", 0, "name"), False, "cannot be the name of an action"),
    (("action", 0, "when"), {"m": 1}, ("action", 0, "when", "m"), False, 'no state variable "m"'),
    (("message", 0, "fields", 0, "bits"), {"a": 0}, ("message", 0, "fields", 0, "bits"), True, "only a uint has bits"),
    (
        ("message", 0, "fields", 0),
        {"name": "text", "text": 3, "encoding_by": "cmd", "encodings": {"x": "gbk"}},
        ("message", 0, "fields", 0, "encodings", "x"),
        True,
        "is not a number",
    ),
    (
        ("message", 0, "fields", 0),
        {"name": "text", "text": 3, "encoding_by": "cmd"},
        ("message", 0, "fields", 0),
        False,
        "needs `encodings`",
    ),
    (("frame", "part", 1, "const"), "", ("frame", "part", 1, "const"), False, "one byte at least"),
    (("frame", "part", 1, "preamble"), {"byte": 1}, ("frame", "part", 1, "preamble"), False, "is the first part"),
    (("frame", "part", 4, "counts"), "data", ("frame", "part", 4, "counts"), False, "names two parts"),
    (("frame", "part", 6, "check"), "crc16", ("frame", "part", 6), False, "crc16 needs its `poly`"),
    (("frame", "part", 6, "over"), "data..start", ("frame", "part", 6, "over"), False, "stands behind"),
    (("frame", "part"), [], ("frame", "part"), False, "there are no parts"),
    (("profile",), {"a": {"n": "x"}}, ("profile", "a", "n"), False, 'n is 0 otherwise, here "x"'),
    (("device", "keeps"), ["n", "m"], ("device", "keeps", 1), False, 'no state variable "m"'),
    (("device", "notes"), ["x", 5], ("device", "notes", 1), False, "notes[2] must be text"),
    (("voice",), {"finished": []}, ("voice",), False, "has a loudspeaker"),
    (("address", "range"), [9, 1], ("address", "range"), False, "two whole numbers in order"),
    (("vector", 0, "hex"), " ", ("vector", 0, "hex"), False, "one byte at least"),
    (("vector", 0, "of"), "asks", ("vector", 0, "of"), False, 'did you mean "ask"?'),
]


@pytest.mark.parametrize(("place", "value", "told", "at_key", "words"), WRONG_KEYS)
def test_a_mistake_is_pointed_at(place: Path, value: Any, told: Path, at_key: bool, words: str) -> None:
    """Each is told once, at its own place: at the key when the name is wrong, at the value when that is."""
    (problem,) = [problem for problem in problems(with_value(place, value)) if problem.path == told]
    assert problem.at_key is at_key
    assert words in f"{problem.message} {problem.hint}"


def test_whom_a_mistake_is_about() -> None:
    """A message's and an action's mistakes begin with its name; what follows them has no such beginning."""
    assert problems(with_value(("message", 0, "kind"), 1))[0].message.startswith('message "ask": ')
    assert problems(with_value(("action", 0, "kind"), 1))[0].message.startswith('action "press": ')
    assert problems(with_value(("vector", 0, "kind"), 1))[0].message.startswith("there is no key")
    assert problems(with_value(("house", "kind"), 1))[0].message.startswith("there is no key")


def test_a_text_is_matched_by_text() -> None:
    """What could not be compared is a mistake, not another exception."""
    table = with_value(("frame", "part", 4), {"name": "cmd", "digits": 1})
    for message in table["message"]:
        message["match"] = {"cmd": [[1]]}
    assert all("is text in quotes" in problem.message for problem in problems(table))


def test_every_mistake_of_a_table_is_told() -> None:
    """Not the first only: of matches, frames without a name, and fields that say nothing."""
    paths = [
        problem.path[-1] for problem in problems(with_value(("message", 0, "match"), {"x": 1, "y": 2, "z_len": 3}))
    ]
    assert paths[:3] == ["x", "y", "z_len"]
    fields = [{"name": "a"}, {"uint": 1}, {"name": "b", "uint": 1, "hex": 2}, {"name": "c", "const": "zz"}]
    told = problems(with_value(("message", 0, "fields"), fields))
    assert [problem.path[3] for problem in told if problem.path[:3] == ("message", 0, "fields")] == [0, 1, 2, 3]


def test_constants_of_one_name_are_no_mistake() -> None:
    """Nobody asks for their value."""
    fields = [{"name": "zero", "const": "00"}, {"name": "zero", "const": "01"}, {"name": "text", "digits": 1}]
    assert len(build(with_value(("message", 0, "fields"), fields), vectors=False).messages[0].fields) == 3


def test_which_of_several_frames_a_message_has_must_be_said() -> None:
    """With one frame it is that one."""
    table = with_value(("frame", "name"), "one")
    table["frame"] = [table["frame"], {**table["frame"], "name": "two"}]
    told = [problem for problem in problems(table) if "there are several" in problem.message]
    assert [problem.path for problem in told] == [("message", n) for n in range(3)]
    for message in table["message"]:
        message["frame"] = "two"
    assert {message.frame for message in build(table, vectors=False).messages} == {"two"}
    table["frame"][1]["name"] = "one"
    assert any('there are two frames "one"' in problem.message for problem in problems(table))


@pytest.mark.parametrize("key", ["poly", "init", "xorout"])
def test_numbers_of_a_crc(key: str) -> None:
    """Sixteen bits each."""
    check = {"name": "sum", "check": "crc16", "over": "start..data", "poly": 0x8005}
    for value in (0, 0xFFFF):
        table = with_value(("frame", "part", 6), {**check, key: value})
        assert build(table, vectors=False).frames["frame"].parts[6].fixed == 2
    for value in (-1, 0x10000):
        (problem,) = problems(with_value(("frame", "part", 6), {**check, key: value}))
        assert problem.path == ("frame", "part", 6, key)


def test_what_a_crc_is_without_being_told() -> None:
    """It starts at 0, is not reflected, and is not changed at its end: CRC-16/XMODEM over the nine characters."""
    check = {"name": "sum", "check": "crc16", "over": "start..data", "poly": 0x1021}
    part = build(with_value(("frame", "part", 6), check), vectors=False).frames["frame"].parts[6]
    assert part.check is not None
    assert part.check.compute(b"123456789") == 0x31C3
    assert (part.check.endian, part.check.encoding, part.check.optional) == ("little", "bin", False)


def test_how_long_an_announcement_lasts() -> None:
    """A tenth of a second to two minutes; a quarter of a minute if a message tells its end and nothing else is said."""

    def lasts(**announce: Any) -> Any:
        made = build(with_value(("house", "announce"), {"message": "ok", **announce}), vectors=False)
        assert made.house is not None
        assert made.house.announce is not None
        return made.house.announce.lasts_ms, made.house.announce.over

    assert lasts(lasts_ms=100) == (100, "")
    assert lasts(lasts_ms=120_000) == (120_000, "")
    assert lasts(over="rate") == (15_000, "rate")
    for value in (99, 120_001):
        (problem,) = problems(with_value(("house", "announce"), {"message": "ok", "lasts_ms": value}))
        assert problem.path == ("house", "announce", "lasts_ms")
    (problem,) = problems(with_value(("house", "announce"), {"message": "ok"}))
    assert problem.path == ("house", "announce")
    (problem,) = problems(with_value(("house", "window"), {"message": "ok", "lasts_ms": 500}))
    assert (problem.path, problem.at_key) == (("house", "window", "lasts_ms"), True)


def test_notes_of_other_kinds_need_no_text() -> None:
    """Only what is shown has one."""
    for kind in ("a", "shows", "zone"):
        assert build(with_value(("action", 0, "effects"), {"note": kind}), vectors=False).actions["press"].effects


ODD = (5, -1, True, 1.5, "x", "", "$n", "@key", "00", "rest", [], {}, [1], [[1]], [{}], ["a"], {"a": 1}, {"of": 1})


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_whatever_stands_anywhere_is_taken_or_refused(data: st.DataObject) -> None:
    """Any value at any place of a declaration: accepted with its vectors, or refused; never another exception."""
    table = tomllib.loads(FULL)
    inner: Any = table
    while True:
        keys = sorted(inner) if isinstance(inner, dict) else list(range(len(inner)))
        key = data.draw(st.sampled_from([*keys, "bits", "into", "match", "const"] if isinstance(inner, dict) else keys))
        below = inner.get(key) if isinstance(inner, dict) else inner[key]
        if not (isinstance(below, dict | list) and below) or data.draw(st.integers(0, 4)) == 0:
            inner[key] = copy.deepcopy(data.draw(st.sampled_from(ODD)))
            break
        inner = below
    made, found = None, []
    try:
        made = build(table)
    except Refused as refusal:
        found = [problem.message for problem in refusal.problems]
    assert (made is None) == bool(found)
    assert all(found)

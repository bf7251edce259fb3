"""Mistakes that are seldom made in a declaration: each is told at its place, with what to write instead."""

from __future__ import annotations

import tomllib

import pytest

from declared import MINIMAL
from protocol.declared.build import Refused, build

FIELD = '{ name = "level", uint = 1, range = [0, 100] }'
DATA = '{ name = "data", bytes = "rest" }'
START = '{ name = "start", const = "02" }'
MESSAGE = 'fields = [{ name = "level"'
EFFECT = '{ set = "on", to = true }'
END = 'grade = "A"\n'  # the last line of the last vector


def told_of(text: str) -> list[str]:
    """Every mistake of a declaration: its place, what is said, and the hint."""
    with pytest.raises(Refused) as refused:
        build(tomllib.loads(text))
    return [f"{'.'.join(map(str, p.path))}: {p.message} {p.hint}".strip() for p in refused.value.problems]


def changed(old: str, new: str) -> str:
    """The smallest declaration with one change; `old` that is empty appends."""
    assert old in MINIMAL, old
    return MINIMAL.replace(old, new) if old else MINIMAL + new


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('title = "a lamp"', 'title = "a lamp"\nnotes = [1]', "device.notes.0: notes[1] must be text in quotes, not 1"),
        ('title = "a lamp"', 'title = "a lamp"\nkeeps = ["one"]', 'no state variable "one" did you mean "on"?'),
        ("[state]", "[line]\nstopbits = 3\n[state]", "line.stopbits: stop bits are 1, 1.5 or 2, not 3"),
        ("[state]", "[line]\nbaud = 5\n[state]", "line.baud: "),
        ("[state]", "[address]\ndefault = 1\n[state]", 'but no part has role = "address"'),
        ("[state]", "[profile]\nx = 1\n[state]", "profile.x: a profile is a table, not 1"),
        ("[state]", "[profile.x]\non = 1\n[state]", "profile.x.on: on is false otherwise, here 1"),
        ("on = false", "on = 1.5", "must start as a whole number, true or false, text, or an array, not 1.5"),
        (
            "[state]",
            "[voice]\nstarted = []\nmissing = []\n[state]",
            'only a device with role = "voice" has a loudspeaker',
        ),
    ],
)
def test_of_the_device(old: str, new: str, told: str) -> None:
    """What is said of the device itself, its line, its address and what it remembers."""
    assert any(told in one for one in told_of(changed(old, new))), told_of(changed(old, new))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (START, '{ const = "02" }', "a part needs a `name`"),
        (START, '{ name = "start" }', 'field "start" does not say what it is: give it one of'),
        (START, '{ name = "start", const = "02", uint = 1 }', 'field "start" has const and uint'),
        (START, '{ name = "start", const = " " }', "a const has one byte at least"),
        (START, '{ name = "start", const = 2 }', 'const must be bytes in hexadecimal, e.g. "FF 68", not 2'),
        (START, '{ name = "start", const = { a = 1 } }', "not a table"),
        (START, '{ name = "start", const = true }', "not true"),
        (START, f'{START}, {{ name = "run", preamble = {{ byte = 255 }} }}', "a preamble is the first part of a frame"),
        (START, '{ name = "start", preamble = 1 }', "frame.part.0.preamble: "),
        (
            START,
            '{ name = "start", group = [{ name = "a", uint = 1 }] }',
            "a group belongs into the fields of a message",
        ),
        (START, '{ name = "start", uint = "rest" }', 'uint needs a number of bytes, not "rest"'),
        (START, '{ name = "start", text = 1, bits = { a = 0 } }', "only a uint has bits, not a text"),
        (START, '{ name = "start", text = 1, counts = "data..data" }', "only a uint can be a length"),
        (START, '{ name = "start", uint = 1, bits = { a = 8 } }', "bits 8..8 are outside its 8 bits"),
        (START, '{ name = "start", uint = 1, bits = { a = [3, 1] } }', "bits must be two whole numbers in order"),
        (START, '{ name = "start", uint = 1, values = { a = "b" } }', '"a" must stand for a whole number, not "b"'),
        ('counts = "data..data"', 'counts = "data"', 'counts names two parts, e.g. "addr..data", not "data"'),
        ('counts = "data..data"', 'counts = "data..start"', '"data" stands behind "start"'),
        (DATA, '{ name = "data", bytes = "len" }', 'told by a length part with `counts`; write bytes = "rest"'),
        ('check = "xor8", over = "start..data"', 'check = "crc16", over = "start..data"', "crc16 needs its `poly`"),
        ("max_bytes = 16", 'max_bytes = 16\nescape = { "02" = "1B 32" }', "`escape` needs `escape_over`"),
        ("max_bytes = 16", 'max_bytes = 16\nescape = { "02" = "1B" }', "one byte is escaped by two"),
        ("max_bytes = 16", 'max_bytes = 16\nescape = { "02" = "1B 32" }\nescape_over = "len..dat"', 'no part "dat"'),
        (
            "max_bytes = 16",
            'max_bytes = 16\nescape = { "02" = "1B 32" }\nescape_over = "data..sum"',
            'part "len" is outside `escape_over`: only constants may be',
        ),
        (
            "max_bytes = 16",
            'max_bytes = 16\nescape = { "02" = "1B 32" }\nescape_over = "len..sum"',
            "an escaped span must be followed by a constant that tells its end",
        ),
    ],
)
def test_of_a_frame(old: str, new: str, told: str) -> None:
    """Its parts, their kinds, lengths and checks, and what is escaped."""
    assert any(told in one for one in told_of(changed(old, new))), told_of(changed(old, new))


def test_of_frames_as_a_whole() -> None:
    """No parts, none at all, two of one name, which of several is meant, and who sends which."""
    head, _, rest = MINIMAL.partition("[frame]")
    parts, state, after = rest.partition("[state]")
    assert any("`[frame]` is missing" in told for told in told_of(head + state + after))
    assert any("there are no parts" in told for told in told_of(f"{head}[frame]\npart = []\n{state}{after}"))
    two = f'{head}[[frame]]\nname = "a"{parts}[[frame]]\nname = "NAME"\nfrom = "device"{parts}{state}{after}'
    assert any('there are two frames "a"' in told for told in told_of(two.replace("NAME", "a")))
    assert any("`frame` is missing: there are several" in told for told in told_of(two.replace("NAME", "b")))
    wrong = two.replace("NAME", "b").replace('from = "host"', 'from = "host"\nframe = "b"')
    assert any('frame "b" is sent by the device only' in told for told in told_of(wrong))
    unknown = MINIMAL.replace('from = "host"', 'from = "host"\nframe = "fram"')
    assert any('there is no frame "fram" did you mean "frame"?' in told for told in told_of(unknown))


def test_a_length_behind_what_it_counts() -> None:
    """Where the data end could only be known afterwards."""
    length = '{ name = "len", uint = 1, counts = "data..data" },'
    text = MINIMAL.replace(length, "").replace(f"{DATA},", f"{DATA},\n  {length}")
    assert any('length "len" stands behind "data", whose end it should tell' in told for told in told_of(text))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (FIELD, f'{{ name = "a", bytes = "rest" }}, {FIELD}', 'field "a" takes all that is left'),
        (FIELD, f"{FIELD}, {FIELD}", 'there are two values "level"'),
        (FIELD, "{ uint = 1 }", "this uint has no `name`"),
        (FIELD, '{ name = "g", group = [] }', 'group "g" has no fields'),
        (FIELD, '{ name = "t", text = "rest", encoding_by = "x", encodings = { 0 = "ascii" } }', 'no value "x" stands'),
        (FIELD, f'{FIELD}, {{ name = "t", text = "rest", encoding_by = "level" }}', "`encoding_by` needs `encodings`"),
        (FIELD, '{ name = "t", text = "rest", encodings = { a = "ascii" } }', '"a" is not a number'),
        (FIELD, '{ name = "t", text = "rest", encodings = { 0 = "asci" } }', "is no character set did you mean"),
        (MESSAGE, f'body = "len"\n{MESSAGE}', 'fields describe a part of kind bytes, which frame "frame" has not'),
        ("match = { data_len = 1 }", 'match = { data_len = "1" }', 'data_len must be a number of bytes, not "1"'),
        ("match = { data_len = 1 }", 'match = { cmd = "gi" }', 'cmd has no value called "gi" there is "go"'),
        ("match = { data_len = 1 }", "match = { cmd = [1, 1.5] }", "cmd is a number, not 1.5"),
        ("match = { data_len = 1 }", "match = { data = 1 }", "data must be bytes in hexadecimal"),
        ("match = { data_len = 1 }", "match = { data_len = 1 }\nvalues = { levl = 1 }", 'no value "levl" did you mean'),
        ('from = "host"', 'from = "device"', "`effects` is for what the host sends; what the device sends is sent by"),
        ('from = "host"', 'from = "host"\nreply = "ok"', 'there is no message "ok" from the device'),
        ('from = "host"', 'from = "host"\nexpect = { echo_with = {} }', "`expect` is for what the device sends"),
        ('from = "host"', 'from = "host"\nexpect = {}', "say which answer: `echo_with = {...}`"),
        ('from = "host"', 'from = "host"\nexpect = { echo_with = { lev = 1 } }', 'there is no value "lev"'),
        (
            'from = "host"',
            'from = "host"\nexpect = { message = "swich" }',
            'no message "swich" from the host did you mean',
        ),
        ('from = "host"', 'from = "host"\nexpect = 1', "message.0.expect: "),
    ],
)
def test_of_a_message(old: str, new: str, told: str) -> None:
    """Its fields, how it is recognised, and what answers it."""
    text = changed(old, new).replace(START, f'{START}, {{ name = "cmd", uint = 1, values = {{ go = 1 }} }}')
    assert any(told in one for one in told_of(text)), told_of(text)


@pytest.mark.parametrize(
    ("effect", "told"),
    [
        ('{ set = "on", to = "$one" }', 'there is no state variable "one" did you mean "on"?'),
        ('{ set = "on", to = 1979-05-27 }', "is no value"),
        ('{ set = "on" }', "set does not say which value: `to` is missing"),
        ("{ set = 1, to = 1 }", "set needs a name, not 1"),
        ('{ set = "on", to = 1, when = 3 }', "a condition is a table, not 3"),
        ('{ note = "x", values = 1 }', "must be a table of values, not 1"),
        ('{ start = "t" }', "start does not say how long: `ms` is missing"),
        ('{ raw = "XY" }', "raw must be bytes in hexadecimal"),
        ('{ voice = "sing" }', "sing"),
        ('{ send = "state", values = { levl = 1 } }', "levl"),
    ],
)
def test_of_an_effect(effect: str, told: str) -> None:
    """What happens, with what value, and under which condition."""
    device = '[[message]]\nname = "state"\nfrom = "device"\nfields = [{ name = "level", uint = 1 }]\n'
    role = 'role = "voice"\n' if "voice" in effect else ""
    text = changed(EFFECT, effect).replace("[[vector]]", f"{device}[timer.t]\neffects = []\n[[vector]]")
    text = text.replace('name = "lamp"\n', f'name = "lamp"\n{role}')
    assert any(told in one for one in told_of(text)), told_of(text)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('[[action]]\nname = "go"\neffects = []\n' * 2, 'there are two actions "go"'),
        ('[[action]]\nname = "Go"\neffects = []\n', '"Go" cannot be the name of an action'),
        ('[[action]]\nname = "hear"\neffects = []\n', '"hear" cannot be the name of an action'),
        (
            '[[action]]\nname = "go"\neffects = []\nargs = [{ name = "n", range = [2, 1] }]\n',
            "two whole numbers in order",
        ),
        ("[timer]\nt = 1\n", "[timer.t] is a table with `effects`, not 1"),
        ("[house]\nscreen = { rows = 1 }\n", "[house] has a `screen`, but no `show` that writes to it"),
        ('[house]\ndark = { message = "switch" }\n', "[house] says `dark`, but no `show`"),
        ('[[message]]\nname = "switch"\nfrom = "device"\n', 'there are two messages "switch"'),
    ],
)
def test_of_hands_timers_and_the_house(more: str, told: str) -> None:
    """What people do to it, what it does of itself, and how the house drives it."""
    text = MINIMAL.replace("[[vector]]", f"{more}[[vector]]")
    assert any(told in one for one in told_of(text)), told_of(text)


def test_of_a_vector() -> None:
    """It has bytes, and belongs to a message that there is."""
    assert any(
        "a vector has one byte at least" in told for told in told_of(changed('hex = "02 01 05 06"', 'hex = " "'))
    )
    assert any(
        'no message "swich" did you mean "switch"?' in told
        for told in told_of(changed('of = "switch"', 'of = "swich"'))
    )


def test_the_unbroken_one_is_accepted() -> None:
    """What all of these are broken copies of; a range without an argument's name is none of its mistakes."""
    more = '[[action]]\nname = "dim"\nargs = [{ name = "n", range = [1, 2] }, { name = "m" }]\neffects = []\n'
    assert [argument.name for argument in build(tomllib.loads(MINIMAL + more)).actions["dim"].arguments] == ["n", "m"]


def test_an_answer_may_be_said_in_one_word() -> None:
    """`reply = "echo"` is the frame as it came; text with a doubled sign is the text with one."""
    text = MINIMAL.replace('from = "host"', 'from = "host"\nreply = "echo"')
    text = text.replace(EFFECT, '{ note = "said", values = { text = "$$5", more = "@@home" } }')
    made = build(tomllib.loads(text))
    echo, note = made.messages[0].effects
    assert echo.kind == "echo"
    assert {name: expr.value for name, expr in note.values.items()} == {"text": "$5", "more": "@home"}

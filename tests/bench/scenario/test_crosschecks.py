"""What fits nobody but only together with the rest of a scenario is a mistake: told before the hall opens."""

from __future__ import annotations

import datetime as dt
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.scenario.load import ScenarioError, parse
from bench.scenario.toml_out import toml
from tests.support.faulty_hall import KEYPADS
from tests.support.halls import hall

ERRAND = 'letter = "A"\nshare = 1\n'
COUNTER = 'number = 1\nclerk = "C01"\n'
FAULT = '[[fault]]\nname = "reboot"\ndevice = "keypad-1"\n'
BOOKED = """
[[errand]]
name = "wedding"
letter = "W"
minutes = { median = 2, p90 = 3 }
appointments = { spans = ["08:00-08:30"], every_minutes = 10 }
"""
ONE_MORE = '[[errand]]\nname = "e{}"\nletter = "B"\nshare = 1\nminutes = {{ median = 2, p90 = 3 }}\n'
PRIORITY = '[[visitor_class]]\nname = "elderly"\nshare = 0.1\npriority = 1\n'
KIOSK = '{ kind = "kiosk_button", unit = 41, printer = "printer-1" },'
CONSOLE = """
[[line]]
name = "desk"
owner = "collector"
path = "/dev/ttyUSB7"
devices = [{ kind = "declared", protocol = "ff68_console", unit = 1, counter = 1 }]
"""


def told_of(text: str) -> str:
    """All that is said of a scenario that is refused."""
    with pytest.raises(ScenarioError) as refused:
        parse(text.encode(), "x.toml", lambda _beside: b"")
    return str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (ERRAND, ERRAND.replace("1", "0"), "no errand has a share above 0"),
        (COUNTER, f'{COUNTER}shifts = ["08:10-08:20", "08:15-08:30"]\n', "08:15-08:30 begins before 08:10-08:20 has"),
        (COUNTER, f'{COUNTER}shifts = ["12:00-13:00"]\n', "the shift 12:00-13:00 lies outside the opening hours"),
        (ERRAND, f'{ERRAND}then = {{ errand = "two" }}\n', 'no errand "two"'),
        (KIOSK, KIOSK + KIOSK.replace("41", "42"), '"printer-1" already stands in'),
        (KIOSK, KIOSK.replace("printer-1", "printer-7"), 'there is no ticket printer "printer-7"'),
        ("kiosk_s = 6", "kiosk_s = 0.5", "`kiosk_s` is 1 at least"),
        ('["loss",', '["convergence", "loss",', '"convergence" cannot be exercised: there is no [heal]'),
    ],
)
def test_what_does_not_fit_the_hall(old: str, new: str, told: str) -> None:
    """Shares, shifts, kiosks and what is to be exercised."""
    text = hall(KEYPADS) + (PRIORITY if "kiosk_s" in old else "")
    assert old in text
    assert told in told_of(text.replace(old, new, 1)).replace("\n  ", " "), told_of(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('[heal]\nat = "12:00"\n', "the hall runs from 07:58 to 10:45, so nothing ends at 12:00"),
        ('[heal]\nat = "08:44"\nconverge_within_s = 9000\n', "which leaves no 9000 s to converge"),
        (f'[heal]\nat = "08:20"\n{FAULT}at = "08:30"\n', "begins at 08:30, when [heal] has ended all of them"),
        (f'[heal]\nat = "08:20"\n{FAULT}after = "08:20"\n', "begins at 08:20, when [heal] has ended all of them"),
        (f'{FAULT}at = "soon"\n', "soon"),
        (f'{FAULT}nth = "x"\n', "nth"),
        ("[[fault]]\ndevice = 1\n", "`name` is missing"),
        (f"{BOOKED}then = {{ errand = 'certified copy' }}\n", "`then` does not go with `appointments`"),
        ("".join(ONE_MORE.format(n) for n in range(40)), "41 errands do not fit its"),
        (CONSOLE, "only the house controller drives a clerk console"),
    ],
)
def test_what_is_added_and_does_not_fit(more: str, told: str) -> None:
    """Faults and their end, appointments, more errands than keys, a console on the collector's line."""
    assert told in told_of(hall(KEYPADS) + more), told_of(hall(KEYPADS) + more)


def test_an_errand_by_appointment_follows_no_other() -> None:
    """Whoever is sent on from another desk has no appointment."""
    text = hall(KEYPADS).replace(ERRAND, f'{ERRAND}then = {{ errand = "wedding" }}\n') + BOOKED
    assert '"wedding" follows another errand' in told_of(text)


def test_a_chain_has_two_desks() -> None:
    """A third is refused, not left out."""
    third = '[[errand]]\nname = "{}"\nletter = "{}"\nshare = 1\nminutes = {{ median = 2, p90 = 3 }}\n'
    chain = third.format("b", "B") + 'then = { errand = "c" }\n' + third.format("c", "C")
    text = hall(KEYPADS).replace(ERRAND, f'{ERRAND}then = {{ errand = "b" }}\n') + chain
    assert '"b" has a `then` of its own: a chain has two desks' in told_of(text)


@pytest.mark.parametrize(
    "more",
    [
        "[arrivals]\nonline_share = 0.1\n",
        '[[errand]]\nname = "x"\nletter = "X"\nthen = { errand = "y" }\n',
        "[[counter]]\nnumber = 1\nspeed = 2.0\n",
        '[[visitor_class]]\nname = "elderly"\nshare = 0.1\n',
    ],
)
def test_a_recorded_day_is_as_it_was(more: str) -> None:
    """What only a drawn day has is refused for a recorded one, at its own place."""
    assert "this day is taken from a recorded `log`" in told_of(f'extends = "warsaw_peak"\ntitle = "x"\n{more}')


# -- scenarios as text ------------------------------------------------------------------------------------------------
PLAIN = st.one_of(
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31)),
    st.times().map(lambda time: time.replace(tzinfo=None)),
)
KEYS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_tables_survive_as_text(tables: dict[str, object]) -> None:
    """Whatever a scenario holds, and whatever its keys are called: read again it is the same."""
    assert tomllib.loads(toml(tables)) == tables


def test_what_no_scenario_holds_is_no_text() -> None:
    """A value that TOML has no word for is refused, not written as something else."""
    with pytest.raises(TypeError, match="a bytes cannot stand in a scenario"):
        toml({"x": b"1"})

"""Calls that must be heard: what counts as spoken, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from bench.judge.spoken import heard, names
from bench.judge.truth import Call, Truth, Utterance, frame
from firmware_sim.device import NS

VOICE = {"name": "voice-1", "kind": "voice_caller", "line": "voice", "owner": "house", "within_s": 30}


def truth(*said: tuple[float, float, str, bool], calls: tuple[tuple[float, str, int], ...], **header: Any) -> Truth:
    made = frame({"devices": [VOICE], **header})
    made.spoken = [Utterance(round(t * NS), round(end * NS), text, whole) for t, end, text, whole in said]
    made.calls = [Call(round(t * NS), ticket, counter) for t, ticket, counter in calls]
    made.ended = 1000 * NS
    return made


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("mời số A001 đến quầy 3", True),
        ("请A001号到3号窗口", True),
        ("mời số A001 đến quầy 13", False),
        ("mời số A002 đến quầy 3", False),
        ("mời số A0012 đến quầy 3", False),
        ("đến quầy 3 mời số A001", False),
        ("mời số A001", False),
        ("", False),
    ],
)
def test_what_names_a_call(text: str, good: bool) -> None:
    """The ticket, then the number of its counter; a longer ticket or another counter is not it."""
    assert names(text, "A001", 3) is good


def test_spoken_in_time() -> None:
    """The end of the utterance counts."""
    found = heard(truth((11, 16, "mời số A001 đến quầy 3", True), calls=((10, "A001", 3),)))
    assert (found.lags, found.missed) == ([6 * NS], [])


@pytest.mark.parametrize(
    "said",
    [
        (),
        ((5, 9, "mời số A001 đến quầy 3", True),),
        ((11, 41, "mời số A001 đến quầy 3", True),),
        ((11, 16, "mời số A001 đến quầy 3—", False),),
        ((11, 16, "mời số A001 đến quầy 4", True),),
    ],
)
def test_not_spoken(said: tuple[tuple[float, float, str, bool], ...]) -> None:
    """Never, before the call, too late, cut off, to another counter."""
    found = heard(truth(*said, calls=((10, "A001", 3),)))
    assert [call.ticket for call, _ in found.missed] == ["A001"]


def test_a_ticket_called_twice_is_two_calls() -> None:
    """A transfer: each call has to be heard, unless the second comes before the first's time is over."""
    said = ((11, 16, "mời số A001 đến quầy 3", True), (101, 106, "mời số A001 đến quầy 4", True))
    found = heard(truth(*said, calls=((10, "A001", 3), (100, "A001", 4))))
    assert (len(found.lags), found.missed) == (2, [])
    found = heard(truth(said[1], calls=((90, "A001", 3), (100, "A001", 4))))
    assert (len(found.lags), found.superseded, found.missed) == (1, 1, [])


def test_the_last_moments_are_open() -> None:
    """A call whose time was not over is not judged; a hall without a voice has nothing to be heard."""
    assert heard(truth(calls=((990, "A001", 3),))).still_open == 1
    silent = truth(calls=((10, "A001", 3),))
    silent.voices = {}
    assert heard(silent) == ([], [], 0, 0)


def test_the_limit_is_the_halls() -> None:
    """`within_s` of the voice caller; 30 s when the history does not say."""
    assert frame({"devices": [{**VOICE, "within_s": 5}]}).voices == {"voice-1": 5 * NS}
    assert frame({"devices": [{"name": "v", "kind": "voice_caller"}]}).voices == {"v": 30 * NS}
    assert frame({"devices": [{"name": "v", "kind": "voice_caller", "within_s": "soon"}]}).voices == {"v": 30 * NS}


def test_a_voice_of_the_programs_is_not_held_to_it() -> None:
    """Calls are the house's: what a program says with a voice caller on its own line is not judged by them."""
    assert set(frame({"devices": [VOICE]}).voices) == {"voice-1"}
    assert frame({"devices": [{**VOICE, "owner": "collector"}]}).voices == {}

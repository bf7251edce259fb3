"""The resources: what is seen, the human hands, faults, the clock; each refusal has its code."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from bench.control.client import Client, ControlError, device_path
from bench.control.registry import VARIABLE
from tests.bench.control.conftest import Bench


def must_refuse(client: Client, method: str, path: str, body: dict[str, Any] | None = None) -> ControlError:
    with pytest.raises(ControlError) as caught:
        client.ask(method, path, body)
    assert caught.value.message
    assert caught.value.fix
    return caught.value


def test_hall_tells_lines_devices_clock(client: Client, bench: Bench):
    """GET /v1/hall has every line and device of the scenario, and the clock of the driver."""
    told = client.get("/v1/hall")
    assert told["schema_version"] == 1
    assert {line["name"] for line in told["lines"]} == set(bench.world.rig.lines)
    assert {row["name"] for row in told["devices"]} == set(bench.world.rig.devices)
    assert told["clock"]["running"]
    assert told["clock"]["now"] <= bench.do(bench.live.driver.now_ns)
    assert told["last"] > 0


def test_a_press_reaches_the_device_at_the_present_instant(client: Client, bench: Bench):
    """A press over the API is the device's press: it waits in its queue, at an instant between before and after."""
    before = bench.do(bench.live.driver.now_ns)
    waiting = client.get("/v1/devices/keypad-1")["queue"]["waiting"]
    told = client.post("/v1/devices/keypad-1/press", {"key": 4})
    assert told["ignored"] is None
    assert before <= told["at"] <= bench.do(bench.live.driver.now_ns)
    state = client.get("/v1/devices/keypad-1")
    assert state["queue"]["waiting"] == waiting + 1
    assert state["queue"]["events"][-1]["value"] == 4
    assert [event["what"] for event in state["events"]][-2:] == ["press", "press"]
    assert state["events"][-1]["kind"] == "act"


def test_a_bounce_is_told_as_ignored(client: Client):
    """A key that bounces makes no event; the answer says why, and that is no error."""
    client.post("/v1/devices/keypad-2/press", {"key": 1, "held_s": 600})
    assert client.post("/v1/devices/keypad-2/press", {"key": 1})["ignored"] == "held"


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/v1/devices/nobody/press", {"key": 1}, "no_such_device"),
        ("/v1/devices/keypad-1/fly", {}, "no_such_action"),
        ("/v1/devices/keypad-1/__class__", {}, "no_such_action"),
        ("/v1/devices/keypad-1/press", {"key": 9}, "bad_argument"),
        ("/v1/devices/keypad-1/press", {"key": -1}, "bad_argument"),
        ("/v1/devices/keypad-1/press", {"key": "x"}, "bad_argument"),
        ("/v1/devices/keypad-1/press", {}, "bad_argument"),
        ("/v1/devices/keypad-1/press", {"key": 1, "metres": 3}, "bad_argument"),
        ("/v1/devices/keypad-1/press", {"key": 1.5}, "bad_field"),
        ("/v1/devices/keypad-1/press", {"key": 1, "colour": "red"}, "bad_field"),
        ("/v1/devices/keypad-1/log_in", {"clerk": 0}, "bad_argument"),
        ("/v1/devices/keypad-1/unplug", {"key": 1}, "bad_argument"),
        ("/v1/faults", {"type": "nonsense"}, "bad_fault"),
        ("/v1/faults", {"type": "bit_flip", "line": "nowhere"}, "bad_fault"),
        ("/v1/faults", {"type": "bit_flip", "line": "keypads", "attrs": {"on_hit": 1}}, "bad_fault"),
        ("/v1/faults", {}, "bad_field"),
        ("/v1/clock", {"do": "back"}, "bad_field"),
        ("/v1/clock", {"do": "step"}, "bad_field"),
        ("/v1/clock", {"do": "pause", "seconds": 1}, "bad_field"),
        ("/v1/clock", {"do": "step", "seconds": -1}, "bad_field"),
        ("/v1/clock", {"do": "step", "seconds": 1}, "clock_refused"),
    ],
)
def test_refusals_have_their_codes(client: Client, path: str, body: dict[str, Any], code: str):
    """Whatever cannot be is refused with its stable code, a message and a fix, and changes nothing."""
    assert must_refuse(client, "POST", path, body).code == code


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "a/b", "%00", "\x1b[2J", "keypad-1\r\nX: y", "ế" * 300])
def test_hostile_names_are_just_unknown(client: Client, name: str):
    """A name is looked up, never opened or printed raw: path traversal and control characters find nothing."""
    refused = must_refuse(client, "GET", device_path(name))
    assert refused.code in ("no_such_device", "not_found")
    assert "\x1b" not in refused.message
    assert "\n" not in refused.message


def test_power_and_cover_are_seen(client: Client, bench: Bench):
    """What hands do shows in the state: a unit without power is dark, and up again with a new epoch."""
    epoch = client.get("/v1/devices/keypad-2")["queue"]["epoch"]
    client.post("/v1/devices/keypad-2/unplug")
    assert client.get("/v1/devices/keypad-2")["powered"] is False
    client.post("/v1/devices/keypad-2/plug_in")
    state = client.get("/v1/devices/keypad-2")
    assert state["powered"] is True
    assert state["queue"]["epoch"] == epoch + 1


def test_batches_do_what_they_can(client: Client):
    """A batch does its acts in order; those that are refused are listed by their place and keep no other."""
    acts = [
        {"device": "keypad-1", "action": "log_in", "clerk": 3},
        {"device": "nobody", "action": "press", "key": 1},
        {"device": "keypad-1", "action": "log_in", "clerk": 1},
    ]
    told = client.post("/v1/acts", {"acts": acts})
    assert told["done"] == 2
    assert [(row["index"], row["error"]["code"]) for row in told["refused"]] == [(1, "no_such_device")]


def test_two_thousand_presses_in_one_request(client: Client):
    """The rate that is promised: 2,000 presses go in one batch; one more is too many for it."""
    acts = [{"device": f"keypad-{1 + n % 2}", "action": "press", "key": 1 + n % 5} for n in range(2000)]
    told = client.post("/v1/acts", {"acts": acts})
    assert told["done"] == 2000
    assert must_refuse(client, "POST", "/v1/acts", {"acts": [*acts, acts[0]]}).code == "bad_field"


def test_faults_are_added_listed_removed(client: Client):
    """toxiproxy's life of a fault: POST gives an id, GET lists it, DELETE ends it, reset ends all."""
    made = client.post("/v1/faults", {"type": "bit_flip", "line": "keypads", "where": "reply", "count": 0})
    other = client.post("/v1/faults", {"type": "N01", "line": "keypads", "attrs": {"bit": 3}, "nth": 100_000})
    assert made["id"] != other["id"]
    assert made["live"]
    assert {made["id"], other["id"]} <= {row["id"] for row in client.get("/v1/faults")["faults"]}
    assert client.delete(f"/v1/faults/{made['id']}")["live"] is False
    assert client.get(f"/v1/faults/{made['id']}")["live"] is False
    assert client.post("/v1/faults/reset")["ended"] == 1
    assert must_refuse(client, "DELETE", "/v1/faults/none-1").code == "no_such_fault"
    assert "bit_flip" in {row["type"] for row in client.get("/v1/faults/catalogue")["catalogue"]}


def test_the_clock_stands_steps_and_goes_on(client: Client):
    """Paused, time stands; a step moves it by just so much; what is pressed meanwhile happens at that instant."""
    stood = client.post("/v1/clock", {"do": "pause"})
    assert not stood["running"]
    time.sleep(0.02)
    assert client.get("/v1/clock")["now"] == stood["now"]
    assert client.post("/v1/devices/keypad-1/log_in", {"clerk": 7})["at"] == stood["now"]
    stepped = client.post("/v1/clock", {"do": "step", "seconds": 12.5})
    assert stepped["now"] - stood["now"] == 12_500_000_000
    fast = client.post("/v1/clock", {"do": "speed", "factor": 1000})
    assert fast["distortion"]
    went = client.post("/v1/clock", {"do": "resume"})
    assert went["running"]
    assert went["now"] >= stepped["now"]


def test_steering_stands_in_the_history(client: Client):
    """Whoever reads the events afterwards sees that the clock was not left alone."""
    since = client.get("/v1/hall")["last"]
    client.post("/v1/clock", {"do": "pause"})
    events = client.get("/v1/events", since=since, kinds="clock")["events"]
    assert [(event["what"], event["facts"]["running"]) for event in events] == [("pause", False)]


def test_the_clock_of_a_judged_day_is_not_steered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A day under judgement shows its clock and refuses to move it, with the reason."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "run"))
    judged = Bench(tmp_path, fixed="this day is judged", name="judged")
    try:
        with Client(judged.entry) as client:
            assert client.get("/v1/clock")["steerable"] is False
            refused = must_refuse(client, "POST", "/v1/clock", {"do": "pause"})
            assert (refused.code, refused.message) == ("clock_refused", "this day is judged")
    finally:
        judged.close()


def test_figures_add_up(client: Client, bench: Bench):
    """Visitors: who arrived is inside or has left; nobody waits who is not inside. Counters are the scenario's."""
    told = client.get("/v1/figures")
    visitors = told["visitors"]
    assert visitors["arrived"] == visitors["inside"] + visitors["left"]
    assert 0 <= visitors["waiting"] <= visitors["inside"]
    assert {counter["number"] for counter in told["counters"]} == {c.number for c in bench.world.scenario.counters}
    assert told["waits_s"]["mean"] <= told["waits_s"]["max"]


def test_lines_tell_their_load(client: Client):
    """A polled line has a load between 0 and 1, sixty values of it, and its last frames in words."""
    line = client.get("/v1/lines/keypads")
    assert 0 <= line["utilisation"] <= 1
    assert len(line["loads"]) == 60
    assert line["port"] is None
    assert must_refuse(client, "GET", "/v1/lines/none").code == "no_such_line"
    assert [row["name"] for row in client.get("/v1/lines")["lines"]]

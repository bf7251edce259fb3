"""Devices that play a declaration, on a line: FF68, DFPlayer, SYN6288, LED-485 text, Onbon."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from declared import MINIMAL, NAMES, codec
from declared_bench import MS, NS, Desk
from firmware_sim.device import PARITY, Note, Send
from firmware_sim.devices.declared_device import MOST_WAITING, DeclaredDevice
from firmware_sim.devices.loudspeaker import Loudspeaker
from protocol.declared.build import build
from protocol.declared.codec import Codec

RATE = "FF68030368031100 1416"
ACK = "FF68030368030100 0416"


def lamp(**changed: str) -> Codec:
    text = MINIMAL
    for old, new in changed.items():
        text = text.replace(old, new)
    return Codec(build(tomllib.loads(text)))


# -- FF68 -----------------------------------------------------------------------------------------------------------


def test_a_press_is_sent_until_it_is_answered() -> None:
    """The evaluator's frame, the host's echo under command 01, and the press counts as delivered (protocols.md 3.1)."""
    desk = Desk("ff68_evaluator", unit=3)
    desk.do("press", 1)
    assert desk.hear(100 * MS) == bytes.fromhex(RATE)
    desk.send(ACK)
    assert desk.hear(5 * NS) == b""
    assert desk.facts("press")[0]["value"] == 1
    assert desk.facts("ack") == [{"epoch": 1, "seq": 0, "freed": 1}]


def test_a_lost_answer_costs_repeats_and_in_the_end_the_press() -> None:
    """Without an answer the frame comes four times; then the device gives up and says so."""
    desk = Desk("ff68_evaluator", unit=3)
    desk.do("press", 4)
    assert desk.hear(10 * NS) == codec("ff68_evaluator").write("rate", {"addr": 3, "key": 3}) * 4
    assert desk.facts("overflow") == [{"epoch": 1, "seq": 0}]
    assert desk.facts("ack") == []


def test_presses_wait_for_each_other() -> None:
    """A second press is sent when the first is answered; a flood beyond the memory is told."""
    desk = Desk("ff68_evaluator", unit=3)
    for key in (1, 2):
        desk.do("press", key)
        desk.wait(100 * MS)
    assert len(desk.port.bursts) == 1
    assert desk.send(ACK, 100 * MS) == codec("ff68_evaluator").write("rate", {"addr": 3, "key": 1})
    for _ in range(MOST_WAITING + 3):
        desk.do("press", 1)
        desk.wait(31 * MS)
    assert len(desk.facts("overflow")) == 4


def test_another_units_frames_are_not_for_it() -> None:
    """A frame to another window changes nothing, and its answer is no answer to ours."""
    desk = Desk("ff68_evaluator", unit=3)
    assert desk.send("FF680303680401 0B 1016".replace(" ", "")) == b""
    assert desk.facts("evaluation") == []
    desk.do("press", 1)
    desk.wait(50 * MS)
    desk.send("FF680303680401000516")
    assert desk.facts("ack") == []


def test_a_bounce_is_one_press() -> None:
    """Two edges within 30 ms are one press."""
    desk = Desk("ff68_evaluator", unit=3)
    desk.do("press", 1)
    desk.wait(10 * MS)
    desk.do("press", 1)
    assert len(desk.facts("press")) == 1
    assert desk.facts("ignored") == [{"key": 1, "why": "bounce"}]


def test_the_clerk_at_the_press() -> None:
    """Who logged in is in the press; a loss of power keeps it (the clerk is still there)."""
    desk = Desk("ff68_evaluator", unit=3)
    desk.do("log_in", 7)
    desk.do("unplug")
    desk.do("press", 2)
    desk.do("plug_in")
    desk.do("press", 2)
    assert [facts["clerk"] for facts in desk.facts("press")] == [7]
    assert desk.facts("press")[0]["epoch"] == 2
    assert desk.facts("ignored")[0]["why"] == "no power"


def test_wrong_hands() -> None:
    """What a person cannot do is an error of the caller, with what is possible."""
    desk = Desk("ff68_evaluator", unit=3)
    with pytest.raises(ValueError, match=r"key of press is 1\.\.4, not 5"):
        desk.do("press", 5)
    with pytest.raises(ValueError, match="takes key"):
        desk.do("press")
    with pytest.raises(AttributeError):
        desk.do("dance")
    with pytest.raises(ValueError, match=r"1\.\.255"):
        DeclaredDevice("x", codec("ff68_evaluator"), unit=256)
    with pytest.raises(ValueError, match="no profile"):
        DeclaredDevice("x", codec("ff68_evaluator"), profile="none")


def test_the_consoles_panel() -> None:
    """What waits and what is served are shown; blanks leave what stands."""
    desk = Desk("ff68_console", unit=3)
    desk.send("FF68080868030200010 20A0A0A2616".replace(" ", ""))
    desk.send("FF680808680302 0A0A0A 000001 2416".replace(" ", ""))
    assert desk.facts("panel")[-1] == {"waiting": "012", "ticket": "001"}


@pytest.mark.parametrize(("key", "keys"), [(1, "0C"), (2, "0D"), (3, "060F"), (4, "13"), (5, "12"), (7, "0B")])
def test_the_consoles_keys(key: int, keys: str) -> None:
    """Each key is the frame of the source, and is settled by its echo."""
    desk = Desk("ff68_console", unit=3)
    desk.do("press", key)
    sent = desk.hear(60 * MS)
    assert codec("ff68_console").decode("device", sent)[0].values["keys"] == bytes.fromhex(keys)  # type: ignore[union-attr]
    desk.send(sent)
    assert desk.facts("ack") == [{"epoch": 1, "seq": 0, "freed": 1}]


def test_a_broken_answer_is_no_answer() -> None:
    """The sum is checked, which the host of the source does not do: a broken echo leaves the press waiting."""
    desk = Desk("ff68_evaluator", unit=3)
    desk.do("press", 1)
    desk.wait(60 * MS)
    desk.send("FF68030368030100 0516")
    assert desk.facts("ack") == []


# -- addresses, errors, guards --------------------------------------------------------------------------------------


def test_broadcast_is_carried_out_and_not_answered() -> None:
    """A frame to everybody has its effects, but no reply, and none of a message that broadcast may not carry."""
    text = MINIMAL.replace(
        '{ name = "data", bytes', '{ name = "unit", uint = 1, role = "address" }, { name = "data", bytes'
    )
    text = text.replace('counts = "data..data"', 'counts = "unit..data"')
    text = text.replace("[state]", "[address]\nbroadcast = 255\n[state]")
    text = text.replace("effects = [{ set", 'reply = "echo"\neffects = [{ set').replace("02 01 05 06", "02 02 01 05 04")
    desk = Desk(Codec(build(tomllib.loads(text))), unit=1)
    assert desk.send("0202FF05FA") == b""
    assert desk.device.state["on"] is True
    assert desk.send("0202010504") == bytes.fromhex("0202010504")
    assert desk.send("0202090 50C".replace(" ", "")) == b""


def test_wildcards_in_a_text_address() -> None:
    """An address of two characters, "?" standing for any (Alpha, protocols.md 2.2)."""
    text = MINIMAL.replace(
        '{ name = "len", uint = 1, counts = "data..data" },', '{ name = "sign", text = 2, role = "address" },'
    )
    text = text.replace('{ name = "data", bytes = "rest" }', '{ name = "data", bytes = 1 }')
    text = text.replace("[state]", '[address]\nbroadcast = 0\nwildcard = "?"\n[state]').replace(
        "02 01 05 06", "02 30 35 05 02"
    )
    made = Codec(build(tomllib.loads(text)))
    for address, taken in (("05", True), ("0?", True), ("??", True), ("00", True), ("06", False), ("1?", False)):
        desk = Desk(made, unit=5)
        desk.send(made.write("switch", {"sign": address, "level": 1}))
        assert desk.device.state["on"] is taken, address


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        ("FD000221DE", b"AO"),
        ("FD000221DF", b"E"),
        ("FD00025503".replace("03", "AA"), b"E"),
        ("FD000388001 2".replace(" ", ""), b"E"),
        ("00112233", b""),
    ],
)
def test_errors_are_answered_as_declared(sent: str, answer: bytes) -> None:
    """SYN6288: accepted, rejected for a bad check and for an unknown command, silence for noise (protocols.md 5.2)."""
    desk = Desk("syn6288")
    desk.wait(NS)
    assert desk.send(sent, 100 * MS) == answer


def test_a_damaged_character_is_thrown_away() -> None:
    """A character with a parity error is not heard: its frame is broken, and forgotten after silence."""
    device = DeclaredDevice("x", codec("ff68_console"), unit=3)
    frame = bytes.fromhex("FF6802026803030616")
    device.hear(NS, frame, 0, NS, {5: PARITY})
    assert not [n for n in device.hear(2 * NS, b"", 2 * NS, 2 * NS, None) if getattr(n, "kind", "") == "beep"]
    assert [n for n in device.hear(3 * NS, frame, 3 * NS, 3 * NS, None) if getattr(n, "kind", "") == "beep"]


def test_silence_inside_a_frame_breaks_it() -> None:
    """Half a frame, a pause longer than the declared one, the other half: nothing; the next whole frame is taken."""
    desk = Desk("ff68_console", unit=3)
    desk.send("FF6802", 30 * MS)
    desk.send("026803030616", 30 * MS)
    assert desk.kinds().count("beep") == 0
    desk.send("FF6802026803030616")
    assert desk.kinds().count("beep") == 1


def test_a_pause_shorter_than_that_does_not() -> None:
    """The same with a short pause is one frame."""
    desk = Desk("ff68_console", unit=3)
    desk.send("FF6802", 10 * MS)
    desk.send("026803030616", 30 * MS)
    assert desk.kinds().count("beep") == 1


# -- voice ----------------------------------------------------------------------------------------------------------


def test_dfplayer_plays_and_says_so() -> None:
    """Acknowledge, then the end of the clip after its duration, and the text is in the history (protocols.md 5.1)."""
    desk = Desk("dfplayer")
    assert desk.hear(2 * NS) == bytes.fromhex("7EFF063F000002FEBAEF")
    assert desk.send("7EFF06030100 02FEF5EF") == bytes.fromhex("7EFF0641000000FEBAEF")
    assert desk.send("7EFF0642000000FEB9EF") == bytes.fromhex("7EFF0642000201FEB6EF")
    assert desk.hear(3 * NS) == bytes.fromhex("7EFF063D000002FEBCEF")
    (spoken,) = desk.facts("spoken")
    assert spoken["text"] == "mời số"
    assert spoken["end"] - spoken["start"] == 800 * MS


def test_dfplayer_errors() -> None:
    """Check, not found, incomplete; the form without a check is accepted."""
    desk = Desk("dfplayer")
    desk.wait(2 * NS)
    assert desk.send("7EFF0603010002FEF6EF") == bytes.fromhex("7EFF0640000004FEB7EF")
    assert desk.send("7EFF060300 0FA0EF".replace(" ", "")) == bytes.fromhex("7EFF0640000006FEB5EF")
    assert desk.send("7EFF0603", 100 * MS) == codec("dfplayer").write("error", {"code": 3})


@pytest.mark.parametrize(
    ("profile", "command", "answers"),
    [
        ("finish_twice", "7EFF0603000002EF", [("finished", 2), ("finished", 2)]),
        ("no_status", "7EFF0642000000EF", []),
        ("mute", "7EFF0603010002EF", []),
        ("", "7EFF0642000000EF", [("status_is", None)]),
    ],
)
def test_clone_quirks(profile: str, command: str, answers: list[tuple[str, Any]]) -> None:
    """What clones do otherwise (protocols.md 5.1 [R])."""
    desk = Desk("dfplayer", profile=profile)
    desk.wait(2 * NS)
    said = codec("dfplayer").decode("device", desk.send(command, 2 * NS))
    assert [(d.message.name, d.values.get("clip")) for d in said] == answers  # type: ignore[union-attr]


def test_a_late_acknowledgement_and_sleep() -> None:
    """A second late is late; asleep nothing is answered, and a clone that never wakes stays silent after a reset."""
    desk = Desk("dfplayer", profile="late_ack")
    desk.wait(2 * NS)
    assert desk.send("7EFF0606010005EF", 500 * MS) == b""
    assert desk.hear(NS) != b""
    for profile, wakes in (("", True), ("sleeps_for_ever", False)):
        desk = Desk("dfplayer", profile=profile)
        desk.wait(2 * NS)
        desk.send("7EFF060A000000EF")
        assert desk.send("7EFF0642000000EF") == b""
        desk.send("7EFF060C000000EF", 3 * NS)
        assert bool(desk.send("7EFF0642000000EF")) is wakes


def test_a_new_text_cuts_the_old_one_off() -> None:
    """A host that does not wait for 4F clips its own announcement (protocols.md 5.2)."""
    desk = Desk("syn6288")
    desk.wait(NS)
    first = codec("syn6288").write("speak", {"charset": 1, "music": 0, "text": "请A001号到3号窗口"})
    desk.send(first, 1000 * MS)
    desk.send(codec("syn6288").write("speak", {"charset": 0, "music": 0, "text": "请"}), NS)
    cut, whole = desk.facts("spoken")
    assert cut["whole"] is False
    assert cut["text"].endswith("—")
    assert "窗口" not in cut["text"]
    assert whole["text"] == "请"


def test_pause_and_resume_take_their_time() -> None:
    """A pause moves the end by its own length."""
    desk = Desk("syn6288")
    desk.wait(NS)
    desk.send(codec("syn6288").write("speak", {"charset": 1, "music": 0, "text": "请请请请"}), 200 * MS)
    desk.send("FD000203FC", 2 * NS)
    assert desk.send("FD000221DE") == b"AN"
    desk.send("FD000204FB", 3 * NS)
    (spoken,) = desk.facts("spoken")
    assert 2800 * MS < spoken["end"] - spoken["start"] < 2980 * MS


def test_busy_is_told() -> None:
    """The BUSY pin: high while it speaks."""
    desk = Desk("syn6288")
    desk.wait(NS)
    desk.send(codec("syn6288").write("speak", {"charset": 1, "music": 0, "text": "请"}), NS)
    assert [facts["on"] for facts in desk.facts("busy")] == [True, False]


# -- displays -------------------------------------------------------------------------------------------------------


def test_led485_text() -> None:
    """Text is shown, model and version are told, another unit's text is not (protocols.md 1.4)."""
    desk = Desk("led485_ascii", unit=1)
    desk.send(b"$001,A001#")
    desk.send(b"$002,B007#")
    assert [facts["text"] for facts in desk.facts("shown")] == ["A001"]
    assert desk.send(b"$001,02&") == b"LED-485-054"


def test_onbon_answers_from_its_own_address() -> None:
    """A ping is acknowledged to the PC with the card's address as source; a wrong CRC is not (protocols.md 2.1)."""
    desk = Desk("onbon", unit=1)
    ping = codec("onbon").declaration.vectors[1].data
    (said,) = codec("onbon").decode("device", desk.send(ping))
    assert (said.message.name, said.values["dst"], said.values["src"]) == ("ack", 0x8000, 1)  # type: ignore[union-attr]
    assert desk.send(ping[:-3] + b"\x00\x00\x5a") == b""


def onbon(of: str) -> bytes:
    return next(vector.data for vector in codec("onbon").declaration.vectors if vector.of == of)


def test_onbon_areas_are_rows() -> None:
    """A program's own frames: the text stands in its area, without the mark of its font; all go with one command."""
    desk = Desk("onbon", unit=1)
    assert desk.send(onbon("show_font")) == b""  # it wants no answer
    assert desk.device.rows == ["", "TEMPER:21℃"]
    (said,) = codec("onbon").decode("device", desk.send(onbon("show")))
    assert said.message.name == "ack"  # type: ignore[union-attr]
    assert desk.device.rows == ["A001", "TEMPER:21℃"]
    assert desk.send(onbon("delete_areas"))
    assert set(desk.device.rows) == {""}


def test_onbon_replaces_all_areas_when_told() -> None:
    """A card that is told to forget the others shows the new area alone; what is off shows nothing."""
    made = codec("onbon")
    desk = Desk("onbon", unit=1)
    desk.send(onbon("show_font"))
    (told,) = made.decode("host", onbon("show"))
    desk.send(made.write("show", {**told.values, "delete": 255}))  # type: ignore[union-attr]
    assert [row for row in desk.device.rows if row] == ["A001"]
    desk.send(made.write("power", {"dst": 1, "src": 0x8000, "mode": 0, "reply": 1, "size": 1, "on": 0}))
    assert set(desk.device.rows) == {""}


@pytest.mark.parametrize("areas", ["02", "00"])
def test_onbon_refuses_what_it_cannot_read(areas: str) -> None:
    """Several areas at once, or none with nothing deleted: a nack, and what stands there stays."""
    made = codec("onbon")
    desk = Desk("onbon", unit=1)
    desk.send(onbon("show"))
    (told,) = made.decode("host", onbon("show"))
    params = told.values["params"]  # type: ignore[union-attr]
    assert params[3:5] == b"\x00\x01"
    frame = (
        made.messages["show"]
        .alternatives[0]
        .build(
            {**told.values, "params": params[:4] + bytes.fromhex(areas) + params[5:]}  # type: ignore[union-attr]
        )
    )
    (said,) = made.decode("device", desk.send(frame))
    assert said.message.name == "nack"  # type: ignore[union-attr]
    assert desk.device.rows == ["A001"]


def test_the_same_text_is_told_once() -> None:
    """A refresh is no news; spaces behind a text are dark; without supply nothing stands there."""
    desk = Desk("led485_ascii", unit=1)
    for text in (b"A001", b"A001", b"A001  ", b"    ", b"A002"):
        desk.send(b"$001," + text + b"#")
    assert [facts["text"] for facts in desk.facts("shown")] == ["A001", "", "A002"]
    assert desk.device.powered
    dark = [effect for effect in desk.device.unplug(0) if isinstance(effect, Note)]
    assert [note.facts for note in dark if note.kind == "shown"] == [{"text": ""}]
    assert not desk.device.powered
    assert desk.device.rows == []


def test_onbon_escapes_what_looks_like_an_end() -> None:
    """Addresses of 5A and A5 go through the escapes and come out as they were."""
    made = codec("onbon")
    frame = made.write("ping", {"dst": 0x5AA5, "src": 0xA65B, "mode": 0, "reply": 2, "size": 0})
    assert frame.count(b"\x5a") == 1
    desk = Desk("onbon", unit=0x5AA5)
    assert desk.send(frame) == b""
    (read,) = made.decode("host", frame)
    assert (read.values["dst"], read.values["src"]) == (0x5AA5, 0xA65B)  # type: ignore[union-attr]


# -- whatever comes -------------------------------------------------------------------------------------------------


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_nothing_that_comes_is_an_exception(data: st.DataObject) -> None:
    """Random bytes, spoilt frames, alarms and hands in any order; afterwards a known frame is taken as ever."""
    name = data.draw(st.sampled_from(NAMES))
    made = codec(name)
    speaker = Loudspeaker() if made.declaration.role == "voice" else None
    known = [v for v in made.declaration.vectors if made.messages[v.of].message.source == "host"]
    address = made.declaration.address
    unit = next((v.values[address.part] for v in known if address and address.part in v.values), None)
    device = DeclaredDevice("x", made, unit=unit, loudspeaker=speaker)
    device.power_on(0)
    now = NS
    tags = ["gap", "answer", "boot", "voice", "uttered", "timer:online", "nothing"]
    for _ in range(data.draw(st.integers(0, 12))):
        now += data.draw(st.integers(1, 3 * NS))
        step = data.draw(st.integers(0, 3))
        if step == 0:
            device.hear(now, data.draw(st.binary(max_size=60)), now - 1, now, None)
        elif step == 1:
            frame = bytearray(data.draw(st.sampled_from(known)).data)
            frame[data.draw(st.integers(0, len(frame) - 1))] ^= data.draw(st.integers(0, 255))
            device.hear(now, bytes(frame), now - 1, now, None)
        elif step == 2:
            device.wake(now, data.draw(st.sampled_from(tags)))
        else:
            (device.unplug if data.draw(st.booleans()) else device.plug_in)(now)
    device.plug_in(now)
    now += 5 * NS
    device.wake(now, "boot")
    now += 5 * NS
    device.wake(now, "gap")
    reader = made.reader("host")
    vector = known[0]
    assert reader.feed(vector.data) or reader.gap()
    if "asleep" in device.state:
        device.state["asleep"] = False  # what random frames may have put it to sleep does not answer
    # what an unspoilt frame made it show is not told a second time
    shown = [value for value in vector.values.values() if isinstance(value, str) and value in device.state.values()]
    answer = [*device.hear(now, vector.data, now - 1, now, None), *device.wake(now + NS, "gap")]
    assert shown or any(isinstance(effect, Note | Send) for effect in answer), vector.of
    assert len(device._outbox) <= MOST_WAITING


def test_guards_and_refusals() -> None:
    """A message whose guard does not hold is refused, and `[on_error] refused` may answer."""
    text = MINIMAL.replace('fields = [{ name = "level"', 'when = { on = false }\nfields = [{ name = "level"')
    text += '\n[on_error]\nrefused = { raw = "15" }\nunknown = { raw = "16" }\nvalue = { raw = "17" }\n'
    desk = Desk(Codec(build(tomllib.loads(text))))
    assert desk.send("02010506") == b""
    assert desk.send("02010506") == b"\x15"
    assert desk.send("0202050500") == b"\x16"
    desk.device.state["on"] = False
    assert desk.send("02016665") == b"\x17"


def test_lists_timers_and_arithmetic() -> None:
    """push, pop, clear, add within bounds, timers, and values made from others."""
    text = MINIMAL.replace("on = false", "on = false\nqueue = []\nlast = 0\nlevel = 0").replace(
        'effects = [{ set = "on", to = true }]',
        """effects = [
  { push = "queue", value = "@level", limit = 2 },
  { add = "level", by = "@level", max = 12 },
  { start = "later", ms = { of = "@level", times = 10 } },
]

[timer.later]
effects = [
  { pop = "queue", into = "last" },
  { note = "popped", values = { last = "$last", left = { count = "$queue" } } },
]
""",
    )
    desk = Desk(Codec(build(tomllib.loads(text))))
    for level in (5, 6, 7):
        desk.send(bytes((2, 1, level, 2 ^ 1 ^ level)), 20 * MS)
    assert desk.device.state["queue"] == [6, 7]
    assert desk.device.state["level"] == 12
    desk.wait(NS)
    assert desk.facts("popped") == [{"last": 6, "left": 1}]

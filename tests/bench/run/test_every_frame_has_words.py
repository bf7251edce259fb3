"""Every device that ships, for most of an hour: no frame of it stands without words, live or read back."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, get_args

import pytest

from bench.captures.frames import Frame as Kept
from bench.captures.frames import LineFacts
from bench.captures.textlog import Reader
from bench.cli.decode import PROTOCOL
from bench.cli.main import main
from bench.control.events import EventLog
from bench.hall.day import draw
from bench.run.frames import Decoder, Frame
from bench.run.rig import inventory
from bench.run.speech import DECLARED_AS, DIRECT, declarations, speeches_of
from bench.run.world import World
from bench.scenario.declared import available, is_path
from bench.scenario.devices import DeviceSpec
from bench.scenario.load import load
from firmware_sim.device import NS
from protocol.escpos.profiles import PROFILES

HALL = Path(__file__).parents[2] / "support" / "every_device.toml"
EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(scope="module")
def scenario() -> Any:
    return load(str(HALL))


@pytest.fixture(scope="module")
def heard(scenario: Any) -> tuple[World, list[tuple[Frame, bytes | None]]]:
    """The hall after most of its hour, and each different frame with what it answers."""
    world = World(scenario, draw(scenario, 1), io.BytesIO(), clock="virtual", evidence="hash", store=lambda _rows: ())
    asked: dict[str, bytes] = {}
    frames: dict[tuple[str, str, bytes, bytes | None], Frame] = {}

    def burst(start: int, line: str, src: str, data: bytes, flaws: int, end: int) -> None:
        frame = Frame(start, line, src, data, flaws, end)
        if frame.is_request:
            asked[line] = data
        frames.setdefault((line, src, data, None if frame.is_request else asked.get(line)), frame)

    world.rig.listen(burst)
    world.begin()
    world.clockwork.advance_to(scenario.start + 2400 * NS)
    return world, [(frame, request) for (_, _, _, request), frame in frames.items()]


def test_the_hall_has_every_device_that_ships(scenario: Any) -> None:
    """Each kind, each protocol that a kind can speak, each printer, each declaration of the catalogue and examples."""
    specs = [spec for _, spec in scenario.placed]
    there = {(spec.kind, getattr(spec, "protocol", "")) for spec in specs}
    for kind in get_args(get_args(DeviceSpec)[0]):
        name = get_args(kind.model_fields["kind"].annotation)[0]
        spoken = get_args(kind.model_fields["protocol"].annotation) if "protocol" in kind.model_fields else ("",)
        assert {(name, protocol) for protocol in spoken} <= there, name
    assert {spec.profile for spec in specs if spec.kind == "ticket_printer"} == set(PROFILES)
    spoken = {DECLARED_AS.get((row["protocol"], row["kind"]), row["protocol"]) for row in inventory(scenario)}
    assert set(available()) <= spoken
    described = {path.name for path in EXAMPLES.rglob("*.toml") if "[frame" in path.read_text("utf-8")}
    assert described
    assert described <= {Path(name).name for name in spoken if is_path(name)}


def test_no_frame_is_without_words(heard: Any) -> None:
    """The live log says of each frame what it is, in words of its protocol, and who sent it or is asked."""
    world, frames = heard
    decoder = Decoder(world.rig)
    told = {(frame.line, frame.by): decoder.words(frame, request) for frame, request in frames}
    without = [
        (frame.line, frame.by, frame.data.hex())
        for frame, request in frames
        if (said := decoder.words(frame, request)) == "" or "no known message" in said or "broken" in said
    ]
    assert not without
    assert len({line for line, _ in told}) == len(world.rig.lines)
    silent = {"osdp"} - {line for line, by in told if not by.startswith("house")}
    assert not silent


def test_the_words_name_what_the_device_shows(heard: Any) -> None:
    """Maps of displays that hold characters are told as text, on DM36 and EmbeddedArt as on the others."""
    world, frames = heard
    decoder = Decoder(world.rig)
    said = {decoder.words(frame, request) for frame, request in frames}
    for wanted in ("dm36-6: write digit_1", "dm36-4: write digit_1", "card: write row_1", "board-4: write row_4"):
        assert any(words.startswith(wanted) and "= 'A0" in words for words in said), wanted
    for wanted in (
        "= 'A0",
        "text='A0",
        "Số thứ tự",
        "write STRING 'a': A0",
        "automatic status: ready",
        "KEYPAD, keys",
        "请A0",
    ):
        assert any(wanted in words for words in said), wanted


def test_evidence_alone_says_the_same(scenario: Any, heard: Any) -> None:
    """From the header of a history and run.json come the words that the live hall had; nothing else is read."""
    world, frames = heard
    decoder = Decoder(world.rig)
    speeches = speeches_of({"devices": inventory(scenario)}, {"declarations": declarations(scenario)})
    reader = Reader({line: LineFacts(line, None, speech.protocols, speech) for line, speech in speeches.items()})
    for frame, request in frames:
        kept = Kept(frame.at, frame.end, frame.line, frame.by, frame.data, not frame.is_request)
        if request is not None:
            reader.meaning(Kept(0, 0, frame.line, "port", request, inbound=False))
        assert reader.words(kept) == decoder.words(frame, request)


def test_a_vendors_declaration_is_kept_with_the_run(scenario: Any) -> None:
    """Declarations that are files go into run.json; those of the catalogue ship with every hallbench."""
    kept = declarations(scenario)
    assert {Path(name).name for name in kept} == {
        path.name for path in EXAMPLES.glob("acme_*.toml") if "[frame" in path.read_text("utf-8")
    }
    assert all("[frame" in text for text in kept.values())


def test_events_carry_the_words(heard: Any) -> None:
    """What the view shows is the decoder's sentence."""
    world, frames = heard
    log = EventLog(Decoder(world.rig), lambda: 0)
    for frame, _ in frames[:200]:
        log.burst(frame.at, frame.line, frame.by, frame.data, 0, frame.end)
    assert all(event["text"] for event in log.latest(200, ("frame",)))


def test_decode_knows_each_protocol(capsys: pytest.CaptureFixture[str], heard: Any) -> None:
    """`hallbench decode` takes each protocol by name: those that are spoken directly, and the maps of Modbus."""
    assert set(DIRECT) | {"rk1", "led485", "dm36", "embeddedart"} == set(PROTOCOL)
    _, frames = heard
    sent = {frame.line: frame.data for frame, _ in frames if frame.is_request}
    for protocol, line in (("escpos", "tickets-1"), ("osdp", "osdp"), ("rk1", "keypads"), ("onbon", "onbon")):
        assert main(["decode", protocol, "--as", "request", sent[line].hex()]) == 0
    assert main(["decode", "embeddedart", "01 10 03 E8 00 02 04 41 30 31 37 B9 C5"]) in (0, 1)
    capsys.readouterr()

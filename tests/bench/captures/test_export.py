"""From a run to files: order, faults on their frames, what was folded; bits and text."""

from __future__ import annotations

import io
import json
import unicodedata
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.captures.export import export_pcapng, keep_wire, write_pcapng, write_wire
from bench.captures.frames import Capture, CaptureFailed, Frame, LineFacts, instant, joined
from bench.captures.pcapng_reader import PcapngReader, line_bytes
from bench.captures.textlog import write_text
from bench.captures.vcd import lows, speed_of, write_vcd
from bench.cli.main import main
from bench.hall.day import draw
from bench.run.day import run_day
from bench.run.options import DayOptions
from bench.scenario.load import load
from capture_runs import ASK, EPOCH, IDLE, MS, NEWS, SETTINGS, START, polls, run_dir
from firmware_sim.burst import LineSettings

SMALL = Path(__file__).parents[2] / "support" / "small.toml"


def frames_of(folder: Path, **which) -> list[Frame]:
    capture = Capture(folder)
    return list(joined(capture.frames(**which), capture.lines))


def test_every_burst_is_there_with_full_evidence(tmp_path: Path) -> None:
    """With --evidence full every burst is a packet, at its instant, in the order of time."""
    folder = run_dir(tmp_path / "run", polls(50), evidence="full")
    frames = frames_of(folder)
    assert len(frames) == 100
    assert [frame.at for frame in frames] == sorted(frame.at for frame in frames)
    path = write_wire(folder)
    assert path is not None
    with path.open("rb") as file:
        reader = PcapngReader(file, "wire")
        packets = list(reader.packets())
    assert [packet.at_ns - EPOCH for packet in packets] == [frame.at for frame in frames]
    assert [line_bytes(packet, reader.interfaces[0]) for packet in packets] == [frame.data for frame in frames]
    assert [packet.inbound for packet in packets] == [False, True] * 50
    assert (reader.interfaces[0].name, reader.interfaces[0].description) == ("keypads", "9600 8E1")


def test_folded_polls_are_told_in_a_comment(tmp_path: Path) -> None:
    """Polls that repeat are not in the file, and the next frame says how many there were."""
    frames = frames_of(run_dir(tmp_path, [*polls(20), *polls(1, reply=NEWS, start=5000)]))
    assert [frame.data for frame in frames] == [ASK, IDLE, ASK, NEWS]
    assert "before this 38 bursts like earlier ones, 08:00:00 to 08:00:01, counted and not kept" in frames[2].comment
    assert not frames[0].comment


def test_faults_stand_on_their_frames(tmp_path: Path) -> None:
    """A fault is a comment of the frame that it struck; of a frame that was lost, on the one before it."""
    bad = IDLE[:-1] + bytes([IDLE[-1] ^ 1])
    lost = {"ms": 320, "id": "N15", "name": "no_reply", "by": "slaves", "told": "lost whole"}
    flip = {"ms": 120, "id": "N01", "name": "bit_flip", "by": "slaves", "told": "bit 0 flipped"}
    bursts = [
        *polls(1),
        *polls(1, reply=bad, start=100),
        *polls(1, start=200),
        *polls(1, start=300)[:1],
        *polls(1, start=900),
    ]
    frames = frames_of(run_dir(tmp_path, bursts, evidence="full", faults=[flip, lost]))
    told = {(frame.at - START) // MS: frame.comment for frame in frames if frame.comment}
    assert told == {
        120: "fault N01 bit_flip on slaves: bit 0 flipped; no sound Modbus frame: its CRC is wrong or it is not whole",
        300: "fault N15 no_reply on slaves: lost whole",
    }


def test_a_request_in_pieces_is_one_frame(tmp_path: Path) -> None:
    """Bursts of one sender with less than t3.5 between them are one Modbus frame; a longer silence parts them."""
    piece = SETTINGS.duration(3) / MS
    close = [(0, "port", ASK[:3]), (piece + 1, "port", ASK[3:]), (40, "slaves", IDLE)]
    frames = frames_of(run_dir(tmp_path / "a", close, evidence="full"))
    assert [(frame.data, frame.comment) for frame in frames] == [(ASK, ""), (IDLE, "")]
    apart = [(0, "port", ASK[:3]), (piece + 9, "port", ASK[3:]), (40, "slaves", IDLE)]
    frames = frames_of(run_dir(tmp_path / "b", apart, evidence="full"))
    assert [frame.data for frame in frames] == [ASK[:3], ASK[3:], IDLE]
    assert ["no sound" in frame.comment for frame in frames] == [True, True, False]


def test_a_part_of_the_day(tmp_path: Path) -> None:
    """--from and --to cut by the instants of first edges."""
    folder = run_dir(tmp_path, polls(50), evidence="full")
    frames = frames_of(folder, first=START + 1000 * MS, last=START + 1200 * MS)
    assert [(frame.at - START) // MS for frame in frames] == [1000, 1020, 1100, 1120]
    assert frames_of(folder, line="none") == []


def test_a_very_long_frame_is_several_packets() -> None:
    """A ticket with pictures may be longer than Wireshark reads: its pieces say what they are, and nothing is lost."""
    data = bytes(range(256)) * 2500
    out = io.BytesIO()
    write_pcapng(out, [Frame(0, 10**9, "ticket", "port", data, inbound=False)], {})
    out.seek(0)
    reader = PcapngReader(out, "long")
    packets = list(reader.packets())
    assert b"".join(line_bytes(packet, reader.interfaces[0]) for packet in packets) == data
    assert len(packets) == 3
    assert packets[1].comment.startswith("characters ")


def test_same_run_same_bytes(tmp_path: Path) -> None:
    """Nothing of the moment or the place goes into a capture."""
    one, two = (run_dir(tmp_path / name, polls(30), evidence="full") for name in "ab")
    for folder in (one, two):
        keep_wire(folder)
    assert (one / "wire.pcapng").read_bytes() == (two / "wire.pcapng").read_bytes()
    assert not list(one.glob(".*"))


def test_a_day_leaves_its_capture(tmp_path: Path) -> None:
    """A run ends with wire.pcapng in its directory: every frame of its history, the bytes that the command gives."""
    scenario = load(str(SMALL))
    folder = run_day(DayOptions(scenario, draw(scenario, 1), out=tmp_path / "run", evidence="folded")).directory.path
    wire = (folder / "wire.pcapng").read_bytes()
    assert main(["capture", str(folder), "--out", str(tmp_path / "again.pcapng")]) == 0
    assert (tmp_path / "again.pcapng").read_bytes() == wire
    capture = Capture(folder)
    kept = sum(1 for _ in capture.history.records([("line", "tx")]))
    reader = PcapngReader(io.BytesIO(wire), "wire")
    packets = list(reader.packets())
    assert len(packets) == kept > 100
    assert [interface.name for interface in reader.interfaces] == ["keypads", "hall", "ticket"]
    assert [packet.at_ns for packet in packets] == sorted(packet.at_ns for packet in packets)
    assert "--evidence full keeps all" in reader.comment


def test_killed_run_and_foreign_folder(tmp_path: Path) -> None:
    """A history without its footer gives what is in it; a folder without a run is told."""
    folder = run_dir(tmp_path / "run", polls(5), footer=False, settings=None, evidence="full")
    capture = Capture(folder)
    out = io.BytesIO()
    assert export_pcapng(capture, out) == 10
    assert not capture.history.complete
    with pytest.raises(CaptureFailed, match="is no run directory"):
        Capture(tmp_path)
    with pytest.raises(CaptureFailed, match="kept hashes"):
        Capture(run_dir(tmp_path / "hash", polls(5), evidence="hash"))
    assert write_wire(tmp_path / "hash") is None


def test_records_that_were_tampered_with(tmp_path: Path) -> None:
    """A frame without its characters is told, with its number."""
    folder = run_dir(tmp_path, polls(2), evidence="full")
    path = folder / "history.ndjson"
    path.write_text(path.read_text().replace('"hex":"0104', '"hex":"xy04', 1))
    with pytest.raises(CaptureFailed, match=r"record 1 of the history is no frame"):
        frames_of(folder)


# -- bits ------------------------------------------------------------------------------------------------------------
def sampled(text: str, wire: str, settings: LineSettings) -> bytes:
    """Characters on a wire of a dump, as a UART would sample them in the middle of each bit."""
    code = next(line.split()[3] for line in text.splitlines() if line.startswith("$var") and f" {wire} " in line)
    changes = [(0, 1)]
    at = 0
    for line in text.split("$dumpvars", 1)[1].splitlines():
        if line.startswith("#"):
            at = int(line[1:])
        elif line[1:] == code and line[:1] in "01":
            changes.append((at, int(line[0])))
    end = at

    def level(when: float) -> int:
        return [value for instant, value in changes if instant <= when][-1]

    bit = 1e9 / settings.baud
    out, now, falls = bytearray(), 0.0, [instant for instant, value in changes if not value]
    while now < end:
        start = next((fall for fall in falls if fall >= now), None)
        if start is None:
            break
        bits = [level(start + (0.5 + n) * bit) for n in range(1, 1 + settings.data_bits)]
        place = 1 + settings.data_bits
        if settings.parity != "N":
            assert (sum(bits) + level(start + (place + 0.5) * bit)) % 2 == (settings.parity == "O")
            place += 1
        assert level(start) == 0
        assert level(start + (place + 0.5) * bit) == 1
        out.append(sum(value << n for n, value in enumerate(bits)))
        now = start + (place + 0.6) * bit
    return bytes(out)


@given(st.binary(min_size=1, max_size=6), st.sampled_from(["9600 8N1", "19200 8E1", "115200 8O2", "4800 7E1"]))
def test_bits_stand_where_a_receiver_finds_them(data: bytes, text: str) -> None:
    """Start, data, parity and stop bits stand where a receiver of the same settings finds them."""
    settings = LineSettings.parse(text)
    data = bytes(char & (1 << settings.data_bits) - 1 for char in data)
    lines = {"bus": LineFacts("bus", settings)}
    out = io.StringIO()
    frame = Frame(5, 5 + settings.duration(len(data)), "bus", "port", data, inbound=False)
    assert write_vcd(out, [frame], lines) == 1
    assert sampled(out.getvalue(), "bus_tx", settings) == data
    assert sampled(out.getvalue(), "bus_rx", settings) == b""


def test_dump_is_in_order_and_has_two_wires(tmp_path: Path) -> None:
    """Time never goes back in a dump, also where both directions speak at once; each direction has its wire."""
    lines = {"bus": LineFacts("bus", SETTINGS)}
    both = [
        Frame(0, 10 * MS, "bus", "port", b"\x55" * 8, inbound=False),
        Frame(MS, 9 * MS, "bus", "d", b"\0" * 7, inbound=True),
    ]
    out = io.StringIO()
    write_vcd(out, both, lines)
    stamps = [int(line[1:]) for line in out.getvalue().splitlines() if line.startswith("#")]
    assert stamps == sorted(set(stamps))
    assert sampled(out.getvalue(), "bus_tx", SETTINGS) == b"\x55" * 8
    assert sampled(out.getvalue(), "bus_rx", SETTINGS) == b"\0" * 7


def test_two_on_one_wire_are_a_wired_and() -> None:
    """Where two devices send at once the wire is low whenever one of them pulls it."""
    lines = {"bus": LineFacts("bus", SETTINGS)}
    pair = [Frame(0, MS, "bus", name, data, inbound=True) for name, data in (("a", b"\x0f"), ("b", b"\x3c"))]
    out = io.StringIO()
    write_vcd(out, pair, lines)
    assert sampled(out.getvalue(), "bus_rx", SETTINGS) == b"\x0c"


def test_drifting_and_unknown_speed() -> None:
    """A burst whose length is that of another standard speed is drawn at that; without settings nothing is drawn."""
    slow = LineSettings.parse("4800 8N1")
    fast = LineSettings.parse("9600 8N1")
    frame = Frame(0, slow.duration(8), "bus", "port", bytes(8), inbound=False)
    assert speed_of(frame, fast).baud == 4800
    assert speed_of(frame._replace(end=fast.duration(8)), fast) == fast
    assert speed_of(frame._replace(end=frame.end * 3 // 4), fast) == fast
    with pytest.raises(CaptureFailed, match="--settings"):
        write_vcd(io.StringIO(), [frame], {"bus": LineFacts("bus", None)})
    assert list(lows(b"\xff", fast)) == [(0, 2)]


# -- text ------------------------------------------------------------------------------------------------------------
def test_one_line_a_frame(tmp_path: Path) -> None:
    """A frame is one line: time to the ns, line, direction, sender, characters, meaning, comment."""
    capture = Capture(run_dir(tmp_path, polls(1, reply=NEWS), evidence="full"))
    out = io.StringIO()
    write_text(out, capture.frames(), capture.lines, date(2025, 3, 10))
    said = "keypad-1: epoch .. lost = 1, 0, 1, 1, 1, 0"
    assert out.getvalue().splitlines() == [
        "2025-03-10 08:00:00.000000000  keypads  >  house/keypads  010400020006D1C8  | keypad-1: read epoch .. lost",
        f"2025-03-10 08:00:00.020000000  keypads  <  slaves  {NEWS.hex().upper()}  | {said}",
    ]


PROTOCOLS = [
    "modbus_rtu",
    "escpos",
    "alpha",
    "osdp",
    "dfplayer",
    "ff68_evaluator",
    "onbon",
    "../../etc/x",
    "n.toml",
    "",
]


@settings(deadline=None)  # a declaration is read at its first use
@given(st.binary(max_size=60), st.text(max_size=20), st.text(max_size=20), st.booleans(), st.sampled_from(PROTOCOLS))
def test_hostile_frames_stay_one_line(data: bytes, by: str, line: str, inbound: bool, protocol: str) -> None:
    """Whatever a frame or a name holds, a line stays a line and no terminal is steered."""
    out = io.StringIO()
    frame = Frame(0, 1, line, by, data, inbound, comment=by)
    write_text(out, [frame], {line: LineFacts(line, None, (protocol,))}, date(2025, 3, 10))
    assert out.getvalue().count("\n") == 1
    assert not {unicodedata.category(char) for char in out.getvalue()[:-1]} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("text", "ns"),
    [("10:30", 37800 * 10**9), ("08:00:01", 28801 * 10**9), ("0:0:0.25", 250 * MS), ("26:00", 93600 * 10**9)],
)
def test_times_of_day_read_as_people_write_them(text: str, ns: int) -> None:
    """Times of day read as people write them."""
    assert instant(text) == ns


@pytest.mark.parametrize("text", ["", "10", "10:61", "x:10", "10:10:10:10", "-1:00", "1:00:00.x", "१:00"])
def test_no_times_of_day(text: str) -> None:
    """What is no time of day is told."""
    with pytest.raises(ValueError, match="time of day"):
        instant(text)


# -- the command -----------------------------------------------------------------------------------------------------
def test_command_exports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`hallbench capture RUN --to ...` writes each format, to a file or to stdout."""
    folder = run_dir(tmp_path / "run", polls(3), evidence="full", line="../evil line")
    assert main(["capture", str(folder), "--to", "vcd", "--line", "../evil line", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["frames"] == 6
    assert Path(told["file"]).parent == folder
    assert "$var wire 1 ! ___evil_line_tx $end" in Path(told["file"]).read_text()
    assert main(["capture", str(folder), "--to", "text", "--from", "08:00", "--to", "08:00:00.05"]) == 0
    assert capsys.readouterr().out.count("\n") == 2
    assert main(["capture", str(folder), "--out", str(tmp_path / "x.pcapng")]) == 0
    assert (tmp_path / "x.pcapng").stat().st_size > 400


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--to", "xml"], 2, "pcapng, vcd, text"),
        (["--to", "text", "--to", "25:99"], 2, "up to 59 minutes"),
        (["--line", "nowhere"], 2, "there are: keypads"),
        (["--to", "vcd"], 3, "--settings"),
        (["--to", "vcd", "--settings", "fast"], 2, "9600 8N1"),
        (["--out", "/nowhere/x.pcapng"], 3, "cannot be written"),
    ],
)
def test_command_tells_mistakes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, told: str
) -> None:
    """Each mistake has its exit code and says what there is."""
    folder = run_dir(tmp_path / "run", polls(3), settings=None)
    assert main(["capture", str(folder), *arguments]) == code
    assert told in capsys.readouterr().err

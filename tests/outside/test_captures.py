"""Captures as other people's programs read them: tshark, which knows Modbus and its CRC, and sigrok, which knows UARTs.

Neither shares a line of code with hallbench. Both run without any settings of the user's, from an empty home folder.
`tests/outside/setup.d/captures.sh` installs them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

import bench.captures
from bench.captures.pcapng import PcapngWriter
from bench.cli.main import main
from protocol.modbus.rtu import is_sound

LUA = Path(bench.captures.__file__).parent / "dissectors" / "rk1.lua"
SUPPORT = Path(__file__).parents[1] / "support"
CRC = ("-o", "mbrtu.crc_verification:TRUE")

DAMAGED = """
[[fault]]
name = "bit_flip"
line = "keypads"
count = 5
after = "08:20"
"""


def program(name: str) -> str:
    """Where a program is; skip when it is not here, or fail where peers are required."""
    found = shutil.which(name)
    if found is None:
        said = f"{name} is not installed: run tests/outside/setup.d/captures.sh"
        if os.environ.get("HALLBENCH_PEERS") == "required":
            pytest.fail(said)
        pytest.skip(said)
    return found


def run(home: Path, *command: str) -> list[str]:
    """The lines that a program prints."""
    env = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home), "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A quiet day, kept in full, and a day with damaged frames."""
    folder = tmp_path_factory.mktemp("days")
    small = (SUPPORT / "small.toml").read_text(encoding="utf-8")
    damaged = folder / "damaged.toml"
    damaged.write_text(small + DAMAGED, encoding="utf-8")
    made = {}
    for name, scenario, evidence in (("quiet", SUPPORT / "small.toml", "full"), ("damaged", damaged, "folded")):
        made[name] = folder / name
        code = main(["day", str(scenario), "--out", str(made[name]), "--no-report", "--evidence", evidence])
        assert code in (0, 1, 5)
    return made


@pytest.fixture
def tshark(tmp_path: Path):
    """Run tshark with these arguments: what it prints."""
    where = program("tshark")
    return lambda *arguments: run(tmp_path, where, "-n", *map(str, arguments))


def test_a_quiet_day_has_no_complaint(days: dict[str, Path], tshark) -> None:
    """tshark finds Modbus on every Modbus frame, and no wrong CRC; lines and directions are those of the hall."""
    wire = days["quiet"] / "wire.pcapng"
    fields = ("frame.interface_name", "frame.packet_flags_direction", "mbrtu.unit_id", "_ws.expert.message")
    rows = [
        line.split("\t")
        for line in tshark("-r", wire, *CRC, "-T", "fields", *(word for name in fields for word in ("-e", name)))
    ]
    modbus = [row for row in rows if row[2]]
    assert len(modbus) > 1000
    assert not [row for row in rows if "CRC" in row[3]]
    assert {row[1] for row in rows} == {"0x00000001", "0x00000002"}
    history = days["quiet"] / "history.ndjson"
    with history.open(encoding="utf-8") as file:
        told = Counter(json.loads(line)["line"] for line in file if '"k":"tx"' in line)
    assert Counter(row[0] for row in rows) == told


def test_instants_are_those_of_the_history(days: dict[str, Path], tshark) -> None:
    """What tshark shows as the time of a frame is the instant of its first edge, in calendar time, to the ns."""
    history = days["quiet"] / "history.ndjson"
    with history.open(encoding="utf-8") as file:
        epoch = json.loads(next(file))["epoch_ns"]
        first = min(json.loads(line)["t"] for line in file if '"k":"tx"' in line)
    (shown,) = tshark("-r", days["quiet"] / "wire.pcapng", "-c", "1", "-T", "fields", "-e", "frame.time_epoch")
    seconds, _, fraction = shown.partition(".")
    assert int(seconds) * 10**9 + int(fraction) == epoch + first


def test_only_damaged_frames_have_a_wrong_crc(days: dict[str, Path], tshark) -> None:
    """Frames in which tshark finds a wrong CRC are exactly those that our own CRC rejects, each with its fault."""
    wire = days["damaged"] / "wire.pcapng"
    fields = ("frame.number", "frame.comment", "_ws.expert.message")
    rows = [
        line.split("\t")
        for line in tshark("-r", wire, *CRC, "-T", "fields", *(word for name in fields for word in ("-e", name)))
    ]
    wrong = [row for row in rows if "CRC" in row[2]]
    assert len(wrong) == 5
    assert all("fault N01 bit_flip" in row[1] for row in wrong)
    assert {row[0] for row in wrong} == {row[0] for row in rows if "no sound Modbus frame" in row[1]}


def test_other_protocols_have_their_label(tmp_path: Path, tshark) -> None:
    """What Wireshark has no dissector for shows its label and its bytes, and no error."""
    path = tmp_path / "x.pcapng"
    with path.open("wb") as file:
        writer = PcapngWriter(file, tool="test")
        writer.packet(writer.add_interface("ticket", label="ESC/POS"), 0, b"\x1b@", inbound=False)
        hostile = writer.add_interface("\x1b[31mname\0", dissector="no such dissector", label="x" * 500)
        writer.packet(hostile, 1, b"", inbound=True, comment="\r\n\x07")
    shown = tshark(
        "-r", path, "-T", "fields", "-e", "_ws.col.Protocol", "-e", "frame.interface_name", "-e", "data.data"
    )
    assert shown[0] == "ESC/POS\tticket\t1b40"
    assert "\x1b" not in "".join(shown)
    assert len(shown) == 2


def test_lua_dissector_names_registers_and_events(days: dict[str, Path], tshark) -> None:
    """With rk1.lua the events that keypads report are those pressed: each press stands in a reply with its key."""
    wire = days["quiet"] / "wire.pcapng"
    with (days["quiet"] / "history.ndjson").open(encoding="utf-8") as file:
        pressed = [json.loads(line) for line in file if '"k":"press"' in line]
    shown = tshark("-X", f"lua_script:{LUA}", "-r", wire, "-Y", "rk1.event.key", "-T", "fields", "-e", "rk1.event.key")
    keys = Counter(key for line in shown for key in line.split(","))
    assert pressed
    assert all(keys[str(press["value"])] for press in pressed)
    everything = tshark("-X", f"lua_script:{LUA}", "-r", wire, "-c", "300")
    assert any("[RK-1 epoch" in line for line in everything)
    assert not [line for line in everything if "Lua" in line]


def test_sigrok_decodes_the_bits(days: dict[str, Path], tmp_path: Path) -> None:
    """sigrok's UART and Modbus decoders read our dump: every character, every CRC."""
    sigrok = program("sigrok-cli")
    run_dir = days["quiet"]
    with (run_dir / "history.ndjson").open(encoding="utf-8") as file:
        records = [json.loads(line) for line in file if '"line":"keypads"' in line and '"k":"tx"' in line]
    settings = next(
        line["settings"]
        for line in json.loads((run_dir / "run.json").read_text())["lines"]
        if line["line"] == "keypads"
    )
    # from a request that is answered: sigrok takes what follows a broadcast for its reply
    start = next(n for n, one in enumerate(records) if n > 20 and one["hex"].startswith("0104"))
    first, last = records[start]["t"], records[start]["t"] + 5 * 10**9
    dump = tmp_path / "x.vcd"
    code = main(["capture", str(run_dir), "--to", "vcd", "--line", "keypads", "--out", str(dump),
                 "--from", _time(first), "--to", _time(last)])  # fmt: skip
    assert code == 0
    wanted = [one for one in records if first <= one["t"] < last // 1000 * 1000]
    baud, parity = settings.split()[0], {"N": "none", "E": "even", "O": "odd"}[settings.split()[1][1]]
    source = ("-i", str(dump), "-I", "vcd:downsample=10000")
    uart = f"uart:baudrate={baud}:parity={parity}:rx=keypads_rx:tx=keypads_tx"
    for wire, inbound in (("rx-data", True), ("tx-data", False)):
        shown = run(tmp_path, sigrok, *source, "-P", uart, "-A", f"uart={wire}")
        heard = "".join(line.rpartition(" ")[2] for line in shown).lower()
        assert heard == "".join(one["hex"] for one in wanted if (one["by"] == "slaves") is inbound)
    assert all(is_sound(bytes.fromhex(one["hex"])) for one in wanted)
    shown = run(tmp_path, sigrok, *source, "-P", f"{uart},modbus", "-A", "modbus")
    crcs = Counter(line.rpartition(": ")[2] for line in shown if "CRC" in line)
    assert set(crcs) == {"CRC correct"}
    assert crcs["CRC correct"] >= len(wanted) - 1


def _time(at: int) -> str:
    seconds, fraction = divmod(at, 10**9)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:09}"

"""The pseudo-terminal port: its name, who owns it, restarts of collectors, floods in both directions."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import termios
import textwrap
import threading
from pathlib import Path

import pytest
import serial

from bench.ports.claim import Claim
from bench.ports.wall_port import OUTPUT_BUFFER, PortUnavailable
from firmware_sim.device import Send
from port_benches import PATIENCE_S, port_bench

ROOT = Path(__file__).parents[3]


@pytest.fixture
def bench(tmp_path):
    with port_bench("pty", tmp_path / "ports", "115200 8N1") as bench:
        yield bench


# -- the name ---------------------------------------------------------------------------------------------------------
def test_the_name_is_a_link_to_a_terminal(bench):
    """The port is a symbolic link to a terminal, with its owner's record beside it."""
    link = bench.port.path
    assert link.is_symlink()
    assert str(link.readlink()).startswith("/dev/pts/")
    assert f'"pid": {os.getpid()}' in link.with_name(".bus.owner").read_text()


def test_nothing_is_left_after_closing(tmp_path):
    """Closing a port removes its link and its owner's record; the folder is empty again."""
    with port_bench("pty", tmp_path / "ports"):
        pass
    assert list((tmp_path / "ports").iterdir()) == []


def test_a_regular_file_in_the_way_is_refused_and_kept(tmp_path):
    """A file of somebody else's at the path is never deleted, and the error says what to do."""
    (tmp_path / "bus").write_text("mine")
    with pytest.raises(PortUnavailable, match="no bench left behind; it was not touched: remove it yourself"):
        Claim(tmp_path / "bus", "line bus")
    assert (tmp_path / "bus").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["bus"]


def test_a_link_to_elsewhere_is_refused_and_kept(tmp_path):
    """A link that no bench made stays, even when it points to a terminal."""
    (tmp_path / "bus").symlink_to("/dev/ttyUSB0")
    with pytest.raises(PortUnavailable, match="a link to /dev/ttyUSB0"):
        Claim(tmp_path / "bus", "line bus")
    assert str((tmp_path / "bus").readlink()) == "/dev/ttyUSB0"


def test_a_link_changed_by_somebody_else_is_not_removed(tmp_path):
    """A link that was replaced while the bench ran is not the bench's any more."""
    claim = Claim(tmp_path / "bus", "line bus")
    claim.point("/dev/pts/999")
    (tmp_path / "bus").unlink()
    (tmp_path / "bus").symlink_to("/dev/ttyS0")
    with pytest.raises(PortUnavailable, match="somebody put something else"):
        claim.point("/dev/pts/998")
    claim.release()
    assert str((tmp_path / "bus").readlink()) == "/dev/ttyS0"


def test_one_name_is_claimed_once_in_a_bench(tmp_path):
    """Two lines under one name are a mistake of the same bench, and it is told so."""
    claim = Claim(tmp_path / "bus", "line bus")
    with pytest.raises(PortUnavailable, match="offered by this bench already"):
        Claim(tmp_path / "bus", "line other")
    claim.release()
    Claim(tmp_path / "bus", "line other").release()


def test_a_folder_that_cannot_be_made(tmp_path):
    """The error names the folder's obstacle."""
    (tmp_path / "file").write_text("")
    with pytest.raises(PortUnavailable, match="its folder cannot be made"):
        Claim(tmp_path / "file" / "bus", "line bus")


HOLDER = """
import sys, time
from pathlib import Path
from bench.ports.claim import Claim
claim = Claim(Path(sys.argv[1]), "line bus")
claim.point("/dev/pts/12345")
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "bus")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_bench_is_told_who_holds_the_port(tmp_path, holder):
    """Another start on the same port names the process that has it, since when, and for what."""
    with pytest.raises(PortUnavailable, match=rf"held by process {holder.pid} since 2.*\(line bus; "):
        Claim(tmp_path / "bus", "line bus")
    assert str((tmp_path / "bus").readlink()) == "/dev/pts/12345"


def test_what_a_killed_bench_left_is_cleaned_by_the_next(tmp_path, holder):
    """After SIGKILL link and record are still there; the next start takes the name over."""
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / "bus").is_symlink()
    claim = Claim(tmp_path / "bus", "line bus")
    claim.point("/dev/pts/777")
    assert str((tmp_path / "bus").readlink()) == "/dev/pts/777"
    claim.release()
    assert list(tmp_path.iterdir()) == []


def test_a_half_written_record_is_no_obstacle(tmp_path):
    """A bench killed while it wrote its record leaves a torn line: the next start does without."""
    (tmp_path / ".bus.owner").write_text('{"pid": 1}\n{"target": "/dev/pts/5"}\n{"tar')
    (tmp_path / "bus").symlink_to("/dev/pts/5")
    (tmp_path / ".bus.new").symlink_to("/dev/pts/6")
    Claim(tmp_path / "bus", "line bus").release()
    assert list(tmp_path.iterdir()) == []


# -- restarts ---------------------------------------------------------------------------------------------------------
RESTARTS = """
import sys, time, serial
path, parity, pause, count = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
good = 0
for n in range(count):
    try:
        with serial.Serial(path, 115200, parity=parity, timeout=60) as port:
            port.write(bytes([n & 0xFF]))
            good += port.read(1) == bytes([n & 0xFF])
    except Exception as exc:
        print(exc, file=sys.stderr)
    time.sleep(pause)
print(good)
"""


def restarts(folder, settings, pause_s, count):
    with port_bench("pty", folder, settings) as bench:
        bench.ear.answer = lambda _now, data: [Send(data)]
        command = [sys.executable, "-c", RESTARTS, bench.address, bench.line.settings.parity, str(pause_s), str(count)]
        ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
        bench.wait(lambda: bench.port.is_open, lambda is_open: not is_open)
        return int(ended.stdout), bench.port.opened, ended.stderr


@pytest.mark.parametrize("settings, pause_s", [("115200 8N1", 0), ("115200 8E1", 0), ("115200 7E1", 0.005)])
def test_restarts_without_end(tmp_path, settings, pause_s):
    """A collector that is restarted again and again finds its port each time, and each opening is counted."""
    assert restarts(tmp_path / "ports", settings, pause_s, 25) == (25, 25, "")


@pytest.mark.gate
@pytest.mark.timeout(900)
@pytest.mark.parametrize("settings, pause_s", [("115200 8N1", 0), ("115200 8E1", 0.005)])
def test_a_thousand_restarts(tmp_path, settings, pause_s):
    """1,000 of 1,000 restarts."""
    assert restarts(tmp_path / "ports", settings, pause_s, 1000) == (1000, 1000, "")


def test_two_programs_at_8e1(tmp_path):
    """A second program may open a port at 8E1 once the first has had it for a moment; closing it disturbs nobody."""
    with port_bench("pty", tmp_path / "ports", "115200 8E1") as bench:
        bench.ear.answer = lambda _now, data: [Send(data)]
        with bench.open() as first:
            bench.wait(lambda: termios.tcgetattr(first.fd)[0] & termios.IGNBRK, bool)
            with bench.open():
                pass
            first.write(b"x")
            assert first.read(1) == b"x"
            assert bench.wait(lambda: bench.port.opened, lambda opened: opened == 2) == 2
            assert bench.port.is_open


def test_a_collector_that_was_killed_frees_the_port(bench):
    """A collector that dies by SIGKILL is noticed as one that closed."""
    code = f"import serial, time; p = serial.Serial({bench.address!r}); print('open', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        opened = bench.wait(lambda: bench.port.is_open, bool)
        process.kill()
    assert opened
    assert bench.wait(lambda: bench.port.is_open, lambda is_open: not is_open) is False


def test_a_shell_reads_and_writes_the_port(bench):
    """A program that sets nothing at all finds a port in raw mode, without echo, at the line's settings."""
    bench.ear.answer = lambda _now, data: [Send(b"seen: " + data)] if data.endswith(b"\n") else []
    script = f"exec 3<>{bench.address}; printf 'hello\\n' >&3; read -r answer <&3; echo \"$answer\""
    ended = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    assert ended.stdout == "seen: hello\n"
    assert bench.ear.bytes == b"hello\n"


# -- floods -----------------------------------------------------------------------------------------------------------
def test_a_collector_that_never_reads(bench):
    """What is not read fills the kernel's buffer and is lost and counted then; the bench keeps nothing."""
    with bench.open():
        for _ in range(20):
            bench.says(bytes(2000))
        bench.wait(lambda: bench.line.bursts, lambda bursts: bursts == 20)
        port = bench.port
        assert port.delivered + port.overruns == 40_000
        assert port.overruns > 10_000
        assert not port._pending


def flood(port):
    for _ in range(200):
        port.write(os.urandom(4096))


def test_a_collector_that_writes_noise(bench):
    """However much is written, the bench takes a buffer full of it; the rest waits in the kernel, then the writer."""
    with bench.open(write_timeout=0.05) as port:
        with pytest.raises(serial.SerialTimeoutException):
            flood(port)
        assert bench.do(bench.line.unsent) < 2 * OUTPUT_BUFFER + 100
        port.reset_output_buffer()
    bench.wait(lambda: bench.port.is_open, lambda is_open: not is_open)
    with bench.open() as port:
        port.write(b"still here")
        assert bench.wait(lambda: bench.ear.bytes, lambda data: data.endswith(b"still here")).endswith(b"still here")


def test_the_last_characters_of_a_held_collector_are_given_up(tmp_path):
    """Output held by XOFF when its collector closes waits half a minute of line time, then it is dropped."""
    with port_bench("pty", tmp_path / "ports", "9600 8N1", duplex="full") as bench:
        with bench.open(xonxoff=True) as port:
            port.write(bytes(4000))
            assert bench.wait(lambda: bench.line.unsent(), bool)
            bench.says(b"\x13")
            assert bench.wait(lambda: bench.line.master.held, bool)
        assert bench.wait(lambda: bench.port.is_open, lambda is_open: not is_open) is False
        assert bench.do(lambda: bench.line.master.held)
        bench.do(bench.driver.set_speed, 200)
        assert bench.wait(lambda: bench.line.master.held, lambda held: not held) is False
        assert bench.do(bench.line.unsent) == 0


def test_a_collector_that_came_while_the_last_ones_end_was_being_dealt_with_is_not_held(tmp_path):
    """The next collector sets itself up, without flow control, between the end of its predecessor and the bench's last
    look at the predecessor's settings: the XOFF that was the predecessor's does not hold what it writes."""
    found, came = threading.Event(), threading.Event()
    with port_bench("pty", tmp_path / "ports", "9600 8N1", duplex="full") as bench:
        leave = bench.port._nobody_left

        def leave_late():
            found.set()
            came.wait(PATIENCE_S)
            leave()

        bench.port._nobody_left = leave_late
        with bench.open(xonxoff=True) as port:
            bench.says(b"\x13")
            assert bench.wait(lambda: bench.line.master.held, bool)
            port.reset_output_buffer()
        assert found.wait(PATIENCE_S)
        with serial.Serial(bench.address, 9600, xonxoff=False) as port:
            came.set()
            port.write(b"The quick brown fox")
            assert bench.heard(19) == b"The quick brown fox"


def test_settings_read_between_two_collectors_are_the_lines(bench):
    """A closed port has the line's settings: nobody has set others."""
    with bench.open(baudrate=300):
        assert bench.seen_settings.baud == 300
    bench.wait(lambda: bench.port.is_open, lambda is_open: not is_open)
    assert bench.seen_settings == bench.line.settings


def test_changes_are_told(bench):
    """Whoever shows the port is told of opening, new settings and closing."""
    told = []
    bench.port.on_change = lambda port: told.append((port.is_open, port.settings.baud))
    with bench.open() as port:
        port.baudrate = 4800
        port.write(b"x")
        bench.wait(lambda: [*told], lambda told: (True, 4800) in told)
    bench.wait(lambda: [*told], lambda told: not told[-1][0])
    assert told[0][0] is True
    assert told[-1] == (False, 115200)
    described = bench.do(bench.port.describe)
    assert described["opened"] == 1
    assert described["received"] == 1


def test_only_the_pty_port_needs_a_unix_terminal():
    """termios, fcntl and pty are imported by the pty port alone: everything else runs where they do not exist.

    Two programs that use somebody's port may catch what pyserial lets through, where there is a termios at all.
    """
    found = set()
    for package in ("protocol", "firmware_sim", "bench"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.level == 0:
                    names = [node.module]
                if {name.partition(".")[0] for name in names} & {"termios", "fcntl", "pty", "tty"}:
                    found.add(path.relative_to(ROOT).as_posix())
    caught = {"bench/compliance/wall_player.py", "bench/controller/serial_shell.py"}
    assert found - caught == {"bench/ports/pty.py"}
    for name in caught:
        assert "suppress(ImportError)" in (ROOT / name).read_text("utf-8") or "except ImportError" in (
            ROOT / name
        ).read_text("utf-8")


def test_the_other_ports_load_without_them():
    """Where termios, fcntl and pty are missing, the other ports and the commands still load."""
    code = textwrap.dedent(
        """
        import sys
        for name in ("termios", "fcntl", "pty", "tty"):
            sys.modules[name] = None
        import bench.clock.wall, bench.ports.claim, bench.ports.wall_port, bench.run.live
        """
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)

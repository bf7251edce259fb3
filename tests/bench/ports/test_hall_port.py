"""`hall://`: a pyserial port in simulated time does what pyserial documents."""

from __future__ import annotations

import inspect
import io
import threading

import pytest
import serial
from serial.serialutil import PortNotOpenError

from bench.clock.clockwork import Clockwork
from bench.clock.kernel import Kernel
from bench.clock.standins import installed
from bench.ports.mounts import mounted
from bench.ports.patch import redirected
from bench.ports.urls.protocol_hall import Serial as HallSerial
from firmware_sim.burst import LineSettings
from firmware_sim.device import NS, Send
from firmware_sim.line import Line
from timers import Ear

MS = 1_000_000


class Bench:
    """One line with one device that can be told what to answer, mounted as hall://bus and /dev/ttyUSB0."""

    def __init__(self, duplex: str = "half") -> None:
        self.clock = Clockwork()
        self.kernel = Kernel(self.clock, epoch_ns=0, until=3600 * NS)
        self.line = Line("bus", self.clock, duplex=duplex)
        self.ear = self.line.attach(Ear())

    def says(self, data: bytes, at_ms: float) -> None:
        self.clock.call_at(round(at_ms * MS), self.line.apply, self.ear, [Send(data)])

    @property
    def ms(self) -> float:
        return self.clock.now / MS


@pytest.fixture
def bench():
    bench = Bench()
    with installed(), redirected(), mounted({"bus": bench.line}, bench.kernel, {"/dev/ttyUSB0": "bus"}), bench.kernel:
        yield bench


@pytest.fixture(params=["hall://bus", "/dev/ttyUSB0"])
def port(bench, request):
    with serial.serial_for_url(request.param, baudrate=9600, timeout=0.1) as port:
        yield port


def test_read_ends_with_the_last_character(bench, port):
    """A read of n returns when the n-th character is complete, to the nanosecond."""
    bench.says(b"abcd", 5)
    assert port.read(3) == b"abc"
    assert bench.clock.now == 5 * MS + 3_125_000
    assert port.read(1) == b"d"


def test_read_ends_at_the_time_out(bench, port):
    """Fewer characters at the time-out; what comes later is read later."""
    bench.says(b"abcd", 98)
    assert port.read(4) == b"a"
    assert bench.ms == 100
    assert port.read(4) == b"bcd"
    assert bench.ms == 200


def test_zero_time_out_polls(bench, port):
    """timeout=0 returns what is here, and a loop of such reads lets time pass."""
    port.timeout = 0
    assert port.read(10) == b""
    bench.says(b"x", 3)
    reads = 0
    while not (got := port.read(10)):
        reads += 1
    assert got == b"x"
    assert bench.ms >= 4
    assert reads > 64


def test_no_time_out_waits_as_long_as_it_takes(bench, port):
    """timeout=None waits for all of it."""
    port.timeout = None
    bench.says(b"ab", 50_000)
    bench.says(b"c", 60_000)
    assert port.read(3) == b"abc"
    assert bench.ms > 60_000


def test_inter_byte_timeout_ends_a_read_at_a_gap(bench, port):
    """A pause longer than inter_byte_timeout after a character ends the read early."""
    port.timeout, port.inter_byte_timeout = 1, 0.02
    bench.says(b"abc", 10)
    bench.says(b"def", 20)
    bench.says(b"late", 80)
    assert port.read(50) == b"abcdef"
    assert bench.clock.now == 20 * MS + 3_125_000 + 20 * MS
    assert port.read(2) == b"la"


def test_in_waiting_counts_complete_characters(bench, port):
    """in_waiting is what a UART would have: characters on the wire do not count."""
    bench.says(b"abc", 10)
    bench.kernel.sleep(0.0115)
    assert port.in_waiting == 1
    bench.kernel.sleep(0.1)
    assert port.in_waiting == 3
    assert port.read(port.in_waiting) == b"abc"


def test_a_busy_loop_on_in_waiting_ends(bench, port):
    """`while port.in_waiting < n: pass` does not stop the clock."""
    bench.says(b"abc", 10)
    while port.in_waiting < 3:
        pass
    assert port.read_all() == b"abc"


def test_reset_input_buffer_forgets_only_what_has_arrived(bench, port):
    """Characters still on the wire come after a reset."""
    bench.says(b"abc", 10)
    bench.kernel.sleep(0.0115)
    port.reset_input_buffer()
    assert port.read(5) == b"bc"


def test_write_returns_at_once_and_flush_waits(bench, port):
    """A UART takes a write into its buffer; flush waits until it is on the wire."""
    assert port.write(b"0123456789") == 10
    assert bench.ms == 0
    assert port.out_waiting == 10
    port.flush()
    assert bench.clock.now == 10_416_667
    assert port.out_waiting == 0
    assert bench.ear.bytes == b"0123456789"


def test_a_full_transmit_buffer_makes_write_wait(bench, port):
    """More than the buffer holds waits for room, as long as it takes."""
    assert port.write(bytes(6000)) == 6000
    assert bench.ms == pytest.approx((6000 - 4096) / 0.96, rel=0.01)
    port.flush()
    assert len(bench.ear.bytes) == 6000


def test_write_timeout(bench, port):
    """write_timeout ends a write that waits for room; 0 returns what was taken."""
    port.write_timeout = 0.5
    with pytest.raises(serial.SerialTimeoutException):
        port.write(bytes(6000))
    assert bench.ms == 500
    port.reset_output_buffer()
    port.write_timeout = 0
    assert port.write(bytes(6000)) <= 4096


def test_xoff_is_felt():
    """A device's XOFF holds a port with xonxoff until XON, and is not data."""
    bench = Bench("full")
    with installed(), mounted({"bus": bench.line}, bench.kernel, {}), redirected(), bench.kernel:
        port = serial.serial_for_url("hall://bus", timeout=0, xonxoff=True, write_timeout=0.2)
        bench.says(b"\x13", 0)
        bench.says(b"a\x11b", 5000)
        bench.kernel.sleep(0.01)
        with pytest.raises(serial.SerialTimeoutException):
            port.write(bytes(5000))
        bench.kernel.sleep(10)
        assert port.read(10) == b"ab"
        port.flush()
        assert len(bench.ear.bytes) == 4096


def test_settings_are_the_lines_business(bench, port):
    """At another speed the port hears garbage; set right again it hears."""
    port.baudrate = 4800
    bench.says(b"\x55\x55\x55\x55", 10)
    assert port.read(4) != b"\x55\x55\x55\x55"
    port.reset_input_buffer()
    port.baudrate = 9600
    bench.says(b"\x55\x55", bench.ms + 10)
    assert port.read(2) == b"\x55\x55"
    assert port.settings == LineSettings(9600)
    port.apply_settings({"parity": "E", "stopbits": 2})
    assert str(port.settings) == "9600 8E2"


def test_lines_are_iterated(bench, port):
    """A port is a raw stream: readline, iteration, read_until."""
    bench.says(b"one\ntwo\nthree;rest", 1)
    assert port.readline() == b"one\n"
    assert next(iter(port)) == b"two\n"
    assert port.read_until(b";") == b"three;"
    assert bytes(port.read(4)) == b"rest"
    assert io.BufferedReader(port).readable()


def test_a_closed_port_says_so(bench, port):
    """Use after close raises what pyserial raises; it can be opened again and hears only what comes then."""
    bench.says(b"old", 1)
    bench.kernel.sleep(0.01)
    port.close()
    with pytest.raises(PortNotOpenError):
        port.read(1)
    port.open()
    bench.says(b"new", bench.ms + 1)
    assert port.read(3) == b"new"


def test_a_line_has_one_collectors_end(bench, port):
    """A second port on the same line is refused, with the reason."""
    with pytest.raises(serial.SerialException, match="open already"):
        serial.serial_for_url("hall://bus")


@pytest.mark.parametrize("name", ["hall://nowhere", "/dev/ttyUSB7"])
def test_unknown_ports_are_refused_with_what_there_is(bench, name):
    """The message lists the lines that can be opened."""
    with pytest.raises(serial.SerialException, match=r"/dev/ttyUSB0 \(hall://bus\)"):
        serial.serial_for_url(name)


def test_subclass_of_serial_keeps_its_methods(bench):
    """A collector's own subclass of serial.Serial works on a mapped path."""

    class Mine(serial.Serial):
        def read(self, size=1):
            return super().read(size).upper()

    with Mine("/dev/ttyUSB0", timeout=0.1) as port:
        bench.says(b"abc", 1)
        assert port.read(3) == b"ABC"
        assert isinstance(port, serial.Serial)
        assert isinstance(port, Mine)


def test_port_set_later(bench):
    """`Serial()` without a port, then `port = ...` and `open()`."""
    port = serial.Serial(timeout=0.1)
    port.port = "/dev/ttyUSB0"
    port.open()
    bench.says(b"q", 1)
    assert port.read(1) == b"q"
    port.close()


def test_a_break_reaches_the_devices(bench, port):
    """send_break is heard as a null character with a break flaw."""
    port.send_break(0.25)
    assert bench.ms == 250
    assert bench.ear.heard[0][1] == b"\x00"
    assert bench.ear.heard[0][4] == {0: 10}


def test_nothing_of_the_native_port_is_left():
    """Every method of the platform's port that touches its file descriptor has one of ours in its place."""
    members = {name: getattr(member, "fget", member) for name, member in vars(serial.Serial).items()}
    native = [name for name, fn in members.items() if inspect.isfunction(fn) and "self.fd" in inspect.getsource(fn)]
    assert "read" in native
    helpers = {"_set_rs485_mode", "_reset_input_buffer"}  # called by native methods only that have ours in their place
    assert [name for name in native if name not in vars(HallSerial) and name not in helpers] == []


def test_another_thread_is_refused(bench, port):
    """Reading from a thread that does not wait in simulated time raises instead of hanging."""
    caught = []

    def other():
        try:
            port.read(1)
        except serial.SerialException as exc:
            caught.append(str(exc))

    thread = threading.Thread(target=other)
    with pytest.warns(RuntimeWarning, match="real time"):
        thread.start()
    thread.join()
    assert "thread" in caught[0]


def test_outside_the_world_pyserial_is_itself():
    """After the block nothing of pyserial is changed."""
    real = serial.Serial.open
    with redirected():
        assert serial.Serial.open is not real
    assert serial.Serial.open is real
    assert serial.protocol_handler_packages == ["serial.urlhandler"]

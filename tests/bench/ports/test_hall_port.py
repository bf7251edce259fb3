"""`hall://`: a pyserial port in simulated time does what pyserial documents."""

from __future__ import annotations

import array
import errno
import gc
import inspect
import io
import select
import selectors
import signal
import threading

import pytest
import serial
from serial.serialutil import PortNotOpenError

from bench.clock.clockwork import Clockwork
from bench.clock.kernel import Kernel, adopt
from bench.clock.standins import installed
from bench.ports.mounts import MOUNTS, mounted
from bench.ports.patch import redirected
from bench.ports.urls.protocol_hall import Serial as HallSerial
from firmware_sim.burst import LineSettings
from firmware_sim.device import NS, Send, Stop
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


@pytest.fixture(autouse=True, scope="module")
def stand_ins():
    """In place once for all tests here: looking through all modules of a test process takes a tenth of a second."""
    with installed():
        yield


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
        port.close()


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


def refused_in_real_time(action):
    """What an action is told in a thread that does not wait in simulated time; fails when it is not refused."""
    caught = []

    def other():
        try:
            action()
        except serial.SerialException as exc:
            caught.append(str(exc))

    inside = adopt(None)
    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    adopt(inside)
    (told,) = caught
    return told


def test_a_thread_in_real_time_is_refused(bench, port):
    """Reading from a thread that does not wait in simulated time raises instead of hanging."""
    assert "thread" in refused_in_real_time(lambda: port.read(1))


def test_a_reader_thread_and_a_writing_one(bench, port):
    """One thread reads while another writes; cancel_read ends the read of the first with what has come."""
    port.timeout = None
    seen = []

    def reader():
        seen.append((port.read(2), bench.ms))
        seen.append((port.read(5), bench.ms))

    thread = threading.Thread(target=reader)
    thread.start()
    bench.kernel.sleep(0.5)
    assert port.write(b"q") == 1
    bench.says(b"abc", 700)
    bench.kernel.sleep(0.5)
    port.cancel_read()
    thread.join()
    assert seen == [(b"ab", pytest.approx(702.083, abs=0.001)), (b"c", 1000)]


def test_two_readers_share_what_comes(bench, port):
    """Two threads that read the same port each get characters, none twice."""
    got = []
    threads = [threading.Thread(target=lambda: got.append(port.read(2))) for _ in range(2)]
    for thread in threads:
        thread.start()
    bench.says(b"abcd", 10)
    for thread in threads:
        thread.join()
    assert sorted(got) == [b"ab", b"cd"]


def test_closing_ends_the_read_of_another_thread(bench, port):
    """A reader in another thread comes back when the port is closed."""
    port.timeout = None
    got = []
    thread = threading.Thread(target=lambda: got.append(port.read(1)))
    thread.start()
    bench.kernel.sleep(1)
    port.close()
    thread.join()
    assert got == [b""]
    assert bench.ms == 1000


def test_select_waits_for_a_burst(bench, port):
    """select, poll and selectors call a port readable when a burst has ended; a long one in chunks."""
    bench.says(b"abc", 10)
    assert select.select([port], [], [], 1) == ([port], [], [])
    assert bench.clock.now == 10 * MS + 3_125_000
    assert port.read(port.in_waiting) == b"abc"
    assert select.select([port], [], [], 0.5) == ([], [], [])
    bench.says(bytes(100), bench.ms + 5)
    poller = select.poll()
    poller.register(port, select.POLLIN)
    start = bench.ms
    assert poller.poll(1000) == [(port.fileno(), select.POLLIN)]
    assert bench.ms - start == pytest.approx(5 + 62 / 0.96, abs=0.001)
    assert port.in_waiting == 62
    with selectors.DefaultSelector() as selector:
        key = selector.register(port, selectors.EVENT_READ | selectors.EVENT_WRITE, "data")
        assert selector.select(1) == [(key, selectors.EVENT_READ | selectors.EVENT_WRITE)]
        port.read(62)
        selector.modify(port, selectors.EVENT_READ, "data")
        assert [ready.data for ready, _ in selector.select(None)] == ["data"]
    assert port.in_waiting == 38


def test_a_day_of_busy_polling_is_soon_over(bench, port):
    """`while not port.in_waiting: pass` over an hour takes some hundred thousand looks, and finds what comes as soon as
    it is there, after the longest silence too."""
    bench.says(b"x", 3_599_000)
    bench.kernel.until = 4000 * NS
    looks = 0
    while not port.in_waiting:
        looks += 1
    assert bench.ms == pytest.approx(3_599_001.041_667, abs=0.001)
    assert looks < 500_000


def test_outside_the_world_pyserial_is_itself():
    """After the block nothing of pyserial is changed."""
    real = serial.Serial.open
    with redirected():
        assert serial.Serial.open is not real
    assert serial.Serial.open is real
    assert serial.protocol_handler_packages == ["serial.urlhandler"]


def does(bench, at_ms, fn, *args):
    bench.clock.call_at(round(at_ms * MS), fn, *args)


# -- what was promised and does not come ------------------------------------------------------------------------------
def test_a_cut_burst_gives_what_was_sent(bench, port):
    """A read that waited for the third character of a burst that is cut after two ends at its time-out with two; the
    next burst is not mixed up with it."""
    bench.says(b"abcd", 5)
    does(bench, 7.5, bench.line.apply, bench.ear, [Stop()])
    bench.says(b"XY", 50)
    assert port.read(3) == b"abX"
    assert bench.clock.now == 50 * MS + 1_041_667
    assert port.in_waiting == 0
    assert port.read(2) == b"Y"


def test_a_collision_reaches_a_waiting_reader(bench, port):
    """A read that waits on a burst gets its characters as the collision left them, at their instants."""
    other = bench.line.attach(Ear("other"))
    bench.says(b"\xf0" * 4, 5)
    does(bench, 6.5, bench.line.apply, other, [Send(b"\x0f" * 6)])
    assert port.read(4) == b"\xf0\x00\x00\x00"
    assert bench.clock.now == 5 * MS + 4_166_667
    assert port.read(10) == b"\x0f" * 3


def test_who_goes_on_after_a_collision_is_heard_as_soon_as_it_sends(bench, port):
    """A waiting reader is not kept until the end of a burst that was cut meanwhile."""
    other = bench.line.attach(Ear("other"))
    bench.says(b"A" * 40, 5)
    does(bench, 6, bench.line.apply, other, [Send(b"b" * 20)])
    does(bench, 8, bench.line.apply, bench.ear, [Stop()])
    got = port.read(20)
    assert got == b"@@" + b"b" * 18
    assert bench.ms == pytest.approx(6 + 20 / 0.96, abs=0.001)


# -- reading ----------------------------------------------------------------------------------------------------------
def test_reading_nothing_takes_no_time(bench, port):
    """read(0) is empty at once."""
    bench.says(b"abc", 1)
    assert port.read(0) == b""
    assert bench.clock.now == 0


def test_polling_with_an_inter_byte_timeout_lets_time_pass(bench, port):
    """timeout=0 together with inter_byte_timeout is still a poll: a loop of them does not stop the clock."""
    port.timeout, port.inter_byte_timeout = 0, 0.01
    bench.says(b"x", 3)
    for _ in range(1000):
        if port.read(1):
            break
    assert bench.ms >= 4


def test_read_until_keeps_its_time_out_in_simulated_time(bench, port):
    """Characters that trickle without the terminator do not keep read_until beyond its time-out."""
    port.timeout = 1
    for i in range(40):
        bench.says(b"x", 100 * i)
    assert port.read_until(b"\n") == b"x" * 11
    assert bench.ms < 1100


def test_readlines_end_at_the_time_out(bench, port):
    """readlines and iteration end with the first read that times out, with what there is."""
    bench.says(b"one\ntwo\nthr", 1)
    assert port.readlines() == [b"one\n", b"two\n", b"thr"]
    assert list(port) == []


def test_a_time_out_changed_between_reads(bench, port):
    """The time-out in force is the one at the read."""
    bench.says(b"a", 400)
    assert port.read(1) == b""
    port.timeout = 0.5
    assert port.read(1) == b"a"
    port.timeout = 0
    assert port.read(1) == b""


def test_a_handler_may_read_and_close_while_the_program_reads(bench, port):
    """The SIGTERM handler of a program that sits in read(timeout=None) may use the port and close it: the read ends."""
    seen = []

    def handler(*_):
        port.timeout = 0.05
        bench.says(b"in", bench.ms + 10)
        seen.append(port.read(2))
        port.close()

    bench.kernel.until = 10 * NS
    before = signal.getsignal(signal.SIGTERM)
    try:
        signal.signal(signal.SIGTERM, handler)
        port.timeout = None
        assert port.read(5) == b""
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen == [b"in"]
    assert bench.ms == pytest.approx(10_012, abs=1)


def test_what_comes_after_a_handler_that_read_is_not_missed(bench, port):
    """A read that a handler interrupted goes on and is ended by the next character."""

    def handler(*_):
        port.timeout = 0.05
        port.read(1)
        port.timeout = None

    bench.kernel.until = 10 * NS
    bench.says(b"z", 12_000)
    before = signal.getsignal(signal.SIGTERM)
    try:
        signal.signal(signal.SIGTERM, handler)
        port.timeout = None
        assert port.read(1) == b"z"
    finally:
        signal.signal(signal.SIGTERM, before)


# -- writing ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "data", [b"\x01\x02", bytearray(b"\x01\x02"), memoryview(b"\x01\x02"), array.array("B", [1, 2]), [1, 2], (1, 2)]
)
def test_everything_that_is_bytes_can_be_written(bench, port, data):
    """bytes, bytearray, memoryview, array, lists of integers: as pyserial takes them; text is refused."""
    assert port.write(data) == 2
    port.flush()
    assert bench.ear.bytes == b"\x01\x02"
    with pytest.raises(TypeError, match="unicode"):
        port.write("text")


def test_what_a_bytearray_held_when_written_is_sent(bench, port):
    """A buffer that the program reuses after write does not change what was written."""
    buffer = bytearray(b"first")
    port.write(b"x")
    port.write(buffer)
    buffer[:] = b"other"
    port.flush()
    assert bench.ear.bytes == b"xfirst"


def test_a_long_write_is_not_sent_one_character_at_a_time(bench, port):
    """A write that waits for room goes on in pieces of the transmit buffer's wake-up size, without gaps."""
    port.write(bytes(range(256)) * 24)
    port.flush()
    assert bench.ear.bytes == bytes(range(256)) * 24
    assert len(bench.ear.heard) <= 1 + (256 * 24 - 4096) // 256 + 1
    assert all(b[2] == a[3] for a, b in zip(bench.ear.heard, bench.ear.heard[1:], strict=False))


def test_close_lets_out_what_was_written(bench, port):
    """As the Linux driver does: open, write, close prints the whole text."""
    port.write(b"0123456789")
    port.close()
    assert bench.ear.bytes == b"0123456789"
    assert bench.clock.now == 10_416_667


def held_port(bench, **more):
    port = serial.serial_for_url("hall://bus", timeout=0, xonxoff=True, **more)
    bench.says(b"\x13", bench.ms)
    bench.kernel.sleep(0.01)
    return port


@pytest.fixture
def printer():
    bench = Bench("full")
    with installed(), mounted({"bus": bench.line}, bench.kernel, {}), redirected(), bench.kernel:
        yield bench


def test_close_waits_half_a_minute_for_a_held_device(printer):
    """What a device's XOFF still holds after thirty seconds is dropped, and the line is free again."""
    port = held_port(printer)
    port.write(b"ticket")
    port.close()
    assert printer.clock.now == pytest.approx(30.01 * NS, abs=MS)
    assert printer.ear.bytes == b""
    with serial.serial_for_url("hall://bus") as again:
        again.write(b"new")
    assert printer.ear.bytes == b"new"


def test_flush_held_for_ever_ends_with_the_day(printer):
    """Nothing but the end of the day ends a flush that XOFF holds."""
    port = held_port(printer)
    port.write(b"ticket")
    with pytest.raises(SystemExit):
        port.flush()
    assert printer.clock.now == 3600 * NS


def test_reset_output_buffer_while_held(printer):
    """What waits is forgotten; after XON only what was written since goes out."""
    port = held_port(printer)
    port.write(b"old")
    port.reset_output_buffer()
    assert port.out_waiting == 0
    port.write(b"new")
    printer.says(b"\x11", printer.ms + 1)
    port.flush()
    assert printer.ear.bytes == b"new"


def test_giving_up_flow_control_lets_go(printer):
    """xonxoff = False on a held port sends on, as clearing IXON does."""
    port = held_port(printer)
    port.write(b"waits")
    port.xonxoff = False
    port.flush()
    assert printer.ear.bytes == b"waits"


def test_output_is_held_at_a_character(printer):
    """set_output_flow_control(False) stops after the character in progress; True goes on; nothing is lost."""
    port = serial.serial_for_url("hall://bus", timeout=0)
    port.write(b"0123456789")
    printer.kernel.sleep(0.0035)
    port.set_output_flow_control(False)
    printer.kernel.sleep(1)
    assert printer.ear.bytes == b"0123"
    port.set_output_flow_control(True)
    port.flush()
    assert printer.ear.bytes == b"0123456789"


# -- opening again ----------------------------------------------------------------------------------------------------
def test_a_dropped_port_can_be_opened_again(bench):
    """`port = None` closes, as it does a descriptor; also when the garbage collector finds it in a cycle."""
    port = serial.Serial("/dev/ttyUSB0", timeout=0.1)
    port = None
    port = serial.Serial("/dev/ttyUSB0", timeout=0.1)
    port.itself = port
    port = None
    does(bench, 5, gc.collect)
    does(bench, 8, gc.collect)  # one that another thread has begun just then returns at once
    bench.kernel.sleep(0.01)
    port = serial.Serial("/dev/ttyUSB0", timeout=0.1)
    bench.says(b"ok", bench.ms + 1)
    assert port.read(2) == b"ok"


def test_a_port_that_was_read_from_can_be_dropped(bench):
    """Nobody of ours keeps a port alive that a read, a flush or a select waited on."""
    port = serial.Serial("/dev/ttyUSB0", timeout=0.1)
    port.read(1)
    port = None
    port = serial.Serial("/dev/ttyUSB0", timeout=0.1)
    port.write(b"x")
    port.flush()
    select.select([port], [], [], 0.1)
    port = None
    assert serial.Serial("/dev/ttyUSB0", timeout=0.1).is_open


def test_settings_that_do_not_matter_here_are_taken(bench):
    """exclusive, rs485_mode, dtr, rts: accepted, as on any port; context manager closes."""
    with serial.Serial("/dev/ttyUSB0", timeout=0.1, exclusive=True, rtscts=False, dsrdtr=False) as port:
        port.rs485_mode = None
        port.dtr = port.rts = True
        port.low_latency = True
        port.apply_settings(port.get_settings() | {"timeout": 0.3})
        assert port.timeout == 0.3
        assert (port.cts, port.dsr, port.ri, port.cd) == (True, True, False, True)
    assert not port.is_open


def test_the_end_of_the_world_runs_nothing_of_the_collectors(bench):
    """A port left open is taken off its line without calling a subclass's close."""

    class Loud(serial.Serial):
        def close(self):
            if self.is_open:
                raise RuntimeError("I would rather stay")

    with mounted({"second": Line("second", bench.clock)}, bench.kernel, {"/dev/ttyS9": "second"}) as mounts:
        port = Loud("/dev/ttyS9")
    assert mounts["second"].holder is None
    assert not port.is_open


def test_a_port_is_opened_once_and_by_its_name(bench, port):
    """Opening an open port, and one without a name, raise what pyserial raises, and leave the port as it was."""
    with pytest.raises(serial.SerialException, match="already open"):
        port.open()
    with pytest.raises(serial.SerialException, match="must be configured before"):
        HallSerial().open()
    bench.says(b"x", bench.ms + 1)
    assert port.read(1) == b"x"


def test_a_thread_in_real_time_cannot_open(bench):
    """A port that would never hear anything is not opened: the thread does not wait in simulated time."""
    told = refused_in_real_time(lambda: HallSerial("hall://bus"))
    assert "this thread does not wait in simulated time; open and use the port in the thread" in told
    serial.serial_for_url("hall://bus").close()


def test_input_flow_control_by_hand_reaches_the_device(bench, port):
    """`set_input_flow_control` sends XON or XOFF; `set_output_flow_control` holds what is written, and lets go."""
    port.set_input_flow_control(False)
    port.set_input_flow_control(True)
    port.flush()
    assert bench.ear.bytes == b"\x13\x11"
    port.set_output_flow_control(False)
    port.write(b"later")
    bench.kernel.sleep(1)
    assert port.xonxoff_active
    assert bench.ear.bytes == b"\x13\x11"
    port.set_output_flow_control(True)
    port.flush()
    assert bench.ear.bytes == b"\x13\x11later"


def test_the_lines_of_the_plug(bench, port):
    """CTS and DSR are the device's; nothing rings, and the carrier is there as long as the port is open."""
    assert (port.ri, port.cd) == (False, True)
    port.close()
    for name in ("cts", "dsr", "ri", "cd"):
        with pytest.raises(PortNotOpenError):
            getattr(port, name)


def test_no_time_passes_with_a_break_of_no_length(bench, port):
    """A break that ends when it begins is none; ending one that was not begun does nothing."""
    port.break_condition = False
    port.send_break(0)
    assert bench.ear.heard == []


def test_nothing_written_is_nothing_sent(bench, port):
    """Writing no characters takes no time, occupies nothing, and returns 0."""
    assert port.write(b"") == 0
    assert bench.line.unsent() == 0


def test_a_pulled_port_fails_in_every_way_of_reading(bench, port):
    """When the port disappears each read and write of it raises, a waiting one too, and none returns empty."""
    bench.clock.call_at(50 * MS, port.vanish)
    port.timeout = 10
    with pytest.raises(serial.SerialException, match="device"):
        port.read(1)
    assert bench.ms == 50
    for timeout, between in ((0, None), (1, None), (1, 0.01)):
        port.timeout, port.inter_byte_timeout = timeout, between
        with pytest.raises(serial.SerialException):
            port.read(1)
    with pytest.raises(serial.SerialException):
        port.write(b"x")
    with pytest.raises(serial.SerialException):
        port.in_waiting  # noqa: B018
    assert bench.ms == 50
    port.close()
    with serial.serial_for_url("hall://bus", timeout=0.1) as again:
        bench.says(b"x", bench.ms + 1)
        assert again.read(1) == b"x"


def test_a_thread_in_real_time_gets_real_ports_only(bench):
    """What means a line of the hall is refused with the reason; anything else is the system's, with its own error."""
    caught = []

    def other():
        for name in ("/dev/ttyUSB0", "hall://bus", "/nowhere/ttyS0"):
            try:
                serial.serial_for_url(name)
            except serial.SerialException as exc:
                caught.append(str(exc))

    inside = adopt(None)
    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    adopt(inside)
    assert "it means a line of the hall, and this thread runs in real time" in caught[0]
    assert "this thread does not wait in simulated time" in caught[1]
    assert "No such file or directory" in caught[2]
    assert len(caught) == 3


def test_a_write_that_is_woken_goes_on(bench, port):
    """`cancel_write` from another thread ends no write, as pyserial's does not: all of it reaches the device."""
    written = []
    thread = threading.Thread(target=lambda: written.append(port.write(bytes(6000))))
    thread.start()
    bench.kernel.sleep(0.5)
    port.cancel_write()
    port.cancel_write()
    thread.join()
    assert written == [6000]
    port.flush()
    port.cancel_write()
    assert len(bench.ear.bytes) == 6000


def test_polling_what_has_come_is_found_at_once(bench, port):
    """With a time-out of zero everything that is complete is there, part of a burst as well, and a full read too."""
    port.timeout = 0
    bench.says(b"abcdef", bench.ms + 1)
    bench.kernel.sleep(0.001 + 2.5 * 10 / 9600)
    assert port.read(1) == b"a"
    assert port.read(9) == b"b"
    bench.kernel.sleep(0.1)
    assert port.read(9) == b"cdef"
    assert port.read(9) == b""


@pytest.mark.parametrize("between", [None, 5])
def test_a_pulled_port_is_not_there_until_it_is_back(bench, port, between):
    """A read that waits fails at that instant; opening is refused with ENOENT meanwhile, as for a missing file."""
    mount = MOUNTS["bus"]
    bench.clock.call_at(50 * MS, mount.vanish, True)
    port.timeout, port.inter_byte_timeout = 10, between
    with pytest.raises(serial.SerialException):
        port.read(2)
    assert bench.ms == 50
    with pytest.raises(serial.SerialException):
        port.fileno()
    with pytest.raises(serial.SerialException, match="No such file or directory") as refused:
        serial.serial_for_url(port.port)
    assert refused.value.errno == errno.ENOENT
    mount.vanish(False)
    port.close()
    with serial.serial_for_url(port.port, timeout=0.1) as again:
        bench.says(b"x", bench.ms + 1)
        assert again.read(1) == b"x"

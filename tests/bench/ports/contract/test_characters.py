"""What a collector may expect of any port: characters, time-outs, buffers, opening and closing."""

from __future__ import annotations

import time

import pytest
import serial

from firmware_sim.burst import LineSettings
from firmware_sim.device import Send
from port_benches import PATIENCE_S, over

# pyserial's network clients do not close their socket when the peer resets it, and use names that Python deprecates.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning"),
]

ALL_BYTES = bytes(range(256))


def write_much(port):
    for _ in range(100):
        port.write(bytes(1000))


def use(port):
    for _ in range(50):
        port.write(b"2")
        port.read(1)


@over("characters")
def test_every_byte_value_passes_both_ways(bench):
    """A port is transparent: no byte is eaten, doubled or changed, in either direction."""
    with bench.open() as port:
        port.write(ALL_BYTES)
        assert bench.heard(256) == ALL_BYTES
        bench.says(ALL_BYTES)
        assert port.read(256) == ALL_BYTES


@over("characters")
def test_order_is_kept_over_many_writes(bench):
    """Characters written in many small pieces are one stream on the line."""
    with bench.open() as port:
        for i in range(200):
            port.write(bytes([i]))
        assert bench.heard(200) == bytes(range(200))


@over("characters")
def test_a_request_and_its_answer(bench):
    """What a device answers to what it hears is read back."""
    bench.ear.answer = lambda _now, data: [Send(data[::-1], after=2_000_000)]
    with bench.open() as port:
        for n in range(1, 20):
            request = ALL_BYTES[:n]
            port.write(request)
            assert port.read(n) == request[::-1]


@over("characters")
def test_never_faster_than_the_line(make_bench):
    """Neither direction is ever faster than the line: a reply is not there before its characters could be."""
    bench = make_bench("2400 8N1")
    bench.ear.answer = lambda _now, data: [Send(data * 2)]
    with bench.open() as port:
        began = time.monotonic_ns()
        port.write(b"ten chars.")
        assert port.read(20) == b"ten chars.ten chars."
        assert time.monotonic_ns() - began >= LineSettings(2400).duration(30)


@over("characters")
def test_a_long_burst_comes_as_it_goes(make_bench):
    """The beginning of a long burst can be read while the rest is still on the line."""
    bench = make_bench("1200 8N1")
    with bench.open() as port:
        bench.says(bytes(3600))  # 30 s
        assert port.read(1) == b"\x00"
        assert bench.do(lambda: bench.line.busy_ns) == 0
        bench.hurry()
        assert port.read(3599) == bytes(3599)


@over("characters")
def test_a_read_that_times_out_returns_what_there_is(bench):
    """Fewer characters at the time-out; no error, and the rest stays for the next read."""
    with bench.open(timeout=0.2) as port:
        assert port.read(1) == b""
        bench.says(b"abc")
        bench.there(port)
        assert port.read(5) == b"abc"
        bench.says(b"defg")
        port.timeout = PATIENCE_S
        assert port.read(2) == b"de"
        assert port.read(2) == b"fg"


@over("characters")
def test_a_read_of_time_out_zero_does_not_wait(bench):
    """timeout=0 returns at once, with nothing or with what is here."""
    with bench.open(timeout=0) as port:
        assert port.read(10) == b""
        bench.says(b"x")
        got = b""
        while not got:
            got = port.read(10)
        assert got == b"x"


@over("characters")
def test_a_read_without_a_time_out_waits(bench):
    """timeout=None waits for all of it, however it comes."""
    with bench.open(timeout=None) as port:
        bench.apply([Send(b"a", 20_000_000), Send(b"b", 60_000_000)])
        assert port.read(2) == b"ab"


@over("characters")
def test_in_waiting_counts_unread_characters(bench):
    """in_waiting rises to what has come, and falls to 0 with the read."""
    with bench.open() as port:
        bench.says(b"12345")
        bench.there(port)
        assert bench.wait(lambda: port.in_waiting, bool)
        assert port.in_waiting >= 1  # a socket knows that there is something, and not how much
        assert port.read(5) == b"12345"
        assert port.in_waiting == 0


@over("characters")
def test_reset_input_buffer_forgets_what_came(bench):
    """What has come and was not read is gone; what comes later is read."""
    with bench.open() as port:
        bench.says(b"old")
        bench.there(port)
        time.sleep(0.05)
        port.reset_input_buffer()
        for _ in range(3):  # until then the bench has heard of it, and "new" comes afterwards
            bench.do(lambda: None)
        bench.says(b"new")
        assert port.read(3) == b"new"


@over("characters", "forget output")
def test_reset_output_buffer_forgets_what_was_not_sent(make_bench):
    """What waits for the line is dropped; the line is free for what is written next."""
    bench = make_bench("1200 8N1")
    with bench.open() as port:
        port.write(bytes(1000))  # 8 s
        bench.wait(lambda: bench.line.unsent(), bool)
        port.reset_output_buffer()
        assert bench.wait(lambda: bench.line.unsent(), lambda n: n == 0) == 0
        port.write(b"after")
        assert bench.wait(lambda: bench.ear.bytes, lambda data: data.endswith(b"after")).endswith(b"after")
        assert len(bench.ear.bytes) < 1000


@over("characters", "flush")
def test_flush_waits_for_the_line(make_bench):
    """flush returns when the last character is on the line."""
    bench = make_bench("1200 8N1")
    with bench.open() as port:
        port.write(b"ten chars.")
        port.flush()
        assert bench.ear.bytes == b"ten chars."


@over("characters", "write time-out")
def test_a_write_times_out_when_the_line_is_slow(make_bench):
    """A full transmitter makes writes wait, and write_timeout ends that; how much is kept is bounded."""
    bench = make_bench("300 8N1")
    with bench.open(write_timeout=0.3) as port:
        with pytest.raises(serial.SerialTimeoutException):
            write_much(port)
        assert bench.do(bench.line.unsent) < 10_000
        port.reset_output_buffer()


@over("characters")
def test_throughput_without_a_loss(bench):
    """Four thousand characters each way at 115200, read as they come: none is lost, none is out of order."""
    data = ALL_BYTES * 16
    with bench.open() as port:
        port.write(data)
        assert bench.heard(len(data)) == data
        bench.says(data)
        assert port.read(len(data)) == data
    assert getattr(bench, "port", None) is None or bench.port.overruns == 0


@over("characters")
def test_close_and_open_again(bench):
    """A port can be opened and closed again and again, and works each time."""
    bench.ear.answer = lambda _now, data: [Send(data)]
    for n in range(8):
        with bench.open() as port:
            port.write(bytes([n]))
            assert port.read(1) == bytes([n])


@over("characters")
def test_what_was_sent_to_a_closed_port_is_gone(bench):
    """A device that talks while no collector listens is not heard by the next one."""
    with bench.open() as port:
        port.write(b"?")
        bench.heard(1)
    bench.wait(lambda: getattr(getattr(bench, "port", None), "is_open", False), lambda is_open: not is_open)
    bench.says(b"nobody hears this")
    time.sleep(0.05)
    with bench.open(timeout=0.3) as port:
        bench.says(b"this")
        bench.there(port)
        assert port.read(20) == b"this"


@over("characters")
def test_what_was_written_before_closing_goes_out(make_bench):
    """close does not lose what was written: the line sends it to its end."""
    bench = make_bench("9600 8N1")
    with bench.open() as port:
        port.write(bytes(range(100)))
    assert bench.heard(100) == bytes(range(100))


@over("characters", "one at a time")
def test_a_second_opening_is_refused(bench):
    """Two programs on one line would steal each other's characters: the second is told so, the first goes on."""
    bench.ear.answer = lambda _now, data: [Send(data)]
    with bench.open() as port:
        with pytest.raises((serial.SerialException, OSError)):  # noqa: SIM117 - the opening or the read says it
            with bench.open() as other:
                other.read(1)
        port.write(b"still mine")
        assert port.read(10) == b"still mine"


@over("characters", "unplug")
def test_unplugged_and_plugged_in_again(bench):
    """An unplugged port fails what is done with it; plugged in again, it is there under the same name."""
    address = bench.address
    with bench.open() as port:
        port.write(b"1")
        assert bench.heard(1) == b"1"
        bench.run(bench.port.unplug())
        with pytest.raises((serial.SerialException, OSError)):
            use(port)
    with pytest.raises((serial.SerialException, OSError)):
        bench.open().close()
    bench.run(bench.port.replug())
    assert bench.address == address
    with bench.open() as port:
        port.write(b"3")
        assert bench.heard(2) == b"13"

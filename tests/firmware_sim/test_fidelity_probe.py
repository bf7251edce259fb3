"""The first acceptance test of a slave line: the eight things a real slave does right (emulators.md section 4).

Each row is a fresh station with one slave, unit 1, on 9600 8N1, driven by exact instants. What comes last in each row
is two good polls that must both be answered.
"""

from __future__ import annotations

import pytest

from modbus_rig import MS, Bank, Rig
from protocol.modbus.pdu import Table
from protocol.modbus.requests import read_registers, write_register, write_registers
from protocol.modbus.rtu import seal

GOOD = read_registers(1, 0x03, 0, 2)
ANSWER = seal(bytes.fromhex("01 03 04 00 07 00 05"))
SILENCE = b""

ROWS = [
    # what is tried, [(characters, idle time before the next frame in ns, reply)]
    ("a request to absent unit 9", [(read_registers(9, 0x03, 0, 2), 50 * MS, SILENCE)]),
    ("a bad CRC", [(GOOD[:-1] + bytes((GOOD[-1] ^ 1,)), 50 * MS, SILENCE)]),
    ("an illegal address", [(read_registers(1, 0x03, 1000, 2), 50 * MS, seal(bytes.fromhex("01 83 02")))]),
    ("half a frame, 0.5 s idle", [(GOOD[:4], 500 * MS, SILENCE)]),
    ("half a frame, 5 s idle", [(GOOD[:4], 5000 * MS, SILENCE)]),
    ("half a frame, t3.5 idle", [(GOOD[:4], 3_645_834, SILENCE)]),
    ("one noise character", [(b"\x5a", 500 * MS, SILENCE)]),
    ("one noise character that is our address", [(b"\x01", 500 * MS, SILENCE)]),
    ("unknown function 0x42", [(seal(bytes.fromhex("01 42 00 01")), 50 * MS, seal(bytes.fromhex("01 C2 01")))]),
    ("unknown function 0x63", [(seal(bytes.fromhex("01 63")), 50 * MS, seal(bytes.fromhex("01 E3 01")))]),
    (
        "another slave's reply to a write",
        [
            (write_registers(2, 0x0070, [1, 2]), 10 * MS, SILENCE),
            (seal(bytes.fromhex("02 10 00 70 00 02")), 50 * MS, SILENCE),
        ],
    ),
    (
        "another slave's reply to a read, with a request to us inside it",
        [
            (read_registers(2, 0x03, 0, 4), 10 * MS, SILENCE),
            (seal(b"\x02\x03\x08" + GOOD), 50 * MS, SILENCE),
        ],
    ),
]


def rig() -> Rig:
    bank = Bank()
    bank.tables[Table.HOLDING][:2] = [7, 5]
    return Rig((bank, 1))


@pytest.mark.parametrize(("what", "steps"), ROWS, ids=[what for what, _ in ROWS])
def test_row(what, steps):
    """The stimulus is answered as a real slave answers it, and leaves no trace in the polls that follow."""
    bench = rig()
    gap = 0
    for frame, idle, reply in [*steps, (GOOD, 50 * MS, ANSWER), (GOOD, 50 * MS, ANSWER)]:
        before = len(bench.sent)
        bench.put(frame, gap)
        # A reply takes time on the line: the next frame of the row comes after it.
        busy = bench.settings.duration(len(reply)) + bench.line.turnaround if reply else 0
        bench.run(bench.end + busy + idle)
        assert b"".join(data for _, data in bench.sent[before:]) == reply
        gap = busy + idle


def test_broadcast_write():
    """A broadcast write is obeyed in silence, and the next poll shows it."""
    bench = rig()
    assert bench.ask(write_register(0, 1, 0x0104)) == SILENCE
    assert bench.ask(GOOD) == seal(bytes.fromhex("01 03 04 00 07 01 04"))


def test_frames_across_the_row():
    """All rows one after the other on one station: none leaves anything behind."""
    bench = rig()
    for _, steps in ROWS:
        for frame, _, reply in steps:
            assert bench.ask(frame) == reply
        assert bench.ask(GOOD) == ANSWER

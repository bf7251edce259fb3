"""The whole printer under any bytes and any hands: it never breaks, and the next good ticket comes out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escpos_fuzz import TICKET, VECTORS, must_survive_and_print, stream
from firmware_sim.device import NS
from printer_bench import PrinterBench
from protocol.escpos import write

CLEAR_AND_SELECT = write.clear() + b"\x1b=\x01"


@given(st.binary(max_size=3000), st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_random_bytes(data, seed):
    """Random bytes on each of the profiles."""
    must_survive_and_print(data, seed)


@pytest.mark.parametrize("seed", range(20))
def test_mutated_vectors(seed):
    """A hundred thousand bytes of broken commands, with covers opened and paper jammed meanwhile."""
    must_survive_and_print(stream(seed, 5_000), seed)


@pytest.mark.gate
def test_ten_million_bytes():
    """The same for ten million."""
    for seed in range(5000, 7000):
        must_survive_and_print(stream(seed, 5_000), seed)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v[:4].hex())
def test_a_command_cut_short_and_cleared(vector):
    """A host that dies within a command, and its successor that clears the buffers first: its ticket comes out."""
    for at in sorted({1, 2, len(vector) // 2, max(1, len(vector) - 1)}):
        bench = PrinterBench(settings="115200 8N1", obeys=False)
        bench.send(vector[:at])
        bench.send(CLEAR_AND_SELECT + TICKET, at=20 * NS)
        bench.run()
        assert bench.lines[-1][-1] == "A001"

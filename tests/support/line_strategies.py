"""Hypothesis strategies for lines (kept out of the test folders so that several tests can share them)."""

from __future__ import annotations

from hypothesis import strategies as st

from firmware_sim.burst import LineSettings

SETTINGS = st.builds(
    LineSettings,
    st.sampled_from([300, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 921600]),
    st.sampled_from([5, 6, 7, 8]),
    st.sampled_from("NEOMS"),
    st.sampled_from([1, 1.5, 2]),
)

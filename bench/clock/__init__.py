"""Clocks: one SimPy environment in nanoseconds, and what drives it."""

"""The workbench: everything that has a clock, a port, a person or a report."""

__version__ = "0.1.0"

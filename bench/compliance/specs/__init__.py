"""Declared protocols of the suite's own test: nobody sells such a device, and no hall has one."""

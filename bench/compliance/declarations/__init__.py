"""Shipped declarations (PICS and PIXIT), one TOML file for each Modbus device type."""

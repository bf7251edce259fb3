"""Small halls as TOML text, with the lines that a test wants."""

from __future__ import annotations

HEAD = """
title = "a small hall"
date = 2025-03-10
timezone = "Asia/Ho_Chi_Minh"
rating_share = 0.9
rating_values = { 4 = 60, 3 = 20, 2 = 10, 1 = 10 }
rating_delay_s = { median = 4, p90 = 8 }
must_exercise = ["loss", "duplication", "attribution", "tickets", "calls"]

[hours]
open = ["08:00-08:45"]
lead_minutes = 2

[arrivals]
visitors = 22
shape = { "08:00" = 1, "08:45" = 1 }

[pace]
kiosk_s = 6
walk_s = 5
clerk_s = 2

[[errand]]
name = "certified copy"
letter = "A"
share = 1
minutes = { median = 2, p90 = 3 }

[[counter]]
number = 1
clerk = "C01"
errands = ["certified copy"]

[[counter]]
number = 2
clerk = "C02"
errands = ["certified copy"]

[[line]]
name = "ticket"
owner = "house"
settings = "19200 8N1"
duplex = "full"
xonxoff = true
devices = [{ kind = "ticket_printer" }]
"""

HALL = """
[[line]]
name = "hall"
owner = "house"
poll_s = 2.0
devices = [
  { kind = "counter_display", unit = 21, counter = 1 },
  { kind = "counter_display", unit = 22, counter = 2 },
  { kind = "kiosk_button", unit = 41, printer = "printer-1" },
CONSOLES]
"""

RK1_CONSOLES = """
  { kind = "clerk_console", unit = 1, counter = 1 },
  { kind = "clerk_console", unit = 2, counter = 2 },
"""

FF68_CONSOLES = """
[[line]]
name = "windows"
owner = "house"
devices = [
  { kind = "clerk_console", protocol = "ff68", unit = 1, counter = 1 },
  { kind = "rating_keypad", protocol = "ff68", unit = 1, counter = 1 },
  { kind = "clerk_console", protocol = "ff68", unit = 2, counter = 2 },
  { kind = "rating_keypad", protocol = "ff68", unit = 2, counter = 2 },
]
"""

FF68_KEYPADS = """
[[line]]
name = "keypads"
owner = "collector"
path = "/dev/ttyUSB0"
devices = [
  { kind = "rating_keypad", protocol = "ff68", unit = 1, counter = 1 },
  { kind = "rating_keypad", protocol = "ff68", unit = 2, counter = 2 },
]
"""

OSDP_KEYPADS = """
[[line]]
name = "keypads"
owner = "collector"
path = "/dev/ttyUSB0"
devices = [
  { kind = "osdp_keypad", unit = 1, counter = 1 },
  { kind = "osdp_keypad", unit = 2, counter = 2 },
]
"""


def voice(protocol: str = "dfplayer", more: str = "") -> str:
    """A voice line."""
    return f"""
[[line]]
name = "voice"
owner = "house"
duplex = "full"
devices = [{{ kind = "voice_caller", protocol = "{protocol}"{more} }}]
"""


def hall(*lines: str, consoles: str = RK1_CONSOLES) -> str:
    """A whole scenario."""
    return HEAD + HALL.replace("CONSOLES", consoles) + "".join(lines)

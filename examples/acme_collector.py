"""A collector for keypads that speak unasked: it stores what they tell, then thanks them.

python examples/acme_collector.py PORT DATABASE
"""

import sqlite3
import sys
import time

import serial

CLERKS = {1: "C01", 2: "C02"}  # who sits at the counter of which keypad
REPEATED = 0.5  # seconds within which the same frame is a repetition: the keypad got no thanks


def check(body: bytes) -> bytes:
    return b"%02X" % (sum(body) & 0xFF)


def parse(frame: bytes) -> tuple[int, int] | None:
    """(unit, key) of "#07P3*EA", or None when it is something else, or damaged."""
    body, star, told = frame[1:].partition(b"*")
    if frame[:1] != b"#" or not star or told != check(body) or len(body) != 4 or body[2:3] != b"P":
        return None
    return int(body[:2]), int(body[3:])


def main() -> None:
    port = serial.Serial(sys.argv[1], 9600, timeout=1)
    records = sqlite3.connect(sys.argv[2])
    records.execute("CREATE TABLE IF NOT EXISTS ratings (device, clerk, value INTEGER, at REAL)")
    last: dict[int, tuple[int, float]] = {}
    while True:
        frame = port.read_until(b"\r")
        found = parse(frame[frame.rfind(b"#") : -1]) if frame.endswith(b"\r") and b"#" in frame else None
        if found is None:
            continue
        unit, key = found
        now = time.time()
        before, at = last.get(unit, (0, 0.0))
        if before != key or now - at > REPEATED:
            row = (f"keypad-{unit}", CLERKS[unit], key, now)
            records.execute("INSERT INTO ratings VALUES (?, ?, ?, ?)", row)
            records.commit()
        last[unit] = (key, now)
        thanks = b"%02dA" % unit
        port.write(b"#" + thanks + b"*" + check(thanks) + b"\r")


if __name__ == "__main__":
    main()

"""The same collector with one mistake: it takes a rating for known by its boot epoch and sequence number alone.

    python collector_with_a_mistake.py /dev/ttyUSB0 ratings.sqlite --units 1-4

Each keypad counts for itself, so two keypads soon offer the same numbers, and the second one's rating is acknowledged
without having been stored. With one keypad on the desk this program never fails.
"""

import argparse
import sqlite3
import struct
import time

import serial

CREATE = """CREATE TABLE IF NOT EXISTS ratings (device TEXT, clerk INTEGER, ticket INTEGER, value INTEGER, at REAL,
            epoch INTEGER, seq INTEGER, stored_at REAL)"""


def crc16(data):
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return struct.pack("<H", crc)


def ask(port, unit, body, length):
    """One Modbus request; returns the reply without its frame, or None when it did not come, or another came."""
    frame = bytes([unit]) + body
    port.reset_input_buffer()
    port.write(frame + crc16(frame))
    reply = port.read(length + 3)
    good = len(reply) == length + 3 and reply[:2] == frame[:2] and crc16(reply[:-2]) == reply[-2:]
    if not good and len(reply) == length + 3:
        port.read(256)  # damaged, or of another unit: the one that was asked may still answer
    time.sleep(0.005)  # the silence that ends a frame, before the next one
    return reply[1:-2] if good else None


def collect(port, db, unit, seen):
    waiting = ask(port, unit, struct.pack(">BHH", 0x04, 0x0004, 1), 4)
    count = min(15, struct.unpack(">H", waiting[2:])[0]) if waiting else 0
    blocks = ask(port, unit, struct.pack(">BHH", 0x04, 0x0100, 8 * count), 2 + 16 * count) if count else None
    if not blocks:
        return
    for i in range(count):
        epoch, seq, flags, hi, lo, ms, clerk, ticket = struct.unpack_from(">8H", blocks, 2 + 16 * i)
        if (epoch, seq) not in seen:
            row = (f"keypad-{unit}", clerk, ticket, flags & 0xFF, (hi << 16 | lo) + ms / 1000, epoch, seq, time.time())
            db.execute("INSERT INTO ratings VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            seen.add((epoch, seq))
    db.commit()
    ask(port, unit, struct.pack(">BHHBHH", 0x10, 0x0000, 2, 4, epoch, seq), 5)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("port")
    options.add_argument("database")
    options.add_argument("--units", default="1-4", help="bus addresses of the keypads, first-last")
    options = options.parse_args()
    first, last = map(int, options.units.split("-"))
    db = sqlite3.connect(options.database)
    db.execute(CREATE)
    seen = set(db.execute("SELECT epoch, seq FROM ratings"))
    with serial.Serial(options.port, 9600, timeout=0.4) as port:
        print(f"collecting from units {options.units} on {options.port}")
        while True:
            for unit in range(first, last + 1):
                collect(port, db, unit, seen)
            time.sleep(1)


if __name__ == "__main__":
    main()

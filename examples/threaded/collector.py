"""Collect the ratings of a hall with two threads: one polls the keypads, one stores what they told.

    python collector.py /dev/ttyUSB0 ratings.sqlite --units 1-4

The poller hands each block of events to the writer and waits for its word: only what is committed is acknowledged to
the keypad. So the database may be slow (one commit for whatever has gathered) and nothing is lost when the program is
killed.
"""

import argparse
import queue
import sqlite3
import threading
import time

from minimalmodbus import Instrument, ModbusException

WAITING, EVENTS, ACKNOWLEDGE = 0x0004, 0x0100, 0x0000
CREATE = """CREATE TABLE IF NOT EXISTS ratings (device TEXT, clerk INTEGER, ticket INTEGER, value INTEGER, at REAL,
            epoch INTEGER, seq INTEGER, UNIQUE (device, epoch, seq, at))"""


class Block:
    """Events of one keypad on their way to the database."""

    def __init__(self, unit, registers):
        self.stored = threading.Event()
        self.rows = []
        for i in range(0, len(registers), 8):
            epoch, seq, flags, hi, lo, ms, clerk, ticket = registers[i : i + 8]
            at = (hi << 16 | lo) + ms / 1000
            self.rows.append((f"keypad-{unit}", clerk, ticket, flags & 0xFF, at, epoch, seq))
        self.last = [epoch, seq]


def write(path, blocks):
    """The writer: commits whatever has gathered, then says so."""
    with sqlite3.connect(path) as db:
        db.execute(CREATE)
        while True:
            gathered = [blocks.get()]
            while not blocks.empty():
                gathered.append(blocks.get())
            for block in gathered:
                db.executemany("INSERT OR IGNORE INTO ratings VALUES (?, ?, ?, ?, ?, ?, ?)", block.rows)
            db.commit()
            for block in gathered:
                block.stored.set()


def poll(keypad, unit, blocks):
    """Fetch, hand over, wait, acknowledge. Whatever fails is asked again in the next round."""
    waiting = keypad.read_register(WAITING, functioncode=4)
    if not waiting:
        return
    block = Block(unit, keypad.read_registers(EVENTS, 8 * min(15, waiting), functioncode=4))
    blocks.put(block)
    if block.stored.wait(timeout=5):
        keypad.write_registers(ACKNOWLEDGE, block.last)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("port")
    options.add_argument("database")
    options.add_argument("--units", default="1-4", help="bus addresses of the keypads, first-last")
    options = options.parse_args()
    first, last = map(int, options.units.split("-"))
    blocks = queue.Queue()
    threading.Thread(target=write, args=(options.database, blocks), daemon=True).start()
    keypads = {unit: Instrument(options.port, unit) for unit in range(first, last + 1)}
    for keypad in keypads.values():
        keypad.serial.baudrate = 9600
        keypad.serial.timeout = 0.2
    while True:
        for unit, keypad in keypads.items():
            try:
                poll(keypad, unit, blocks)
            except (ModbusException, OSError) as error:
                print(f"unit {unit}: {error}")
        time.sleep(0.5)


if __name__ == "__main__":
    main()

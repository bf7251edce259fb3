"""Collect the ratings of a hall with asyncio and pymodbus.

    python collector.py /dev/ttyUSB0 ratings.sqlite --units 1-4

One task polls, one reports once a minute: a program that has more to do than to wait for keypads. pymodbus sends its
next request as soon as it has the last reply, and its own retries at once too; here the silence that Modbus RTU wants
between frames is kept.
"""

import argparse
import asyncio
import sqlite3

from pymodbus.client import AsyncModbusSerialClient
from pymodbus.exceptions import ModbusException

WAITING, EVENTS, ACKNOWLEDGE = 0x0004, 0x0100, 0x0000
SILENCE = 0.005  # seconds; 3.5 characters at 9600 baud are 3.6 ms
CREATE = """CREATE TABLE IF NOT EXISTS ratings (device TEXT, clerk INTEGER, ticket INTEGER, value INTEGER, at REAL,
            epoch INTEGER, seq INTEGER, UNIQUE (device, epoch, seq, at))"""


async def quiet(request):
    """One request, and the silence after whatever came of it."""
    try:
        return await request
    finally:
        await asyncio.sleep(SILENCE)


async def read(client, unit, address, count):
    """Input registers, or none: an exception reply is no answer here."""
    reply = await quiet(client.read_input_registers(address, count=count, device_id=unit))
    return [] if reply.isError() else reply.registers


async def collect(client, db, unit):
    """What one keypad has to tell: fetched, stored, acknowledged."""
    waiting = await read(client, unit, WAITING, 1)
    if not waiting or not waiting[0]:
        return
    registers = await read(client, unit, EVENTS, 8 * min(15, waiting[0]))
    for i in range(0, len(registers), 8):
        epoch, seq, flags, hi, lo, ms, clerk, ticket = registers[i : i + 8]
        row = (f"keypad-{unit}", clerk, ticket, flags & 0xFF, (hi << 16 | lo) + ms / 1000, epoch, seq)
        db.execute("INSERT OR IGNORE INTO ratings VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    db.commit()
    if registers:
        await quiet(client.write_registers(ACKNOWLEDGE, [epoch, seq], device_id=unit))


async def poll(client, db, units):
    while True:
        for unit in units:
            try:
                await collect(client, db, unit)
            except (TimeoutError, ModbusException) as error:
                print(f"unit {unit}: {error}")
        await asyncio.sleep(0.5)


async def report(db):
    while True:
        await asyncio.sleep(60)
        (count,) = db.execute("SELECT count(*) FROM ratings").fetchone()
        print(f"{count} ratings so far")


async def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("port")
    options.add_argument("database")
    options.add_argument("--units", default="1-4", help="bus addresses of the keypads, first-last")
    options = options.parse_args()
    first, last = map(int, options.units.split("-"))
    db = sqlite3.connect(options.database)
    db.execute(CREATE)
    client = AsyncModbusSerialClient(options.port, baudrate=9600, timeout=0.3, retries=0)
    if not await client.connect():
        raise SystemExit(f"cannot open {options.port}")
    await asyncio.gather(poll(client, db, range(first, last + 1)), report(db))


if __name__ == "__main__":
    asyncio.run(main())

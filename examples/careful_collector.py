"""A collector that survives what a hall does to it: the reference against which mistakes of others are planted.

    python careful_collector.py /dev/ttyUSB0 ratings.sqlite --units 1-4

It polls rating keypads of profile RK-1 (Modbus RTU) and stores each rating in SQLite, in the table `ratings`; what it
knows to be missing in `gaps`, which keypads answer in `health`, and the boot epoch of each in `boots`.

- A rating is acknowledged only when it is committed, so no instant at which this program is killed loses one.
- It is known by keypad, boot epoch, sequence number, instant and value: none is stored twice, and after a reset none
  is taken for an old one that had its number.
- The input is emptied before each request. A reply has to fit in unit, function, length and CRC; what does not is
  passed over, and the wait goes on: another unit's reply, an echo, noise, a reply that comes too late.
- A request without an answer is sent again twice; a keypad that stays silent is asked less and less often, so that it
  does not hold up the others.
- A port that goes away is opened again; a keypad that has started anew gets its clock and its settings again.
"""

import argparse
import contextlib
import sqlite3
import struct
import time

import serial

try:
    from termios import error as terminal_error  # what pyserial lets through when the port has gone meanwhile
except ImportError:
    terminal_error = serial.SerialException  # no POSIX system

TABLES = """
CREATE TABLE IF NOT EXISTS ratings (device TEXT, clerk INTEGER, ticket INTEGER, value INTEGER, at REAL,
    epoch INTEGER, seq INTEGER, stored_at REAL, UNIQUE (device, epoch, seq, at, value));
CREATE TABLE IF NOT EXISTS gaps (device TEXT, at REAL, lost INTEGER, why TEXT);
CREATE TABLE IF NOT EXISTS health (device TEXT, at REAL, up INTEGER);
CREATE TABLE IF NOT EXISTS boots (device TEXT PRIMARY KEY, epoch INTEGER);
"""
READ, WRITE = 0x04, 0x10
PERIOD = 1.0  # seconds from one round to the next
PATIENCE = 0.2  # seconds in which a reply has to begin
SILENCE = 0.005  # seconds that end a frame at 9600 baud (3.5 characters are 3.6 ms)
TRIES = 3
DOWN_AFTER = 3  # rounds without an answer
LONGEST_PAUSE = 8.0  # seconds between two tries with a keypad that is down, or with a port that is gone
BUSY = 0x06


def crc16(data):
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return struct.pack("<H", crc)


class Refused(Exception):
    """The keypad answered with an exception."""


class Silent(Exception):
    """No reply that fits has come."""


class Bus:
    """One line: a request at a time, and the reply to it."""

    def __init__(self, name, baud=9600):
        self.name, self.baud = name, baud
        self.port = None

    def open(self):
        if self.port is None:
            self.port = serial.Serial(self.name, self.baud, timeout=PATIENCE, write_timeout=2.0)

    def close(self):
        port, self.port = self.port, None
        if port is not None:
            with contextlib.suppress(OSError, terminal_error):
                port.close()

    def ask(self, unit, body, length):
        """Send a request, again if need be; returns what is in the reply of so many characters."""
        for _ in range(TRIES):
            self.port.reset_output_buffer()  # a request that was held back must not go out with this one
            self.flush()
            self.send(bytes([unit]) + body)
            reply = self.receive(unit, body, length)
            if reply is not None:
                return reply
        raise Silent

    def flush(self):
        """Wait for silence, and forget what has come up to it."""
        for _ in range(40):
            self.port.reset_input_buffer()
            time.sleep(SILENCE)
            if not self.port.in_waiting:
                return

    def send(self, frame):
        self.port.write(frame + crc16(frame))

    def receive(self, unit, body, length):
        """Wait for the reply that fits; None when none has come in time."""
        heard = b""
        deadline = time.monotonic() + PATIENCE + (len(body) + 3 + length) * 10 / self.baud
        while (left := deadline - time.monotonic()) > 0:
            self.port.timeout = left
            heard += self.port.read(max(1, (5 if len(heard) < 5 else length) - len(heard)))
            found = self.find(heard, unit, body, length)
            if found is not None:
                return found
        return None

    def find(self, heard, unit, body, length):
        """The reply of so many characters to that request, wherever it stands in what was heard."""
        for start in range(len(heard) - 4):
            if self.fits(heard[start : start + 5], unit, body[0] | 0x80, 5):
                raise Refused(heard[start + 2])
            frame = heard[start : start + length]
            head = frame[2] == length - 5 if body[0] == READ else frame[2:6] == body[1:5]
            if head and self.fits(frame, unit, body[0], length):
                return frame[3:-2]
        return None

    def fits(self, frame, unit, function, length):
        return len(frame) == length and frame[0] == unit and frame[1] == function and self.sound(frame)

    def sound(self, frame):
        return crc16(frame[:-2]) == frame[-2:]

    def read(self, unit, address, count):
        data = self.ask(unit, struct.pack(">BHH", READ, address, count), 5 + 2 * count)
        return struct.unpack(f">{count}H", data)

    def write(self, unit, address, *values):
        head = struct.pack(">BHHB", WRITE, address, len(values), 2 * len(values))
        self.ask(unit, head + struct.pack(f">{len(values)}H", *values), 8)


class Keypad:
    """What is known of one keypad."""

    def __init__(self, unit):
        self.unit, self.name = unit, f"keypad-{unit}"
        self.epoch = None  # of its last start that is known
        self.configured = False  # since it, or this program, started
        self.up = None
        self.failures = 0
        self.next = 0.0  # it is not asked before this instant
        self.newest = None  # sequence number of the newest rating that it told to have
        self.last = {}  # boot epoch -> sequence number of the last rating stored


class Collector:
    """Polls all keypads, round by round."""

    def __init__(self, port, database, units):
        self.db = sqlite3.connect(database, timeout=1.0)
        with self.db:
            self.db.executescript(TABLES)
        self.start = time.time() - time.monotonic()  # instants do not jump when somebody sets this machine's clock
        self.bus = Bus(port)
        self.keypads = [self.known(unit) for unit in units]

    def known(self, unit):
        """A keypad with what an earlier life of this program has stored of it."""
        keypad = Keypad(unit)
        for column, query in (
            ("epoch", "SELECT epoch FROM boots WHERE device = ?"),
            ("up", "SELECT up FROM health WHERE device = ? ORDER BY rowid DESC LIMIT 1"),
        ):
            for (value,) in self.db.execute(query, (keypad.name,)):
                setattr(keypad, column, value)
        query = "SELECT epoch, seq FROM ratings WHERE device = ? ORDER BY rowid"
        keypad.last = dict(self.db.execute(query, (keypad.name,)))
        return keypad

    def now(self):
        return self.start + time.monotonic()

    def run(self):
        pause = PERIOD
        while True:
            try:
                self.bus.open()
                self.round()
                pause = PERIOD
            except (OSError, terminal_error):  # the port is gone (serial.SerialException is an OSError)
                self.lost_port()
                pause = min(2 * pause, LONGEST_PAUSE)
            except sqlite3.OperationalError:  # the database cannot be written: nothing was acknowledged
                self.db.rollback()
            time.sleep(pause)

    def lost_port(self):
        self.bus.close()
        for keypad in self.keypads:
            self.failed(keypad)

    def round(self):
        for keypad in self.keypads:
            if time.monotonic() >= keypad.next:
                self.visit(keypad)

    def visit(self, keypad):
        try:
            self.poll(keypad)
        except Refused as refused:
            self.refused(keypad, refused.args[0])
        except Silent:
            self.failed(keypad)
        else:
            self.health(keypad, True)

    def refused(self, keypad, code):
        """It is there and cannot do it now: it is asked again in the next round."""
        self.health(keypad, True)
        if code != BUSY:
            print(f"{keypad.name} refuses a request: exception {code:02x}")

    def failed(self, keypad):
        keypad.failures += 1
        if keypad.failures >= DOWN_AFTER:
            self.health(keypad, False)
            pause = min(PERIOD * 2 ** min(keypad.failures - DOWN_AFTER + 1, 9), LONGEST_PAUSE)
            keypad.next = time.monotonic() + pause

    def health(self, keypad, up):
        if up:
            keypad.failures, keypad.next = 0, 0.0
        if up != keypad.up:
            with self.db:
                self.db.execute("INSERT INTO health VALUES (?, ?, ?)", (keypad.name, self.now(), up))
            keypad.up = up

    def poll(self, keypad):
        _, _, epoch, _, waiting, _, newest, lost, _, _ = self.bus.read(keypad.unit, 0x0000, 10)
        restarted, before = epoch != keypad.epoch, keypad.newest
        keypad.newest = newest if waiting else None
        if restarted or not keypad.configured:
            self.configure(keypad)
        for _ in range(8):  # a queue of 64 is empty then, and the others have waited for long enough
            if not waiting or not self.fetch(keypad, min(waiting, 15)):
                break
            waiting = self.bus.read(keypad.unit, 0x0004, 1)[0]
        if restarted:
            self.started_anew(keypad, epoch, before)
        if lost:
            self.gap(keypad, lost, "overflow")
            self.bus.write(keypad.unit, 0x0002, lost)

    def configure(self, keypad):
        """Its clock (which it may have lost with its supply), and that it takes presses outside a window."""
        instant = self.now()
        seconds = int(instant)
        self.bus.write(keypad.unit, 0x0020, seconds >> 16, seconds & 0xFFFF, int(instant % 1 * 1000))
        self.bus.write(keypad.unit, 0x0015, 1)
        keypad.configured = True

    def started_anew(self, keypad, epoch, newest):
        """Ratings that it told to have before, and has no more, are missing."""
        if newest is not None and newest not in keypad.last.values():
            self.gap(keypad, 1, "reboot")
        keypad.epoch = epoch
        with self.db:
            self.db.execute("INSERT OR REPLACE INTO boots VALUES (?, ?)", (keypad.name, epoch))

    def fetch(self, keypad, count):
        """Read, store, then acknowledge; returns whether there was anything."""
        words = self.bus.read(keypad.unit, 0x0100, 8 * count)
        events = [words[i : i + 8] for i in range(0, len(words), 8) if words[i : i + 8] != (0xFFFF,) * 8]
        if not events:
            return False
        self.store(keypad, events)
        self.acknowledge(keypad, events[-1])
        return True

    def store(self, keypad, events):
        with self.db:
            for event in events:
                self.insert(self.row(keypad, *event))
        for event in events:
            self.missing(keypad, *event[:2])

    def insert(self, row):
        self.db.execute("INSERT OR IGNORE INTO ratings VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def row(self, keypad, epoch, seq, flags, high, low, ms, clerk, ticket):
        clock_was_set = flags >> 8 & 4
        at = (high << 16 | low) + ms / 1000 if clock_was_set else self.now()
        return (keypad.name, clerk, ticket, flags & 0xFF, at, epoch, seq, self.now())

    def missing(self, keypad, epoch, seq):
        """Tell a hole in the sequence numbers of one epoch."""
        before = keypad.last.get(epoch)
        keypad.last[epoch] = seq
        ahead = 0 if before is None else (seq - before) % 65536
        if 1 < ahead < 32768:
            self.gap(keypad, ahead - 1, "sequence")

    def acknowledge(self, keypad, event):
        self.bus.write(keypad.unit, 0x0000, event[0], event[1])

    def gap(self, keypad, lost, why):
        with self.db:
            self.db.execute("INSERT INTO gaps VALUES (?, ?, ?, ?)", (keypad.name, self.now(), lost, why))


def main(collector=Collector):
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("port")
    options.add_argument("database")
    options.add_argument("--units", default="1-4", help="bus addresses of the keypads, first-last")
    options = options.parse_args()
    first, last = map(int, options.units.split("-"))
    collector(options.port, options.database, range(first, last + 1)).run()


if __name__ == "__main__":
    main()

"""Rating keypad RK-1: what the host sets, registers, broadcast, settings and boots (guarantee 6, clauses 8 to 10)."""

from __future__ import annotations

from typing import Any

from bench.compliance.case import Case, Failed, Lost, frames_text
from bench.compliance.modbus_bench import words, write_many
from bench.compliance.rk1_bench import SECOND, Rk1Bench
from bench.compliance.steps import Play, Wait
from firmware_sim.device import MS
from protocol.modbus.maps.reference_keypad import (
    MARK_RATING,
    MOST_FIFO,
    REBOOT,
    SAVE,
    STATUS_TAMPER,
    STATUS_WINDOW_OPEN,
    VERSION,
)
from protocol.modbus.pdu import unpack_registers
from protocol.modbus.rtu import is_sound, seal

__all__ = ["CASES"]

_UNIT, _COMMAND, _CLERK = 0x0030, 0x003F, 0x0014


# -- guarantee 6 ------------------------------------------------------------------------------------------------------
def lamps(b: Rk1Bench) -> Play:
    """Two patterns and none."""
    for pattern in (1 << b.rng.randrange(b.keys), 0x8000 | (1 << b.keys) - 1, 0):
        yield from b.put(0x0010, pattern)
        yield from b.holds(0x0010, (pattern,), "lamps read back")


def buzzer(b: Rk1Bench) -> Play:
    """5 s, after more than 1 s less than 4 remain."""
    yield from b.put(0x0011, 5000)
    (first,) = yield from b.registers(0x0011, 1)
    yield Wait(1200 * MS, "the buzzer's time goes by")
    (second,) = yield from b.registers(0x0011, 1)
    yield from b.put(0x0011, 0)
    if not 4000 < first <= 5000 or not 0 < second <= first - 1000:
        raise Failed(f"5000 ms written, {first} read at once and {second} more than 1200 ms later")


def window_remains(b: Rk1Bench) -> Play:
    """Ticket and seconds, which become fewer; 0, 0 when closed."""
    (ticket,) = b.draw()
    yield from b.window(ticket, 100)
    first = yield from b.registers(0x0012, 2)
    yield Wait(3 * SECOND, "the window's time goes by")
    second = yield from b.registers(0x0012, 2)
    yield from b.put(0x0012, 0)
    closed = yield from b.registers(0x0012, 2)
    if first[0] != ticket or not 98 <= first[1] <= 100 or not 90 <= second[1] <= first[1] - 2 or closed != (0, 0):
        raise Failed(f"a window of 100 s for ticket {ticket} reads {first}, 3 s later {second}, and closed {closed}")


# -- registers --------------------------------------------------------------------------------------------------------
def mark(b: Rk1Bench) -> Play:
    """Profile mark and version."""
    found = yield from b.registers(0, 2, 4)
    if found != (MARK_RATING, VERSION):
        raise Failed(f"profile mark and version read {found[0]:04X} {found[1]:04X}, 524B 0100 expected")


def declared(b: Rk1Bench) -> Play:
    """Depth and keys."""
    found = yield from b.registers(0x000A, 2, 4)
    if found != (b.depth, b.keys):
        raise Failed(f"depth and keys read {found}, {(b.depth, b.keys)} declared")


def uptime(b: Rk1Bench) -> Play:
    """It grows by the time that goes by."""
    high, low = yield from b.registers(8, 2, 4)
    yield Wait(4 * SECOND, "time goes by")
    high2, low2 = yield from b.registers(8, 2, 4)
    grown = (high2 << 16 | low2) - (high << 16 | low)
    if not 3 <= grown <= 6:
        raise Failed(f"the uptime grew by {grown} s in 4 s")


def sequences(b: Rk1Bench) -> Play:
    """Oldest and newest of two events."""
    yield from b.fresh()
    yield from b.presses(b.key(), b.key())
    events = yield from b.fetch(2)
    state = yield from b.state()
    if (state.oldest, state.newest) != (events[0].sequence, events[1].sequence):
        raise Failed(
            f"events {events[0].sequence} and {events[1].sequence} wait; oldest and newest say {state.oldest} and "
            f"{state.newest}"
        )


def status_window(b: Rk1Bench) -> Play:
    """Closed, open, closed."""
    yield from b.fresh()
    for ticket in (0, b.draw()[0], 0):
        if ticket:
            yield from b.window(ticket, 600)
        else:
            yield from b.put(0x0012, 0)
        state = yield from b.state()
        if bool(state.status & STATUS_WINDOW_OPEN) != bool(ticket):
            raise Failed(f"window for ticket {ticket} (0: none), and the status says {state.status:04X}")


def tamper(b: Rk1Bench) -> Play:
    """The case is opened and closed."""
    for is_open, text in ((True, "open the case of the keypad"), (False, "close the case of the keypad")):
        yield from b.operator("tamper", is_open, text=text)
        state = yield from b.state()
        if bool(state.status & STATUS_TAMPER) != is_open:
            raise Failed(f"after the operator was asked to {text} the status says {state.status:04X}")


def fifo_view(b: Rk1Bench) -> Play:
    """Its words are those of the events."""
    yield from b.fresh()
    yield from b.presses(1, b.keys)
    events = yield from b.fetch(2)
    reply = yield from b.good(b"\x18\x01\x00")
    found = unpack_registers(reply.pdu[5:])
    wanted = tuple((event.sequence & 0x0FFF) << 4 | event.value & 0x0F for event in events[:MOST_FIFO])
    if found != wanted:
        raise Failed(f"the FIFO view reads {found}, the events make {wanted}", reply.heard)


def clock(b: Rk1Bench) -> Play:
    """It reads what was set, and goes on."""
    time = b.time()
    yield from b.set_clock(time)
    first = yield from b.clock()
    yield Wait(2 * SECOND, "time goes by")
    second = yield from b.clock()
    if not 0 <= first - time * 1000 <= 1000 or not 1900 <= second - first <= 3000:
        raise Failed(f"set to {time} s, the clock reads {first} ms at once and {second - first} ms more 2 s later")


# -- broadcast --------------------------------------------------------------------------------------------------------
def broadcast_clock(b: Rk1Bench) -> Play:
    """To all: the time."""
    yield from b.set_clock(b.time())
    time = b.time()
    heard = yield from b.say(write_many(0x0020, (time >> 16, time & 0xFFFF, 0)), unit=0, reply=False)
    b.must_be_silent(heard, "a broadcast")
    found = yield from b.clock()
    if not 0 <= found - time * 1000 <= 5000:
        raise Failed(f"the clock was set to {time} s by broadcast, it reads {found} ms")


def broadcast_window(b: Rk1Bench) -> Play:
    """To all: a window, and its end."""
    yield from b.put(0x0012, 0)
    (ticket,) = b.draw()
    for wanted in (ticket, 0):
        heard = yield from b.say(write_many(0x0012, (wanted, 600 if wanted else 0)), unit=0, reply=False)
        b.must_be_silent(heard, "a broadcast")
        found = yield from b.registers(0x0012, 2)
        if found[0] != wanted:
            raise Failed(f"a window for ticket {wanted} by broadcast, and it reads {found[0]}")


def broadcast_ack(b: Rk1Bench) -> Play:
    """To all: an acknowledgement."""
    yield from b.fresh()
    yield from b.press(b.key())
    event = yield from b.one()
    heard = yield from b.say(write_many(0, (event.epoch, event.sequence)), unit=0, reply=False)
    b.must_be_silent(heard, "a broadcast")
    state = yield from b.state()
    if state.waiting != 1:
        raise Failed(f"an acknowledgement by broadcast is ignored; it freed the event ({state.waiting} wait)")


# -- settings and boots -----------------------------------------------------------------------------------------------
def unit_change(b: Rk1Bench) -> Play:
    """To another address and back."""
    old, new = b.unit, b.stranger()
    request = b"\x06" + words(_UNIT, new)
    heard = yield from b.say(request, note=f"take address {new}")
    data = heard.data
    if not is_sound(data):
        raise Lost(f"no sound reply to a new address: {frames_text(heard.frames)}", heard)
    if data[0] == new:
        yield from b.say(b"\x06" + words(_UNIT, old), unit=new, note="back again")
        raise Failed("the reply to the new address comes from it already", heard, (0, 1))
    if data != seal(bytes((old,)) + request):
        raise Lost(f"the new address is not taken: {frames_text(heard.frames)}", heard)
    b.saw(heard)
    late = yield from b.say(b"\x04\x00\x00\x00\x02", reply=False, note="the old address")
    back = yield from b.say(b"\x06" + words(_UNIT, old), unit=new, note="back again")
    if late.data or not back.data or back.data[0] != new:
        raise Failed(
            f"after the reply address {new} counts: {old} {'answers' if late.data else 'is silent'}, {new} says "
            f"{frames_text(back.frames)}",
            late if late.data else back,
        )


def saving(saved: bool) -> Any:
    """A case: an address is changed, saved or not, and a boot follows."""

    def run(b: Rk1Bench) -> Play:
        old, new = b.unit, b.stranger()
        yield from b.good(b"\x06" + words(_UNIT, new))
        b.unit = new
        if saved:
            yield from b.good(b"\x06" + words(_COMMAND, SAVE))
        yield from b.say(b"\x06" + words(_COMMAND, REBOOT), note="reboot")
        yield from b.starts()
        heard = yield from b.say(b"\x04\x00\x00\x00\x02", note=f"address {new}")
        stays = bool(heard.data)
        if stays:
            yield from b.say(b"\x06" + words(_UNIT, old), note="back again")
            b.unit = old
            yield from b.say(b"\x06" + words(_COMMAND, SAVE), note="and saved")
        b.unit = old
        if stays != saved:
            word = "was saved and is gone" if saved else "was not saved and stands"
            raise Failed(f"after a boot the new address {new}, which {word}", heard)

    return run


def reboot(b: Rk1Bench) -> Play:
    """A reply, silence, a new epoch."""
    before = yield from b.state()
    reply = yield from b.echoed(b"\x06" + words(_COMMAND, REBOOT), 5, "the reboot command")
    yield from b.starts()
    after = yield from b.state()
    if after.epoch == before.epoch:
        raise Failed(f"the reboot command was taken, and the epoch is {after.epoch} as before", reply.heard)


def unknown_command(b: Rk1Bench) -> Play:
    """A drawn code, and 0."""
    (code,) = b.draw()
    for value in (code if code not in (SAVE, REBOOT) else 1, 0):
        yield from b.refused(b"\x06" + words(_COMMAND, value), 3, what=f"command {value:04X}")


def defaults(b: Rk1Bench) -> Play:
    """Clerk, window and policy are not kept."""
    yield from b.fresh()
    yield from b.put(_CLERK, b.draw()[0])
    yield from b.put(0x0015, 0)
    yield from b.window(b.draw()[0], 600)
    yield from b.power_cycle()
    clerk, policy = yield from b.registers(_CLERK, 2)
    window = yield from b.registers(0x0012, 2)
    yield from b.put(0x0015, 1)
    if (clerk, policy, window) != (0, 1, (0, 0)):
        raise Failed(f"after a boot: clerk {clerk}, policy {policy}, window {window}; 0, 1, (0, 0) expected")


def _case(slug: str, primary: str, title: str, run: Any, applies: str = "", needs: str = "", cost: int = 12) -> Case:
    return Case(f"rk1.dev.{slug}", 1, f"RK1-{primary}", title, run, applies=applies, needs=needs, cost=(cost, 0))


_HAND = "operator"

CASES = (
    _case("lamps", "6-R2", "Lamps read back", lamps),
    _case("buzzer", "6-R3", "The buzzer tells what remains", buzzer),
    _case("window-remains", "6-R4", "The window tells what remains", window_remains),
    _case("mark", "8-R1", "Profile mark and version", mark),
    _case("declared-depth", "8-R2", "Depth and keys as declared", declared),
    _case("uptime", "8-R3", "The uptime counts seconds", uptime),
    _case("sequences", "8-R4", "Oldest and newest are those of the events", sequences, "depth >= 2", _HAND),
    _case("status-window", "8-R5", "The status tells an open window", status_window),
    _case("tamper", "8-R6", "The status tells an open case", tamper, needs=_HAND),
    _case("fifo-view", "8-R7", "The FIFO view tells sequence and value", fifo_view, "fc18 and depth >= 2", _HAND),
    _case("clock-set", "8-R8", "The clock reads what was set", clock),
    _case("bcast-clock", "9-R1", "Broadcast sets the clock", broadcast_clock),
    _case("bcast-window", "9-R2", "Broadcast opens a window", broadcast_window),
    _case("bcast-ack", "9-R3", "A broadcast acknowledgement is ignored", broadcast_ack, needs=_HAND),
    _case("unit-change", "10-R1", "A new address takes effect after the reply", unit_change),
    _case("unsaved-gone", "10-R2", "What was not saved is gone after a boot", saving(False)),
    _case("saved-stands", "10-R3", "What was saved stands after a boot", saving(True)),
    _case("reboot-command", "10-R4", "The reboot command makes a new epoch", reboot),
    _case("command-unknown", "10-R5", "Another command code is refused", unknown_command),
    _case("boot-defaults", "10-R6", "After a boot clerk, window and policy begin anew", defaults, needs=_HAND),
)

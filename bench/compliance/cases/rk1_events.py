"""Rating keypad RK-1: who, for whom and when; fingers and windows; one event is one block (guarantees 4, 5 and 7)."""

from __future__ import annotations

from typing import Any

from bench.compliance.case import Case, Failed, Lost
from bench.compliance.rk1_bench import SECOND, Doing, Rk1Bench
from bench.compliance.steps import Play, Wait
from protocol.modbus.maps.reference_keypad import (
    EVENT_WORDS,
    FLAG_CLOCK_SET,
    FLAG_REPEAT,
    FLAG_UNSOLICITED,
    MOST_BLOCKS,
    STATUS_CLOCK_NOT_SET,
    Event,
)

__all__ = ["CASES"]

_CLERK = 0x0014


def two_words(b: Rk1Bench) -> tuple[int, int]:
    """Two drawn numbers that differ, as clerk codes or tickets."""
    one, other = b.draw(2)
    return one, other ^ 0x0101 if other == one else other


# -- guarantee 4 ------------------------------------------------------------------------------------------------------
def clerk_at_press(b: Rk1Bench) -> Play:
    """Two clerks, a press of each; read after both."""
    yield from b.fresh()
    clerks = two_words(b)
    for clerk in clerks:
        yield from b.put(_CLERK, clerk)
        yield from b.press(b.key())
    yield from b.put(_CLERK, 0)
    found = tuple(event.clerk for event in (yield from b.fetch(2)))
    if found != clerks:
        raise Failed(f"clerks {clerks} were logged in at the two presses, the events say {found}")


def card(b: Rk1Bench) -> Play:
    """A card logs in."""
    yield from b.fresh()
    yield from b.put(_CLERK, 0)
    code = int(b.declaration.extra["card"])
    yield from b.operator("log_in", code, text=f"hold the card of clerk {code} to the keypad")
    yield from b.press(b.key())
    event = yield from b.one()
    if event.clerk != code:
        raise Failed(f"the card of clerk {code} was held to the keypad, the event says clerk {event.clerk}")


def ticket_at_press(b: Rk1Bench) -> Play:
    """Two windows, a press in each; read after both are closed."""
    yield from b.fresh()
    tickets = two_words(b)
    for ticket in tickets:
        yield from b.window(ticket, 600)
        yield from b.press(b.key())
    yield from b.put(0x0012, 0)
    found = tuple(event.ticket for event in (yield from b.fetch(2)))
    if found != tickets:
        raise Failed(f"windows {tickets} were open at the two presses, the events say tickets {found}")


def ticket_none(b: Rk1Bench) -> Play:
    """After a window is closed presses carry ticket 0."""
    yield from b.fresh()
    yield from b.window(two_words(b)[0], 600)
    yield from b.put(0x0012, 0)
    yield from b.press(b.key())
    event = yield from b.one()
    if event.ticket:
        raise Failed(f"no window was open, the event carries ticket {event.ticket}")


def time_at_press(b: Rk1Bench) -> Play:
    """The event's time lies between two readings of the clock round the press, though it is read later."""
    yield from b.fresh()
    yield from b.set_clock(b.time())
    before = yield from b.clock()
    yield from b.press(b.key())
    after = yield from b.clock()
    yield Wait(3 * SECOND, "time goes by before it is read")
    event = yield from b.one()
    if not before - 1 <= event.at_ms <= after + 1:
        raise Failed(
            f"pressed between {before} and {after} ms by the device's own clock, the event says {event.at_ms}: "
            f"{event.at_ms - after} ms after"
        )


def clock_flag(b: Rk1Bench) -> Play:
    """After the clock was set events say so."""
    yield from b.fresh()
    yield from b.set_clock(b.time())
    yield from b.press(b.key())
    event = yield from b.one()
    if not event.flags & FLAG_CLOCK_SET:
        raise Failed(f"the clock was set, the event's flags {event.flags:02X} do not say so")


def clock_unset(b: Rk1Bench) -> Play:
    """After a boot without a battery nobody claims that the clock is set."""
    yield from b.fresh()
    yield from b.set_clock(b.time())
    yield from b.power_cycle()
    yield from b.press(b.key())
    event = yield from b.one()
    state = yield from b.state()
    if event.flags & FLAG_CLOCK_SET or not state.status & STATUS_CLOCK_NOT_SET:
        raise Failed(
            f"the supply was off and there is no battery: flags {event.flags:02X} and status {state.status:04X} "
            "say that the clock is set"
        )


def clock_battery(b: Rk1Bench) -> Play:
    """With a battery it goes on."""
    yield from b.fresh()
    time = b.time()
    yield from b.set_clock(time)
    yield from b.power_cycle()
    found = yield from b.clock()
    state = yield from b.state()
    if not time * 1000 < found < (time + 600) * 1000 or state.status & STATUS_CLOCK_NOT_SET:
        raise Failed(f"the clock was {time} s before the supply went off, and {found} ms afterwards, with a battery")


def frozen(b: Rk1Bench) -> Play:
    """Another clerk, another window, another time: the event stays."""
    yield from b.fresh()
    yield from b.window(two_words(b)[0], 600)
    yield from b.press(b.key())
    before = yield from b.one()
    for change in (b.put(_CLERK, two_words(b)[0]), b.window(two_words(b)[1], 600), b.set_clock(b.time())):
        yield from change
        after = yield from b.one()
        if after != before:
            names = [name for name, old, new in zip(Event._fields, before, after, strict=True) if old != new]
            raise Failed(f"a waiting event changed in {', '.join(names)} when something else was written")


# -- guarantee 5 ------------------------------------------------------------------------------------------------------
def values(b: Rk1Bench) -> Play:
    """Each key once."""
    yield from b.fresh()
    for key in range(1, b.keys + 1):
        yield from b.press(key)
        event = yield from b.one()
        if event.value != key:
            raise Failed(f"key {key} was pressed, the event says {event.value}")
        yield from b.acknowledge(event)


def hold(b: Rk1Bench) -> Play:
    """A key held for 3 s."""
    yield from b.fresh()
    yield from b.press(b.key(), 3 * SECOND)
    yield from count_is(b, 1, "one key was pressed once and held for 3 s")


def count_is(b: Rk1Bench, wanted: int, what: str) -> Doing:
    """So many events wait."""
    state = yield from b.state()
    if state.waiting != wanted:
        raise Failed(f"{what}: {state.waiting} events wait, {wanted} expected")


def two_keys(b: Rk1Bench) -> Play:
    """Two keys 20 ms apart: the first. A person's fingers are not so exact: either, then."""
    yield from b.fresh()
    one, other = 1, 2
    text = f"press keys {one} and {other} together, {one} a moment earlier"
    yield from b.operator("press_two", one, other, text=text)
    yield Wait(SECOND, "the keys are up again")
    yield from count_is(b, 1, f"keys {one} and {other} were pressed within 50 ms")
    event = yield from b.one()
    if event.value != one and (b.virtual or event.value != other):
        raise Failed(f"keys {one} and {other} were pressed within 50 ms, the event says {event.value}")


def bounce(b: Rk1Bench) -> Play:
    """A contact that opens and closes again within 30 ms."""
    yield from b.fresh()
    key = b.key()
    yield from b.operator("bounce", key, text=f"press key {key} once, slowly, so that its contact bounces")
    yield Wait(SECOND, "the key is up again")
    yield from count_is(b, 1, "a contact bounced for 20 ms")


def repeat(b: Rk1Bench) -> Play:
    """Two presses in one window."""
    yield from b.fresh()
    yield from b.window(two_words(b)[0], 600)
    yield from b.presses(b.key(), b.key())
    flags = [event.flags & FLAG_REPEAT for event in (yield from b.fetch(2))]
    if flags != [0, FLAG_REPEAT]:
        raise Failed(
            f"two presses in one window: flag repeat is {[int(bool(flag)) for flag in flags]}, [0, 1] expected"
        )


def repeat_new_window(b: Rk1Bench) -> Play:
    """A press in each of two windows."""
    yield from b.fresh()
    for ticket in two_words(b):
        yield from b.window(ticket, 600)
        yield from b.press(b.key())
    second = (yield from b.fetch(2))[1]
    if second.flags & FLAG_REPEAT:
        raise Failed("the first press in a second window carries the flag repeat")


def unsolicited(b: Rk1Bench) -> Play:
    """One press inside, one outside."""
    yield from b.fresh()
    yield from b.window(two_words(b)[0], 600)
    yield from b.press(b.key())
    yield from b.put(0x0012, 0)
    yield from b.press(b.key())
    flags = [event.flags & FLAG_UNSOLICITED for event in (yield from b.fetch(2))]
    if flags != [0, FLAG_UNSOLICITED]:
        raise Failed(f"a press in a window and one outside: flag unsolicited is {flags}, [0, 1] expected")


def policy(b: Rk1Bench) -> Play:
    """Policy 0: outside no event, inside one."""
    yield from b.fresh()
    yield from b.put(0x0015, 0)
    yield from b.press(b.key())
    state = yield from b.state()
    yield from b.window(two_words(b)[0], 600)
    yield from b.press(b.key())
    inside = yield from b.state()
    yield from b.put(0x0015, 1)
    if state.waiting:
        raise Failed(f"by policy 0 a press outside a window makes no event; {state.waiting} wait")
    if inside.waiting != 1:
        raise Failed(f"by policy 0 a press in a window makes an event; {inside.waiting} wait")


def expires(b: Rk1Bench) -> Play:
    """A window of 2 s, a press after 3."""
    yield from b.fresh()
    yield from b.window(two_words(b)[0], 2)
    yield Wait(3 * SECOND, "the window's time goes by")
    yield from b.press(b.key())
    event = yield from b.one()
    if event.ticket or not event.flags & FLAG_UNSOLICITED:
        raise Failed(
            f"the window of 2 s was over for 1 s, the event says ticket {event.ticket}, flags {event.flags:02X}"
        )


# -- guarantee 7 ------------------------------------------------------------------------------------------------------
def block_whole(b: Rk1Bench) -> Play:
    """Registers of the second of two events, one by one and together."""
    yield from b.fresh()
    for ticket in two_words(b):
        yield from b.window(ticket, 600)
        yield from b.press(b.key())
    whole = (yield from b.fetch(2))[1].words()
    start = 0x0100 + EVENT_WORDS
    for at, wanted in enumerate(whole):
        (found,) = yield from b.registers(start + at, 1, 4)
        if found != wanted:
            raise Failed(f"register 0x{start + at:04X} reads {wanted:04X} in its block and {found:04X} alone")


def fifteen(b: Rk1Bench) -> Play:
    """Fifteen blocks in one request, consecutive."""
    yield from b.fresh()
    yield from b.press_many(MOST_BLOCKS)
    state = yield from b.state()
    if state.waiting != MOST_BLOCKS:
        raise Lost(f"{MOST_BLOCKS} events should wait, it is {state.waiting}")
    blocks = yield from b.blocks(MOST_BLOCKS)
    found = [event.sequence for event in blocks if event]
    if (len(found), found[:1], found[-1:]) != (MOST_BLOCKS, [state.oldest], [state.newest]):
        raise Failed(f"{MOST_BLOCKS} events wait from {state.oldest}, one reading of all blocks tells {len(found)}")


def empty_blocks(b: Rk1Bench) -> Play:
    """Beyond one event, and in an empty queue."""
    yield from b.fresh()
    for waiting in (0, 1):
        if waiting:
            yield from b.press(b.key())
        words = yield from b.registers(0x0100, 3 * EVENT_WORDS, 4)
        beyond = words[waiting * EVENT_WORDS :]
        if any(word != 0xFFFF for word in beyond):
            raise Failed(f"{waiting} events wait, and the blocks beyond read {beyond[0]:04X} .., FFFF expected")


def _case(slug: str, primary: str, title: str, run: Any, applies: str = "", cost: int = 20) -> Case:
    return Case(f"rk1.dev.{slug}", 1, f"RK1-{primary}", title, run, applies=applies, needs="operator", cost=(cost, 0))


_TWO = "depth >= 2"

CASES = (
    _case("clerk-at-press", "4-R1", "The clerk of the press stands in the event", clerk_at_press, _TWO),
    _case("clerk-card", "4-R2", "A card logs its clerk in", card, "card"),
    _case("ticket-at-press", "4-R3", "The ticket of the press stands in the event", ticket_at_press, _TWO),
    _case("ticket-none", "4-R4", "Without a window the ticket is 0", ticket_none),
    _case("time-at-press", "4-R5", "The time of the press stands in the event", time_at_press),
    _case("clock-flag", "4-R6", "Events after the clock was set say so", clock_flag),
    _case(
        "clock-unset", "4-R7", "Without a battery the clock is not set after power-up", clock_unset, "not clock_battery"
    ),
    _case("clock-battery", "4-R9", "With a battery the clock goes on", clock_battery, "clock_battery"),
    _case("event-frozen", "4-R8", "A waiting event does not change", frozen),
    _case("key-values", "5-R1", "The value is the key", values),
    _case("hold-once", "5-R2", "A key held makes one event", hold),
    _case("two-keys", "5-R3", "Of two keys the first counts", two_keys, "keys >= 2 and depth >= 2"),
    _case("repeat-flag", "5-R4", "The second press in a window says repeat", repeat, _TWO),
    _case("unsolicited-flag", "5-R5", "A press outside a window says so", unsolicited, _TWO),
    _case("policy-ignore", "5-R6", "Policy 0 ignores presses outside a window", policy),
    _case("bounce", "5-R7", "A bouncing contact makes one event", bounce, _TWO),
    _case("window-expires", "5-R8", "A window closes when its time is over", expires),
    _case("repeat-new-window", "5-R9", "Another window begins without repeat", repeat_new_window, _TWO),
    _case("block-whole", "7-R1", "Everything about a press stands in its block", block_whole, _TWO),
    _case("fifteen-blocks", "7-R2", "Fifteen events in one request", fifteen, "depth >= 15"),
    _case("blocks-empty", "7-R3", "Blocks without an event read 0xFFFF", empty_blocks),
)

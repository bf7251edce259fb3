"""Rating keypad RK-1: no press is lost silently, reading never removes, order and wrap (guarantees 1 to 3)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

from bench.compliance.case import Case, Failed, Lost
from bench.compliance.rk1_bench import Doing, Reading, Rk1Bench, State, ack
from bench.compliance.steps import Play
from protocol.modbus.maps.reference_keypad import FLAG_OVERFLOWED, STATUS_OVERFLOW

__all__ = ["CASES"]

_LOST: Final = 3
"""Events that overflow cases press beyond the depth."""


# -- guarantee 1 ------------------------------------------------------------------------------------------------------
def sequence_consecutive(b: Rk1Bench) -> Play:
    """Numbers follow one another."""
    yield from b.fresh()
    yield from b.presses(b.key(), b.key(), b.key(), b.key())
    numbers = [event.sequence for event in (yield from b.fetch(4))]
    if any((after - before) & 0xFFFF != 1 for before, after in pairwise(numbers)):
        raise Failed(f"four presses in a row have the numbers {', '.join(map(str, numbers))}")


def every_press_waits(b: Rk1Bench) -> Play:
    """The count of waiting events grows by one with each press."""
    yield from b.fresh()
    for pressed in range(1, min(3, b.depth) + 1):
        yield from b.press(b.key())
        state = yield from b.state()
        if state.waiting != pressed:
            raise Failed(f"after {pressed} presses {state.waiting} events wait")


def depth_held(b: Rk1Bench) -> Play:
    """As many presses as declared are held, and none is lost."""
    yield from b.fresh()
    yield from b.press_many(b.depth)
    state = yield from b.state()
    if state.waiting != b.depth or state.lost:
        raise Failed(f"after {b.depth} presses {state.waiting} wait and {state.lost} are told lost; {b.depth} declared")


def overflowed(b: Rk1Bench) -> Doing:
    """A full queue and three presses more."""
    yield from b.fresh()
    yield from b.press_many(b.depth + _LOST)


def must_be_full(b: Rk1Bench, state: State) -> None:
    """After more presses than fit the queue is full; else there was no overflow to judge.

    Raises:
        Lost: it is not.
    """
    if state.waiting != b.depth:
        raise Lost(f"{b.depth + _LOST} presses, and {state.waiting} events wait; {b.depth} is the depth declared")


def drops_oldest(b: Rk1Bench) -> Play:
    """What waits after an overflow are the newest."""
    yield from b.fresh()
    yield from b.press(1)
    first = yield from b.one()
    yield from b.drain()
    yield from b.press_many(b.depth + _LOST)
    state = yield from b.state()
    must_be_full(b, state)
    wanted = (first.sequence + 1 + _LOST) & 0xFFFF
    if state.oldest != wanted:
        raise Failed(f"after {_LOST} losses the oldest event waiting is {state.oldest}, {wanted} expected")


def overflow_flag(b: Rk1Bench) -> Play:
    """The flag is off before, and on after a loss."""
    yield from b.fresh()
    state = yield from b.state()
    if state.status & STATUS_OVERFLOW:
        raise Failed("the overflow flag stands although nothing was lost since it was acknowledged")
    yield from b.press_many(b.depth + _LOST)
    state = yield from b.state()
    must_be_full(b, state)
    if not state.status & STATUS_OVERFLOW:
        raise Failed(f"{_LOST} events were lost, and the overflow flag does not stand (status {state.status:04X})")


def lost_count(b: Rk1Bench) -> Play:
    """The count tells the number lost."""
    yield from overflowed(b)
    state = yield from b.state()
    must_be_full(b, state)
    if state.lost != _LOST:
        raise Failed(f"{_LOST} events were lost, the lost-count says {state.lost}")


def lost(b: Rk1Bench) -> Doing:
    """An overflow that is told; else the premise is lost."""
    yield from overflowed(b)
    state = yield from b.state()
    if state.lost != _LOST or not state.status & STATUS_OVERFLOW:
        raise Lost(f"{_LOST} events should be told lost, it is {state.lost}")


def loss_stays(b: Rk1Bench) -> Play:
    """Reading it, and acknowledging events, change nothing."""
    yield from lost(b)
    (event,) = yield from b.blocks(1)
    if event is None:
        raise Lost("events wait, and their blocks read empty")
    yield from b.acknowledge(event)
    state = yield from b.state()
    if state.lost != _LOST or not state.status & STATUS_OVERFLOW:
        raise Failed(
            f"nobody acknowledged the {_LOST} losses, and they read {state.lost}, status {state.status:04X} after an "
            "event was acknowledged"
        )


def lost_ack_exact(b: Rk1Bench) -> Play:
    """Two of three acknowledged leave one; then none."""
    yield from lost(b)
    for subtracted, left in ((2, 1), (1, 0)):
        yield from b.put(2, subtracted)
        state = yield from b.state()
        if state.lost != left:
            raise Failed(f"{subtracted} losses acknowledged: {state.lost} stand, {left} expected")
        if bool(state.status & STATUS_OVERFLOW) != bool(left):
            raise Failed(f"{left} losses stand, and the overflow flag is {int(not left)}")


def lost_ack_many(b: Rk1Bench) -> Play:
    """More than stand are refused."""
    yield from lost(b)
    yield from b.refused(b"\x06\x00\x02\x00" + bytes((_LOST + 2,)), 3, what="acknowledging more losses than stand")
    state = yield from b.state()
    if state.lost != _LOST:
        raise Failed(f"a refused acknowledgement of losses changed the count to {state.lost}")


def power_keeps_queue(b: Rk1Bench) -> Play:
    """Events are there after a loss of supply, as they were."""
    yield from b.fresh()
    yield from b.presses(b.key(), b.key())
    before = yield from b.fetch(2)
    yield from b.power_cycle()
    state = yield from b.state()
    blocks = yield from b.blocks(2)
    if state.waiting != 2 or [event.value for event in blocks if event] != [event.value for event in before]:
        raise Failed(f"two events waited when the supply went; {state.waiting} wait afterwards")


def power_keeps_lost(b: Rk1Bench) -> Play:
    """So is the lost-count."""
    yield from lost(b)
    yield from b.power_cycle()
    state = yield from b.state()
    if state.lost != _LOST:
        raise Failed(f"{_LOST} losses stood when the supply went, {state.lost} stand afterwards")


def power_keeps_ack(b: Rk1Bench) -> Play:
    """A repetition of the last acknowledgement is accepted after a loss of supply."""
    yield from b.fresh()
    yield from b.press(b.key())
    event = yield from b.one()
    yield from b.acknowledge(event)
    yield from b.power_cycle()
    yield from b.accepted(ack(event.epoch, event.sequence), "the last acknowledgement, repeated after a boot,")


def event_overflow_flag(b: Rk1Bench) -> Play:
    """Bit 3 of an event's flags: not before, then while losses stand, then not."""
    yield from b.fresh()
    yield from b.press(1)
    if (yield from b.one()).flags & FLAG_OVERFLOWED:
        raise Failed("nothing was lost, and the event says that the queue had overflowed")
    yield from b.drain()
    yield from lost(b)
    state = yield from b.state()
    while state.waiting > _LOST:
        blocks = [event for event in (yield from b.blocks(min(10, state.waiting - 1))) if event]
        if not blocks:
            raise Lost("events wait, and their blocks read empty")
        yield from b.acknowledge(blocks[-1])
        left, state = state.waiting, (yield from b.state())
        if state.waiting >= left:
            raise Lost("an acknowledgement freed nothing")
    events = [event for event in (yield from b.blocks(max(state.waiting, 1))) if event]
    if not events:
        raise Lost("the last event is gone before it was looked at")
    if not events[-1].flags & FLAG_OVERFLOWED:
        raise Failed("the last event was queued after a loss, and does not say that the queue had overflowed")


# -- guarantee 2 ------------------------------------------------------------------------------------------------------
def read_keeps(b: Rk1Bench) -> Play:
    """The same blocks three times."""
    yield from b.fresh()
    yield from b.presses(b.key(), b.key(), b.key())
    first = yield from b.fetch(3)
    for _ in range(2):
        again = yield from b.blocks(3)
        if again != first:
            raise Failed("the event blocks read again, without an acknowledgement, are not what they were")
    state = yield from b.state()
    if state.waiting != 3:
        raise Failed(f"three events were read and not acknowledged; {state.waiting} wait")


def fifo_keeps(b: Rk1Bench) -> Play:
    """The FIFO view twice, and the count stays."""
    yield from b.fresh()
    yield from b.presses(b.key(), b.key())
    yield from b.fetch(2)
    first = yield from b.good(b"\x18\x01\x00")
    again = yield from b.good(b"\x18\x01\x00")
    state = yield from b.state()
    if again.pdu != first.pdu or state.waiting != 2:
        raise Failed(f"the FIFO view read twice: {state.waiting} events wait, two were pressed", again.heard)


def ack_exact(b: Rk1Bench) -> Play:
    """Of four the second is acknowledged: two are left."""
    yield from b.fresh()
    yield from b.presses(b.key(), b.key(), b.key(), b.key())
    events = yield from b.fetch(4)
    yield from b.acknowledge(events[1])
    state = yield from b.state()
    if (state.waiting, state.oldest) != (2, events[2].sequence):
        raise Failed(
            f"event {events[1].sequence} of four acknowledged: {state.waiting} wait, the oldest is {state.oldest}; "
            f"2 from {events[2].sequence} expected"
        )


def half_acknowledged(b: Rk1Bench) -> Reading:
    """Three presses, the first two acknowledged one after the other; one waits."""
    yield from b.fresh()
    yield from b.presses(b.key(), b.key(), b.key())
    events = yield from b.fetch(3)
    yield from b.acknowledge(events[0])
    yield from b.acknowledge(events[1])
    state = yield from b.state()
    if state.waiting != 1:
        raise Lost(f"two of three events were acknowledged, {state.waiting} wait")
    return events


def ack_repeat(b: Rk1Bench) -> Play:
    """The last one again."""
    events = yield from half_acknowledged(b)
    for _ in range(2):
        yield from b.accepted(ack(events[1].epoch, events[1].sequence), "the last acknowledgement, repeated,")
    yield from unchanged(b, events[2].sequence, "the last acknowledgement was repeated")


def ack_older(b: Rk1Bench) -> Play:
    """One before the last."""
    events = yield from half_acknowledged(b)
    yield from b.accepted(ack(events[0].epoch, events[0].sequence), "an acknowledgement older than the last")
    yield from unchanged(b, events[2].sequence, "an older acknowledgement came late")


def ack_future(b: Rk1Bench) -> Play:
    """A number that no event had yet."""
    events = yield from half_acknowledged(b)
    beyond = events[2].sequence + b.rng.randint(1, 200)
    yield from b.refused(ack(events[2].epoch, beyond), 3, what="acknowledging an event that never was")
    yield from unchanged(b, events[2].sequence, "an acknowledgement was refused")


def ack_epoch(b: Rk1Bench) -> Play:
    """The right number in an epoch to come."""
    events = yield from half_acknowledged(b)
    later = events[2].epoch + b.rng.randint(1, 200)
    yield from b.refused(ack(later, events[2].sequence), 3, what="acknowledging in an epoch to come")
    yield from unchanged(b, events[2].sequence, "an acknowledgement was refused")


def ack_single(b: Rk1Bench) -> Play:
    """FC 0x06 on either register."""
    events = yield from half_acknowledged(b)
    epoch, sequence = events[2].epoch.to_bytes(2, "big"), events[2].sequence.to_bytes(2, "big")
    yield from b.refused(b"\x06\x00\x00" + epoch, 3, what="FC 0x06 on the epoch of the acknowledgement")
    yield from b.refused(b"\x06\x00\x01" + sequence, 3, what="FC 0x06 on the sequence of the acknowledgement")
    yield from unchanged(b, events[2].sequence, "half an acknowledgement was refused")


def unchanged(b: Rk1Bench, oldest: int, why: str) -> Doing:
    """One event waits, and it is this one."""
    state = yield from b.state()
    if (state.waiting, state.oldest) != (1, oldest):
        raise Failed(f"{why}, and {state.waiting} wait from {state.oldest}; 1 from {oldest} expected")


def ack_reads_back(b: Rk1Bench) -> Play:
    """The registers tell the last one that freed something."""
    events = yield from half_acknowledged(b)
    yield from b.holds(0, (events[1].epoch, events[1].sequence), "the acknowledgement reads back")


def ack_older_epoch(b: Rk1Bench) -> Play:
    """Two from before a boot and one after it: the second of before is acknowledged."""
    yield from b.fresh()
    yield from b.presses(b.key(), b.key())
    yield from b.fetch(2)
    yield from b.power_cycle()
    yield from b.press(b.key())
    events = yield from b.fetch(3)
    yield from b.accepted(ack(events[1].epoch, events[1].sequence), "an event of the epoch before, which waits,")
    state = yield from b.state()
    if state.waiting != 1:
        raise Failed(f"an event of the epoch before was acknowledged, two with it are to go; {state.waiting} of 3 wait")


def across_wrap(b: Rk1Bench) -> Play:
    """Numbers 65534, 65535, 0, 1: acknowledging 65535 leaves two, 0 leaves one, 65534 again changes nothing."""
    yield from b.fresh()
    yield from b.sequence_near(0xFFFE)
    yield from b.press_many(4)
    events = yield from b.fetch(4)
    for number, left in ((1, 2), (2, 1), (0, 1)):
        yield from b.accepted(ack(events[number].epoch, events[number].sequence), f"event {events[number].sequence}")
        state = yield from b.state()
        if state.waiting != left:
            raise Failed(f"event {events[number].sequence} acknowledged: {state.waiting} wait, {left} expected")


# -- guarantee 3 ------------------------------------------------------------------------------------------------------
def numbers_from(first: int) -> Any:
    """A case: three presses have these numbers."""

    def run(b: Rk1Bench) -> Play:
        yield from b.fresh()
        yield from b.sequence_near(first)
        yield from b.press_many(3)
        found = [event.sequence for event in (yield from b.fetch(3))]
        wanted = [(first + n) & 0xFFFF for n in range(3)]
        if found != wanted:
            raise Failed(f"presses from number {first} on have {found}, {wanted} expected")

    return run


def boot_sequence(b: Rk1Bench) -> Play:
    """The first press after a boot has number 0."""
    yield from b.fresh()
    yield from b.press(b.key())
    yield from b.power_cycle()
    yield from b.drain()
    yield from b.press(b.key())
    event = yield from b.one()
    if event.sequence:
        raise Failed(f"the first press after a boot has number {event.sequence}")


def boot_epoch(b: Rk1Bench) -> Play:
    """One more after each of two boots."""
    before = yield from b.state()
    for boots in (1, 2):
        yield from b.power_cycle()
        state = yield from b.state()
        if state.epoch != (before.epoch + boots) & 0xFFFF:
            raise Failed(f"epoch {before.epoch} before, {state.epoch} after {boots} boot(s)")


def oldest_first(b: Rk1Bench) -> Play:
    """Values stand in the order of the presses."""
    yield from b.fresh()
    keys = [1, 2, b.keys, 1]
    yield from b.presses(*keys)
    values = [event.value for event in (yield from b.fetch(4))]
    if values == keys[::-1]:
        raise Failed(f"keys {keys} were pressed, the blocks say {values}: newest first")
    if values != keys:
        raise Lost(f"keys {keys} were pressed, the blocks say {values}")


def event_keeps_number(b: Rk1Bench) -> Play:
    """Epoch and number of a waiting event are the same after a boot."""
    yield from b.fresh()
    yield from b.press(b.key())
    before = yield from b.one()
    yield from b.power_cycle()
    after = yield from b.one()
    if after[:2] != before[:2]:
        raise Failed(f"event {before[:2]} reads as {after[:2]} after a boot")


def _case(
    slug: str, primary: str, title: str, run: Any, applies: str = "", cost: int = 20, also: tuple[str, ...] = ()
) -> Case:
    return Case(
        f"rk1.dev.{slug}",
        1,
        f"RK1-{primary}",
        title,
        run,
        also=also,
        applies=applies,
        needs="operator",
        cost=(cost, 0),
    )


_FEW: Final = "depth >= 4"

CASES: Final = (
    _case("press-numbered", "1-R1", "Presses have consecutive numbers", sequence_consecutive, _FEW),
    _case("press-waits", "1-R2", "Each press is one more event that waits", every_press_waits),
    _case("depth-held", "1-R3", "The declared depth is held", depth_held),
    _case("overflow-drops-oldest", "1-R4", "After an overflow the newest wait", drops_oldest, also=("RK1-8-R4",)),
    _case("overflow-flag", "1-R5", "The overflow flag tells a loss", overflow_flag),
    _case("overflow-count", "1-R6", "The lost-count tells the number lost", lost_count),
    _case("overflow-stays", "1-R7", "Losses stay told until they are acknowledged", loss_stays),
    _case("lost-ack-exact", "1-R8", "Acknowledging losses subtracts exactly", lost_ack_exact),
    _case("lost-ack-many", "1-R9", "More losses than stand are refused", lost_ack_many),
    _case("power-keeps-queue", "1-R10", "Events survive a loss of supply", power_keeps_queue, _FEW),
    _case("power-keeps-lost", "1-R11", "The lost-count survives a loss of supply", power_keeps_lost),
    _case("power-keeps-ack", "1-R12", "The last acknowledgement survives a loss of supply", power_keeps_ack),
    _case("event-after-loss", "1-R13", "Events after a loss say so", event_overflow_flag),
    _case("read-keeps", "2-R1", "Reading again gives the same events", read_keeps, _FEW),
    _case("fifo-keeps", "2-R2", "The FIFO view removes nothing", fifo_keeps, _FEW),
    _case("ack-exact", "2-R3", "An acknowledgement frees no newer event", ack_exact, _FEW),
    _case("ack-repeat", "2-R4", "A repeated acknowledgement is accepted without effect", ack_repeat, _FEW),
    _case("ack-older", "2-R5", "A late, older acknowledgement is accepted without effect", ack_older, _FEW),
    _case("ack-future", "2-R6", "Acknowledging what never was is refused", ack_future, _FEW),
    _case("ack-epoch", "2-R7", "Acknowledging in an epoch to come is refused", ack_epoch, _FEW),
    _case("ack-single", "2-R8", "FC 0x06 does not acknowledge", ack_single, _FEW),
    _case("ack-older-epoch", "2-R9", "An event of an earlier epoch can be acknowledged", ack_older_epoch, _FEW),
    _case("ack-reads-back", "2-R10", "The last acknowledgement reads back", ack_reads_back, _FEW),
    _case("ack-across-wrap", "2-R11", "Older and newer across the wrap", across_wrap, _FEW),
    _case("seq-wrap", "3-R1", "After 65535 comes 0", numbers_from(0xFFFE), _FEW),
    _case("seq-16-bit", "3-R2", "After 255 comes 256", numbers_from(0x00FE), _FEW),
    _case("boot-sequence", "3-R3", "The first press after a boot has number 0", boot_sequence),
    _case("boot-epoch", "3-R4", "Each boot is a new epoch", boot_epoch),
    _case("oldest-first", "3-R5", "Blocks stand oldest first", oldest_first, "depth >= 4 and keys >= 2"),
    _case("event-keeps-number", "3-R6", "A waiting event keeps its number over a boot", event_keeps_number),
)

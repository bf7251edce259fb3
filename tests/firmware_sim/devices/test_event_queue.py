"""The queue behind keypads: what an acknowledgement frees, what an overflow costs, what a boot keeps."""

from __future__ import annotations

import pytest

from firmware_sim.event_queue import EventQueue, QueueState, Refused
from protocol.modbus.maps.reference_keypad import FLAG_OVERFLOWED, Event


def queue_of(count: int, **kwargs: int) -> EventQueue:
    queue = EventQueue(**kwargs)
    for number in range(count):
        queue.put(1 + number % 5, flags=0, seconds=number, milliseconds=0)
    return queue


def sequences(queue: EventQueue) -> list[tuple[int, int]]:
    return [event[:2] for event in queue.waiting]


def test_an_acknowledgement_frees_the_named_event_and_all_older_ones_and_no_newer_one():
    """Guarantee 2: exactly the prefix that ends with the named event goes."""
    queue = queue_of(5)
    assert queue.acknowledge(1, 2) == 3
    assert sequences(queue) == [(1, 3), (1, 4)]


@pytest.mark.parametrize(("epoch", "sequence"), [(1, 2), (1, 0), (1, 65535), (0, 9), (65535, 3)])
def test_one_equal_to_or_older_than_the_last_is_accepted_and_changes_nothing(epoch: int, sequence: int):
    """Guarantee 2: a repeat after a lost reply is no error; epochs and sequences compare as serial numbers."""
    queue = queue_of(5)
    queue.acknowledge(1, 2)
    before = queue.state
    assert queue.acknowledge(epoch, sequence) == 0
    assert queue.state == before


@pytest.mark.parametrize(("epoch", "sequence"), [(1, 5), (1, 2 + 32768), (2, 0), (2, 3), (32769, 0)])
def test_anything_else_is_refused_without_effect(epoch: int, sequence: int):
    """Guarantee 2: what neither waits nor was acknowledged cannot be acknowledged."""
    queue = queue_of(5)
    queue.acknowledge(1, 2)
    before = queue.state
    with pytest.raises(Refused, match="neither waits nor was acknowledged"):
        queue.acknowledge(epoch, sequence)
    assert queue.state == before


def test_before_the_first_acknowledgement_nothing_is_old():
    """A fresh queue refuses what does not wait, instead of taking it for a repeat."""
    queue = queue_of(1)
    with pytest.raises(Refused, match="none yet"):
        queue.acknowledge(0, 0)
    assert sequences(queue) == [(1, 0)]


def test_events_of_an_older_epoch_are_freed_by_their_own_name_and_by_a_newer_one():
    """Guarantee 2: an acknowledgement may name a waiting event of any epoch; older epochs are older."""
    queue = queue_of(2)
    queue.boot()
    queue.put(5, flags=0, seconds=0, milliseconds=0)
    assert sequences(queue) == [(1, 0), (1, 1), (2, 0)]
    assert queue.acknowledge(1, 0) == 1
    assert queue.acknowledge(2, 0) == 2
    assert queue.acknowledge(1, 1) == 0, "older than the last given, by epoch"


def test_sequence_runs_to_65535_and_goes_on_at_0():
    """Guarantee 3: 16 bits, wrapping to 0, in order of the presses, and acknowledged across the wrap."""
    queue = queue_of(4, next_sequence=65534)
    assert sequences(queue) == [(1, 65534), (1, 65535), (1, 0), (1, 1)]
    assert queue.acknowledge(1, 0) == 3
    assert queue.acknowledge(1, 65535) == 0
    assert sequences(queue) == [(1, 1)]


def test_a_boot_counts_the_epoch_restarts_the_sequence_and_keeps_the_rest():
    """Guarantees 1 and 3: queue, lost-count and last acknowledgement are non-volatile; epoch 65535 is followed by 0."""
    queue = queue_of(4, depth=2, epoch=65535)
    queue.acknowledge(65535, 2)
    assert queue.boot() == 0
    assert queue.state == QueueState(2, 0, 0, queue.waiting, 2, (65535, 2))
    assert sequences(queue) == [(65535, 3)]
    queue.put(1, flags=0, seconds=0, milliseconds=0)
    assert sequences(queue) == [(65535, 3), (0, 0)]


def test_an_overflow_drops_the_oldest_and_counts_it():
    """Guarantee 1: the newest presses are kept, the dropped one is named, and later events say it happened."""
    queue = queue_of(3, depth=3)
    assert queue.lost == 0
    assert not any(event.flags & FLAG_OVERFLOWED for event in queue.waiting)
    queued = queue.put(5, flags=0, seconds=9, milliseconds=9)
    assert queued.dropped is not None
    assert queued.dropped[:2] == (1, 0)
    assert queued.event.flags & FLAG_OVERFLOWED
    assert (queue.lost, sequences(queue)) == (1, [(1, 1), (1, 2), (1, 3)])


def test_a_dropped_event_cannot_be_acknowledged_for_a_waiting_one():
    """An acknowledgement of what was dropped is refused: it must not be taken for a repeat."""
    queue = queue_of(4, depth=2)
    with pytest.raises(Refused):
        queue.acknowledge(1, 1)
    assert sequences(queue) == [(1, 2), (1, 3)]


def test_losses_are_acknowledged_by_their_number():
    """Guarantee 1: only as many as were read are subtracted; more than stand are refused."""
    queue = queue_of(7, depth=2)
    queue.acknowledge_lost(3)
    assert queue.lost == 2
    with pytest.raises(Refused, match="only 2"):
        queue.acknowledge_lost(3)
    assert queue.lost == 2
    queue.acknowledge_lost(2)
    queue.acknowledge(1, 6)
    assert not queue.put(1, flags=0, seconds=0, milliseconds=0).event.flags & FLAG_OVERFLOWED


def test_the_lost_count_stops_at_its_greatest_value():
    """16 bits do not wrap: 65536 losses never look like none."""
    full = queue_of(1, depth=1).state._replace(lost=65535)
    queue = EventQueue.from_state(full)
    queue.put(1, flags=0, seconds=0, milliseconds=0)
    assert queue.lost == 65535


def test_the_memory_as_data_goes_on_where_it_stood():
    """`state` is all there is: a queue made from it behaves as the one it was taken from."""
    queue = queue_of(5, depth=4)
    queue.acknowledge(1, 2)
    twin = EventQueue.from_state(queue.state)
    for one in (queue, twin):
        one.put(4, flags=0, seconds=1, milliseconds=2, clerk=3, ticket=4)
        one.acknowledge(1, 3)
    assert twin.state == queue.state
    assert twin.words() == queue.words()


def test_a_memory_that_cannot_be_is_refused():
    """More events than the depth, depths and numbers out of range are mistakes of the caller."""
    with pytest.raises(ValueError, match="cannot wait"):
        EventQueue.from_state(queue_of(3).state._replace(depth=2))
    for kwargs in ({"depth": 0}, {"depth": 32769}, {"epoch": 65536}, {"next_sequence": -1}):
        with pytest.raises(ValueError):
            EventQueue(**kwargs)


def test_blocks_hold_fifteen_events_and_read_ffff_beyond_the_last():
    """Eight registers each, oldest first; what stands in no event is 0xFFFF."""
    queue = queue_of(2)
    assert queue.words()[:8] == (1, 0, 0x0001, 0, 0, 0, 0, 0)
    assert queue.words()[8:16] == (1, 1, 0x0002, 0, 1, 0, 0, 0)
    assert set(queue.words()[16:]) == {0xFFFF}
    assert len(queue.words()) == 120
    assert queue_of(20).words()[-8:] == (1, 14, 0x0005, 0, 14, 0, 0, 0)


def test_the_fifo_view_has_thirty_one_words_of_sequence_and_value():
    """Low 12 bits of the sequence x 16 + value."""
    assert queue_of(0).fifo() == ()
    assert queue_of(2, next_sequence=0x1FFF).fifo() == (0xFFF1, 0x0002)
    assert len(queue_of(40).fifo()) == 31


def test_an_event_is_read_back_from_its_block_as_it_was():
    """The codec of a block loses nothing; an empty block is no event; a short one is an error."""
    event = Event(65535, 32768, 0x0F, 15, 0xFFFFFFFF, 999, 65535, 1)
    assert Event.parse(event.words()) == event
    assert event.at_ms == 0xFFFFFFFF * 1000 + 999
    assert Event.parse((0xFFFF,) * 8) is None
    with pytest.raises(ValueError, match="8 registers"):
        Event.parse((0,) * 7)

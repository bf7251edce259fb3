"""The reply is lost at 10:40: what the keypad told is asked again, and stored once."""

import pytest


@pytest.mark.parametrize("function", [0x04, 0x10], ids=["the events", "the acknowledgement's"])
def test_the_reply_is_lost_at_1040(hall, collector, database, function):
    lost = hall.fault("lose", where="reply", unit=3, function=function, after="10:40", nth=2 if function == 0x04 else 1)
    hall.run_until("10:40")
    hall.keypad(3).press(5)
    hall.run_for(30)

    assert [hit.frame.data[:2] for hit in lost.hits] == [bytes([3, function])]
    hall.verdict(records=database).must_hold()


@pytest.mark.parametrize("fault", ["bit_flip", "garble", "truncate"])
def test_the_reply_is_damaged(hall, collector, database, fault):
    hall.fault(fault, where="reply", unit=3, after="10:40", count=3)
    hall.run_until("10:40")
    hall.keypad(3).press(5)
    hall.run_for(30)

    hall.verdict(records=database).must_hold()

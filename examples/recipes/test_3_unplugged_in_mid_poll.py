"""The keypad is unplugged in the middle of its reply, and plugged in again: the press that it kept is not lost."""


def test_the_keypad_is_unplugged_in_mid_poll(hall, collector, database):
    hall.run_until("10:40")
    keypad = hall.keypad(3)
    press = keypad.press(5)
    hall.line("keypads").expect(unit=3, function=0x04, address=0x0100, within=5)  # its events are asked for
    hall.run_for(0.010)  # some characters of the reply have left
    hall.fault("unplug", device=keypad.name, for_s=20)
    hall.run_for(20)
    assert press.acked is None

    hall.run_for(10)  # with power again it has a new boot epoch, and the old event
    assert press.acked is not None
    hall.verdict(records=database).must_hold()

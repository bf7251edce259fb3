"""Two presses 50 ms apart: of one key both count, of two keys only the first, whatever the collector was doing."""


def test_one_key_twice_50_ms_apart(hall, collector, database):
    hall.run_until("10:40")
    keypad = hall.keypad(3)
    assert keypad.press(5)
    hall.run_for(0.050)
    assert keypad.press(5)
    hall.run_for(10)

    verdict = hall.verdict(records=database)
    verdict.must_hold()
    assert verdict.counts["recorded"] == 2


def test_two_keys_50_ms_apart(hall, collector, database):
    hall.run_until("10:40")
    keypad = hall.keypad(3)
    assert keypad.press(5)
    hall.run_for(0.050)
    assert keypad.press(1) is None  # a hand that slips is not a second opinion
    hall.run_for(10)

    verdict = hall.verdict(records=database)
    verdict.must_hold()
    assert verdict.counts["recorded"] == 1

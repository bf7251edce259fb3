"""The clock of the collector jumps by a day: the instants of the ratings are the keypads', and stay right."""

import sqlite3

import pytest


@pytest.mark.parametrize("days", [1, -1], ids=["on", "back"])
def test_the_clock_of_the_collector_jumps(hall, collector, database, days):
    hall.run_until("10:40")
    hall.keypad(2).press(4)
    hall.run_for(10)
    hall.fault("clock_jump", seconds=86_400 * days)
    hall.keypad(3).press(5)
    hall.run_for(10)

    with sqlite3.connect(database) as db:
        before, after = (row[0] for row in db.execute("SELECT stored_at FROM ratings ORDER BY rowid"))
    assert abs(after - before - 86_400 * days) < 20  # its own clock did jump
    hall.verdict(records=database).must_hold()

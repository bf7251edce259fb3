"""The collector is killed between its commit and the acknowledgement: the rating is offered again, and stored once."""

import sqlite3


def test_killed_between_commit_and_acknowledge(hall, program, collector, database):
    hall.fault("kill", function=0x10)  # as it sends the acknowledgement, which never leaves
    hall.run_until("10:40")
    press = hall.keypad(3).press(5)
    hall.wait_for(lambda: not collector.alive, timeout=10)
    assert collector.exit.how == "killed"
    with sqlite3.connect(database) as db:
        assert db.execute("SELECT value FROM ratings").fetchall() == [(5,)]  # it was committed ...
    assert press.acked is None  # ... and the keypad still has it

    hall.run_for(60)
    hall.start(program, "/dev/ttyUSB0", database)  # the service manager starts it again
    hall.run_for(10)

    assert press.acked is not None
    hall.verdict(records=database).must_hold()

"""What the recipes share: the program under test, its database, and a hall that stands at 10:39."""

from pathlib import Path

import pytest


@pytest.fixture
def program():
    """The program under test: put yours here."""
    return Path(__file__).parents[1] / "collector.py"


@pytest.fixture
def hall_start():
    return "10:39"


@pytest.fixture
def database(tmp_path):
    return tmp_path / "ratings.sqlite"


@pytest.fixture
def collector(hall, program, database):
    """The collector, running: it polls the four keypads whenever the test waits."""
    return hall.start(program, "/dev/ttyUSB0", database)

"""The people alone, with an office that makes mistakes: every visitor leaves exactly once, whatever devices show."""

from __future__ import annotations

from collections import Counter, deque
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.clock.clockwork import Clockwork
from bench.hall.counters import DONE, NEXT, NO_SHOW, PAUSE, RECALL, RESUME
from bench.hall.day import draw
from bench.hall.hall import Hall
from bench.scenario.load import load
from firmware_sim.device import NS, Note

SMALL = Path(__file__).parents[2] / "support" / "small.toml"
EIGHT, NINE = 8 * 3600 * NS, 9 * 3600 * NS


class Office:
    """Kiosk, printer, consoles and displays in one, with faults by the number of the ticket."""

    def __init__(self, text: str, folder: Path, seed: int = 3, faults: dict[int, str] | None = None) -> None:
        path = folder / "hall.toml"
        path.write_text(text, encoding="utf-8")
        self.scenario = load(path)
        self.clock = Clockwork(self.scenario.start)
        self.records: list[tuple[int, str, dict]] = []
        self.keys: list[tuple[int, str, int]] = []
        self.ended: list[int] = []
        self.faults = faults or {}
        self.issued = 0
        self.queue: deque[str] = deque()
        self.ready: deque[int] = deque()
        self.hall = Hall(
            self.clock,
            self.scenario,
            draw(self.scenario, seed),
            self.hands,
            lambda kind, facts: self.records.append((self.clock.now, kind, dict(facts))),
            lambda: self.ended.append(self.clock.now),
        )

    def run(self) -> None:
        self.hall.open()
        self.clock.advance_to(self.scenario.horizon)

    def later(self, seconds: float, fn, *args) -> None:
        self.clock.call_at(self.clock.now + round(seconds * NS), fn, *args)

    def shows(self, device: str, text: str) -> None:
        self.hall.on_note(device, self.clock.now, Note("shown", {"text": text}))

    def prints(self, ticket: str) -> None:
        self.hall.on_note("printer-1", self.clock.now, Note("printed", {"lines": [f"So {ticket}", "quay"]}))

    def hands(self, device: str, action: str, *args) -> None:
        if device.startswith("kiosk") and action == "press":
            self.issued += 1
            self.print(f"A{self.issued:03d}", self.faults.get(self.issued, ""))
        elif device.startswith("console") and action == "press":
            counter = int(device.rsplit("-", 1)[1])
            self.keys.append((self.clock.now, device, args[0]))
            self.later(0.5, self.key, counter, args[0])

    def print(self, ticket: str, fault: str) -> None:
        delay = {"late": 700.0, "slow": 20.0}.get(fault, 1.0)
        if fault != "lost":
            self.later(delay, self.prints, ticket)
        self.later(delay, self.join, ticket)

    def join(self, ticket: str) -> None:
        self.queue.append(ticket)
        self.serve()

    def serve(self) -> None:
        while self.queue and self.ready:
            counter = self.ready.popleft()
            self.shows(f"display-{counter}", self.queue.popleft())

    def key(self, counter: int, key: int) -> None:
        if key == NEXT and counter not in self.ready:
            self.ready.append(counter)
            self.serve()
        elif key in (DONE, NO_SHOW):
            self.shows(f"display-{counter}", "")
        elif key == PAUSE and counter in self.ready:
            self.ready.remove(counter)

    def of(self, kind: str) -> list[tuple[int, dict]]:
        return [(at, facts) for at, k, facts in self.records if k == kind]

    def must_have_let_each_leave_once(self) -> None:
        came = [facts["visitor"] for _, facts in self.of("arrive")]
        left = Counter(facts["visitor"] for _, facts in self.of("leaves"))
        assert left == Counter(came)
        assert len(self.ended) == 1
        assert self.ended[0] >= NINE


ONE = 'clerk = "C02"\nerrands = ["certified copy"]\n'
BOTH = 'clerk = "C02"\nerrands = ["certified copy", "birth certificate"]\n'
TEXT = SMALL.read_text(encoding="utf-8").replace(ONE, BOTH)  # the office here calls anybody anywhere
SEND_HOME = TEXT.replace("horizon_minutes = 30", 'horizon_minutes = 120\nafter_closing = "send_home"')
EMPTY = TEXT.replace("horizon_minutes = 30", "horizon_minutes = 120")


@given(
    st.integers(1, 50),
    st.dictionaries(st.integers(1, 12), st.sampled_from(["lost", "late", "slow"]), max_size=4),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_every_visitor_leaves_exactly_once(tmp_path_factory, seed, faults, sends_home, breaks):
    """Tickets that never come, come late, or come to somebody else; breaks; either kind of closing: nobody is left
    standing, nobody leaves twice, and the hall's end is told once."""
    text = SEND_HOME if sends_home else EMPTY
    if breaks:
        text = text.replace(
            'errands = ["certified copy"]\n', 'errands = ["certified copy"]\nbreaks = ["08:20-08:40"]\n'
        )
    office = Office(text, tmp_path_factory.mktemp("hall"), seed, faults)
    office.run()
    office.must_have_let_each_leave_once()


def test_two_who_hold_the_same_number_both_go(tmp_path):
    """A ticket printed twice, with the copy taken by the next visitor, leaves nobody waiting for ever."""
    office = Office(EMPTY, tmp_path)
    real = office.print

    def double(ticket, fault):
        real("A001" if ticket == "A002" else ticket, fault)

    office.print = double
    office.run()
    office.must_have_let_each_leave_once()
    taken = Counter(facts["ticket"] for _, facts in office.of("ticket_taken"))
    assert taken["A001"] == 2


def test_who_gets_a_ticket_after_closing_goes_home(tmp_path):
    """With send_home a visitor whose ticket comes out after closing is not kept waiting for a call."""
    office = Office(SEND_HOME, tmp_path)
    last = len(office.hall.day.visitors)
    office.faults[last] = "slow"
    object.__setattr__(office.hall.day.visitors[-1], "arrives", NINE - 5 * NS)
    office.run()
    office.must_have_let_each_leave_once()
    assert [facts["why"] for _, facts in office.of("leaves") if facts["visitor"] == last] == ["closed"]


def test_nobody_calls_after_closing_when_visitors_are_sent_home(tmp_path):
    """With send_home no clerk presses "next" after closing, also while others are still being served."""
    office = Office(SEND_HOME.replace("median = 3, p90 = 5", "median = 12, p90 = 20"), tmp_path)
    office.run()
    assert [at for at, _ in office.of("end") if at > NINE]
    assert not [row for row in office.keys if row[2] == NEXT and row[0] > NINE + NS]


def test_a_ticket_that_nobody_brings_is_given_up(tmp_path):
    """The clerk recalls once, gives the ticket up, and calls the next: a visitor who went home blocks nobody."""
    office = Office(EMPTY, tmp_path, faults={2: "late"})
    office.run()
    office.must_have_let_each_leave_once()
    pressed = [key for _, _, key in office.keys]
    assert pressed.count(NO_SHOW) == pressed.count(RECALL) == 1
    assert [facts["why"] for _, facts in office.of("leaves")].count("no ticket came") == 1


def test_a_break_that_begins_while_a_ticket_is_given_up(tmp_path):
    """Breaks wait for the no-show to be over, begin then, and end."""
    text = EMPTY.replace(BOTH, BOTH + 'breaks = ["08:20-08:40"]\n')
    for minute in range(16, 21):
        office = Office(text, tmp_path)
        # a call for nobody, so that recall and no-show fall around the beginning of the break
        office.clock.call_at(EIGHT + minute * 60 * NS, office.shows, "display-2", "A999")
        office.run()
        office.must_have_let_each_leave_once()
        breaks = [(at, key) for at, device, key in office.keys if device == "console-2" and key in (PAUSE, RESUME)]
        assert [key for _, key in breaks] == [PAUSE, RESUME, PAUSE]
        assert breaks[0][0] >= EIGHT + 1200 * NS
        assert breaks[1][0] >= EIGHT + 2400 * NS


def test_a_visitor_called_as_the_clerk_goes_on_a_break_is_served_after_it(tmp_path):
    """The call and the pause key cross: the visitor stands at the counter and is served when the clerk is back."""
    text = EMPTY.replace(BOTH, BOTH + 'breaks = ["08:20-08:40"]\n')
    office = Office(text, tmp_path)

    def lapse():
        if office.queue or 2 in office.ready:
            office.ready = deque(c for c in office.ready if c != 2)
            if office.queue:
                office.shows("display-2", office.queue.popleft())

    office.clock.call_at(EIGHT + 1200 * NS + 1, lapse)
    office.run()
    office.must_have_let_each_leave_once()


@pytest.mark.parametrize("missing", ["rating_keypad", "counter_display"])
def test_a_counter_may_lack_devices(tmp_path, missing):
    """Without a keypad nobody rates there; without a display the main board sends the visitors."""
    kept = [
        line for line in EMPTY.splitlines() if not (f'"{missing}"' in line and line.rstrip().endswith("counter = 2 },"))
    ]
    office = Office("\n".join(kept) + "\n", tmp_path)
    if missing == "counter_display":
        real = office.shows

        def shows(device, text):
            if device != "display-2":
                real(device, text)
            elif text:
                real("board-1", f"{text}  2")

        office.shows = shows
    office.run()
    office.must_have_let_each_leave_once()
    assert [facts for _, facts in office.of("start") if facts["counter"] == 2]

"""The queue office through real devices: from the kiosk's key to the rating, and what goes wrong on the way."""

from __future__ import annotations

import pytest

from firmware_sim.device import NS
from firmware_sim.event_queue import EventQueue


@pytest.fixture
def open_hall(hall, plans):
    """A hall whose clerks are logged in."""

    def make(**plan):
        rig = hall(plans["office"](**plan))
        rig.run(2)
        for n in (1, 2):
            rig.do(f"console-{n}", "log_in", n)
        rig.run(2)
        return rig

    return make


def press(rig, device, key, wait=2.0):
    rig.do(device, "press", key)
    rig.run(wait)


def shown(rig, device):
    found = rig.of("shown", device)
    return found[-1]["text"] if found else None


def test_a_visit_from_the_kiosk_to_the_rating(open_hall):
    """The whole flow: ticket, call, display, board, done, window, rating, row, acknowledgement."""
    rig = open_hall()
    press(rig, "kiosk-1", 2)
    press(rig, "console-1", 1)
    assert shown(rig, "display-1") == "B001"
    assert shown(rig, "board-1") == "B001 -> 1"
    press(rig, "console-1", 7)
    assert shown(rig, "display-1") == ""
    assert rig.of("window")[-1]["seconds"] == 15
    press(rig, "keypad-1", 5)
    (row,) = rig.records.of("ratings")
    assert (row["ticket"], row["clerk"], row["value"]) == ("B001", "C01", 5)
    story = [kind for kind in rig.kinds() if kind in {"ticket_issued", "call", "served", "row"}]
    assert story == ["ticket_issued", "call", "served", "row"]
    assert rig.of("call") == [{"ticket": "B001", "counter": 1, "clerk": "C01"}]
    assert [row["ticket"] for row in rig.records.of("calls")] == ["B001"]
    assert [row["errand"] for row in rig.records.of("tickets")] == ["Khai sinh"]


def test_tickets_are_numbered_by_letter(open_hall):
    """Each errand's letter counts for itself; a key that no errand stands behind is told and gives no ticket."""
    rig = open_hall()
    for key in (1, 2, 1, 1, 2, 3):
        press(rig, "kiosk-1", key)
    assert [facts["ticket"] for facts in rig.of("ticket_issued")] == ["A001", "B001", "A002", "A003", "B002"]
    assert [facts["value"] for facts in rig.of("ignored_event")] == [3]


def test_a_counter_calls_only_what_it_serves_and_who_waited_longest(open_hall):
    """The discipline decides, over the errands of the counter."""
    rig = open_hall()
    for key in (2, 1, 1):
        press(rig, "kiosk-1", key)
    for console in ("console-2", "console-1", "console-1"):
        press(rig, console, 1)
    calls = [(facts["ticket"], facts["counter"]) for facts in rig.of("call")]
    assert calls == [("A001", 2), ("B001", 1), ("A002", 1)]


def test_a_ready_counter_gets_the_next_ticket_it_can_serve_at_once(open_hall):
    """ "Next" on an empty queue is remembered; the counter that has been ready longest takes the newcomer."""
    rig = open_hall()
    press(rig, "console-2", 1)
    press(rig, "console-1", 1)
    press(rig, "kiosk-1", 2, wait=3)
    press(rig, "kiosk-1", 1, wait=3)
    calls = [(facts["ticket"], facts["counter"]) for facts in rig.of("call")]
    assert calls == [("B001", 1), ("A001", 2)]
    press(rig, "kiosk-1", 1, wait=3)
    assert len(rig.of("call")) == 2, "a counter that serves is not ready"


def test_each_call_is_on_its_display_and_board_soon(open_hall):
    """A call is shown within two seconds, the latest one on top."""
    rig = open_hall()
    for _ in range(4):
        press(rig, "kiosk-1", 1)
    for n in (1, 2, 1, 2):
        press(rig, f"console-{n}", 1)
    calls = [(at, facts) for name, at, kind, facts in rig.notes if kind == "call"]
    for at, facts in calls:
        display, board = f"display-{facts['counter']}", f"{facts['ticket']} -> {facts['counter']}"
        times = [
            t for name, t, kind, f in rig.notes if kind == "shown" and name == display and f["text"] == facts["ticket"]
        ]
        assert times
        assert 0 <= times[0] - at < 2 * NS
        times = [t for name, t, kind, f in rig.notes if kind == "shown" and f["text"] == board and f["row"] == 1]
        assert times
        assert 0 <= times[0] - at < 2 * NS
    assert rig.devices["board-1"].texts == ("A004 -> 2", "A003 -> 1")


def test_next_marks_the_current_one_served(open_hall):
    """A clerk who forgets "done" does not lose a ticket: the next call closes the one before, without a window."""
    rig = open_hall()
    for _ in range(2):
        press(rig, "kiosk-1", 1)
    press(rig, "console-1", 1)
    press(rig, "console-1", 1)
    assert rig.of("served") == [{"ticket": "A001", "counter": 1}]
    assert rig.of("window") == []
    press(rig, "console-1", 1)
    assert [facts["ticket"] for facts in rig.of("served")] == ["A001", "A002"]
    assert shown(rig, "display-1") == ""


def test_recall_shows_the_number_again(open_hall):
    """A recall darkens the display for a moment, and puts the call on top of the board again."""
    rig = open_hall()
    for _ in range(2):
        press(rig, "kiosk-1", 1)
    press(rig, "console-1", 1)
    press(rig, "console-2", 1)
    assert rig.devices["board-1"].texts[0] == "A002 -> 2"
    before = len(rig.notes)
    press(rig, "console-1", 2)
    texts = [(at, f["text"]) for name, at, kind, f in rig.notes[before:] if kind == "shown" and name == "display-1"]
    assert [text for _, text in texts] == ["", "A001"]
    assert 0.4 * NS < texts[1][0] - texts[0][0] < NS
    assert rig.devices["board-1"].texts == ("A001 -> 1", "A002 -> 2")
    assert rig.of("recall") == [{"ticket": "A001", "counter": 1}]


def test_a_no_show_frees_the_counter_and_leaves_the_board(open_hall):
    """A ticket that nobody brings is told, is not called again, and is no longer shown."""
    rig = open_hall()
    press(rig, "kiosk-1", 1)
    press(rig, "console-1", 1)
    press(rig, "console-1", 3)
    assert rig.of("no_show") == [{"ticket": "A001", "counter": 1}]
    assert shown(rig, "display-1") == ""
    assert rig.devices["board-1"].texts == ("", "")
    press(rig, "console-1", 1)
    press(rig, "console-2", 1)
    assert len(rig.of("call")) == 1


def test_a_transferred_ticket_is_called_by_another_counter(open_hall):
    """Transfer: the visitor waits again, for another counter that serves the errand."""
    rig = open_hall()
    press(rig, "kiosk-1", 1)
    press(rig, "console-1", 1)
    press(rig, "console-1", 4)
    press(rig, "console-1", 1)
    assert len(rig.of("call")) == 1
    press(rig, "console-2", 1)
    calls = [(facts["ticket"], facts["counter"]) for facts in rig.of("call")]
    assert calls == [("A001", 1), ("A001", 2)]
    assert rig.of("transfer") == [{"ticket": "A001", "counter": 1}]


def test_a_ticket_that_no_other_counter_serves_comes_back(open_hall):
    """Transfer where no other counter serves the errand does not leave the visitor waiting for ever."""
    rig = open_hall()
    press(rig, "kiosk-1", 2)
    for key in (1, 4, 1):
        press(rig, "console-1", key)
    assert [facts["counter"] for facts in rig.of("call")] == [1, 1]


def test_a_paused_counter_gets_nobody_and_says_so(open_hall):
    """Pause takes back "next" and shows dashes; resume clears the display; a ticket being served stays shown."""
    rig = open_hall()
    press(rig, "console-1", 1)
    press(rig, "console-1", 5)
    assert shown(rig, "display-1") == "----"
    press(rig, "kiosk-1", 1, wait=4)
    assert rig.of("call") == []
    press(rig, "console-1", 6)
    assert shown(rig, "display-1") == ""
    press(rig, "console-1", 1)
    press(rig, "console-1", 5)
    assert shown(rig, "display-1") == "A001"
    press(rig, "console-1", 7)
    assert shown(rig, "display-1") == "----"
    assert [kind for kind in rig.kinds() if kind in {"paused", "resumed"}] == ["paused", "resumed", "paused"]


def test_who_logs_in_at_the_console_is_the_clerk_of_the_keypad(open_hall):
    """A substitute's code goes to the keypad and into calls and ratings."""
    rig = open_hall()
    rig.do("console-1", "log_in", 2)
    rig.run(2)
    press(rig, "kiosk-1", 1)
    for key in (1, 7):
        press(rig, "console-1", key)
    press(rig, "keypad-1", 3)
    assert rig.of("call")[0]["clerk"] == "C02"
    assert rig.records.of("ratings")[0]["clerk"] == "C02"


def test_keys_without_a_ticket_do_nothing(open_hall):
    """Recall, no-show, transfer and done at an idle counter are harmless."""
    rig = open_hall()
    before = rig.kinds()
    for key in (2, 3, 4, 6, 7):
        press(rig, "console-1", key)
    assert rig.kinds() == before


def test_a_window_closed_by_a_power_loss_is_opened_again_for_the_rest_of_its_time(open_hall):
    """J17: a keypad that reboots in the window has it open again, for what remains of it, and the clerk again."""
    rig = open_hall()
    press(rig, "kiosk-1", 1)
    press(rig, "console-1", 1)
    press(rig, "console-1", 7, wait=1)
    opened = rig.now
    rig.do("keypad-1", "unplug")
    rig.do("keypad-1", "plug_in")
    rig.run(6)
    again = rig.of("window")[-1]
    assert again["ticket"] == 1
    assert again["seconds"] <= 15 - (rig.now - opened) // NS + 6
    assert again["seconds"] < 14
    press(rig, "keypad-1", 4)
    (row,) = rig.records.of("ratings")
    assert (row["ticket"], row["clerk"]) == ("A001", "C01")


def test_a_display_that_lost_its_supply_is_right_again(open_hall):
    """J17: displays tell nothing, so what they show is written again; within half a minute they are right."""
    rig = open_hall()
    press(rig, "kiosk-1", 1)
    press(rig, "console-1", 1)
    rig.do("display-1", "unplug")
    rig.do("display-1", "plug_in")
    rig.do("board-1", "unplug")
    rig.do("board-1", "plug_in")
    assert rig.devices["display-1"].text == ""
    rig.run(35)
    assert rig.devices["display-1"].text == "A001"
    assert rig.devices["board-1"].texts[0] == "A001 -> 1"


def test_a_call_made_while_the_display_is_off_is_shown_when_it_is_back(open_hall):
    """A wish stays until the unit took it: the latest text only, not all that were missed."""
    rig = open_hall()
    for _ in range(3):
        press(rig, "kiosk-1", 1)
    rig.do("display-1", "unplug")
    for _ in range(3):
        press(rig, "console-1", 1, wait=8)
    assert [facts["device"] for facts in rig.of("down")] == ["display-1"]
    before = len(rig.of("shown", "display-1"))
    rig.do("display-1", "plug_in")
    rig.run(40)
    assert [facts["text"] for facts in rig.of("shown", "display-1")[before:]] == ["A003"]


def test_calls_that_go_on_do_not_keep_a_display_from_being_found_again(open_hall):
    """J13, J16: a display that is away is asked again at its intervals, however often its text changes meanwhile."""
    rig = open_hall()
    for _ in range(14):
        press(rig, "kiosk-1", 1, wait=0.5)
    rig.do("display-1", "unplug")
    for _ in range(4):
        press(rig, "console-1", 1, wait=10)
    assert rig.of("down")
    rig.do("display-1", "plug_in")
    for _ in range(8):
        press(rig, "console-1", 1, wait=5)
    assert rig.of("up") == [{"device": "display-1"}]
    assert shown(rig, "display-1") == rig.of("call")[-1]["ticket"]


def test_all_rows_of_a_board_are_right_as_soon_as_it_is_up(open_hall):
    """A board that was away is written whole when it answers again, not row by row as the refresh comes round."""
    rig = open_hall()
    for n in (1, 2):
        press(rig, "kiosk-1", 1)
        press(rig, f"console-{n}", 1)
    rig.do("board-1", "unplug")
    rig.run(70)
    rig.do("board-1", "plug_in")
    while not rig.of("up"):
        rig.run(0.5)
    rig.run(1)
    assert rig.devices["board-1"].texts == ("A002 -> 2", "A001 -> 1")


def test_a_console_that_rebooted_knows_its_clerk_again(open_hall):
    """J17: keys after a power loss carry the clerk who was logged in before it."""
    rig = open_hall()
    rig.do("console-1", "unplug")
    rig.do("console-1", "plug_in")
    rig.run(15)
    press(rig, "console-1", 1)
    assert rig.of("key", "console-1")[-1]["clerk"] == 1


def test_keys_from_old_memory_are_not_pressed_again(open_hall):
    """N28: a console that brings up keys of long ago, which nobody remembers one by one, calls nobody with them."""
    rig = open_hall()
    console = rig.devices["console-1"]
    for _ in range(3):
        press(rig, "kiosk-1", 1)
    rig.do("console-1", "press", 1)
    old = console.queue.state
    rig.run(2)
    press(rig, "console-1", 7)
    _, _, unit = rig.house._units["console-1"]
    unit._seen.clear()
    console.queue = EventQueue.from_state(old)
    rig.run(3)
    assert [facts["ticket"] for facts in rig.of("call")] == ["A001"]
    assert [facts["why"] for facts in rig.of("ignored_event")] == ["older than one that was handled"]
    assert console.queue.waiting == ()


def test_a_number_that_does_not_fit_shows_its_digits(open_hall):
    """A1000 on four digits reads 1000: cut at the end it would be another visitor's A100."""
    rig = open_hall()
    rig.house.office._issued["A"] = 999
    press(rig, "kiosk-1", 1)
    press(rig, "console-1", 1)
    assert rig.of("call")[0]["ticket"] == "A1000"
    assert shown(rig, "display-1") == "1000"
    assert shown(rig, "board-1") == "A1000 -> 1"


def test_the_hall_goes_on_while_the_store_fails(open_hall):
    """Tickets and calls are not held up by the store; their rows are stored, in order, when it works again."""
    rig = open_hall()
    rig.records.failing = True
    press(rig, "kiosk-1", 1)
    press(rig, "console-1", 1)
    assert shown(rig, "display-1") == "A001"
    assert rig.records.rows == []
    assert rig.house.office.unstored == 2
    rig.records.failing = False
    rig.run(3)
    assert [table for table, _ in rig.records.rows] == ["tickets", "calls"]
    assert rig.house.close(rig.now) == 0


def test_keys_whose_replies_are_lost_act_once(open_hall):
    """J3 for keys: a "next" that is read again because its acknowledgement was lost calls one ticket, not two."""
    rig = open_hall()
    for _ in range(3):
        press(rig, "kiosk-1", 1)
    count = [0]

    def lossy(now, data):
        count[0] += 1
        return [] if count[0] % 2 else [(0, data)]

    rig.masters["hall"].mangle = lossy
    press(rig, "console-1", 1, wait=20)
    rig.masters["hall"].mangle = None
    rig.run(30)
    assert [facts["ticket"] for facts in rig.of("call")] == ["A001"]


def test_a_line_that_was_not_connected_is_told(plans):
    """An event that has to reach another line says what was forgotten."""
    from bench.controller.house import HouseController

    house = HouseController(plans["office"](), lambda rows: None, 0, lambda at, note: None)
    house.masters["hall"].start(0)
    house.masters["hall"]._go_at = 1 << 62
    with pytest.raises(RuntimeError, match=r"connect\('hall', apply\)"):
        house.show_counter(0, 1, "A001")

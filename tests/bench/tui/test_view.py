"""The view as its user sees it: keys and mouse become requests, answers become pictures."""

from __future__ import annotations

import asyncio
import copy
import xml.etree.ElementTree as ET

from textual.widgets import OptionList

from bench.control.client import ControlError
from bench.tui.asked import fault_body, instant, picture
from bench.tui.commands import offered
from bench.tui.tile import Floor, Tile
from bench.tui.wire_panel import WireLog


def on(stage, steps, **kwargs):
    async def run():
        async with stage.on(**kwargs):
            await steps()

    asyncio.run(run())


def test_the_hall_can_be_seen(stage):
    """Clock, alarms, a counter's state, the board, the voice, the last ticket, a line and frames are on the screen."""

    async def steps():
        text = stage.text()
        for part in ("10:09:06", "attention", "counter 1 · serving", "mời số A028", "keypads 9600 8N1", "Tân Hội"):
            assert part in text, part
        assert "bit_flip: bit" in text or "keypad-" in text

    on(stage, steps, size=(120, 40))


def test_nothing_is_lost_on_a_small_terminal(stage):
    """At 80 x 24 every device has its line, and keys for help and leaving are told."""

    async def steps():
        text = stage.text()
        for device in stage.view.scene.devices:
            assert device in text
        assert "F1" in text
        assert "quit" in text

    on(stage, steps, size=(80, 24))


def test_digits_press_keys_of_the_chosen_keypad(stage):
    """5 on a keypad is a press of key 5; 9 is no key of it, and on a printer digits do nothing."""

    async def steps():
        stage.view.choose("keypad-3")
        await stage.press("5", "9")
        stage.view.choose("printer-1")
        await stage.press("1")
        assert stage.peer.asked == [("POST", "/v1/devices/keypad-3/press", {"key": 5})]

    on(stage, steps)


def test_two_keys_at_once_and_long_presses_are_asked_for(stage):
    """p asks; "1+2" is two acts in one request."""

    async def steps():
        stage.view.choose("keypad-3")
        await stage.press("p")
        await stage.type("1+2 3")
        (_, path, body) = stage.peer.asked[0]
        assert path == "/v1/acts"
        assert [(act["key"], act["held_s"]) for act in body["acts"]] == [(1, 3.0), (2, 3.0)]

    on(stage, steps)


def test_a_click_presses_a_key_and_chooses_a_device(stage):
    """The mouse on the drawn key 4 of keypad-2 presses it; on its name it only chooses."""

    async def steps():
        tile = next(tile for tile in stage.view.query(Tile) if tile.device == "keypad-2")
        await stage.pilot.click(tile, offset=(3, 0))
        await stage.settle()
        assert stage.view.chosen == "keypad-2"
        assert stage.peer.asked == []
        row = tile._shown[1].plain
        await stage.pilot.click(tile, offset=(row.index("4"), 1))
        await stage.settle()
        assert stage.peer.asked == [("POST", "/v1/devices/keypad-2/press", {"key": 4})]

    on(stage, steps)


def test_hands_on_the_printer(stage):
    """o opens a closed cover and closes an open one; l loads a roll; u pulls the plug."""

    async def steps():
        stage.view.choose("printer-1")
        await stage.press("o", "l", "u")
        printer = next(one for one in stage.peer.stored["devices"]["devices"] if one["name"] == "printer-1")
        printer["cover_open"], printer["powered"] = True, True
        await stage.poll()
        await stage.press("o")
        assert [path.rpartition("/")[2] for _, path, _ in stage.peer.asked] == [
            "open_cover", "load_paper", "unplug", "close_cover",
        ]  # fmt: skip
        assert "cover open" in stage.text()

    on(stage, steps)


def test_the_clock_is_steered(stage):
    """Space pauses, or resumes; a step is only sent while the clock stands; + doubles the speed."""

    async def steps():
        await stage.press("space", "full_stop", "plus")
        stage.peer.stored["clock"]["running"] = False
        await stage.poll()
        assert "stands" in stage.text()
        await stage.press("space", "full_stop")
        assert [body for _, path, body in stage.peer.asked if path == "/v1/clock"] == [
            {"do": "pause"}, {"do": "speed", "factor": 2.0}, {"do": "resume"}, {"do": "step", "seconds": 1},
        ]  # fmt: skip

    on(stage, steps)


def test_a_clock_that_is_fixed_is_explained(stage):
    """In a day the clock cannot be steered: no request, and the bench's own reason."""

    async def steps():
        stage.peer.stored["clock"].update(steerable=False, why_not="the program waits by its own clock")
        await stage.poll()
        await stage.press("space")
        assert stage.peer.asked == []
        assert "its own clock" in stage.said()

    on(stage, steps)


def test_a_fault_is_chosen_by_typing(stage):
    """f, some letters, settings, Enter: the fault of the catalogue, aimed at the chosen device."""

    async def steps():
        stage.view.choose("keypad-2")
        await stage.press("f")
        await stage.type("no_reply nth=3 rate=0.1")
        body = {"type": "no_reply", "device": "keypad-2", "nth": 3, "rate": 0.1}
        assert stage.peer.asked == [("POST", "/v1/faults", body)]
        await stage.press("F")
        assert stage.peer.asked[1] == ("POST", "/v1/faults/reset", None)

    on(stage, steps)


def test_faults_are_aimed_where_they_belong():
    """A fault of a device names it, one of the medium names the line; what was typed goes before."""
    device = {"type": "reboot", "layer": "device", "where": ""}
    medium = {"type": "stuck_low", "layer": "line", "where": ""}
    assert fault_body(device, "off_s=2", "k", "l") == {"type": "reboot", "device": "k", "attrs": {"off_s": 2}}
    assert fault_body(medium, "", "k", "l") == {"type": "stuck_low", "line": "l"}
    assert fault_body(device, "device=other at=10:41", "k", "l") == {"type": "reboot", "device": "other", "at": "10:41"}


def test_times_as_people_type_them():
    """Hours and minutes, seconds, milliseconds; anything else is no time."""
    assert instant("9:42") == 34_920 * 10**9
    assert instant("09:42:17.5") == 34_937 * 10**9 + 500 * 10**6
    assert [instant(text) for text in ("", "9", "9:61", "noon", "9:42:17.1234")] == [None] * 5


def test_the_log_is_filtered_held_and_searched(stage):
    """/ filters, w holds and follows, g goes to a time, Enter shows the bytes of a row."""

    async def steps():
        wire = stage.view.wire
        total = len(wire)
        await stage.press("slash")
        await stage.type("keypads")
        assert 0 < len(wire) < total
        assert "filter: keypads" in stage.text()
        await stage.press("w")
        assert not wire.following
        await stage.press("g")
        await stage.type("10:09:05")
        assert wire.row(wire.chosen)["time"] >= "10:09:05"
        stage.view.query_one(WireLog).focus()
        await stage.press("up", "enter")
        assert "characters" in stage.text()
        assert "0000  " in stage.text()
        await stage.press("escape", "w")
        assert wire.following

    on(stage, steps)


def test_the_palette_offers_what_is_valid_now(stage):
    """Nothing is plugged in that has power, nothing resumed that runs, and no act at all without a bench."""

    async def steps():
        stage.view.choose("printer-1")
        words = [text for text, _ in offered(stage.view)]
        assert "printer-1: open the cover" in words
        assert "printer-1: plug in" not in words
        assert "pause" in words
        assert "resume" not in words
        assert any(text.startswith("end fault bit_flip") for text in words)
        await stage.press("ctrl+p")
        await stage.until(lambda: "open the cover" in stage.text())
        assert "open the cover" in stage.text()
        await stage.press("escape")
        stage.view.scene.gone = "gone"
        assert not any("printer-1" in text for text, _ in offered(stage.view))

    on(stage, steps)


def test_palette_and_voice_speak_vietnamese(stage):
    """What a voice is doing, and what the palette waits for, are said in the language of the view."""

    async def steps():
        assert "đang đọc" in stage.text()
        await stage.press("ctrl+p")
        await stage.until(lambda: "Tìm lệnh" in stage.text())
        assert "Tìm lệnh" in stage.text()
        assert "Search" not in stage.text()

    on(stage, steps, language="vi", size=(200, 60))


def test_the_detail_offers_hands_and_shows_registers(stage):
    """On a wide terminal the panel is there; its list of hands acts."""

    async def steps():
        stage.peer.stored["devices"]["devices"] = [
            {**one, **(stage.peer.stored["detail"] if one["name"] == "keypad-3" else {})}
            for one in stage.peer.stored["devices"]["devices"]
        ]
        stage.view.choose("keypad-3")
        await stage.settle()
        text = stage.text()
        assert "registers" in text
        assert "acknowledge" in text
        await stage.press("d", "home", "down", "enter")
        assert stage.peer.asked == [("POST", "/v1/devices/keypad-3/press", {"key": 2})]

    on(stage, steps, size=(200, 60))


def test_the_detail_of_a_small_terminal_is_a_screen(stage):
    """Enter on a device opens it, Escape closes it."""

    async def steps():
        await stage.press("enter")
        assert stage.view.screen.query_one(OptionList).option_count > 2
        await stage.press("escape")
        assert len(stage.view.screen_stack) == 1

    on(stage, steps, size=(80, 24))


def test_help_language_and_theme(stage):
    """F1 explains what has the focus; L changes the language of everything; T goes to light ground."""

    async def steps():
        await stage.press("f1")
        assert "A device as people see it" in stage.text()
        await stage.press("escape", "L")
        assert "quầy 1" in stage.text()
        assert stage.view.current_theme.dark
        await stage.press("T")
        assert not stage.view.current_theme.dark

    on(stage, steps)


def test_arrows_walk_over_the_tiles(stage):
    """Right goes to the next counter's device, left comes back, down to the device below."""

    async def steps():
        stage.view.choose("display-1")
        await stage.press("right")
        assert stage.view.chosen == "display-2"
        await stage.press("left", "down")
        assert stage.view.chosen == "keypad-1"
        await stage.press("a")
        assert stage.view.chosen == "printer-1"

    on(stage, steps)


def test_a_bench_that_ends_and_comes_back(stage):
    """The end is told over the last state; when the bench is back the view goes on by itself."""

    async def steps():
        peer, stage.source.peer = stage.peer, None
        peer.more.put_nowait(None)
        await stage.settle()
        assert "the bench has ended" in stage.text()
        assert "keypad-1" in stage.text()
        await stage.press("5")
        assert peer.asked == []
        stage.source.peer = type(peer)(peer.stored)
        await stage.poll()
        await stage.settle()
        assert stage.view.scene.gone == ""
        assert not stage.view.query_one("#ended").display

    on(stage, steps)


def test_without_a_bench_the_reason_is_shown(stage):
    """The message of the client, not an empty screen."""

    async def steps():
        assert "no bench runs" in stage.text()

    stage.source.peer = None
    on(stage, steps)


def test_a_refusal_is_told_with_what_to_do(stage):
    """What the API refuses stands in the corner with its remedy."""

    async def steps():
        stage.view.choose("keypad-1")
        stage.peer.refusal = ControlError("bad_argument", "key 5 is worn out", "press another")
        await stage.press("5")
        assert "key 5 is worn out\npress another" in stage.said()
        assert "worn out" in stage.text()

    on(stage, steps)


HOSTILE = "[red]x[/red][@click=app.quit]\x1b[2J\x07\u202e"


def test_hostile_text_is_only_text(stage):
    """Names, rows, frames and refusals with markup, escapes and overrides are shown as they are, and do nothing."""

    async def steps():
        text = stage.text()
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "[red]x[/red]" in text
        assert "\\x1b[2J" in text
        stage.view.tell(HOSTILE, wrong=True)
        await stage.settle()
        await stage.press("ctrl+p")
        assert "[red]x" in stage.text()
        await stage.press("escape", "d")
        await stage.settle()
        assert "\x1b" not in stage.text()
        assert "\x1b" not in picture(stage.view)

    told = stage.peer.stored
    told["hall"]["title"] = HOSTILE
    for one in (*told["devices"]["devices"], *told["hall"]["devices"]):
        if one["name"] == "board-1":
            one["name"] = HOSTILE
            one["shows"] = {"text": HOSTILE, "rows": [HOSTILE]}
    for one in told["figures"]["counters"]:
        one["clerk"] = one["ticket"] = "[b]C"
    for event in told["events"]["events"]:
        event["text"] = HOSTILE
    told["lines"]["lines"][0]["port"]["path"] = HOSTILE
    told["faults"]["faults"][0]["does"] = HOSTILE
    on(stage, steps, size=(160, 48))


def test_a_picture_loads_nothing(stage, tmp_path):
    """F8 saves an SVG that is well formed and names no address but its own name space."""

    async def steps():
        await stage.press("f8")
        (path,) = tmp_path.glob("*.svg")
        svg = path.read_text(encoding="utf-8")
        ET.fromstring(svg)
        assert "url(http" not in svg
        assert "@font-face" not in svg

    on(stage, steps, folder=tmp_path)


def test_a_tile_that_was_scrolled_away_is_up_to_date_when_it_comes_back(stage, stored):
    """Tiles out of sight are not drawn; what they show is of now as soon as they can be seen."""
    pattern = next(one for one in stored["devices"]["devices"] if "segments" in one.get("shows", {}))
    devices = [{**copy.deepcopy(pattern), "name": f"device-{number}", "counter": number} for number in range(1, 61)]
    stored["devices"] = {"devices": devices}
    stored["hall"]["devices"] = [{"name": one["name"], "counter": one["counter"]} for one in devices]

    async def steps():
        floor = stage.view.query_one(Floor)
        tiles = {tile.device: tile for tile in stage.view.query(Tile)}
        last = tiles["device-60"]
        for _ in range(6):
            stage.view.draw()
            await stage.settle()
        assert last not in floor._visible()
        assert tiles["device-1"] in floor._visible()
        before = last._shown
        known = stage.view.scene.devices
        for name in ("device-1", "device-60"):  # what a poll brings is a new state, not the old one changed
            known[name] = {**known[name], "shows": {**known[name]["shows"], "segments": [[127, False]] * 4}}
        stage.view.draw()
        assert last._shown is before
        lit, seen = ([line.plain.strip() for line in tile._shown[1:]] for tile in (tiles["device-1"], last))
        assert seen != lit
        floor.scroll_end(animate=False)
        await stage.until(lambda: last._shown is not before)
        assert [line.plain.strip() for line in last._shown[1:]] == lit

    async def run():
        async with stage.on(size=(120, 40)):
            await steps()

    asyncio.run(run())


def test_rows_that_come_do_not_lay_out_the_screen_anew(stage, stored):
    """While the wire follows, its size is told again only when a tenth off; the newest row is drawn all the same."""
    row = next(event for event in stored["events"]["events"] if event["kind"] == "frame")

    async def run():
        async with stage.on(size=(120, 40)):
            log = stage.view.query_one(WireLog)
            stage.view.wire.add([row] * 1000)
            log.tick()
            sizes = set()
            for number in range(120):
                stage.view.wire.add([{**row, "text": f"row {number}"}])
                log.tick()
                sizes.add(log.virtual_size.height)
                assert f"row {number}" in log.render_line(log.size.height - 1).text
            assert len(sizes) <= 2
            stage.view.wire.hold()
            log.tick()
            top = log._top
            shown = log.render_line(0).text
            stage.view.wire.add([row] * 300)
            log.tick()
            assert (log._top, log.render_line(0).text) == (top, shown)
            log.action_first()
            assert log._top == 0
            log.action_follow()
            assert log._top == len(stage.view.wire) - log.size.height

    asyncio.run(run())

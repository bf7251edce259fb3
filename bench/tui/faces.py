"""How each device looks: pure functions from its state to lines of text; no widget, so each face is tested alone.

A face is as many lines as its tile is high; the first names the device with the sign of its level. `glance` is the
same device in one line, for small terminals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from rich.text import Text

from bench.tui import dots
from bench.tui.keyrows import key_at, key_cells, key_rows
from bench.tui.labels import Labels
from bench.tui.palette import SIGN, Colours, Level
from bench.tui.scene import Scene, device_alarms
from bench.tui.text import bar, centred, fit, joined, plain, scrolled, width

__all__ = ["Look", "face", "glance", "height_of", "key_at"]

State = Mapping[str, Any]
_ROLL_MM: Final = 80_000
_MOST_ROWS: Final = 6


class Look(NamedTuple):
    """What a face is drawn with."""

    scene: Scene
    colours: Colours
    say: Labels


def height_of(state: State, *, large: bool) -> int:
    """Lines that the tile of a device wants."""
    shows = state.get("shows") or {}
    if "segments" in shows:
        return 5 if large else 4
    if "pixels" in shows:
        return 1 + (len(shows["pixels"]) + 1) // 2
    if "paper" in state:
        return 8 if large else 3
    if "voice" in state:
        return 3
    if "lamps" in state:
        return 2 if int(state.get("keys") or 0) <= 8 else 3
    keys = key_rows(state) if "shows" in state else 0
    rows = len(shows.get("rows") or ())
    if rows:
        return 1 + keys + (max(5, min(2 * rows + 1, 2 * _MOST_ROWS)) if large else max(2, min(rows, _MOST_ROWS)))
    return 3


# -- parts -----------------------------------------------------------------------------------------------------------


def _words(state: State, look: Look) -> tuple[str, Level]:
    """What is to be said of a device behind its name, and how urgently."""
    name = str(state["name"])
    alarms = device_alarms(name, state)
    if alarms:
        worst = max(alarms, key=lambda alarm: alarm.level)
        return f"{look.say(worst.what)} {plain(worst.amount)}".strip(), worst.level
    say = look.say
    window = state.get("window")
    if window:
        return f"{say('rating_open')} {float(window.get('left_s') or 0):.0f} s", Level.BUSY
    if state.get("sounding"):
        return say("buzzer"), Level.BUSY
    if state.get("printing"):
        return say("printing"), Level.BUSY
    waiting = (state.get("queue") or state).get("waiting")
    if waiting:
        return f"{say('waiting_events')} {plain(waiting)}", Level.BUSY
    if "paper" in state:
        return (say("hanging") if state.get("ticket_out") else say("ready")), Level.IDLE
    if "voice" in state:
        voice = state["voice"]
        return say(f"voice_{voice.get('doing', 'idle')}"), Level.BUSY if state["voice"].get("text") else Level.IDLE
    return "", Level.IDLE


def _head(state: State, columns: int, look: Look) -> Text:
    name = plain(state["name"], 64)
    level = look.scene.level(str(state["name"]))
    words, how = _words(state, look)
    room = columns - width(name) - 3
    said = fit(words, min(width(words), max(room, 0))) if words else ""
    gap = columns - 2 - width(name) - width(said)
    return joined(
        [
            (f"{SIGN[level]} ", look.colours.of(level)),
            (fit(name, max(0, columns - 2)) if gap < 1 else name, "bold"),
            (" " * max(gap, 0), ""),
            (said if gap >= 1 else "", look.colours.of(how)),
        ]
    )


def _filled(line: Text, columns: int, ground: str) -> Text:
    """A line in the middle of a dark strip."""
    room = max(0, columns - line.cell_len)
    out = Text(" " * (room // 2), no_wrap=True, end="")
    if ground:
        out.stylize(f"on {ground}")
    out.append_text(line)
    out.append(" " * (room - room // 2), f"on {ground}" if ground else None)
    return out


def _run(text: str, columns: int, look: Look) -> str:
    """The text in so many columns; only one that is too long depends on the time."""
    return fit(text, columns) if width(text) <= columns else scrolled(text, columns, look.scene.steps)


# -- faces -----------------------------------------------------------------------------------------------------------


def _display(state: State, columns: int, lines: int, look: Look) -> list[Text]:
    segments = state["shows"]["segments"]
    powered = bool(state.get("powered", True))
    large = lines >= 4 and dots.digits_width(len(segments), large=True) <= columns
    if dots.digits_width(len(segments), large=False) > columns:
        return _rows(state, columns, lines, look)
    drawn = dots.digits(segments, look.colours, large=large, powered=powered)
    return [_filled(line, columns, look.colours.panel) for line in drawn]


def _rows(state: State, columns: int, lines: int, look: Look) -> list[Text]:
    """Rows of text on a lit board; one that is too long runs."""
    colours = look.colours
    shown = [plain(row) for row in state["shows"].get("rows", ())] if state.get("powered", True) else []
    out = []
    if len(shown) * 2 < lines:  # there is room: a dark line before each
        shown = [part for row in shown for part in ("", row)]
    for row in shown[:lines]:
        text = row.rstrip()
        spread = " ".join(text) if width(text) * 2 <= columns and text else text
        fitted = centred(spread, columns) if width(spread) <= columns else _run(text, columns, look)
        out.append(Text(fitted, style=f"bold {colours.led} on {colours.panel}", no_wrap=True, end=""))
    while len(out) < lines:
        out.append(Text(" " * columns, style=f"on {colours.panel}", end=""))
    return out


def _dots(state: State, columns: int, lines: int, look: Look) -> list[Text]:
    pixels = [str(row) for row in state["shows"]["pixels"]]
    drawn = dots.board(pixels, columns, look.colours)
    return [_filled(line, columns, look.colours.panel) for line in drawn[:lines]]


def _keys(state: State, columns: int, lines: int, look: Look) -> list[Text]:
    lamps = state.get("lamps") or ()
    out = [Text(no_wrap=True, end="") for _ in range(lines)]
    for row, _, key, text in key_cells(state, columns):
        if row < lines and isinstance(key, int):
            lit = key <= len(lamps) and lamps[key - 1]
            out[row].append(text, f"bold {look.colours.attention}" if lit else look.colours.dim)
    if out:
        _last_key(out[-1], state, columns, look)
    return out


def _last_key(line: Text, state: State, columns: int, look: Look) -> None:
    """Put at the end of a line which key was pressed last, as far as there is room."""
    last = look.scene.last_key.get(str(state["name"]))
    if not last:
        return
    said = f"{look.say('last')} {plain(last, 24)}"
    short = plain(last, 24).split(" ")[0]
    for words in (said, f"{look.say('last')} {short}", short):
        gap = columns - line.cell_len - width(words)
        if gap >= 1:
            line.append(" " * gap)
            line.append(words, look.colours.busy)
            break


def _lamp(state: State, look: Look) -> tuple[str, str]:
    """The one lamp of a keypad that has one, in words and with the nearest colour of the palette."""
    name = plain(state["lamp_colour"], 16)
    dark = name in ("black", "")
    style = {"red": look.colours.wrong, "green": look.colours.good, "amber": look.colours.attention}
    return (f"○ {look.say('dark')}", look.colours.dim) if dark else (f"● {name}", style.get(name, look.colours.busy))


def _texted(state: State, columns: int, lines: int, look: Look) -> list[Text]:
    """A keypad with a line of text and one lamp."""
    if lines < 2:
        return _rows(state, columns, lines, look)
    below = joined([_lamp(state, look)] if state.get("powered", True) else [])
    _last_key(below, state, columns, look)
    keys = _plain_keys(state, columns, look) if lines >= 2 + key_rows(state) else []
    return [*_rows(state, columns, lines - 1 - len(keys), look), below, *keys]


def _plain_keys(state: State, columns: int, look: Look) -> list[Text]:
    """The keys of a keypad that has no lamps on them, to be clicked."""
    out = [Text(no_wrap=True, end="") for _ in range(key_rows(state))]
    for row, _, _, text in key_cells(state, columns):
        out[row].append(text, look.colours.accent if state.get("powered", True) else look.colours.dim)
    return out


def _voice(state: State, columns: int, lines: int, look: Look) -> list[Text]:
    voice = state["voice"]
    text = plain(voice.get("text", ""))
    if not text:
        return [joined([(f"♪ {look.say('silent')}", look.colours.idle)])]
    said = _run(f"♪ “{text}”", columns, look)
    left = float(voice.get("left_s") or 0)
    return [
        joined([(said, f"bold {look.colours.busy}")]),
        joined([(f"  {left:.1f} s {look.say('left')}", look.colours.dim)]),
    ][:lines]


def _printer(state: State, columns: int, lines: int, look: Look) -> list[Text]:
    paper = state["paper"]
    left = float(paper.get("left_mm") or 0)
    facts = [
        joined(
            [
                (f"{look.say('paper')} ", look.colours.dim),
                (bar(left / _ROLL_MM, 10), look.colours.attention if paper.get("near_end") else look.colours.good),
                (f" {left / 1000:.1f} m", ""),
            ]
        )
    ]
    words = [alarm for alarm in device_alarms(str(state["name"]), state) if alarm.what != "no_power"]
    facts += [
        joined([(f"{SIGN[alarm.level]} {look.say(alarm.what)}", look.colours.of(alarm.level))]) for alarm in words[1:]
    ]
    if state.get("offline"):
        facts.append(joined([(look.say("offline"), look.colours.attention)]))
    room = (state.get("buffer") or {}).get("room")
    if room is not None and lines > 4:
        facts.append(joined([(f"buffer {plain(room)} B", look.colours.dim)]))
    sheet = _sheet(state)
    beside = columns >= 52 and lines >= 4
    if not beside and lines >= 6:
        facts = facts[: 1 if not words[1:] else 2]
        return [
            *facts,
            *(_filled(row, columns, "") for row in _slip(sheet, min(columns, 36), lines - len(facts), look)),
        ]
    if not beside:
        if sheet:
            text = " · ".join(sheet)
            style = f"{look.colours.ink} on {look.colours.paper}"
            facts.append(Text(fit(f" {_run(text, columns - 2, look)}", columns), style=style, end=""))
        return facts[:lines]
    left_columns = max(24, columns - 40)
    slip = _slip(sheet, columns - left_columns - 1, lines, look)
    out = []
    for row in range(lines):
        line = facts[row] if row < len(facts) else Text(end="")
        line.append(" " * max(0, left_columns - line.cell_len))
        if row < len(slip):
            line.append_text(slip[row])
        out.append(line)
    return out


def _sheet(state: State) -> list[str]:
    """Lines of the ticket that was printed last."""
    sheets = state.get("tickets") or ()
    lines = sheets[-1].get("lines", ()) if sheets else ()
    return [text for line in lines if (text := plain(line, 200).strip())]


def _slip(sheet: list[str], columns: int, lines: int, look: Look) -> list[Text]:
    """A ticket as paper, torn at its lower edge."""
    if not sheet:
        return []
    style = f"{look.colours.ink} on {look.colours.paper}"
    shown = sheet[: max(1, lines - 1)]
    out = []
    for text in shown:
        number = len(text) <= 6 and any(letter.isdigit() for letter in text)
        words = " ".join(text) if number else text
        out.append(Text(centred(words, columns), style=f"bold {style}" if number else style, no_wrap=True, end=""))
    edge = ("▀▝" * columns)[:columns]
    out.append(Text(edge, style=look.colours.paper, no_wrap=True, end=""))
    return out[:lines]


def _variables(state: State) -> list[str]:
    return [f"{plain(name, 40)} {plain(value, 80)}" for name, value in (state.get("state") or {}).items()]


def _state(state: State, columns: int, lines: int, look: Look) -> list[Text]:
    """Variables of a declared device, or what else is known."""
    words, out, line = _variables(state), [], ""
    for word in words:
        if line and width(line) + 3 + width(word) > columns:
            out.append(line)
            line = word
        else:
            line = f"{line} · {word}" if line else word
    if line:
        out.append(line)
    keys = _plain_keys(state, columns, look)
    if keys and len(keys) < lines:
        drawn = [joined([(fit(text, columns), look.colours.dim)]) for text in out[: lines - len(keys)]]
        drawn += [Text(no_wrap=True, end="")] * (lines - len(keys) - len(drawn))
        _last_key(keys[-1], state, columns, look)
        return drawn + keys
    drawn = [joined([(fit(text, columns), look.colours.dim)]) for text in out[:lines]]
    if str(state["name"]) in look.scene.last_key and len(drawn) < lines:
        drawn.append(Text(no_wrap=True, end=""))
        _last_key(drawn[-1], state, columns, look)
    return drawn


_Draw = Callable[[State, int, int, Look], list[Text]]

_FACES: Final[tuple[tuple[Callable[[State], bool], _Draw], ...]] = (
    (lambda state: "segments" in (state.get("shows") or {}), _display),
    (lambda state: "pixels" in (state.get("shows") or {}), _dots),
    (lambda state: "paper" in state, _printer),
    (lambda state: "voice" in state, _voice),
    (lambda state: "lamps" in state, _keys),
    (lambda state: "shows" in state and "lamp_colour" in state, _texted),
    (lambda state: "shows" in state, _rows),
    (lambda state: True, _state),
)
"""What a state has -> how the device is drawn; the first that fits."""


def _draw_of(state: State) -> _Draw:
    return next(draw for fits, draw in _FACES if fits(state))


def face(state: State, columns: int, lines: int, look: Look) -> list[Text]:
    """A device in a tile of so many columns and lines."""
    drawn = [glance(state, columns, look)]
    if lines > 1:
        drawn = [_head(state, columns, look), *_draw_of(state)(state, columns, lines - 1, look)][:lines]
    for line in drawn:
        if line.cell_len > columns:
            line.truncate(columns)
    return drawn


# -- one line ----------------------------------------------------------------------------------------------------------


def _shown(state: State, look: Look) -> str:
    """What a device shows, in a few words."""
    words = []
    shows = state.get("shows")
    if shows:
        words.append(" | ".join(row for row in (plain(row).strip() for row in shows.get("rows", ())) if row))
        words[-1] = words[-1] or look.say("dark")
    if "lamps" in state:
        words.append("".join("●" if lit else "○" for lit in state["lamps"]))
    if state.get("lamp_colour") and state.get("powered", True):
        words.append(_lamp(state, look)[0])
    if str(state["name"]) in look.scene.last_key:
        words.append(f"{look.say('last')} {plain(look.scene.last_key[str(state['name'])], 24)}")
    elif not words and "paper" not in state and "voice" not in state:
        words.append(" · ".join(_variables(state)))
    if "paper" in state:
        words.append(f"{float(state['paper'].get('left_mm') or 0) / 1000:.1f} m")
        sheet = _sheet(state)
        words.append(" ".join(sheet[2:3]))
    if "voice" in state and state["voice"].get("text"):
        words.append(f"♪ “{plain(state['voice']['text'])}” {float(state['voice'].get('left_s') or 0):.1f} s")
    return "  ".join(word for word in words if word)


def glance(state: State, columns: int, look: Look) -> Text:
    """A device in one line: sign, name, counter, what it shows, and what is to be said of it."""
    level = look.scene.level(str(state["name"]))
    said, how = _words(state, look)
    number = state.get("counter")
    where = f"{look.say('counter')} {plain(number)}" if number is not None else ""
    said = f" {said}" if said else ""
    name_columns = max(10, min(14, columns // 4))
    where_columns = 10 if columns >= 76 else 0
    room = max(0, columns - 2 - name_columns - 1 - where_columns - width(said))
    shown = _shown(state, look)
    return joined(
        [
            (f"{SIGN[level]} ", look.colours.of(level)),
            (fit(plain(state["name"], 64), name_columns) + " ", "bold"),
            (fit(where, where_columns), look.colours.dim),
            (
                _run(shown, room, look) if "lamps" not in state else fit(shown, room),
                look.colours.led if state.get("shows") else "",
            ),
            (said, look.colours.of(how)),
        ]
    )

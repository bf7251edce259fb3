"""A Modbus request or reply in a few words: which registers by name, and what stands in them.

`protocol.modbus.explain` takes one frame apart character by character; this is for lists of them, at a glance.
"""

from __future__ import annotations

from typing import Final

from protocol.modbus.maps import RegisterMap
from protocol.modbus.maps.reference_keypad import EVENT_WORDS, Event
from protocol.modbus.pdu import FC, NAMES, TABLES, ExceptionCode, Table

__all__ = ["refusal_words", "reply_words", "request_words"]

_MOST_VALUES: Final = 8


def request_words(known: RegisterMap | None, function: int, body: bytes) -> str:
    """What a request asks for: "read mark .. depth", "write lamps = 3".

    Args:
        known: the registers of the device that is asked, if it is known.
        function: its function code.
        body: what follows that code, without the check.
    """
    if function in TABLES and len(body) == 4:
        return f"read {_registers(known, TABLES[FC(function)], _word(body, 0), _word(body, 2))}"
    if function == FC.WRITE_REGISTER and len(body) == 4:
        where = _registers(known, Table.HOLDING, _word(body, 0), 1)
        return f"write {where} = {_contents(known, Table.HOLDING, _word(body, 0), body[2:])}"
    if function == FC.WRITE_REGISTERS and len(body) >= 5:
        where = _registers(known, Table.HOLDING, _word(body, 0), _word(body, 2))
        return f"write {where} = {_contents(known, Table.HOLDING, _word(body, 0), body[5:])}"
    return NAMES.get(function, f"function 0x{function:02X}")


def reply_words(known: RegisterMap | None, function: int, body: bytes, asked: bytes | None) -> str:
    """What a reply says.

    Args:
        known: the registers of the device that answers, if it is known.
        function: its function code.
        body: what follows that code, without the check.
        asked: first address and number of registers as the request gave them (4 bytes); None when that is not known.
    """
    if function in (FC.WRITE_REGISTER, FC.WRITE_REGISTERS):
        return "written"
    if function not in (FC.READ_HOLDING, FC.READ_INPUTS) or not body or len(body) != body[0] + 1:
        return f"answers to {NAMES.get(function, f'function 0x{function:02X}')}"
    if asked is None:
        return f"registers = {_values(body[1:])}"
    table, start = TABLES[FC(function)], _word(asked, 0)
    what = _registers(known, table, start, _word(asked, 2))
    return f"{what} = {_events(body[1:]) if what == 'events' else _contents(known, table, start, body[1:])}"


def refusal_words(body: bytes) -> str:
    """Which exception a reply carries; `body` is what follows its function code."""
    try:
        return f"exception {body[0]:02X}, {ExceptionCode(body[0]).name.lower().replace('_', ' ')}"
    except (ValueError, IndexError):
        return f"exception {body.hex().upper()}"


def _registers(known: RegisterMap | None, table: Table, start: int, count: int) -> str:
    """Registers by name where the device's map has one for all of them, else by address."""
    if known is not None and count:
        rows = known.covering(table, start, count)
        inside = f" from register {start - rows[0].address}" if rows and rows[0].address < start else ""
        if rows and (not inside or rows[0].name in known.characters) and known.holds(table, start, count):
            names = [f"{rows[0].name}{inside}", *(row.name for row in rows[1:])]
            return ", ".join(names) if len(rows) < 4 else f"{names[0]} .. {names[-1]}"
    return f"0x{start:04X}" + (f" x {count}" if count != 1 else "")


def _events(body: bytes) -> str:
    words = [_word(body, at) for at in range(0, len(body) - 1, 2)]
    blocks = (words[at : at + EVENT_WORDS] for at in range(0, len(words), EVENT_WORDS))
    events = (Event.parse(block) for block in blocks if len(block) == EVENT_WORDS)
    told = [f"key {event.value} (epoch {event.epoch}, seq {event.sequence})" for event in events if event is not None]
    return ", ".join(told) or "none"


def _contents(known: RegisterMap | None, table: Table, start: int, body: bytes) -> str:
    """What stands in registers from `start` on: as text where the map says that all of them hold characters."""
    rows = known.covering(table, start, len(body) // 2) if known is not None else ()
    if known is None or not rows or not all(row.name in known.characters for row in rows):
        return _values(body)
    text = body[: len(body) // 2 * 2]
    if all(row.words == 1 for row in rows):  # one character in each register; what does not fit into it is told
        if any(text[::2]):
            return _values(body)
        text = text[1::2]
    return repr(text.rstrip(b"\0").decode("ascii", "backslashreplace"))


def _values(body: bytes) -> str:
    words = [_word(body, at) for at in range(0, len(body) - 1, 2)]
    more = f" .. {len(words)} registers" if len(words) > _MOST_VALUES else ""
    return ", ".join(map(str, words[:_MOST_VALUES])) + more


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big")

"""A rating keypad on a line, with the hands that its cases ask for, as one step each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from bench.clock.clockwork import Clockwork
from bench.compliance.mutants.base import UNIT, Build, Hand
from firmware_sim.device import MS, Effect
from firmware_sim.devices.rating_keypad import RatingKeypad
from firmware_sim.event_queue import EventQueue
from firmware_sim.line import Line
from firmware_sim.modbus_line import ModbusLine
from protocol.modbus.maps.reference_keypad import Event

__all__ = ["on_keypad", "waiting_changed"]

_APART: Final = 120 * MS
"""Between the presses of `press_many`; each key is down for half of it."""


def waiting_changed(queue: EventQueue, change: Callable[[tuple[Event, ...]], tuple[Event, ...]]) -> EventQueue:
    """The queue with other events waiting."""
    state = queue.state
    return type(queue).from_state(state._replace(waiting=change(state.waiting)))


def on_keypad(
    make: Callable[[], RatingKeypad] = lambda: RatingKeypad("keypad"), station: type[ModbusLine] = ModbusLine
) -> Build:
    """A build of one keypad on its station."""

    def build(line: Line, clockwork: Clockwork) -> Mapping[str, Hand]:
        made = station("slaves", line.settings)
        line.attach(made)
        keypad = make()
        device = made.attach(keypad, UNIT)

        def acts(effects: Iterable[Effect]) -> None:
            line.apply(made, made.relabel(device, effects))

        def plain(name: str) -> Hand:
            return lambda *args: acts(getattr(keypad, name)(clockwork.now, *args))

        def press_many(count: int, keys: int) -> None:
            for number in range(count):
                acts(keypad.press(clockwork.now, number % keys + 1, _APART // 2))
                clockwork.advance_to(clockwork.now + _APART)

        def press_two(one: int, other: int) -> None:
            acts(keypad.press(clockwork.now, one, 100 * MS))
            clockwork.advance_to(clockwork.now + 20 * MS)
            acts(keypad.press(clockwork.now, other, 100 * MS))

        def bounce(key: int) -> None:
            for _ in range(3):
                acts(keypad.press(clockwork.now, key, 2 * MS))
                clockwork.advance_to(clockwork.now + 10 * MS)

        def power_cycle() -> None:
            acts(keypad.unplug(clockwork.now))
            clockwork.advance_to(clockwork.now + 500 * MS)
            acts(keypad.plug_in(clockwork.now))

        def sequence_near(number: int) -> None:
            keypad.queue = type(keypad.queue).from_state(keypad.queue.state._replace(next_sequence=number))

        special: dict[str, Any] = {
            "press_many": press_many,
            "press_two": press_two,
            "bounce": bounce,
            "power_cycle": power_cycle,
            "sequence_near": sequence_near,
        }
        return {name: plain(name) for name in keypad.human} | special

    return build

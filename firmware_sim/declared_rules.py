"""Expressions, conditions and effects of a declaration, made into functions once and called for each frame.

A declaration's effects are data of a closed set (`protocol.declared.model.EFFECTS`); nothing of the file is executed.
`Rules` binds them to one device: its state, its voice, its way of sending.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias

from firmware_sim.device import MS, Effect
from protocol.declared import model
from protocol.declared.model import Const, Count, Expr, Field, Join, Made, State, Test

Fields: TypeAlias = Mapping[str, Any]
Out: TypeAlias = list[Effect]
Run: TypeAlias = Callable[[int, Fields, Out], None]
"""(instant, values that came, effects to add to)."""

Read: TypeAlias = Callable[[Fields], Any]

_MOST_ENTRIES: Final = 256
"""Entries that a list of the state holds when no `limit` is given."""

_MOST_DELAY: Final = 600_000


class Player(Protocol):
    """What effects do to the device that plays the declaration."""

    state: dict[str, Any]

    def send(self, now: int, message: str, values: Mapping[str, Any], delay: int, out: Out) -> None:
        """Send a message of the declaration, `delay` ns from now."""
        ...

    def echo(self, now: int, changed: Mapping[str, Any], delay: int, out: Out) -> None:
        """Send the frame that came, with these values changed."""
        ...

    def say(self, now: int, data: bytes, delay: int, out: Out) -> None:
        """Send characters."""
        ...

    def occur(self, now: int, kind: str, value: Any, out: Out) -> None:
        """A press happened: number it and tell it."""
        ...

    def start(self, now: int, timer: str, after: int, out: Out) -> None:
        """Start a timer."""
        ...

    def stop(self, timer: str, out: Out) -> None:
        """Stop a timer."""
        ...

    def tell(self, now: int, kind: str, facts: dict[str, Any], out: Out) -> None:
        """Tell the history something."""
        ...

    def voice(self, now: int, act: str, value: Any, lasts: int | None, out: Out) -> None:
        """Ask the loudspeaker for something."""
        ...

    def restart(self, now: int, after: int, out: Out) -> None:
        """Lose power, and be back after some time."""
        ...


class Rules:
    """Makes functions of the rules of one declaration for one device.

    Args:
        player: the device.
    """

    def __init__(self, player: Player) -> None:
        self.player = player
        self._state = player.state

    # -- expressions and conditions -----------------------------------------------------------------------------------
    def read(self, expr: Expr) -> Read:
        """The function that evaluates an expression."""
        if isinstance(expr, Const):
            value = expr.value
            return lambda _fields: value
        if isinstance(expr, State):
            state, name = self._state, expr.name
            return lambda _fields: state[name]
        if isinstance(expr, Field):
            name = expr.name
            return lambda fields: fields.get(name, 0)
        if isinstance(expr, Count):
            inner = self.read(expr.of)
            return lambda fields: _count(inner(fields))
        if isinstance(expr, Join):
            parts = [self.read(part) for part in expr.of]
            return lambda fields: "".join(str(_plain(part(fields))) for part in parts)
        return self._made(expr)

    def _made(self, expr: Made) -> Read:
        of = self.read(expr.of)
        if expr.table is not None:
            table, other = expr.table, expr.other
            return lambda fields: table.get(str(_plain(of(fields))), other)
        plus, times, low, high = expr.plus, expr.times, expr.low, expr.high

        def made(fields: Fields) -> Any:
            value = of(fields)
            if not isinstance(value, int):
                return value
            value = value * times + plus
            if low is not None and value < low:
                value = low
            return high if high is not None and value > high else value

        return made

    def when(self, tests: Sequence[Test]) -> Callable[[Fields], bool] | None:
        """The function that tells whether conditions hold; None when there are none."""
        if not tests:
            return None
        made = [self._test(test) for test in tests]
        return made[0] if len(made) == 1 else lambda fields: all(test(fields) for test in made)

    def _test(self, test: Test) -> Callable[[Fields], bool]:
        of = self.read(test.of)
        among = [self.read(choice) for choice in test.among]
        low, high, negated = test.low, test.high, test.negated

        def holds(fields: Fields) -> bool:
            value = of(fields)
            if among and not any(value == choice(fields) for choice in among):
                return negated
            number = isinstance(value, int)
            if (low is not None and not (number and value >= low)) or (
                high is not None and not (number and value <= high)
            ):
                return negated
            return not negated

        return holds

    # -- effects ------------------------------------------------------------------------------------------------------
    def run(self, effects: Sequence[model.Effect]) -> Run | None:
        """The function that carries out effects in order; None when there are none."""
        made = tuple(self._guarded(effect) for effect in effects)
        if not made:
            return None
        if len(made) == 1:
            return made[0]

        def run(now: int, fields: Fields, out: Out) -> None:
            for one in made:
                one(now, fields, out)

        return run

    def _guarded(self, effect: model.Effect) -> Run:
        act = _EFFECTS[effect.kind](self, effect)
        holds = self.when(effect.when)
        if holds is None:
            return act

        def run(now: int, fields: Fields, out: Out) -> None:
            if holds(fields):
                act(now, fields, out)

        return run

    def _value(self, effect: model.Effect) -> Read:
        return self.read(effect.value if effect.value is not None else Const(1))

    def _option(self, effect: model.Effect, key: str) -> Read | None:
        expr = effect.options.get(key)
        return None if expr is None else self.read(expr)

    def _values(self, effect: model.Effect) -> Callable[[Fields], dict[str, Any]]:
        made = {name: self.read(expr) for name, expr in effect.values.items()}
        return lambda fields: {name: read(fields) for name, read in made.items()}

    def _delay(self, effect: model.Effect) -> Read:
        if effect.delay is None:
            return lambda _fields: 0
        read = self.read(effect.delay)
        return lambda fields: _duration(read(fields))

    def set(self, effect: model.Effect) -> Run:
        """state[target] = value."""
        state, name, value = self._state, effect.target, self._value(effect)

        def run(now: int, fields: Fields, out: Out) -> None:
            state[name] = value(fields)

        return run

    def add(self, effect: model.Effect) -> Run:
        """state[target] += by, within min and max."""
        state, name, by = self._state, effect.target, self._value(effect)
        low, high = self._option(effect, "min"), self._option(effect, "max")

        def run(now: int, fields: Fields, out: Out) -> None:
            more, before = by(fields), state[name]
            if not isinstance(more, int) or not isinstance(before, int):
                return
            made = before + more
            if low is not None:
                made = max(made, low(fields))
            state[name] = made if high is None else min(made, high(fields))

        return run

    def push(self, effect: model.Effect) -> Run:
        """Append to a list; when it is full the oldest entry goes."""
        state, name, value = self._state, effect.target, self._value(effect)
        limit = self._option(effect, "limit")

        def run(now: int, fields: Fields, out: Out) -> None:
            most = _MOST_ENTRIES if limit is None else limit(fields)
            before = state[name]
            state[name] = [*(before if isinstance(before, list) else ()), value(fields)][-most:]

        return run

    def pop(self, effect: model.Effect) -> Run:
        """Take the oldest entry of a list, if there is one."""
        state, name = self._state, effect.target
        into = effect.options.get("into")
        target = into.value if isinstance(into, Const) else None

        def run(now: int, fields: Fields, out: Out) -> None:
            before = state[name]
            if isinstance(before, list) and before:
                if target is not None:
                    state[target] = before[0]
                state[name] = before[1:]

        return run

    def clear(self, effect: model.Effect) -> Run:
        """Empty a variable of its kind."""
        state, name = self._state, effect.target

        def run(now: int, fields: Fields, out: Out) -> None:
            state[name] = type(state[name])()

        return run

    def send(self, effect: model.Effect) -> Run:
        """Send a message."""
        values, delay, player, name = self._values(effect), self._delay(effect), self.player, effect.target

        def run(now: int, fields: Fields, out: Out) -> None:
            player.send(now, name, values(fields), delay(fields), out)

        return run

    def echo(self, effect: model.Effect) -> Run:
        """Send back what came."""
        values, delay, player = self._values(effect), self._delay(effect), self.player

        def run(now: int, fields: Fields, out: Out) -> None:
            player.echo(now, values(fields), delay(fields), out)

        return run

    def raw(self, effect: model.Effect) -> Run:
        """Send characters as they stand."""
        data, delay, player = bytes.fromhex(effect.target), self._delay(effect), self.player

        def run(now: int, fields: Fields, out: Out) -> None:
            player.say(now, data, delay(fields), out)

        return run

    def note(self, effect: model.Effect) -> Run:
        """Tell the history."""
        values, kind, player = self._values(effect), effect.target, self.player

        def run(now: int, fields: Fields, out: Out) -> None:
            player.tell(now, kind, {name: _plain(value) for name, value in values(fields).items()}, out)

        return run

    def event(self, effect: model.Effect) -> Run:
        """A press with its number."""
        value, player, kind = self._value(effect), self.player, effect.target
        return lambda now, fields, out: player.occur(now, kind, value(fields), out)

    def start(self, effect: model.Effect) -> Run:
        """Start a timer."""
        after, player, name = self._option(effect, "ms"), self.player, effect.target
        assert after is not None
        return lambda now, fields, out: player.start(now, name, _duration(after(fields)), out)

    def stop(self, effect: model.Effect) -> Run:
        """Stop a timer."""
        player, name = self.player, effect.target
        return lambda _now, _fields, out: player.stop(name, out)

    def voice(self, effect: model.Effect) -> Run:
        """The loudspeaker."""
        value, lasts, player, act = self._value(effect), self._option(effect, "ms"), self.player, effect.target

        def run(now: int, fields: Fields, out: Out) -> None:
            player.voice(now, act, value(fields), None if lasts is None else _duration(lasts(fields)), out)

        return run

    def restart(self, effect: model.Effect) -> Run:
        """Lose power for a while."""
        after, player = self._option(effect, "ms"), self.player
        return lambda now, fields, out: player.restart(now, 0 if after is None else _duration(after(fields)), out)


_EFFECTS: Final[Mapping[str, Callable[[Rules, model.Effect], Run]]] = {
    kind: getattr(Rules, kind) for kind in model.EFFECTS
}


def _duration(ms: Any) -> int:
    """Milliseconds of a declaration as ns; anything strange is none."""
    return max(0, min(ms, _MOST_DELAY)) * MS if isinstance(ms, int) else 0


def _count(value: Any) -> int:
    return len(value) if isinstance(value, list | str | bytes) else 0


def _plain(value: Any) -> Any:
    """A value as the history has it."""
    return value.hex(" ").upper() if isinstance(value, bytes) else value

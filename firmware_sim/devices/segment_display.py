"""What the 7-segment displays of a counter share: supply that comes and goes, and a note when what is shown changes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Final

from firmware_sim.device import MS, Effect, Note, Stop
from firmware_sim.devices.event_device import NEVER
from firmware_sim.register_slave import RegisterSlave

__all__ = ["SegmentDisplay"]

_BOOT_NS: Final = 500 * MS


class SegmentDisplay(RegisterSlave):
    """A display of digits on a Modbus line.

    Notes: `shown` {text} when what is lit changes, `power` {on}.

    Attributes:
        powered: whether it has supply.
    """

    powered: bool

    @property
    @abstractmethod
    def text(self) -> str:
        """What a person reads on it."""

    @property
    def visible(self) -> object:
        """What counts as shown: it is noted when this becomes another."""
        return self.text

    @abstractmethod
    def forget(self) -> None:
        """Lose what is lost without supply, and be dark."""

    def changed(self, before: object) -> list[Effect]:
        """The note that what is shown is not what it was."""
        return [] if self.visible == before else [Note("shown", {"text": self.text})]

    def unplug(self, now: int) -> Iterable[Effect]:
        """Power is lost: dark, silent."""
        if not self.powered:
            return []
        before = self.visible
        self.powered = False
        self.silent_until = NEVER
        self.forget()
        return [Stop(), Note("power", {"on": False}), *self.changed(before)]

    def plug_in(self, now: int) -> Iterable[Effect]:
        """Power returns: dark until something is written; silent for half a second (assumed)."""
        if self.powered:
            return []
        self.powered = True
        self.silent_until = now + _BOOT_NS
        return [Note("power", {"on": True})]

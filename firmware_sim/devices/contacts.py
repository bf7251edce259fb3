"""What a keypad makes of its contacts: which edges are presses (reference-keypad.md, guarantee 5)."""

from __future__ import annotations

from protocol.modbus.maps.reference_keypad import DEBOUNCE_NS, TWO_KEYS_NS

__all__ = ["Contacts"]


class Contacts:
    """The contacts of some keys, since power-up.

    A key counts at its first edge, so that an event carries the instant of the press. It must then have been up for
    30 ms before it counts again; one press is one event however long it is held. Of two keys within 50 ms the first
    counts, whichever becomes of the second.
    """

    __slots__ = ("_counted", "_up_at")

    def __init__(self) -> None:
        self._up_at: dict[int, int] = {}
        self._counted: tuple[int, int] | None = None

    def edge(self, now: int, key: int, held: int = 0) -> str:
        """A key's contact closes, and stays closed for `held` ns; "" when it is a press, else why it is none."""
        up = self._up_at.get(key)
        if up is not None and now < up + DEBOUNCE_NS:
            return "held" if now < up else "bounce"
        self._up_at[key] = now + held
        if self._counted is not None and self._counted[0] != key and now - self._counted[1] <= TWO_KEYS_NS:
            return "two keys"
        self._counted = (key, now)
        return ""

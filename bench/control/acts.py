"""What people do to devices: one table, from which the API checks bodies, and its OpenAPI document lists the actions.

Which of them a device has is the device's own `human`; the actions of a declared device are those of its declaration.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

__all__ = ["ACTS", "ActRow", "told"]


class ActRow(NamedTuple):
    """One action.

    Args:
        does: for people.
        fields: of the body that it takes, the one that it needs first.
        state: field of the device's state in which it is seen; "" for none.
    """

    does: str
    fields: tuple[str, ...] = ()
    state: str = ""


ACTS: Final[Mapping[str, ActRow]] = MappingProxyType(
    {
        "press": ActRow("a key goes down, for `held_s` seconds", ("key", "held_s")),
        "log_in": ActRow("a clerk comes", ("clerk",), "clerk"),
        "log_out": ActRow("the clerk leaves", (), "clerk"),
        "tamper": ActRow("the case is opened (`on` true) or closed", ("on",), "case_open"),
        "supply": ActRow("the supply runs low (`on` true) or is good again", ("on",), "supply_low"),
        "open_cover": ActRow("the printer's cover is opened", (), "cover_open"),
        "close_cover": ActRow("and closed", (), "cover_open"),
        "load_paper": ActRow("a new roll of `metres`", ("metres",), "paper"),
        "take_paper": ActRow("the ticket is taken", (), "ticket_out"),
        "hold_feed": ActRow("the feed button is held", (), "feed_held"),
        "release_feed": ActRow("and let go", (), "feed_held"),
        "jam_paper": ActRow("paper jams", (), "paper"),
        "clear_jam": ActRow("and is pulled out", (), "paper"),
        "jam_cutter": ActRow("the cutter jams", (), "cutter_error"),
        "free_cutter": ActRow("and is freed", (), "cutter_error"),
        "overheat": ActRow("the head is too hot", (), "head_hot"),
        "cool_down": ActRow("and has cooled down", (), "head_hot"),
        "reset_switch": ActRow("the reset switch of a board is pushed"),
        "unplug": ActRow("the plug is pulled", (), "powered"),
        "plug_in": ActRow("and put in", (), "powered"),
    }
)
"""Action -> what it does and takes. `actions` of a device's state lists those that it has."""


def told() -> str:
    """All of them in one paragraph, for the OpenAPI document."""
    rows = (
        f"`{name}`{' (' + ', '.join(row.fields) + ')' if row.fields else ''}: {row.does}" for name, row in ACTS.items()
    )
    return (
        "What is done. " + "; ".join(rows) + ". A declared device has the actions of its declaration, with `args`. "
        "`actions` of a device's state lists those that it has."
    )

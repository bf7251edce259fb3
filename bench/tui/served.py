"""A view that a browser's server started: it ends with that server, however that ended."""

from __future__ import annotations

import os
import select
import threading
import time
from typing import Final

__all__ = ["end_with_server", "nobody_listens"]

GRACE_S: Final = 5.0
"""How long a view has to close by itself once its server has gone."""


def nobody_listens(descriptor: int = 0) -> bool:
    """Whether whoever wrote to this pipe has gone.

    A server that is killed tells nobody, and at the end of its pipe Textual's web driver goes on reading nothing, at
    half a core. What is still to be read does not matter: there is no page any more.
    """
    if not hasattr(select, "poll"):  # no POSIX system: textual-serve's own end has to do
        return False
    waiting = select.poll()
    waiting.register(descriptor, 0)
    return any(what & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, what in waiting.poll(0))


def end_with_server(descriptor: int = 0, *, grace: float = GRACE_S) -> None:
    """See to it that this process ends when whoever wrote to this pipe has gone, whatever it is at then.

    A view closes by itself when it notices; one that first had thousands of a page's messages to work off was seen
    to go on for an hour, at a whole core. There is nothing to save: its page and its connections are gone.

    Args:
        descriptor: of the pipe.
        grace: seconds that it has for closing by itself.
    """
    if not hasattr(select, "poll"):
        return
    waiting = select.poll()
    waiting.register(descriptor, 0)  # what is asked for in any case: hang-up and error

    def watch() -> None:
        waiting.poll()
        time.sleep(grace)
        os._exit(0)

    threading.Thread(target=watch, name="end-with-server", daemon=True).start()

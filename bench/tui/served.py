"""A view that a browser's server started: it ends with that server, however that ended."""

from __future__ import annotations

import select

__all__ = ["nobody_listens"]


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

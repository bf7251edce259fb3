"""Where sockets of a bench may listen: an address that is one, told before anything is started."""

from __future__ import annotations

import ipaddress
import socket


class NoAddress(ValueError):
    """A text that cannot be an address of a machine; the message says what may stand there."""


def no_address(text: str) -> str:
    """What is said of a text that is no address, wherever it was given."""
    return (
        f"there is no address {text!r}; write an address of this machine, e.g. 127.0.0.1 (this machine only), 0.0.0.0 "
        "or ::1, or a host name that stands for one, without a port number"
    )


def listening_address(text: str) -> str:
    """The address, as it was given.

    An address in numbers is taken as it is. A host name is looked up: one that nobody knows is no address. Whether the
    address is this machine's is not looked at: the system tells that when something is to listen there.

    Raises:
        NoAddress: it is neither.
    """
    host = text.strip()
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return host
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM) if host else []
    except (OSError, ValueError):  # ValueError: a label of a name that is empty or too long, a NUL
        found = []
    if not found:
        raise NoAddress(no_address(text))
    return host

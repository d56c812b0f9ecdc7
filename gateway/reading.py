"""Which connections are still sending their request, and since when.

The worker hangs up on those that take too long; whoever has read a body says so, and the answer may take its time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

_since: dict[int, tuple[float, Any]] = {}  # by file descriptor; each is used by one thread at a time


def began(descriptor: int, connection: object) -> None:
    """A connection starts to send a request."""
    _since[descriptor] = (time.monotonic(), connection)


def ended(descriptor: int) -> None:
    """The request is complete, or the connection is done with."""
    _since.pop(descriptor, None)


def finished(environ: dict[str, Any]) -> None:
    """The body of this WSGI request has arrived. Under another server than ours this does nothing."""
    connection = environ.get("gunicorn.socket")
    if connection is not None:
        ended(connection.fileno())


def overdue(allowed: float) -> Iterator[Any]:
    """The connections that have been sending for more than `allowed` seconds."""
    oldest = time.monotonic() - allowed
    return (connection for since, connection in list(_since.values()) if since < oldest)

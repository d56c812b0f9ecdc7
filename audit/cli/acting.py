"""Records of what the person at the terminal does to what the log refers to, through the running writer."""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.event import EventLogger

_PATIENCE = 10.0  # seconds for the writer to answer


@contextmanager
def acting(socket: Path) -> "Iterator[EventLogger]":
    """Events that carry who runs this command: user name and uid. Nothing is sent before the first event."""
    from audit.client import AuditClient
    from audit.event import event_logger

    client = AuditClient(socket, timeout=_PATIENCE)
    try:
        yield event_logger(client.append, uid=os.getuid(), user=_user(os.getuid()))
    finally:
        client.close()


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)

"""Who may touch a log directory: one writer, and one at a time that removes or replaces old segments."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audit.directory import LOCK
from audit.errors import LogBusy


def lock_for_writing(directory: Path) -> int:
    """A descriptor that holds the log until it is closed. Raises `LogBusy`, or `OSError`."""
    descriptor = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
    return _locked(descriptor, f"{directory}: another writer holds this log")


@contextmanager
def tidying(directory: Path) -> Iterator[None]:
    """While old segments are purged or archived. Independent of the writer's lock, so both go on beside a writer.

    Without it an archive could bring back a segment that is being purged. Raises `LogBusy`, or `OSError`.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    descriptor = _locked(descriptor, f"{directory}: its old segments are being purged or archived just now; try again")
    try:
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int, otherwise: str) -> int:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise LogBusy(otherwise) from error
    return descriptor

"""One process at a time changes an index, any number read it, and nobody waits for ever."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from audit.errors import ReviewFailed

PATIENCE: Final = 120.0  # seconds: longer than an index of a million records takes to build
_PAUSE: Final = 0.02
_WORTH_A_WORD: Final = 1.0


class Lock:
    """A lock file beside the index. SQLite's own locks cannot span the replacement of a file."""

    def __init__(self, descriptor: int, file: Path, notice: Callable[[str], None], patience: float) -> None:
        self._descriptor = descriptor
        self._file = file
        self._notice = notice
        self._patience = patience

    def for_writing(self) -> None:
        """Return as the only holder. Raises `ReviewFailed` after a while."""
        self._take(fcntl.LOCK_EX)

    def for_reading(self) -> None:
        """Return as one of several readers, having given up what was held. Raises `ReviewFailed` after a while."""
        self._take(fcntl.LOCK_SH)

    def _take(self, how: int) -> None:
        started, told = time.monotonic(), False
        while True:
            try:
                fcntl.flock(self._descriptor, how | fcntl.LOCK_NB)
                return
            except BlockingIOError as error:
                waited = time.monotonic() - started
                if waited > self._patience:
                    raise ReviewFailed(
                        f"{self._file}: another process has used the index for {waited:.0f} s; try again later"
                    ) from error
                if waited > _WORTH_A_WORD and not told:
                    self._notice("waiting for another process that brings the index up to date")
                    told = True
                time.sleep(_PAUSE)


@contextmanager
def lock(index: Path, notice: Callable[[str], None], patience: float = PATIENCE) -> Iterator[Lock]:
    """The lock of an index, not yet taken; given up when the block ends. Raises `ReviewFailed`."""
    file = index.with_name(f"{index.name}.lock")
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ReviewFailed(
            f"{file}: {error.strerror or error}; name a place for the index that you may write with --index"
        ) from error
    try:
        yield Lock(descriptor, file, notice, patience)
    finally:
        os.close(descriptor)

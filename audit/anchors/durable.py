"""Small files that must survive a power failure, and folders that only one process may use."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from audit.errors import LogBusy
from audit.storage import sync_directory


def replace_file(file: Path, data: bytes, mode: int = 0o600) -> None:
    """Put `data` in the place of `file`: whoever reads sees all of the old or all of the new, also after a crash.

    Returns when it is on disk. Raises `OSError`.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(descriptor, mode)
            stream.write(data)
            stream.flush()
            os.fsync(descriptor)
        temporary.rename(file)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_directory(file.parent)


@contextmanager
def locked(file: Path, what: str) -> Iterator[None]:
    """Hold the lock `file` inside the block. Raises `LogBusy` where another process holds it, `OSError`."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LogBusy(f"{file}: {what}") from error
        yield
    finally:
        os.close(descriptor)

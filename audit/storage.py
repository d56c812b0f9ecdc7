"""The open segment file. A write either is durable as a whole, or the segment is never written to again."""

import os
from pathlib import Path

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Segment:
    """A new, empty segment file, known by its inode and by the size that only we may change."""

    __slots__ = ("_descriptor", "_identity", "path", "size")

    def __init__(self, path: Path) -> None:
        """Create the file and make its name durable. Raises `OSError`."""
        self._descriptor = os.open(path, _FLAGS, 0o640)
        status = os.fstat(self._descriptor)
        self._identity = status.st_dev, status.st_ino
        self.path = path
        self.size = 0
        sync_directory(path.parent)

    def append(self, data: bytes) -> None:
        """Return when `data` is on disk. Raises `OSError`; the caller must then give the segment up.

        After a failed fsync the kernel may drop the pages and report success the next time, so nothing is tried twice.
        """
        self.check()
        written = os.write(self._descriptor, data)
        if written != len(data):
            raise OSError(f"short write: {written} of {len(data)} bytes")
        os.fdatasync(self._descriptor)
        self.size += written

    def check(self) -> None:
        """Raise `OSError` unless the name still leads to our file and no one else has written to it or cut it."""
        status = self.path.lstat()
        if (status.st_dev, status.st_ino) != self._identity:
            raise OSError("the open segment was replaced")
        if status.st_size != self.size:
            raise OSError(f"the open segment has {status.st_size} bytes, {self.size} were written")

    def close(self) -> None:
        os.close(self._descriptor)


def sync_directory(directory: Path) -> None:
    """Make creations and removals in `directory` durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

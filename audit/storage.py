"""The open segment file. A write either is durable as a whole, or the segment is never written to again."""

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Stamp(NamedTuple):
    """By what a file is known again: which it is, how long, and when it was last written to.

    The change time (ctime) is left out: a backup by hard links changes it.
    """

    device: int
    inode: int
    size: int
    written_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Stamp":
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class Segment:
    """A new, empty segment file, which only we may change."""

    __slots__ = ("_descriptor", "_path", "name", "stamp")

    def __init__(self, path: Path) -> None:
        """Create the file and make its name durable. Raises `OSError`."""
        self._descriptor = os.open(path, _FLAGS, 0o640)
        self._path = os.fspath(path)
        self.name = path.name
        self.stamp = Stamp.of(os.fstat(self._descriptor))
        sync_directory(path.parent)

    @property
    def size(self) -> int:
        return self.stamp.size

    def append(self, data: bytes) -> None:
        """Return when `data` is on disk. Raises `OSError`; the caller must then give the segment up.

        After a failed fsync the kernel may drop the pages and report success the next time, so nothing is tried twice.
        """
        self.check()
        written = os.write(self._descriptor, data)
        if written != len(data):
            raise OSError(f"short write to {self.name}: {written} of {len(data)} bytes")
        after = Stamp.of(os.fstat(self._descriptor))  # before the slow part: another's write in it shall show later
        if after.size != self.size + written:
            raise OSError(_length(self.name, after.size, self.size + written))
        os.fdatasync(self._descriptor)
        self.stamp = after

    def check(self) -> None:
        """Raise `OSError` unless the name still leads to our file, as our own last write left it."""
        try:
            found = Stamp.of(os.lstat(self._path))
        except FileNotFoundError as error:
            raise OSError(f"the open segment {self.name} was removed") from error
        if found == self.stamp:
            return
        if (found.device, found.inode) != (self.stamp.device, self.stamp.inode):
            raise OSError(f"the open segment {self.name} was replaced")
        if found.size != self.size:
            raise OSError(_length(self.name, found.size, self.size))
        raise OSError(f"the open segment {self.name} was written to by someone else")

    def abandon(self) -> None:
        """Close the file, and remove it if it is empty still."""
        with suppress(OSError):
            if os.fstat(self._descriptor).st_size == 0:
                Path(self._path).unlink()
        self.close()

    def close(self) -> None:
        os.close(self._descriptor)


def _length(name: str, found: int, expected: int) -> str:
    return f"the open segment {name} has {found} bytes, {expected} were written"


def sync_directory(directory: Path) -> None:
    """Make creations and removals in `directory` durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

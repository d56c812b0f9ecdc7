"""Sealed texts on disk: each worker process appends to a file of its own; a text has a place once it is durable.

A crash leaves at most a tail that no record refers to. A file that failed once is never written or synced again: after
a failed `fsync` the kernel may have dropped what it could not write and report success the next time.
"""

import os
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from audit.contents.store import open_file, sync_folder
from audit.errors import ContentsUnavailable

MAX_FILE: Final = 64 << 20  # bytes after which a new file is begun; a text is never split
SUFFIX: Final = ".texts"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed text lies."""

    file: str
    offset: int


class TextFiles:
    """The file that this process appends to. Threads write one after another and share each other's `fdatasync`."""

    __slots__ = ("_folder", "_lock", "_now", "_open")

    def __init__(self, folder: Path, now: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._now = now
        self._lock = threading.Lock()
        self._open: _TextFile | None = None

    def prepare(self) -> None:
        """Have a file to write to. Raises `ContentsUnavailable`."""
        with self._lock:
            self._current()

    def append(self, sealed: bytes) -> Place:
        """Return once the bytes are durable. Raises `ContentsUnavailable` where that could not be reached."""
        with self._lock:
            file = self._current()
            try:
                offset = file.write(sealed)
            except OSError as error:
                self._retire()
                raise _unavailable(self._folder / file.name, error) from error
        try:
            file.sync(offset + len(sealed))
        except OSError as error:
            raise _unavailable(self._folder / file.name, error) from error
        return Place(file.name, offset)

    def close(self) -> None:
        """Close the file; the next text begins a new one."""
        with self._lock:
            self._retire()

    def _current(self) -> "_TextFile":
        day = time.strftime("%Y%m%d", time.gmtime(self._now()))
        if self._open is not None and not (self._open.name.startswith(day) and self._open.usable()):
            self._retire()
        if self._open is None:
            name = f"{day}-{secrets.token_hex(8)}{SUFFIX}"
            try:
                self._open = _TextFile(name, open_file(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
                sync_folder(self._folder)
            except OSError as error:
                self._retire()
                raise _unavailable(self._folder / name, error) from error
        return self._open

    def _retire(self) -> None:
        if self._open is not None:
            self._open.close()
            if self._open.empty:  # a full disk must not be littered by each text that it refuses
                with suppress(OSError):
                    (self._folder / self._open.name).unlink()
            self._open = None


class _TextFile:
    """One file. `write` is called under the owner's lock; `sync` by any thread."""

    __slots__ = ("_descriptor", "_end", "_failed", "_lock", "_synced", "name")

    def __init__(self, name: str, descriptor: int) -> None:
        self.name = name
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._end = 0
        self._synced = 0
        self._failed: OSError | None = None

    @property
    def empty(self) -> bool:
        """Whether no text has a place in it."""
        return self._end == 0

    def usable(self) -> bool:
        """Whether it is still in the folder, as long as was written here, sound, and not full."""
        try:
            status = os.fstat(self._descriptor)
        except OSError:  # a network file system that has lost it
            return False
        return status.st_nlink == 1 and status.st_size == self._end < MAX_FILE and self._failed is None

    def write(self, sealed: bytes) -> int:
        """Append, and return the offset."""
        offset = self._end
        written = os.pwrite(self._descriptor, sealed, offset)
        if written != len(sealed):
            raise OSError("the disk took a part of a text only")
        self._end += written
        return offset

    def sync(self, end: int) -> None:
        """Return once everything before `end` is durable, perhaps by the `fdatasync` of another thread."""
        with self._lock:
            if self._synced >= end:
                return
            if self._failed is not None:
                raise self._failed
            reached = self._end
            try:
                os.fdatasync(self._descriptor)
            except OSError as error:
                self._failed = error
                raise
            self._synced = reached

    def close(self) -> None:
        """Sync what other threads still wait for, and close."""
        with self._lock:
            if self._failed is None and self._synced < self._end:
                try:
                    os.fdatasync(self._descriptor)
                    self._synced = self._end
                except OSError as error:
                    self._failed = error
            self._failed = self._failed or OSError("the file was closed")
            os.close(self._descriptor)


def _unavailable(file: Path, error: OSError) -> ContentsUnavailable:
    return ContentsUnavailable(f"contents {file}: {error.strerror or error}")

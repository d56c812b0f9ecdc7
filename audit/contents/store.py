"""The contents folder: where it must lie, who may see it, and how files in it come and go.

    keys/<2 hex>/<subject, 64 hex>-<key, 32 hex>.key      a wrapped content key
    texts/<day>-<16 hex>.texts                            sealed texts of one worker

The folder itself is locked (`flock`) by `erase` and `rewrap`, never by the gateway.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from audit.errors import ContentsUnavailable, LogBusy

MAX_KEY_FILE: Final = 4096


@dataclass(frozen=True, slots=True)
class Store:
    """A contents folder that was found to be in order."""

    root: Path

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def texts(self) -> Path:
        return self.root / "texts"


def create_store(root: Path) -> Store:
    """The store in this folder, which is created where there is none. Raises `ContentsUnavailable`."""
    store = Store(root)
    try:
        for folder in (store.root, store.keys, store.texts):
            make_folder(folder)
    except (OSError, ValueError) as error:
        raise ContentsUnavailable(f"contents {root}: {_why(error)}") from error
    return open_store(root)


def open_store(root: Path) -> Store:
    """The store in a folder that has one. Raises `ContentsUnavailable`, also where others may look into it."""
    store = Store(root)
    for folder in (store.root, store.keys, store.texts):
        try:
            status = folder.lstat()
        except (OSError, ValueError) as error:
            raise ContentsUnavailable(f"contents {folder}: {_why(error)}") from error
        if not stat.S_ISDIR(status.st_mode):
            raise ContentsUnavailable(f"contents {folder}: not a folder, or a link to one")
        if status.st_mode & 0o077 or (os.geteuid() not in (status.st_uid, 0)):
            raise ContentsUnavailable(f"contents {folder}: must belong to the gateway's user and have mode 0700")
    return store


def make_folder(folder: Path) -> None:
    """A folder of mode 0700 that survives a crash, if it is not there yet."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_file(file: Path, flags: int) -> int:
    """A descriptor of a regular file. A link in its place raises `OSError`, so it is never followed."""
    descriptor = os.open(file, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{file.name} is not a regular file")
    return descriptor


def hand_over(descriptor: int, store: Store) -> None:
    """Give a file that root has made to the gateway's user, who could not read, and so not erase, it otherwise."""
    owner = store.root.stat()
    if os.geteuid() != owner.st_uid:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


@contextmanager
def maintenance(store: Store) -> Iterator[None]:
    """Keep other maintenance out: a key that is being moved while it is erased could come back. Raises `LogBusy`."""
    try:
        descriptor = os.open(store.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ContentsUnavailable(f"contents {store.root}: {_why(error)}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise LogBusy(f"contents {store.root}: another `erase` or `rewrap` is at work") from error
        yield
    finally:
        os.close(descriptor)


def _why(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)

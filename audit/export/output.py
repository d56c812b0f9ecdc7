"""Files that are there whole or not at all: written beside their place, made durable, then put there in one step."""

import errno
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from audit.errors import ExportFailed
from audit.storage import sync_directory

STDOUT = "-"
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


@contextmanager
def open_output(name: str, log: Path, *, force: bool) -> Iterator[BinaryIO]:
    """A stream whose bytes are at `name`, mode 0600, when the block ends without an error; `-` is stdout.

    Raises `ExportFailed` for a place inside the log directory, for a file that exists unless `force`, and where the
    disk fails.
    """
    if name == STDOUT:
        with _stdout() as stream:
            yield stream
        return
    with new_file(outside(Path(name), log), force=force) as stream:
        yield stream


@contextmanager
def _stdout() -> Iterator[BinaryIO]:
    if sys.stdout is None:
        raise ExportFailed("stdout: is closed")
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing more can be said there, at exit either
        raise ExportFailed(f"stdout: {error.strerror or error}") from error


def outside(path: Path, log: Path) -> Path:
    """`path` itself, which names a file. Raises `ExportFailed` in the log directory: a foreign file is tampering."""
    if path.name in ("", ".."):
        raise ExportFailed(f"`{path}` is not the name of a file")
    try:
        home, place = log.resolve(), path.parent.resolve() / path.name
    except (OSError, RuntimeError) as error:  # links in a circle
        raise ExportFailed(f"{path}: cannot be told from the log directory {log}: {error}") from error
    if place == home or home in place.parents:
        raise ExportFailed(f"{path}: lies in the log directory, where only the log may be")
    return path


@contextmanager
def new_file(path: Path, *, force: bool) -> Iterator[BinaryIO]:
    """A stream to a file that appears at `path` when the block ends without an error. Raises `ExportFailed`."""
    temporary = None
    try:
        if not force and os.path.lexists(path):
            raise ExportFailed(f"{path}: exists already")
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)  # mode 0600
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        _put(temporary, path, force=force)
        sync_directory(path.parent)
    except OSError as error:
        raise ExportFailed(f"{path}: {error.strerror or error}") from error
    finally:
        if temporary is not None:
            with suppress(FileNotFoundError):
                Path(temporary).unlink()


def _put(temporary: str, path: Path, *, force: bool) -> None:
    if force:
        Path(temporary).replace(path)
        return
    try:
        os.link(temporary, path)  # fails where a file came into being meanwhile, which a rename would destroy
    except FileExistsError as error:
        raise ExportFailed(f"{path}: exists already") from error
    except OSError as error:
        if error.errno not in _NO_LINKS or os.path.lexists(path):
            raise
        Path(temporary).replace(path)

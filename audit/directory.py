"""The log directory as a reader sees it: which files may be there, and their lines."""

import errno
import io
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from audit.errors import Tampered
from audit.line import MAX_LINE
from audit.scan import Scanner

LOCK, SOCKET, QUARANTINE = "writer.lock", "writer.sock", "quarantine"
MAX_TAIL = 8 * MAX_LINE  # more than one commit can leave behind
_CHUNK = 1 << 20
_SEGMENT = re.compile(r"[0-9]{12}\.log")
_TORN = re.compile(r"[0-9]{12}-[0-9]+\.torn")


def segments(directory: Path) -> list[str]:
    """The names of all segment files in order. Raises `Tampered` for anything that no writer puts there."""
    names = []
    for entry in _entries(directory):
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISREG(mode) and _SEGMENT.fullmatch(entry.name):
            names.append(entry.name)
        elif not (
            (entry.name == LOCK and stat.S_ISREG(mode))
            or (entry.name == SOCKET and stat.S_ISSOCK(mode))
            or (entry.name == QUARANTINE and stat.S_ISDIR(mode))
        ):
            raise Tampered(printable(entry.name), 0, "does not belong into a log directory")
    return sorted(names)


def quarantined(directory: Path) -> list[str]:
    """The files that recoveries have set aside, as `quarantine/<size>-<n>.torn`. Raises `Tampered` for others."""
    if not (directory / QUARANTINE).is_dir():
        return []
    names = []
    for entry in _entries(directory / QUARANTINE):
        if not (entry.is_file(follow_symlinks=False) and _TORN.fullmatch(entry.name)):
            raise Tampered(f"{QUARANTINE}/{printable(entry.name)}", 0, "does not belong there")
        names.append(f"{QUARANTINE}/{entry.name}")
    return sorted(names)


def feed_file(scanner: Scanner, directory: Path, name: str, progress: Callable[[int], None] | None = None) -> bytes:
    """Feed all lines of a segment to the scanner, in constant memory, and return what follows the last LF.

    Raises `Tampered`, or `OSError` where the file cannot be read.
    """
    scanner.begin(name)
    rest = b""
    with open_regular(directory, name) as stream:
        while chunk := stream.read(_CHUNK):
            rows = (rest + chunk).split(b"\n")
            rest = rows.pop()
            for row in rows:
                scanner.feed(row)
            if len(rest) > MAX_TAIL:
                raise Tampered(name, scanner.row + 1, "no line is that long")
            if progress is not None:
                progress(len(chunk))
    return rest


@contextmanager
def open_regular(directory: Path, name: str) -> Iterator[BinaryIO]:
    """The file for reading. Raises `Tampered` where it is gone, a link or not a regular file, else `OSError`."""
    try:
        descriptor = os.open(directory / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise Tampered(name, 0, "went away") from error
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise Tampered(name, 0, "is a link") from error
    with os.fdopen(descriptor, "rb", buffering=0) as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Tampered(name, 0, "not a regular file")
        yield stream


@contextmanager
def open_segment(directory: Path, name: str) -> Iterator[BinaryIO]:
    """The uncompressed bytes of a segment, buffered. Raises like `open_regular`."""
    with open_regular(directory, name) as stream:
        yield io.BufferedReader(cast("io.RawIOBase", stream), _CHUNK)


def printable(name: str) -> str:
    """A file name that an attacker may have chosen, safe to show on a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name[:100])


def _entries(directory: Path) -> list[os.DirEntry[str]]:
    with os.scandir(directory) as entries:
        return sorted(entries, key=lambda entry: entry.name)

"""The log directory as a reader sees it: which files may be there, and their lines.

A segment is a `.log` file or, archived, a `.log.gz` file with the same lines. Readers name it as `segments` does; which
of the two is read is decided when it is opened, so an archiver at work disturbs no reader.
"""

import errno
import hashlib
import io
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from audit.bodies import Content
from audit.errors import Tampered
from audit.gzip_stream import BadGzip, Inflated
from audit.line import MAX_LINE
from audit.scan import Scanner

LOCK, SOCKET, QUARANTINE, ARCHIVED = "writer.lock", "writer.sock", "quarantine", ".gz"
MAX_TAIL = 8 * MAX_LINE  # more than one commit can leave behind
_CHUNK = 1 << 20
_SEGMENT = re.compile(r"[0-9]{12}\.log(\.gz)?")
_TORN = re.compile(r"[0-9]{12}-[0-9]+\.torn")


def segments(directory: Path) -> list[str]:
    """The names of all segments in order, `.log.gz` for one that is there in that form only.

    Raises `Tampered` for anything that no writer puts there.
    """
    return segments_of(segment_files(directory))


def segments_of(files: Mapping[str, int]) -> list[str]:
    """One name for each segment among these files: the `.log` where it is there in both forms."""
    return [name for name in files if not (name.endswith(ARCHIVED) and name.removesuffix(ARCHIVED) in files)]


def segment_files(directory: Path) -> dict[str, int]:
    """Every segment file in order with its size, both where a segment is there in both forms. Raises `Tampered`."""
    files = {}
    for entry in _entries(directory):
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:  # purged, archived, or a socket: gone since the directory was read
            continue
        if stat.S_ISREG(status.st_mode) and _SEGMENT.fullmatch(entry.name):
            files[entry.name] = status.st_size
        elif not (
            (entry.name == LOCK and stat.S_ISREG(status.st_mode))
            or (entry.name == SOCKET and stat.S_ISSOCK(status.st_mode))
            or (entry.name == QUARANTINE and stat.S_ISDIR(status.st_mode))
        ):
            raise Tampered(printable(entry.name), 0, "does not belong into a log directory")
    if files and (newest := next(reversed(files))).endswith(ARCHIVED):
        raise Tampered(newest, 0, "the newest segment is never archived")
    return files


def first_index(name: str) -> int:
    """The number in a name: a segment's first index, or the size of the tree behind which a torn tail was cut off."""
    return int(name.removeprefix(f"{QUARANTINE}/")[:12])


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

    `progress` is told how many more bytes of the file have been read. Raises `Tampered`, or `OSError` where the file
    cannot be read.
    """
    scanner.begin(name)
    rest, done = b"", 0
    with open_segment(directory, name) as stream:
        while chunk := stream.read(_CHUNK):
            rows = (rest + chunk).split(b"\n")
            rest = rows.pop()
            for row in rows:
                scanner.feed(row)
            if len(rest) > MAX_TAIL:
                raise Tampered(name, scanner.row + 1, "no line is that long")
            if progress is not None:
                progress(_on_disk(stream) - done)
                done = _on_disk(stream)
    return rest


def _on_disk(stream: io.BufferedReader) -> int:
    """How many bytes of the file have been read: of an archive, compressed ones."""
    return stream.raw.consumed if isinstance(stream.raw, Inflated) else stream.tell()


@contextmanager
def open_regular(directory: Path, name: str) -> Iterator[BinaryIO]:
    """The file for reading. Raises `Tampered` where it is gone, a link or not a regular file, else `OSError`."""
    with _open(directory, name) as (_, stream):
        yield stream


@contextmanager
def open_segment(directory: Path, name: str) -> Iterator[io.BufferedReader]:
    """The uncompressed bytes of a segment, buffered. Raises like `open_regular`, and `Tampered` for a damaged archive.

    A segment that is no longer there in the form that `name` says is opened in the other.
    """
    plain = name.removesuffix(ARCHIVED)
    with _open(directory, name, plain + ARCHIVED if name == plain else plain) as (opened, stream):
        raw = Inflated(stream) if opened.endswith(ARCHIVED) else cast("io.RawIOBase", stream)
        try:
            yield io.BufferedReader(raw, _CHUNK)
        except BadGzip as error:
            raise Tampered(opened, 0, f"not a whole archive: {error}") from error


@contextmanager
def _open(directory: Path, *names: str) -> Iterator[tuple[str, BinaryIO]]:
    """The first of these files that is there, and its name."""
    descriptor = None
    for name in names:
        try:
            descriptor = os.open(directory / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            break
        except FileNotFoundError:
            continue
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            raise Tampered(name, 0, "is a link") from error
    if descriptor is None:
        raise Tampered(names[0], 0, "went away")
    with os.fdopen(descriptor, "rb", buffering=0) as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Tampered(name, 0, "not a regular file")
        yield name, stream


def content(directory: Path, name: str) -> Content:
    """Length and SHA-256 of a segment, uncompressed, or of a quarantined file. Raises like `open_segment`."""
    digest, length = hashlib.sha256(), 0
    with open_segment(directory, name) if _SEGMENT.fullmatch(name) else open_regular(directory, name) as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            length += len(chunk)
    return Content(name.removesuffix(ARCHIVED), length, digest.hexdigest())


def printable(name: str) -> str:
    """A file name that an attacker may have chosen, safe to show on a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name[:100])


def _entries(directory: Path) -> list[os.DirEntry[str]]:
    with os.scandir(directory) as entries:
        return sorted(entries, key=lambda entry: entry.name)

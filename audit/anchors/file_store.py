"""Notes on a mounted file system, best one of another host: one file of notes, or a folder with one file for each."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from audit.anchors.durable import replace_file
from audit.anchors.notes import parse_checkpoint
from audit.anchors.target import note_name, note_size
from audit.cosignature import MAX_NOTE, parse_signed_note
from audit.errors import AnchorFailed, NotCanonical
from audit.storage import sync_directory

_TAIL = 2 * MAX_NOTE  # bytes of the end that are looked at: hundreds of notes
_MAX_ROWS = 1024  # lines of one note


class NotesFile:
    """One file to which notes are only ever appended, so that `chattr +a` or a mount without rewriting can hold it."""

    __slots__ = ("_file", "name")

    def __init__(self, file: Path) -> None:
        self._file = file
        self.name = str(file)

    def read(self, origin: str, size: int) -> str | None:
        """As `Store.read`, among the newest notes of the file."""
        return next((note for kept, note in reversed(self._tail(origin)) if kept == size), None)

    def create(self, origin: str, size: int, note: str) -> None:
        """As `Store.create`. The file is made where there is none, its folder is not: it may be an unmounted disk."""
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._file, flags, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            before = os.fstat(descriptor).st_size
            if before and not _ends_whole(os.pread(descriptor, _TAIL, max(0, before - _TAIL))):
                raise AnchorFailed("does not end in a whole note, so nothing is added to it: move the file aside")
            data = note.encode()
            if os.write(descriptor, data) != len(data):
                os.ftruncate(descriptor, before)
                raise AnchorFailed("the disk is full")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync_directory(self._file.parent)

    def confirm(self, origin: str, size: int) -> None:
        """Nothing holds a file on this side."""

    def newest(self, origin: str, after: int) -> str | None:
        """As `Store.newest`."""
        size, note = max(self._tail(origin), default=(0, None))
        return note if size > after else None

    def notes(self, origin: str) -> Iterator[tuple[int, str]]:
        """As `Store.notes`."""
        with self._file.open("rb") as stream:
            for kept in sorted(_scan(stream, origin), reverse=True):
                yield kept.size, _text(stream, kept)

    def _tail(self, origin: str) -> list[tuple[int, str]]:
        try:
            with self._file.open("rb") as stream:
                size = os.fstat(stream.fileno()).st_size
                stream.seek(max(0, size - _TAIL))
                return [(kept.size, _text(stream, kept)) for kept in list(_scan(stream, origin))]
        except FileNotFoundError:
            return []


class NotesFolder:
    """A folder with one file for each checkpoint, `<origin>/<size>.note`, none of which is ever changed."""

    __slots__ = ("_folder", "name")

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.name = f"{folder}/"

    def read(self, origin: str, size: int) -> str | None:
        """As `Store.read`."""
        try:
            with (self._folder / origin / note_name(size)).open("rb") as stream:
                return stream.read(MAX_NOTE).decode()
        except FileNotFoundError:
            return None

    def create(self, origin: str, size: int, note: str) -> None:
        """As `Store.create`. Folders for the origin are made, the folder itself is not: it may be an unmounted disk."""
        folder = self._folder
        for part in origin.split("/"):
            folder /= part
            if not folder.is_dir():
                folder.mkdir(mode=0o750)
                sync_directory(folder.parent)
        file = folder / note_name(size)
        temporary = folder / f".{file.name}.{os.getpid()}"
        replace_file(temporary, note.encode(), 0o440)
        try:
            os.link(temporary, file)  # unlike a rename, never takes the place of another file
            sync_directory(folder)
        finally:
            temporary.unlink()

    def confirm(self, origin: str, size: int) -> None:
        """Nothing holds a file on this side."""

    def newest(self, origin: str, after: int) -> str | None:
        """As `Store.newest`."""
        size = max(self._sizes(origin), default=0)
        return self.read(origin, size) if size > after else None

    def notes(self, origin: str) -> Iterator[tuple[int, str]]:
        """As `Store.notes`."""
        for size in sorted(self._sizes(origin), reverse=True):
            note = self.read(origin, size)
            if note is not None:
                yield size, note

    def _sizes(self, origin: str) -> list[int]:
        try:
            names = [file.name for file in (self._folder / origin).iterdir()]
        except FileNotFoundError:
            return []
        return [size for name in names if (size := note_size(name)) is not None]


class _Kept(NamedTuple):
    """A note in a file: the size of its checkpoint, and where it is."""

    size: int
    start: int
    stop: int


def _scan(stream: BinaryIO, origin: str) -> Iterator[_Kept]:
    """The notes of one origin from here on. What else is there is passed over, line by line: others may write here."""
    first, start = f"{origin}\n".encode(), stream.tell()
    place = start
    rows: list[bytes] = []
    signed = False  # the empty line was seen, behind which signatures stand
    while line := stream.readline(MAX_NOTE):
        if line == first or (signed and not line.startswith("— ".encode())):
            yield from _whole(rows, start)
            rows, signed, start = [], False, place
        if (rows or line == first) and len(rows) < _MAX_ROWS:
            rows.append(line)
            signed = signed or line == b"\n"
        place += len(line)
    yield from _whole(rows, start)


def _whole(rows: list[bytes], start: int) -> Iterator[_Kept]:
    """The note that these lines are, if they are one."""
    data = b"".join(rows)
    with suppress(NotCanonical):
        checkpoint = parse_checkpoint(parse_signed_note(data.decode("utf-8", "replace")).text)
        yield _Kept(checkpoint.size, start, start + len(data))


def _text(stream: BinaryIO, kept: _Kept) -> str:
    stream.seek(kept.start)
    return stream.read(kept.stop - kept.start).decode("utf-8", "replace")


def _ends_whole(tail: bytes) -> bool:
    """Whether a file of notes that ends so ends in a whole note: a text, an empty line, and signature lines."""
    text, _, signatures = tail.rstrip(b"\n").rpartition(b"\n\n")
    return bool(text) and tail.endswith(b"\n") and all(row.startswith("— ".encode()) for row in signatures.split(b"\n"))

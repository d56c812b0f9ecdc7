"""Follows a log as its writer appends to it, rotates, purges and archives. Read-only; the writer never notices.

Only what a checkpoint covers is given out: a record that was never acknowledged is never shipped. Waiting costs two
`stat` calls: the next segment is named after the next index, so the directory is listed only to find one's place.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from audit import line as lines
from audit.chain import SEGMENT_NAME
from audit.directory import ARCHIVED, first_index, open_segment, segments
from audit.errors import NotCanonical, ShippingFailed, Tampered
from audit.export.record import Record, origin_in, parse
from audit.merkle import leaf_hash
from audit.reader import Entry

_ATTEMPTS = 4
_CHUNK = 1 << 20
_MAX_BYTES = 4 << 20  # of records in one batch, apart from the commit that brings it there


@dataclass(frozen=True, slots=True)
class Position:
    """Where a reader stands: the next index to read, and the leaf hash of the line before it (empty at the start)."""

    next: int = 0
    leaf: bytes = b""


@dataclass(frozen=True, slots=True)
class Gap:
    """Lines `first` to `next - 1` were purged before they had been read."""

    first: int
    next: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Records in order and the position behind them. A gap comes alone, before the records that follow it."""

    origin: str
    position: Position
    records: list[Record] = field(default_factory=list)
    gap: Gap | None = None


class Tail:
    """One reader of one log. `read` never waits."""

    def __init__(self, directory: Path, position: Position, origin: str | None) -> None:
        """`position` and `origin` are what an earlier reader of the log reached; `Position()` and None start it."""
        self._directory = directory
        self._origin = origin
        self.position = position
        self._name: str | None = None  # the segment that holds the next index, once found
        self._offset = 0  # of the next index in it

    def read(self, limit: int) -> Batch | None:
        """What is committed behind the position: records up to the first checkpoint that brings them to `limit`.

        None where there is nothing yet. Raises `Tampered` or `ShippingFailed` where the log is not the one read before,
        and `OSError` from the disk.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._read(limit)
            except Tampered as error:
                if attempt == _ATTEMPTS or (self._directory / error.file).exists():
                    raise
                self._name = None  # archived or purged just now: find the place again
        return None

    def _read(self, limit: int) -> Batch | None:
        while True:
            name = self._name or self._locate()
            if isinstance(name, Gap):
                return self._skip(name)
            if name is None:
                return None
            self._name = name
            batch = self._read_segment(name, limit)
            if batch is not None or not self._next_segment():
                return batch

    def _read_segment(self, name: str, limit: int) -> Batch | None:
        """The records up to the last checkpoint within the limit. Moves the position; None where nothing was added."""
        records: list[Record] = []
        pending: list[Record] = []
        size = 0
        reached, offset, moved = self.position, self._offset, False
        for entry, end in self._entries(name):
            if entry.kind == b"hdr":
                self._check_origin(origin_in(entry))
            elif entry.kind == b"rec":
                pending.append(parse(entry, self._origin or ""))
            elif entry.kind == b"ckpt":
                records += pending
                size += sum(len(record.body) for record in pending)
                pending = []
                reached, offset, moved = Position(entry.index + 1, leaf_hash(entry.line)), end, True
                if len(records) >= limit or size >= _MAX_BYTES:
                    break
        self.position, self._offset = reached, offset
        return Batch(self._origin or "", reached, records) if moved else None

    def _entries(self, name: str) -> Iterator[tuple[Entry, int]]:
        """The whole lines from the position on, each with the offset behind it."""
        index, offset = self.position.next, self._offset
        with open_segment(self._directory, name) as stream:
            if _forward(stream, offset) < offset:
                raise ShippingFailed(f"{name}: is shorter than when it was shipped: it was cut")
            for raw in stream:
                if not raw.endswith(b"\n"):
                    return
                yield _entry(name, index, raw[:-1], offset), offset + len(raw)
                index += 1
                offset += len(raw)

    def _next_segment(self) -> bool:
        """Whether the next segment is there: named after the next index, so only once this one was read to its end."""
        following = SEGMENT_NAME.format(self.position.next)
        for name in (following, following + ARCHIVED):
            if name != self._name and (self._directory / name).exists():
                self._name, self._offset = name, 0
                return True
        if self._name is not None and not (self._directory / self._name).exists():
            self._name = None
        return False

    def _locate(self) -> str | Gap | None:
        """The segment with the next index, found by a listing, with the offset there. None: nothing is there yet."""
        names = segments(self._directory)
        if self.position == Position() and names:
            self.position = Position(first_index(names[0]))  # what was purged before shipping began is not missed
        held = [name for name in names if first_index(name) <= self.position.next]
        if not held:
            if names:
                return Gap(self.position.next, first_index(names[0]))
            self._expect_nothing()
            return None
        name = held[-1]
        if first_index(name) == self.position.next and len(held) > 1 and self.position.leaf:
            self._check_last(held[-2])
        self._offset = self._seek(name)
        return name

    def _seek(self, name: str) -> int:
        """The offset of the next index in its segment; the line before must be the one that was read then."""
        index, before = first_index(name), b""
        offset = 0
        with open_segment(self._directory, name) as stream:
            if index < self.position.next:
                for raw in stream:
                    index, offset, before = index + 1, offset + len(raw), raw
                    if index == self.position.next or not raw.endswith(b"\n"):
                        break
                self._compare(name, index, before)
        return offset

    def _check_last(self, name: str) -> None:
        """Hold the last line of the segment before against the position. It may have been purged since."""
        last, index = b"", first_index(name)
        try:
            with open_segment(self._directory, name) as stream:
                for raw in stream:
                    last, index = raw, index + 1
        except Tampered:
            return
        self._compare(name, index, last)

    def _compare(self, name: str, index: int, raw: bytes) -> None:
        if index < self.position.next or not raw.endswith(b"\n"):
            what = f"the log holds no line {self.position.next - 1}, which was shipped: it was cut or replaced"
            raise ShippingFailed(f"{name}: {what}")
        if self.position.leaf and leaf_hash(raw[:-1]) != self.position.leaf:
            raise ShippingFailed(
                f"{name}: line {self.position.next - 1} is not the one that was shipped: it was changed"
            )

    def _expect_nothing(self) -> None:
        """An empty directory is a log that has not begun, unless some of it was read before."""
        if self.position.next:
            raise ShippingFailed(f"the log is empty, but {self.position.next} lines of it were shipped: it was removed")

    def _skip(self, gap: Gap) -> Batch:
        """Go on behind purged lines, whose origin is that of the log."""
        name = next(name for name in segments(self._directory) if first_index(name) >= gap.next)
        with open_segment(self._directory, name) as stream:
            self._check_origin(origin_in(_entry(name, first_index(name), stream.readline()[:-1], 0)))
        self.position = Position(first_index(name))
        return Batch(self._origin or "", self.position, gap=Gap(gap.first, self.position.next))

    def _check_origin(self, origin: str) -> None:
        if self._origin not in (None, origin):
            raise ShippingFailed(f"the log is of `{origin}`, the cursor of `{self._origin}`")
        self._origin = origin


def _forward(stream: BinaryIO, offset: int) -> int:
    """Go to this offset, or to the end where that comes before, and say where that is. An archive can only be read."""
    if stream.seekable():
        return stream.seek(min(offset, stream.seek(0, os.SEEK_END)))
    done = 0
    while done < offset and (chunk := stream.read(min(_CHUNK, offset - done))):
        done += len(chunk)
    return done


def _entry(name: str, index: int, line: bytes, offset: int) -> Entry:
    try:
        kind, body, time = lines.split(line, index)
    except NotCanonical as error:
        raise Tampered(name, index - first_index(name) + 1, str(error)) from error
    return Entry(index, kind, body, time, line, name, offset)

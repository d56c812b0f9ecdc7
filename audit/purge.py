"""Removes segments that are old enough. The signed line between the plan and the removal is the journal's.

Crash safety: nothing is removed before the line that names it is durable, and removal is from the oldest file on, so
what is left is always a log that starts at a segment which the line names or keeps. `finish` removes the rest.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from audit import line as lines
from audit.bodies import Content, Purge
from audit.directory import ARCHIVED, content, first_index, open_segment, quarantined, segment_files, segments
from audit.errors import NotCanonical, RecordRefused, Tampered
from audit.exclusive import tidying
from audit.purged import RETENTION_FLOOR_DAYS
from audit.storage import sync_directory

DAY_NS = 86_400 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Portion:
    """How much goes at once. The writer answers no one while it hashes these, one segment at least."""

    files: int = 128
    bytes: int = 32 << 20


_PORTION = Portion()


def cutoff(keep_days: int, now_ns: int) -> bytes:
    """The time before which lines may go. Raises `RecordRefused` for fewer days than `RETENTION_FLOOR_DAYS`."""
    if keep_days < RETENTION_FLOOR_DAYS:
        raise RecordRefused(f"records are kept for at least {RETENTION_FLOOR_DAYS} days, not {keep_days}")
    return lines.timestamp(max(0, now_ns - keep_days * DAY_NS))


def plan(directory: Path, before: bytes, most: Portion | None = _PORTION) -> Purge | None:
    """What may go now, oldest first: whole segments with no line as young as `before`, never the newest one.

    No more than `most`, so ask again until None. Raises `Tampered` where a segment cannot be read as one, or `OSError`.
    """
    removed: list[Content] = []
    first = total = 0
    for name, after in pairwise(segments(directory)):
        if most is not None and (total >= most.bytes or len(removed) >= most.files):
            break
        if (old := _older(directory, name, before)) is None:
            break
        removed.append(old)
        total += old.length
        first = first_index(after)
    if not removed:
        return None
    aside = [content(directory, name) for name in quarantined(directory) if first_index(name) < first]
    return Purge(before, first, (*removed, *aside))


def carry_out(directory: Path, purge: Purge) -> list[str]:
    """Remove what a durable, signed line names and return the names of the files; those gone already are skipped."""
    gone = []
    for named in purge.removed:
        for name in (named.file, named.file + ARCHIVED):
            path = directory / name
            if path.exists():
                path.unlink()
                sync_directory(path.parent)  # each by itself: no order but this one may reach the disk
                gone.append(name)
    return gone


def finish(directory: Path, purges: Iterable[Purge]) -> None:
    """Remove what a crash left of files that signed lines name.

    Raises `Tampered` where one is not what its line says, `LogBusy` where an archiver is at work.
    """
    for purge in purges:
        if any(left(directory, purge.removed)):
            with tidying(directory):
                check_left(directory, purge.removed)
                carry_out(directory, purge)


def check_left(directory: Path, named: Iterable[Content]) -> None:
    """Raise `Tampered` unless every named file that is still there is what its line says."""
    for name, expected in left(directory, named):
        if content(directory, name) != expected:
            raise Tampered(name, 0, "not the bytes that a `purge` line names")


def left(directory: Path, named: Iterable[Content]) -> Iterable[tuple[str, Content]]:
    """Those of the named files that are there, by the names they have."""
    files = {*segment_files(directory), *quarantined(directory)}
    for expected in named:
        for name in (expected.file, expected.file + ARCHIVED):
            if name in files:
                yield name, expected


def _older(directory: Path, name: str, before: bytes) -> Content | None:
    """The segment as a line names it, if every line of it is from before that time."""
    digest, length, row, last = hashlib.sha256(), 0, 0, b""
    with open_segment(directory, name) as stream:
        while raw := stream.readline(lines.MAX_LINE + 1):
            row, last = row + 1, raw
            if not raw.endswith(b"\n"):
                raise Tampered(name, row, "no whole line")
            if row == 1 and _time(name, row, raw) >= before:
                return None
            digest.update(raw)
            length += len(raw)
    if not row or _time(name, row, last) >= before:
        return None
    return Content(name.removesuffix(ARCHIVED), length, digest.hexdigest())


def _time(name: str, row: int, raw: bytes) -> bytes:
    try:
        return lines.split(raw[:-1], first_index(name) + row - 1)[2]
    except NotCanonical as error:
        raise Tampered(name, row, str(error)) from error

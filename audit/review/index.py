"""The index of one log: a file outside its directory, brought up to date before each use, built anew when in doubt.

    with open_index(directory, notice=say) as index:
        index.connection.execute("SELECT count(*) FROM event")

It holds nothing that the log does not hold, and only what a checkpoint covers. The log is read again for whatever must
be believed. It is built anew, with a notice, where

1. there is none, or it is damaged, or of another version of the tables;
2. the log begins at another line: what was purged must not live on in an index;
3. the line before the index's place in the log is not the one that was read there. That line is a checkpoint and holds
   the root over all lines before it, so no other history of the log has the same.
"""

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from audit.directory import first_index, segments
from audit.errors import ExportFailed, ReviewFailed, ShippingFailed, Tampered, UnreadableLog
from audit.export.output import outside
from audit.review.gathering import gathered
from audit.review.loader import waiting, write
from audit.review.lock import PATIENCE, lock
from audit.review.schema import VERSION, create_indexes, create_tables
from audit.ship.tail import Position
from audit.storage import sync_directory

SUFFIX: Final = ".index.sqlite"
Notice = Callable[[str], None]
Progress = Callable[[int], None]  # takes the index of the next line

_ATTEMPTS: Final = 3
_CACHE_KIB: Final = 64_000


@dataclass(frozen=True, slots=True)
class Index:
    """An index that is up to date and stays as it is while it is open. `audit.review.schema` has its tables."""

    origin: str
    connection: sqlite3.Connection  # read-only


@dataclass(frozen=True, slots=True)
class _Reached:
    """The log and the place in it."""

    origin: str
    first: int
    position: Position


class _Outdated(Exception):
    """The index is not one of this log any more. The text says why."""


@contextmanager
def open_index(
    directory: Path,
    file: Path | None = None,
    *,
    notice: Notice,
    progress: Progress | None = None,
    rebuild: bool = False,
    patience: float = PATIENCE,
) -> Iterator[Index]:
    """The index of a log, up to date. `file` defaults to `<directory>.index.sqlite`.

    Others wait meanwhile, up to `patience` seconds. Raises `ReviewFailed`, `UnreadableLog`, and `Tampered` where lines
    of the log are none.
    """
    file = place_of(directory, file)
    with lock(file, notice, patience) as held:
        held.for_writing()
        try:
            reached = _refresh(directory, file, notice, progress, rebuild=rebuild)
            held.for_reading()
            with closing(_connect(file, "ro")) as connection:
                yield Index(reached.origin, connection)
        except sqlite3.DatabaseError as error:
            raise ReviewFailed(f"{file}: {error}; `audit index --rebuild` makes a new one") from error


def place_of(directory: Path, file: Path | None) -> Path:
    """Where the index of a log is. Raises `ReviewFailed` for a place in the log directory."""
    home = directory.resolve()
    try:
        return outside(file or home.with_name(home.name + SUFFIX), directory)
    except ExportFailed as error:
        raise ReviewFailed(str(error)) from error


def _refresh(directory: Path, file: Path, notice: Notice, progress: Progress | None, *, rebuild: bool) -> _Reached:
    """Bring the index up to date; build it anew where that is asked for or it is in doubt."""
    try:
        first = _first(directory)
        if not rebuild and _is_ours(file):
            try:
                return _catch_up(directory, file, first, progress)
            except ShippingFailed as error:
                notice(f"the log is not the one that was indexed, the index is built anew; verify the log: {error}")
            except (_Outdated, sqlite3.DatabaseError) as error:
                notice(f"the index is built anew: {error}")
        return _build(directory, file, progress)
    except OSError as error:
        raise UnreadableLog(f"{error.filename or directory}: {error.strerror or error}") from error


def _first(directory: Path) -> int:
    names = segments(directory)
    if not names:
        raise UnreadableLog(f"{directory}: not a log directory, there is no segment")
    return first_index(names[0])


def _is_ours(file: Path) -> bool:
    """Whether there is an index that nobody else can have made or read. Raises `ReviewFailed` for another's."""
    try:
        status = file.lstat()
    except FileNotFoundError:
        return False
    private = stat.S_ISREG(status.st_mode) and not status.st_mode & 0o077 and status.st_uid in (os.geteuid(), 0)
    if not private:
        raise ReviewFailed(f"{file}: must be a file of your own with mode 0600; remove it, and it is built anew")
    return True


def _catch_up(directory: Path, file: Path, first: int, progress: Progress | None) -> _Reached:
    with closing(_connect(file, "rw")) as connection:
        reached = _read_meta(connection)
        if reached.first != first:
            raise _Outdated("lines were purged since, and must not live on in it")
        connection.execute("BEGIN IMMEDIATE")
        after = _load(connection, directory, reached, progress)
        if after != reached:
            _write_meta(connection, after)
        connection.execute("COMMIT")
        return after


def _build(directory: Path, file: Path, progress: Progress | None) -> _Reached:
    """Build aside and replace, so that a crash leaves the old index or none. Again where lines are purged meanwhile."""
    draft = file.with_name(f"{file.name}.new")
    for attempt in range(1, _ATTEMPTS + 1):
        draft.unlink(missing_ok=True)
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        first = _first(directory)
        try:
            reached = _fill(draft, directory, first, progress)
            break
        except BaseException as error:
            draft.unlink(missing_ok=True)
            purged = isinstance(error, Tampered) and _first(directory) != first
            if not purged or attempt == _ATTEMPTS:
                raise
    # A journal that a crash left belongs to the old file, and SQLite would apply it to the new one.
    for old in (file, file.with_name(f"{file.name}-journal")):
        old.unlink(missing_ok=True)
    draft.rename(file)
    sync_directory(file.parent)
    return reached


def _fill(draft: Path, directory: Path, first: int, progress: Progress | None) -> _Reached:
    with closing(_connect(draft, "rw")) as connection:
        connection.execute("PRAGMA journal_mode = OFF")  # a draft that is cut off is thrown away
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA threads = 2")
        connection.execute("BEGIN")
        create_tables(connection)
        reached = _load(connection, directory, _Reached("", first, Position()), progress)
        create_indexes(connection)
        _write_meta(connection, reached)
        connection.execute("COMMIT")
    descriptor = os.open(draft, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return reached


def _load(connection: sqlite3.Connection, directory: Path, reached: _Reached, progress: Progress | None) -> _Reached:
    """Add what is committed behind this place. Raises `_Outdated`, and `ShippingFailed` where the log is another."""
    origin, position = reached.origin, reached.position
    for each in gathered(directory, position, origin, {} if position == Position() else waiting(connection)):
        if each.gap:
            raise _Outdated("lines were purged before it had them")
        write(connection, each.rows)
        origin, position = each.origin, each.position
        if progress is not None:
            progress(position.next)
    return _Reached(origin, reached.first, position)


def _read_meta(connection: sqlite3.Connection) -> _Reached:
    meta = dict(connection.execute("SELECT name, value FROM meta"))
    if meta.get("version") != VERSION:
        raise _Outdated("it is of another version")
    return _Reached(meta["origin"], meta["first"], Position(meta["next"], meta["leaf"]))


def _write_meta(connection: sqlite3.Connection, reached: _Reached) -> None:
    meta = {
        "version": VERSION,
        "origin": reached.origin,
        "first": reached.first,
        "next": reached.position.next,
        "leaf": reached.position.leaf,
    }
    connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", meta.items())


def _connect(file: Path, mode: str) -> sqlite3.Connection:
    uri = f"file:{quote(os.fsencode(file.absolute()))}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)  # transactions are begun where they are needed
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection

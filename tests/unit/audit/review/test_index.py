"""An index follows its log, holds nothing else, and is built anew whenever it might not be the log's."""

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.records import ADMITTED, FINISHED, HEARTBEAT, STARTED, UNKNOWN_CALLER

from audit import canonical
from audit.archive import archive
from audit.errors import ReviewFailed, Tampered, UnreadableLog
from audit.export.record import committed
from audit.journal import Journal, Rotation
from audit.reader import Entry
from audit.review import index as module
from audit.review import source
from audit.review.index import open_index, place_of
from audit.review.schema import VERSION

START_NS = 1_795_420_800_000_000_000  # 2026-11-23T08:00:00Z
ENDED = {**FINISHED, "admitted": 4}
Write = Callable[..., Path]


def ignore(_notice: str) -> None:
    return


def indexes(log: Path, **options: Any) -> list[int]:
    """The first records of all events of the index, brought up to date."""
    with open_index(log, notice=options.pop("notice", ignore), **options) as index:
        return [row for (row,) in index.connection.execute("SELECT idx FROM event ORDER BY idx")]


def append(open_journal: Callable[..., Journal], *records: dict[str, Any], seconds: int = 100) -> None:
    """Go on with the log, in a new segment."""
    journal = open_journal(now_ns=START_NS + seconds * 10**9)
    for record in records:
        journal.append([canonical.encode(record)], START_NS + seconds * 10**9)
    journal.close(START_NS + seconds * 10**9)


def test_a_request_is_one_event(write: Write) -> None:
    """The record of its end stands with the record of its beginning."""
    log = write(STARTED, ADMITTED, ENDED, UNKNOWN_CALLER)
    with open_index(log, notice=ignore) as index:
        assert index.origin == "host-a/hangu"
        rows = index.connection.execute("SELECT idx, finished, outcome, subject FROM event ORDER BY idx").fetchall()
    assert rows == [(2, None, None, None), (4, 6, "completed", "李雷"), (8, None, None, None)]


@pytest.mark.parametrize(("name", "value"), [("_BATCH", 1), ("_BATCH_BYTES", 1)])
def test_a_log_in_many_batches(write: Write, monkeypatch: pytest.MonkeyPatch, name: str, value: int) -> None:
    """However few records are taken at a time, the index is the same."""
    monkeypatch.setattr(source, name, value)
    log = write(STARTED, ADMITTED, ENDED, UNKNOWN_CALLER)
    with open_index(log, notice=ignore) as index:
        rows = index.connection.execute("SELECT idx, finished, outcome FROM event ORDER BY idx").fetchall()
    assert rows == [(2, None, None), (4, 6, "completed"), (8, None, None)]


def test_heartbeats_are_left_out(write: Write) -> None:
    """On a quiet day they would hide what happened."""
    assert indexes(write(HEARTBEAT, STARTED, HEARTBEAT)) == [4]


def test_it_follows_the_log(write: Write, open_journal: Callable[..., Journal]) -> None:
    """What was appended is there at the next use, and an end joins a beginning that was indexed before."""
    log, notices = write(STARTED, ADMITTED), list[str]()
    assert indexes(log) == [2, 4]
    append(open_journal, ENDED, UNKNOWN_CALLER)
    assert indexes(log, notice=notices.append) == [2, 4, 12]
    with open_index(log, notice=notices.append) as index:
        finished = index.connection.execute("SELECT finished, outcome FROM event WHERE idx = 4").fetchone()
    assert finished == (10, "completed")
    assert notices == []


def test_a_log_without_records_has_an_index(write: Write, open_journal: Callable[..., Journal]) -> None:
    """It is empty, and follows."""
    log = write()
    assert indexes(log) == []
    append(open_journal, STARTED)
    assert indexes(log) == [6]


def test_what_was_never_acknowledged_is_not_in_it(write: Write) -> None:
    """Lines behind the last checkpoint are left out, as a crash leaves them."""
    log = write(STARTED, UNKNOWN_CALLER)
    segment = log / "000000000000.log"
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join(lines[:5]))  # the record of UNKNOWN_CALLER without its checkpoint
    assert indexes(log) == [2]


def test_the_index_of_another_log(write: Write, tmp_path: Path) -> None:
    """An index that was made of another log is thrown away, and one is told."""
    log, other = write(STARTED), write(UNKNOWN_CALLER, UNKNOWN_CALLER, name="other")
    indexes(log)
    shutil.copy(place_of(log, None), place_of(other, None))
    notices: list[str] = []
    assert indexes(other, notice=notices.append) == [2, 4]
    assert [notice[:38] for notice in notices] == ["the log is not the one that was indexe"]


def test_a_log_that_was_rolled_back(write: Write) -> None:
    """A log that ends before what was indexed is another log."""
    log = write(STARTED, UNKNOWN_CALLER, UNKNOWN_CALLER)
    assert indexes(log) == [2, 4, 6]
    segment = log / "000000000000.log"
    segment.write_bytes(b"".join(segment.read_bytes().splitlines(keepends=True)[:4]))
    notices: list[str] = []
    assert indexes(log, notice=notices.append) == [2]
    assert "verify the log" in notices[0]


def test_purged_lines_do_not_live_on(tmp_path: Path, open_journal: Callable[..., Journal]) -> None:
    """After a purge the index and its file hold nothing of what was purged."""
    day = 86_400 * 10**9
    journal = open_journal(rotation=Rotation(period_seconds=3600))
    journal.append([canonical.encode({**ADMITTED, "subject": "canary-of-the-past"})], START_NS)
    for days in (400, 800):
        journal.append([canonical.encode(UNKNOWN_CALLER)], START_NS + days * day)
    log = tmp_path / "log"
    first = indexes(log)
    assert b"canary-of-the-past" in place_of(log, None).read_bytes()
    assert journal.purge(365, START_NS + 800 * day)
    journal.close(START_NS + 800 * day)
    notices: list[str] = []
    assert indexes(log, notice=notices.append) == first[1:]
    assert "purged" in notices[0]
    assert b"canary-of-the-past" not in place_of(log, None).read_bytes()


def test_a_purge_while_building(
    tmp_path: Path, open_journal: Callable[..., Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Segments that go away under the reader's hands make it start again, not fail."""
    day = 86_400 * 10**9
    journal = open_journal(rotation=Rotation(period_seconds=3600))
    for days in (0, 400, 800, 1200):
        journal.append([canonical.encode(UNKNOWN_CALLER)], START_NS + days * day)
    log, read, before = tmp_path / "log", committed, indexes(tmp_path / "log")
    purged: list[str] = []

    def purging(directory: Path) -> Iterator[list[tuple[Entry, str]]]:
        groups = read(directory)
        yield next(groups)
        if not purged:
            purged.extend(journal.purge(365, START_NS + 1200 * day))
        yield from groups

    monkeypatch.setattr(source, "committed", purging)
    assert indexes(log, rebuild=True) == before[2:]
    assert len(purged) == 2
    journal.close(START_NS + 1200 * day)


@pytest.mark.parametrize("damage", [b"", b"not a database" * 1000])
def test_a_damaged_index_is_built_anew(write: Write, damage: bytes) -> None:
    """Whatever lies there, the log has everything."""
    log = write(STARTED)
    indexes(log)
    place_of(log, None).write_bytes(damage)
    notices: list[str] = []
    assert indexes(log, notice=notices.append) == [2]
    assert notices[0].startswith("the index is built anew: ")


def test_another_version_is_built_anew(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index with tables of another version is not read."""
    log = write(STARTED)
    indexes(log)
    monkeypatch.setattr(module, "VERSION", VERSION + 1)
    notices: list[str] = []
    assert indexes(log, notice=notices.append) == [2]
    assert notices == ["the index is built anew: it is of another version"]


def test_rebuild_on_request(write: Write) -> None:
    """A row that someone took out of the index is back after a rebuild, and not before."""
    log = write(STARTED, UNKNOWN_CALLER)
    indexes(log)
    with sqlite3.connect(place_of(log, None)) as connection:
        connection.execute("DELETE FROM event WHERE idx = 2")
    connection.close()
    assert indexes(log) == [4]
    assert indexes(log, rebuild=True) == [2, 4]


def test_a_crash_while_building(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was half built is neither used nor left behind."""
    log = write(STARTED)

    def crash(_connection: sqlite3.Connection) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(module, "create_indexes", crash)
        with pytest.raises(UnreadableLog, match="the disk is full"):
            indexes(log)
    assert sorted(each.name for each in log.parent.glob("log.*")) == ["log.index.sqlite.lock"]
    assert indexes(log) == [2]


def test_a_journal_of_the_old_file_is_not_applied_to_the_new(write: Write) -> None:
    """A rebuild takes the journal that a crash left away with the file it belongs to."""
    log = write(STARTED)
    place = place_of(log, None)
    journal = place.with_name(f"{place.name}-journal")
    journal.write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(2000))
    assert indexes(log, rebuild=True) == [2]
    assert not journal.exists()


def test_its_file_is_private(write: Write, tmp_path: Path) -> None:
    """Mode 0600, whatever the umask; it may hold texts that the log holds."""
    log = write(STARTED)
    before = os.umask(0)
    try:
        indexes(log)
    finally:
        os.umask(before)
    modes = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.glob("log.index*")}
    assert modes == {"log.index.sqlite": 0o600, "log.index.sqlite.lock": 0o600}


@pytest.mark.parametrize("kind", ["open", "link", "directory"])
def test_a_planted_index(write: Write, tmp_path: Path, kind: str) -> None:
    """A file that others can write, a link, or what is no file at all, is not taken for an index of one's own."""
    log = write(STARTED)
    place = place_of(log, None)
    if kind == "open":
        place.touch(mode=0o600)
        place.chmod(0o660)
    elif kind == "link":
        (tmp_path / "elsewhere").touch(mode=0o600)
        place.symlink_to(tmp_path / "elsewhere")
    else:
        place.mkdir(mode=0o700)
    with pytest.raises(ReviewFailed, match="a file of your own with mode 0600"):
        indexes(log)


def test_it_never_lies_in_the_log(write: Write) -> None:
    """A foreign file in the log directory would be tampering."""
    log = write(STARTED)
    with pytest.raises(ReviewFailed, match="lies in the log directory"):
        indexes(log, file=log / "index.sqlite")
    assert indexes(log, file=log.parent / "elsewhere.sqlite") == [2]


def test_no_log(tmp_path: Path) -> None:
    """A directory that is no log has no index."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableLog, match="there is no segment"):
        indexes(tmp_path / "empty")
    with pytest.raises(UnreadableLog, match="No such file"):
        indexes(tmp_path / "missing")


def test_a_line_that_is_none(write: Write) -> None:
    """A log whose lines are no lines is named with file and line, and has no index."""
    log = write(STARTED, UNKNOWN_CALLER)
    segment = log / "000000000000.log"
    segment.write_bytes(segment.read_bytes().replace(b'{"i":4,', b'{"i":5,'))
    with pytest.raises(Tampered, match=r"000000000000\.log:5"):
        indexes(log)


def test_readers_share_and_writers_wait_bounded(write: Write) -> None:
    """Two may read at once; whoever wants to change the index meanwhile gives up after a while, with a reason."""
    log = write(STARTED)
    with open_index(log, notice=ignore) as index:
        with pytest.raises(ReviewFailed, match="another process has used the index"):
            indexes(log, patience=0)
        assert index.connection.execute("SELECT count(*) FROM event").fetchone() == (1,)
        lock = os.open(place_of(log, None).with_name("log.index.sqlite.lock"), os.O_RDWR)
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        os.close(lock)
    assert indexes(log, patience=0) == [2]


def test_an_index_is_read_only(write: Write) -> None:
    """A query cannot change it."""
    log = write(STARTED)
    with pytest.raises(ReviewFailed, match="readonly"), open_index(log, notice=ignore) as index:
        index.connection.execute("DELETE FROM event")


def test_an_archived_log(write: Write, open_journal: Callable[..., Journal]) -> None:
    """Compressed segments are read like others, from the start and from the middle."""
    log = write(STARTED, ADMITTED)
    indexes(log)
    append(open_journal, ENDED, UNKNOWN_CALLER)
    archive(log, "000000000000.log")
    assert [each.name for each in log.glob("*.gz")] == ["000000000000.log.gz"]
    assert indexes(log) == indexes(log, rebuild=True) == [2, 4, 12]

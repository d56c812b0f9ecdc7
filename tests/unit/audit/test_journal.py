"""The open log: batches, rotation, exclusive hold, and giving up for good."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.directory import segments
from audit.errors import AuditUnavailable, LogBusy
from audit.event import event_logger
from audit.journal import Journal, Rotation
from audit.reader import entries
from audit.schema import EVENTS
from audit.verify import CLEAN, verify

START_NS = 1_795_420_800_000_000_000
HOUR_NS = 3_600_000_000_000
Open = Callable[..., Journal]


def test_indexes(open_journal: Open) -> None:
    """A batch gets consecutive indexes; checkpoints have theirs in between."""
    journal = open_journal()
    assert [journal.append([b"{}"] * count, START_NS) for count in (1, 3, 2)] == [2, 4, 8]
    assert (journal.size, journal.origin) == (11, "host-a/hangu")
    journal.close(START_NS)


def test_rotation_by_size(tmp_path: Path, open_journal: Open, private: Ed25519PrivateKey) -> None:
    """A segment that has reached its size is sealed before the next batch, and the log stays clean."""
    journal = open_journal(rotation=Rotation(max_bytes=3000))
    for step in range(40):
        journal.append([b'{"text":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}'], START_NS + step)
    journal.close(START_NS + 99)
    names = segments(tmp_path / "log")
    assert len(names) > 3
    assert all((tmp_path / "log" / name).stat().st_size < 4500 for name in names)
    assert verify(tmp_path / "log", private.public_key()).state == CLEAN


def test_rotation_by_hour(tmp_path: Path, open_journal: Open) -> None:
    """A new hour opens a new segment with its first record; hours without records open none."""
    journal = open_journal()
    for now in (0, HOUR_NS - 1, HOUR_NS, 5 * HOUR_NS):
        journal.append([b"{}"], START_NS + now)
    journal.close(START_NS + 9 * HOUR_NS)
    assert len(segments(tmp_path / "log")) == 3


def test_empty_segment_is_not_rotated(tmp_path: Path, open_journal: Open) -> None:
    """A segment without a record is not sealed just because an hour has passed."""
    journal = open_journal()
    journal.append([b"{}"], START_NS + 7 * HOUR_NS)
    journal.close(START_NS + 7 * HOUR_NS)
    assert len(segments(tmp_path / "log")) == 1


def test_second_hold(open_journal: Open) -> None:
    """A directory is held once; when it is let go, it can be held again."""
    journal = open_journal()
    with pytest.raises(LogBusy):
        open_journal()
    journal.close(START_NS)
    open_journal().close(START_NS)


def test_given_up_for_good(tmp_path: Path, open_journal: Open) -> None:
    """After one failed commit every later one is refused, even when the cause is gone."""
    journal = open_journal()
    segment = tmp_path / "log" / "000000000000.log"
    data = segment.read_bytes()
    segment.write_bytes(data + b"x")
    for _ in range(2):
        with pytest.raises(AuditUnavailable, match="bytes"):
            journal.append([b"{}"], START_NS)
        segment.write_bytes(data)
    with pytest.raises(AuditUnavailable):
        journal.close(START_NS)
    assert segment.read_bytes() == data
    open_journal().close(START_NS)


def test_failed_rotation_gives_up(tmp_path: Path, open_journal: Open) -> None:
    """A successor file that is already there is not written into."""
    journal = open_journal(rotation=Rotation(max_bytes=1))
    journal.append([b"{}"], START_NS)
    (tmp_path / "log" / "000000000006.log").write_bytes(b"planted")
    with pytest.raises(AuditUnavailable):
        journal.append([b"{}"], START_NS)
    with pytest.raises(AuditUnavailable):
        journal.close(START_NS)
    assert (tmp_path / "log" / "000000000006.log").read_bytes() == b"planted"


def test_lock_is_a_link(tmp_path: Path, open_journal: Open) -> None:
    """A link in the place of the lock file is not followed."""
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "writer.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        open_journal()
    assert not (tmp_path / "elsewhere").exists()


def test_closed(open_journal: Open) -> None:
    """A closed journal takes nothing."""
    journal = open_journal()
    journal.close(START_NS)
    with pytest.raises(AuditUnavailable, match="closed"):
        journal.append([b"{}"], START_NS)


def test_heartbeat(tmp_path: Path, open_journal: Open, private: Ed25519PrivateKey) -> None:
    """A heartbeat is an ordinary record of the table of events, under a checkpoint."""
    journal = open_journal()
    journal.beat(START_NS)
    journal.close(START_NS)
    taken: list[bytes] = []
    event_logger(taken.append, EVENTS).event("audit.heartbeat")  # type: ignore[arg-type]  # no receipt needed
    assert [entry.body for entry in entries(tmp_path / "log") if entry.kind == b"rec"] == taken
    assert verify(tmp_path / "log", private.public_key()).state == CLEAN


def test_sealed_segment_cut(tmp_path: Path, open_journal: Open) -> None:
    """A heartbeat looks at every sealed segment, finds one that was cut, names it, and gives the log up."""
    journal = open_journal(rotation=Rotation(max_bytes=1))
    journal.append([b"{}"], START_NS)
    journal.append([b"{}"], START_NS)
    os.truncate(tmp_path / "log" / "000000000000.log", 10)
    for _ in range(2):
        with pytest.raises(AuditUnavailable, match=r"000000000000\.log was replaced or written to"):
            journal.beat(START_NS)
    with pytest.raises(AuditUnavailable, match=r"000000000000\.log"):
        journal.append([b"{}"], START_NS)
    with pytest.raises(AuditUnavailable):
        journal.close(START_NS)


def test_sealed_segment_removed(tmp_path: Path, open_journal: Open) -> None:
    """The append after a sealed segment has gone names it and is refused."""
    journal = open_journal(rotation=Rotation(max_bytes=1))
    journal.append([b"{}"], START_NS)
    journal.append([b"{}"], START_NS)
    (tmp_path / "log" / "000000000000.log").unlink()
    with pytest.raises(AuditUnavailable, match=r"the sealed segment 000000000000\.log was removed"):
        journal.append([b"{}"], START_NS)
    with pytest.raises(AuditUnavailable):
        journal.close(START_NS)


def test_clock_behind_an_earlier_life(tmp_path: Path, open_journal: Open) -> None:
    """A log opened again under a clock that is behind its newest line says so before the first record."""
    journal = open_journal()
    journal.append([b"{}"], START_NS)
    journal.close(START_NS)
    journal = open_journal(now_ns=START_NS - HOUR_NS)
    index = journal.append([b'{"n":1}', b'{"n":2}'], START_NS - HOUR_NS)
    assert journal.append([b"{}"], START_NS - HOUR_NS) == index + 3
    journal.close(START_NS - HOUR_NS)
    found = {entry.index: entry.body for entry in entries(tmp_path / "log") if entry.kind == b"rec"}
    assert found[index - 1] == b'{"behind_ms":3600000,"event":"audit.clock"}'
    assert (found[index], found[index + 1]) == (b'{"n":1}', b'{"n":2}')

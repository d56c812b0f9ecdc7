"""Old segments go by a signed line and not without, wherever a crash stops that."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import purge
from audit.archive import archive
from audit.directory import quarantined, segments
from audit.errors import LogBusy, RecordRefused, Tampered
from audit.exclusive import tidying
from audit.journal import Journal, Rotation
from audit.line import timestamp
from audit.reader import entries
from audit.verify import CLEAN, TORN, Report, verify

START_NS = 1_795_420_800_000_000_000
DAY_NS = purge.DAY_NS
NOW_NS = START_NS + 400 * DAY_NS
Open = Callable[..., Journal]


def judge(log: Path) -> Report:
    """The verifier's word on a log of these tests."""
    return verify(log, Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key())


@pytest.fixture
def log(tmp_path: Path, open_journal: Open) -> Path:
    """Four segments, a day apart, sealed."""
    journal = open_journal(rotation=Rotation(max_bytes=1))
    for day in range(4):
        journal.append([b'{"event":"a","text":"\xe5\x8c\xbb\xe4\xbf\x9d"}'], START_NS + day * DAY_NS)
    journal.close(START_NS + 4 * DAY_NS)
    return tmp_path / "log"


def test_removes_what_is_old(log: Path, open_journal: Open) -> None:
    """All segments older than the period go, the log stays clean, and the report says where it begins."""
    journal = open_journal(now_ns=NOW_NS)
    gone = journal.purge(365, NOW_NS)
    assert gone == ["000000000000.log", "000000000006.log", "000000000012.log", "000000000018.log"]
    assert journal.purge(365, NOW_NS) == []
    journal.append([b'{"event":"b"}'], NOW_NS)
    report = judge(log)
    assert (report.state, report.first, report.purged, report.lines) == (CLEAN, 24, 24, 30)
    journal.close(NOW_NS)
    assert judge(log).segments == len(segments(log)) == 1


def test_keeps_what_is_young(log: Path, open_journal: Open) -> None:
    """A segment stays while one line of it, be it the last, is within the period, and so do all behind it."""
    now = START_NS + (365 + 2) * DAY_NS  # the second segment's seal was written as the third was opened, on day 2
    journal = open_journal(now_ns=now)
    assert journal.purge(365, now) == ["000000000000.log"]
    journal.close(now)
    report = judge(log)
    assert (report.state, report.first, report.first_time[:10]) == (CLEAN, 6, "2026-11-24")


@pytest.mark.parametrize("days", [-1, 0, 182])
def test_below_the_floor(days: int, log: Path, open_journal: Open) -> None:
    """Fewer days than the law asks for are refused, and nothing is written."""
    journal = open_journal(now_ns=NOW_NS)
    size = journal.size
    with pytest.raises(RecordRefused, match="at least 183 days"):
        journal.purge(days, NOW_NS)
    assert (journal.size, journal.broken) == (size, "")
    assert journal.purge(183, NOW_NS)
    journal.close(NOW_NS)


def test_open_segment_stays(tmp_path: Path, open_journal: Open) -> None:
    """The segment that is being written stays, however old its lines are."""
    journal = open_journal()
    journal.append([b"{}"], START_NS)
    assert journal.purge(365, NOW_NS) == []
    journal.close(NOW_NS)
    assert judge(tmp_path / "log").purged == 0


def test_in_portions(log: Path) -> None:
    """A plan covers no more than a portion, and one segment at least."""
    before = timestamp(NOW_NS - 365 * DAY_NS)
    for portion, segments_named in ((purge.Portion(files=3), 3), (purge.Portion(bytes=1), 1), (None, 3)):
        what = purge.plan(log, before, portion)
        assert what is not None
        assert len(what.removed) == segments_named


def test_many_portions(log: Path, open_journal: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each portion has its line, and each goes on where the one before ended."""
    monkeypatch.setattr(purge.plan, "__defaults__", (purge.Portion(files=1),))
    journal = open_journal(now_ns=NOW_NS)
    assert [journal.purge(365, NOW_NS) for _ in range(5)] == [[f"{n:012d}.log"] for n in (0, 6, 12, 18)] + [[]]
    journal.close(NOW_NS)
    assert [entry.kind for entry in entries(log)].count(b"purge") == 4
    assert judge(log).state == CLEAN


def test_quarantine_goes_with_its_segment(tmp_path: Path, open_journal: Open) -> None:
    """What a recovery set aside goes with the segment that tells of it."""
    journal = open_journal()
    journal.append([b"{}"], START_NS)
    journal.broken = "killed"
    with pytest.raises(Exception, match="killed"):
        journal.close(START_NS)
    log = tmp_path / "log"
    with (log / "000000000000.log").open("ab") as stream:
        stream.write(b'{"i":4')
    open_journal(now_ns=START_NS).close(START_NS)
    assert quarantined(log) == ["quarantine/000000000004-1.torn"]
    journal = open_journal(now_ns=NOW_NS)
    assert journal.purge(365, NOW_NS)[-1] == "quarantine/000000000004-1.torn"
    journal.close(NOW_NS)
    assert (quarantined(log), judge(log).state) == ([], CLEAN)


def test_archived_segments(log: Path, open_journal: Open) -> None:
    """An archived segment goes like any other, under the name and digest of its lines."""
    archive(log, "000000000006.log")
    journal = open_journal(now_ns=NOW_NS)
    assert journal.purge(365, NOW_NS)[1] == "000000000006.log.gz"
    journal.close(NOW_NS)
    line = next(entry.body for entry in entries(log) if entry.kind == b"purge")
    assert b'"000000000006.log"' in line
    assert judge(log).state == CLEAN


def test_crash_at_every_step(tmp_path: Path, log: Path, open_journal: Open) -> None:
    """Wherever a crash stops a purge, the log is never tampered, and the next start ends up with the same files."""
    whole = tmp_path / "whole"
    shutil.copytree(log, whole)
    journal = open_journal(now_ns=NOW_NS)
    opened = (log / "000000000024.log").read_bytes()
    gone = journal.purge(365, NOW_NS)
    purged = (log / "000000000024.log").read_bytes()
    kill(journal)
    states = [(purged[:cut], 0) for cut in range(len(opened), len(purged), 37)]  # the line on its way to the disk
    states += [(purged, count) for count in range(len(gone) + 1)]  # the files going one by one
    for step, (newest, count) in enumerate(states):
        name = f"step-{step}"
        shutil.copytree(whole, tmp_path / name)
        (tmp_path / name / "000000000024.log").write_bytes(newest)
        for removed in gone[:count]:
            (tmp_path / name / removed).unlink()
        assert judge(tmp_path / name).state == (CLEAN if newest in (opened, purged) else TORN)
        journal = open_journal(name, now_ns=NOW_NS)
        assert (segments(tmp_path / name)[0] == "000000000024.log") == (newest == purged)
        journal.purge(365, NOW_NS)
        journal.close(NOW_NS)
        report = judge(tmp_path / name)
        assert (report.state, report.first >= 24) == (CLEAN, True), step


def test_left_file_was_changed(tmp_path: Path, log: Path, open_journal: Open) -> None:
    """A start does not remove a named file whose bytes are not the named ones: that is evidence."""
    shutil.copytree(log, tmp_path / "whole")
    journal = open_journal(now_ns=NOW_NS)
    journal.purge(365, NOW_NS)
    kill(journal)
    last = (tmp_path / "whole" / "000000000018.log").read_bytes()
    (log / "000000000018.log").write_bytes(last.replace(b'"a"', b'"b"'))
    with pytest.raises(Tampered, match="`purge`"):
        open_journal(now_ns=NOW_NS)
    assert (log / "000000000018.log").exists()


def test_not_while_an_archiver_works(log: Path, open_journal: Open) -> None:
    """A purge does not run beside an archiver, which could bring a segment back."""
    journal = open_journal(now_ns=NOW_NS)
    with tidying(log), pytest.raises(RecordRefused, match="archived just now"):
        journal.purge(365, NOW_NS)
    with tidying(log), pytest.raises(LogBusy), tidying(log):
        pass
    assert len(journal.purge(365, NOW_NS)) == 4
    journal.close(NOW_NS)


def test_unreadable_old_segment(log: Path, open_journal: Open) -> None:
    """A segment that is no segment is not removed, and the writer goes on."""
    journal = open_journal(now_ns=NOW_NS)
    data = (log / "000000000000.log").read_bytes()
    (log / "000000000000.log").write_bytes(b"x" + data[1:])
    with pytest.raises(RecordRefused, match="nothing was purged"):
        journal.purge(365, NOW_NS)
    assert journal.broken == ""
    kill(journal)


def kill(journal: Journal) -> None:
    """Let go of the log as a killed process does."""
    journal.broken = "killed"
    with pytest.raises(Exception, match="killed"):
        journal.close(NOW_NS)

"""Compressed segments: the same lines, at every moment, wherever a crash stops it."""

import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.archive import archivable, archive
from audit.directory import segment_files, segments
from audit.errors import LogBusy, Tampered
from audit.exclusive import tidying
from audit.journal import Journal, Rotation
from audit.reader import entries
from audit.verify import CLEAN, TAMPERED, Report, verify

START_NS = 1_795_420_800_000_000_000
FAR_NS = 1 << 62
FIRST, SECOND = "000000000000.log", "000000000006.log"
Open = Callable[..., Journal]


def judge(log: Path) -> Report:
    """The verifier's word on a log of these tests."""
    return verify(log, Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key())


@pytest.fixture
def log(tmp_path: Path, open_journal: Open) -> Path:
    """Four segments, sealed."""
    journal = open_journal(rotation=Rotation(max_bytes=1))
    for step in range(4):
        journal.append(['{"text":"医保报销"}'.encode()], START_NS + step)
    journal.close(START_NS + 9)
    return tmp_path / "log"


def test_same_lines(log: Path) -> None:
    """An archived log has the lines, offsets and verdict that it had."""
    before = [(entry.index, entry.line, entry.offset) for entry in entries(log)]
    report = judge(log)
    for name in archivable(log, FAR_NS):
        archive(log, name)
    assert segments(log)[:2] == [FIRST + ".gz", SECOND + ".gz"]
    assert [(entry.index, entry.line, entry.offset) for entry in entries(log)] == before
    assert judge(log) == report


def test_newest_stay(log: Path) -> None:
    """The two newest segments are left alone, and so is what was written to lately."""
    assert archivable(log, FAR_NS) == [FIRST, SECOND]
    assert archivable(log, 0) == []


def test_mode_is_kept(log: Path) -> None:
    """Who could read the segment can read the archive, and nobody else."""
    (log / FIRST).chmod(0o600)
    archive(log, FIRST)
    assert stat.S_IMODE((log / (FIRST + ".gz")).stat().st_mode) == 0o600


def test_both_forms(tmp_path: Path, log: Path) -> None:
    """A crash between creating the archive and removing the segment leaves a clean log, and the next run ends it."""
    shutil.copytree(log, tmp_path / "copy")
    archive(log, FIRST)
    shutil.copy(tmp_path / "copy" / FIRST, log / FIRST)
    assert (judge(log).state, list(segment_files(log))[:2]) == (CLEAN, [FIRST, FIRST + ".gz"])
    archive(log, FIRST)
    assert list(segment_files(log))[:2] == [FIRST + ".gz", SECOND]


def test_archive_of_other_bytes(tmp_path: Path, log: Path) -> None:
    """An archive with other lines is tampering, and the segment beside it is not removed."""
    shutil.copytree(log, tmp_path / "copy")
    (tmp_path / "copy" / FIRST).write_bytes(b"other\n")
    archive(tmp_path / "copy", FIRST)
    shutil.copy(tmp_path / "copy" / (FIRST + ".gz"), log / (FIRST + ".gz"))
    assert judge(log).file == FIRST + ".gz"
    with pytest.raises(Tampered):
        archive(log, FIRST)
    assert (log / FIRST).exists()


def test_beside_the_writer(tmp_path: Path, open_journal: Open) -> None:
    """A writer goes on while its sealed segments are archived, over rotations and to the end."""
    journal = open_journal(rotation=Rotation(max_bytes=1))
    log = tmp_path / "log"
    for step in range(6):
        journal.append([b"{}"], START_NS + step)
        for name in archivable(log, FAR_NS):
            archive(log, name)
        assert judge(log).state == CLEAN
    journal.close(START_NS + 9)
    assert len([name for name in segments(log) if name.endswith(".gz")]) == 4


def test_restart_on_archives(log: Path, open_journal: Open) -> None:
    """A start on an archived log goes on as on any other, also where the newest segment was not begun."""
    for name in archivable(log, FAR_NS):
        archive(log, name)
    open_journal(now_ns=START_NS + 10).close(START_NS + 11)
    assert judge(log).state == CLEAN


def test_newest_is_an_archive(log: Path, open_journal: Open) -> None:
    """A log whose newest segment is archived is not continued: a writer never archives that."""
    archive(log, FIRST)
    for name in segments(log)[1:]:
        (log / name).unlink()
    assert judge(log).state == TAMPERED
    with pytest.raises(Tampered, match="never archived"):
        open_journal(now_ns=START_NS + 10)


def test_archived_without_its_end(log: Path, open_journal: Open) -> None:
    """A torn archive is not cut: no crash leaves that."""
    last = segments(log)[-1]
    archived = log / segments(log)[-2]
    archived.write_bytes(b"".join(archived.read_bytes().splitlines(keepends=True)[:-1]))
    archive(log, archived.name)
    (log / last).write_bytes(b"")
    with pytest.raises(Tampered, match="signed end"):
        open_journal(now_ns=START_NS + 10)


def test_not_while_a_purge_works(log: Path) -> None:
    """An archiver does not run beside a purge."""
    with tidying(log), pytest.raises(LogBusy):
        archive(log, FIRST)
    assert (log / FIRST).exists()

"""Restart after a crash at any point: nothing signed is lost, what was cut is named, and the log goes on."""

import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.directory import segments
from audit.errors import KeyUnusable, Tampered
from audit.journal import Journal, Rotation
from audit.verify import CLEAN, TAMPERED, TORN, Report, verify

START_NS = 1_795_420_800_000_000_000
Open = Callable[..., Journal]


def judge(log: Path) -> Report:
    """The verifier's word on a log of these tests."""
    return verify(log, Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key())


def cuts(log: Path) -> list[int]:
    """Every length that a crash can leave of the newest segment, thinned out where nothing changes."""
    size = (log / segments(log)[-1]).stat().st_size
    return [*range(0, size, 23), size]


def restart(log: Path, open_journal: Open) -> Report:
    """Restart on the log, write one record, stop, and judge."""
    journal = open_journal(log.name, now_ns=START_NS + 5_000)
    journal.append([b'{"after":1}'], START_NS + 6_000)
    journal.close(START_NS + 7_000)
    return judge(log)


def test_cut_anywhere(tmp_path: Path, small_log: Path, open_journal: Open) -> None:
    """Wherever the newest of two segments was cut, the log recovers, and no record of the segment before is lost."""
    for cut in cuts(small_log):
        log = tmp_path / f"cut-{cut}"
        shutil.copytree(small_log, log)
        newest = log / segments(log)[-1]
        newest.write_bytes(newest.read_bytes()[:cut])
        assert judge(log).state in (CLEAN, TORN), cut
        report = restart(log, open_journal)
        assert (report.state, report.records >= 3) == (CLEAN, True), (cut, report)


def test_first_start_cut_short(tmp_path: Path, open_journal: Open) -> None:
    """A log whose very first commit did not get through can be started anew."""
    open_journal().close(START_NS)
    whole = (tmp_path / "log" / "000000000000.log").read_bytes()
    for cut in range(0, whole.index(b"\n") + 50, 17):
        log = tmp_path / f"cut-{cut}"
        log.mkdir()
        (log / "000000000000.log").write_bytes(whole[:cut])
        assert judge(log).state == TAMPERED  # nothing in it is signed
        assert restart(log, open_journal).state == CLEAN


@pytest.mark.parametrize("begun", [None, b"", b"{", b"\0" * 100], ids=["none", "empty", "begun", "nuls"])
def test_crash_while_rotating(begun: bytes | None, tmp_path: Path, small_log: Path, open_journal: Open) -> None:
    """Neither before the old segment's seal nor behind it does a crash leave a log that does not recover."""
    old, new = (small_log / name for name in segments(small_log))
    sealed = old.read_bytes()
    lines = sealed.splitlines(keepends=True)
    for length in range(len(b"".join(lines[:-2])), len(sealed) + 1, 31):
        log = tmp_path / f"length-{length}"
        shutil.copytree(small_log, log)
        (log / old.name).write_bytes(sealed[:length])
        (log / new.name).unlink()
        if begun is not None:
            (log / new.name).write_bytes(begun if length == len(sealed) else b"")
        elif length == len(sealed):
            continue  # a seal by rotation without a successor: see test_last_segment_removed
        assert judge(log).state == (TORN if begun is not None or length > len(b"".join(lines[:-2])) else CLEAN)
        assert restart(log, open_journal).state == CLEAN


def test_last_segment_removed(small_log: Path, open_journal: Open) -> None:
    """A writer does not go on behind a rotation whose successor is gone."""
    (small_log / segments(small_log)[-1]).unlink()
    with pytest.raises(Tampered, match="the segment after it is missing"):
        open_journal(now_ns=START_NS + 5_000)


def test_all_but_the_newest_emptied(small_log: Path, open_journal: Open) -> None:
    """Two segments without any checkpoint are no crash."""
    for name in segments(small_log):
        (small_log / name).write_bytes(b"")
    with pytest.raises(Tampered, match="no checkpoint"):
        open_journal(now_ns=START_NS + 5_000)


@pytest.mark.parametrize("step", ["copied", "copied twice", "cut", "new segment begun"])
def test_crash_while_recovering(step: str, tmp_path: Path, open_journal: Open) -> None:
    """A recovery that was cut short is taken up by the next, which names every file set aside."""
    journal = open_journal()
    journal.append([b'{"a":1}'], START_NS)
    log = tmp_path / "log"
    newest = log / segments(log)[-1]
    signed = newest.read_bytes()
    kill(journal)
    aside = log / "quarantine" / "000000000004-1.torn"
    aside.parent.mkdir()
    aside.write_bytes(b'{"i":4')
    newest.write_bytes(signed + (b'{"i":4,"k"' if step.startswith("copied") else b""))
    if step == "copied twice":
        (log / "quarantine" / "000000000004-2.torn").write_bytes(b'{"i":4,"k"')
    if step == "new segment begun":
        (log / "000000000004.log").write_bytes(b'{"i":4,"k":"hdr","r":{"form')
    assert judge(log).state == TORN
    report = restart(log, open_journal)
    assert (report.state, report.records) == (CLEAN, 2)
    assert report.recoveries == {"copied": 2, "copied twice": 3, "cut": 1, "new segment begun": 2}[step]


@contextmanager
def full_disk() -> Iterator[None]:
    """Files can be created, as on a disk that is full, but nothing can be written to them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("tail", [None, b"", b'{"i":', b"\0" * 100], ids=["sealed", "unclean", "begun", "nuls"])
def test_restarts_on_a_full_disk(tail: bytes | None, tmp_path: Path, open_journal: Open) -> None:
    """A writer that is started again and again without space leaves the log as it was, and no file for each attempt."""
    journal = open_journal()
    journal.append([b'{"a":1}'], START_NS)
    log = tmp_path / "log"
    if tail is None:
        journal.close(START_NS)
    else:
        kill(journal)
        with (log / segments(log)[-1]).open("ab") as newest:
            newest.write(tail)
    before = {path.relative_to(log): path.read_bytes() for path in log.rglob("*") if path.is_file()}
    for _ in range(3):
        with full_disk(), pytest.raises(OSError, match="too large"):
            open_journal(now_ns=START_NS + 5_000)
    assert {path.relative_to(log): path.read_bytes() for path in log.rglob("*") if path.is_file()} == before
    report = restart(log, open_journal)
    assert (report.state, report.records, report.recoveries) == (CLEAN, 2, 1 if tail else 0)


def kill(journal: Journal) -> None:
    """Let go of the log as a killed process does: no `end`, no checkpoint."""
    journal.broken = "killed"
    with pytest.raises(Exception, match="killed"):
        journal.close(START_NS)


def test_starts_without_older_segments(tmp_path: Path, open_journal: Open) -> None:
    """A start reads the newest segment only: the tree goes on from the frontier that its `hdr` names."""
    journal = open_journal(rotation=Rotation(max_bytes=1))
    for step in range(5):
        journal.append([b'{"a":1}'] * step or [b"{}"], START_NS + step)
    journal.close(START_NS + 9)
    log = tmp_path / "log"
    aside = tmp_path / "aside"
    aside.mkdir()
    for name in segments(log)[:-1]:
        (log / name).rename(aside / name)
    open_journal(now_ns=START_NS + 5_000).close(START_NS + 6_000)
    for file in aside.iterdir():
        file.rename(log / file.name)
    assert judge(log).state == CLEAN


def test_clock_set_back(tmp_path: Path, open_journal: Open) -> None:
    """When the clock goes back, within a run or between two, the time in the log stands still."""
    journal = open_journal()
    journal.append([b"{}"], START_NS + 9_000_000)
    journal.append([b"{}"], START_NS)
    journal.close(START_NS)
    open_journal(now_ns=START_NS - 10**9).close(START_NS - 10**9)
    report = judge(tmp_path / "log")
    assert (report.state, report.last_time) == (CLEAN, "2026-11-23T08:00:00.009000Z")


def test_other_key(tmp_path: Path, open_journal: Open) -> None:
    """A writer with another key or name does not go on with a log that is not its own."""
    from audit.checkpoint import Signer

    open_journal().close(START_NS)
    other = bytes(32), KeyUnusable, "under the key"
    for origin, (seed, error, match) in {
        "host-a/hangu": other,
        "host-b/hangu": (bytes(range(32)), Tampered, "not `host-b/hangu`"),
    }.items():
        signer = Signer(origin, Ed25519PrivateKey.from_private_bytes(seed))
        with pytest.raises(error, match=match):
            Journal(tmp_path / "log", signer, Rotation(), START_NS)

"""One pass over a log that changes meanwhile: written, rotated, archived and purged under the verifier's hands."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.archive import archivable, archive
from audit.directory import segments
from audit.journal import Journal, Rotation
from audit.purge import DAY_NS
from audit.verify import CLEAN, TAMPERED, TORN, Report, verify

START_NS = 1_795_420_800_000_000_000
FAR_NS = 1 << 62
Open = Callable[..., Journal]


class Meanwhile:
    """Does something once, when the verifier reports its n-th piece of progress."""

    def __init__(self, piece: int, action: Callable[[], object]) -> None:
        self._left = piece
        self._action = action

    def __call__(self, count: int) -> None:
        self._left -= 1
        if self._left == 0:
            self._action()


@pytest.fixture
def check(private: Ed25519PrivateKey, tmp_path: Path) -> Callable[..., Report]:
    """Verifies the log, with something happening meanwhile."""

    def run(piece: int, action: Callable[[], object]) -> Report:
        return verify(tmp_path / "log", private.public_key(), None, (), Meanwhile(piece, action))

    return run


@pytest.fixture
def journal(open_journal: Open) -> Journal:
    """A writer that has filled three segments and begun a fourth."""
    journal = open_journal(rotation=Rotation(max_bytes=1))
    for step in range(4):
        journal.append([b'{"event":"a"}'], START_NS + step)
    return journal


@pytest.mark.parametrize("piece", [1, 2, 3, 4])
def test_rotated_meanwhile(piece: int, journal: Journal, check: Callable[..., Report]) -> None:
    """Segments that are opened during the check are read too."""
    report = check(piece, lambda: [journal.append([b'{"event":"b"}'], START_NS + 9) for _ in range(3)])
    assert (report.state, report.segments, report.records) == (CLEAN, 7, 7)
    journal.close(START_NS + 99)


@pytest.mark.parametrize("piece", [1, 2, 3, 4])
def test_archived_meanwhile(piece: int, tmp_path: Path, journal: Journal, check: Callable[..., Report]) -> None:
    """Segments that are archived during the check, before or after they were read, disturb nothing."""
    log = tmp_path / "log"

    def archive_all() -> None:
        for name in archivable(log, FAR_NS):
            archive(log, name)

    report = check(piece, archive_all)
    assert (report.state, report.records) == (CLEAN, 4)
    assert segments(log)[0].endswith(".gz")
    journal.close(START_NS + 99)


@pytest.mark.parametrize("piece", [1, 2, 3, 4])
def test_purged_meanwhile(piece: int, tmp_path: Path, journal: Journal, check: Callable[..., Report]) -> None:
    """A purge during the check is taken for what it is: the check starts anew with what is left."""
    report = check(piece, lambda: journal.purge(365, START_NS + 400 * DAY_NS))
    assert (report.state, report.first, report.records) == (CLEAN, 18, 1)
    journal.close(START_NS + 400 * DAY_NS)


@pytest.mark.parametrize("piece", [1, 2, 3, 4])
def test_removed_meanwhile(piece: int, tmp_path: Path, journal: Journal, check: Callable[..., Report]) -> None:
    """Segments that go during the check without a line that says so are missed."""
    log = tmp_path / "log"

    def remove_two() -> None:
        for name in segments(log)[:2]:
            (log / name).unlink()

    report = check(piece, remove_two)
    assert report.state == TAMPERED


def test_written_meanwhile(tmp_path: Path, journal: Journal, check: Callable[..., Report]) -> None:
    """A line that was half written when it was read, and whole when it was looked at again, is no torn tail."""
    newest = tmp_path / "log" / segments(tmp_path / "log")[-1]
    before = newest.read_bytes()
    journal.append([b'{"event":"b"}'], START_NS + 9)
    newest = tmp_path / "log" / segments(tmp_path / "log")[-1]
    after = newest.read_bytes()
    half = after[: len(after) // 2]
    newest.write_bytes(half)
    report = check(5, lambda: newest.write_bytes(after))
    assert (report.state, report.records) == (CLEAN, 5), before
    newest.write_bytes(half)
    assert check(99, lambda: None).state in (TORN, TAMPERED)


def test_beside_a_busy_writer(tmp_path: Path, open_journal: Open, private: Ed25519PrivateKey) -> None:
    """Verifications beside a writer that rotates with each batch, and an archiver, never see tampering."""
    journal = open_journal(rotation=Rotation(max_bytes=1))
    journal.append([b"{}"], START_NS)
    log = tmp_path / "log"
    over = threading.Event()

    def write() -> None:
        for step in range(60):
            journal.append([b'{"event":"a"}'], START_NS + step)
            if step % 9 == 0:
                for name in archivable(log, FAR_NS):
                    archive(log, name)
        over.set()

    writer = threading.Thread(target=write)
    writer.start()
    states = set()
    while not over.is_set():
        states.add(verify(log, private.public_key()).state)
    writer.join()
    assert TAMPERED not in states
    journal.close(START_NS + 99)
    report = verify(log, private.public_key())
    assert (report.state, report.records) == (CLEAN, 61)


def test_restart_counts_from_zero(tmp_path: Path, journal: Journal, check: Callable[..., Report]) -> None:
    """After a purge under way the counts are those of what is left, not of both passes."""
    copy = tmp_path / "copy"
    report = check(3, lambda: journal.purge(365, START_NS + 400 * DAY_NS))
    shutil.copytree(tmp_path / "log", copy)
    journal.close(START_NS + 400 * DAY_NS)
    assert (report.checkpoints, report.segments) == (3, 1)

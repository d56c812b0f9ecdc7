"""The hand-over from one signing key to the next: who may go on, and what each key can verify."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoint import Signer
from audit.directory import segments
from audit.errors import AuditUnavailable, KeyUnusable, UnreadableLog
from audit.journal import Journal, Rotation
from audit.rekey import rekey
from audit.verify import CLEAN, TAMPERED, TORN, verify

ORIGIN = "host-a/hangu"
START_NS = 1_795_420_800_000_000_000
OLD, NEW, THIRD, STRANGER = (
    Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(range(first, first + 32)))) for first in (0, 32, 64, 96)
)
Open = Callable[..., Journal]


def state(log: Path, key: Signer) -> str:
    """The verifier's word under one key."""
    return verify(log, key.key.public, ORIGIN).state


@pytest.fixture
def log(tmp_path: Path, open_journal: Open) -> Path:
    """A log of the old key with one record, sealed."""
    journal = open_journal()
    journal.append([b'{"event":"a"}'], START_NS)
    journal.close(START_NS)
    return tmp_path / "log"


def start(log: Path, key: Signer) -> None:
    """A writer's start, one record and its end."""
    journal = Journal(log, key, Rotation(), START_NS)
    journal.append([b'{"event":"b"}'], START_NS)
    journal.close(START_NS)


def test_either_key_verifies(log: Path) -> None:
    """A log that was handed over, twice even, is clean under each of its keys and under no other."""
    rekey(log, OLD, NEW, START_NS)
    start(log, NEW)
    rekey(log, NEW, THIRD, START_NS)
    start(log, THIRD)
    assert [state(log, key) for key in (OLD, NEW, THIRD, STRANGER)] == [CLEAN, CLEAN, CLEAN, TAMPERED]
    assert verify(log, OLD.key.public).keys == (OLD.key.vkey, NEW.key.vkey, THIRD.key.vkey)


@pytest.mark.parametrize("key", [OLD, STRANGER], ids=["old", "stranger"])
def test_other_keys_do_not_go_on(key: Signer, log: Path) -> None:
    """The old key cannot go on behind the hand-over, nor can a strange one; the new one can."""
    rekey(log, OLD, NEW, START_NS)
    before = segments(log)
    with pytest.raises(KeyUnusable, match="under the key"):
        start(log, key)
    assert segments(log) == before
    start(log, NEW)


def test_not_without_the_old_key(log: Path) -> None:
    """Only the key that signed the log so far hands it over."""
    with pytest.raises(KeyUnusable):
        rekey(log, STRANGER, NEW, START_NS)
    assert [state(log, key) for key in (OLD, NEW)] == [CLEAN, TAMPERED]
    start(log, OLD)


@pytest.mark.parametrize("new", [OLD, Signer("host-b/hangu", Ed25519PrivateKey.from_private_bytes(bytes(32)))])
def test_same_key_or_other_log(new: Signer, log: Path) -> None:
    """A log is not handed over to its own key, nor to that of another log."""
    with pytest.raises(KeyUnusable):
        rekey(log, OLD, new, START_NS)
    journal = Journal(log, OLD, Rotation(), START_NS)
    with pytest.raises(KeyUnusable):
        journal.hand_over(new, START_NS)
    journal.close(START_NS)


def test_no_log(tmp_path: Path) -> None:
    """Where there is no log, none is made."""
    for name in ("missing", "."):
        with pytest.raises(UnreadableLog):
            rekey(tmp_path / name, OLD, NEW, START_NS)
    assert not list(tmp_path.iterdir())


def test_twice(log: Path) -> None:
    """A hand-over that was done is not undone by doing it again."""
    rekey(log, OLD, NEW, START_NS)
    rekey(log, OLD, NEW, START_NS)
    assert verify(log, NEW.key.public).keys == (OLD.key.vkey, NEW.key.vkey)


def test_crash_at_every_step(tmp_path: Path, log: Path) -> None:
    """Wherever a crash stops it, the log is not tampered under the old key, and the same command finishes it."""
    journal = Journal(log, OLD, Rotation(), START_NS)
    first, second = segments(log)
    begun = (log / second).read_bytes()
    journal.hand_over(NEW, START_NS)
    third = segments(log)[2]
    sealed, opened = (log / second).read_bytes(), (log / third).read_bytes()
    journal.broken = "killed"
    with pytest.raises(AuditUnavailable):
        journal.close(START_NS)
    steps = [(sealed[:cut], b"") for cut in range(len(begun), len(sealed), 53)]
    steps += [(sealed, opened[:cut]) for cut in range(0, len(opened), 53)]
    for number, (old_segment, new_segment) in enumerate([*steps, (sealed, opened)]):
        copy = tmp_path / f"step-{number}"
        copy.mkdir()
        shutil.copy(log / first, copy / first)
        (copy / second).write_bytes(old_segment)
        (copy / third).write_bytes(new_segment)
        whole = (old_segment, new_segment) == (sealed, opened)
        assert state(copy, OLD) == (CLEAN if whole else TORN)
        assert state(copy, NEW) == (CLEAN if whole else TAMPERED)
        if old_segment == sealed and not whole:
            for key in (OLD, NEW):  # neither goes on by itself: the new one has signed nothing yet
                with pytest.raises(KeyUnusable, match=r"handed over|cut short"):
                    start(copy, key)
        rekey(copy, OLD, NEW, START_NS)
        start(copy, NEW)
        assert (state(copy, OLD), state(copy, NEW)) == (CLEAN, CLEAN), number


def test_taken_over_by_a_forger(tmp_path: Path) -> None:
    """A stranger's log that names our key as the next one is not continued with it, nor clean under it."""
    log = tmp_path / "log"
    journal = Journal(log, STRANGER, Rotation(), START_NS)
    journal.append([b'{"event":"invented"}'], START_NS)
    journal.hand_over(NEW, START_NS)
    journal.broken = "killed"
    with pytest.raises(AuditUnavailable):
        journal.close(START_NS)
    (log / segments(log)[-1]).write_bytes(b"")
    assert state(log, NEW) == TAMPERED
    with pytest.raises(KeyUnusable, match="cut short"):
        start(log, NEW)
    with pytest.raises(KeyUnusable):
        rekey(log, OLD, NEW, START_NS)

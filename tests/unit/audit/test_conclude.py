"""What only the whole log shows: anchors of a log that was purged, and which of the steps comes first."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoint import Checkpoint, parse_note
from audit.errors import UnreadableLog
from audit.journal import Journal
from audit.purge import DAY_NS
from audit.verify import CLEAN, TAMPERED, Report, verify

START_NS = 1_795_420_800_000_000_000
NOW_NS = START_NS + 400 * DAY_NS
Check = Callable[..., Report]


@pytest.fixture
def check(small_log: Path, private: Ed25519PrivateKey) -> Check:
    """Verifies the small log with some anchors."""
    return lambda *anchors: verify(small_log, private.public_key(), None, anchors)


@pytest.fixture
def old(check: Check) -> Checkpoint:
    """An anchor from before the purge."""
    return parse_note(check().checkpoint)[0]


@pytest.fixture
def purged(old: Checkpoint, open_journal: Callable[..., Journal]) -> None:
    """The small log, purged down to what is new."""
    journal = open_journal(now_ns=NOW_NS)
    journal.purge(365, NOW_NS)
    journal.close(NOW_NS)


def test_old_anchor_alone(old: Checkpoint, purged: None, check: Check) -> None:
    """An anchor that does not reach into what is left decides nothing, and that is said, not passed over."""
    with pytest.raises(UnreadableLog, match="older than line 13"):
        check(old)


def test_old_and_new_anchor(old: Checkpoint, purged: None, check: Check) -> None:
    """Beside one that does, it does no harm; the report says what is anchored."""
    new = parse_note(check().checkpoint)[0]
    report = check(old, new)
    assert (report.state, report.anchored) == (CLEAN, new.size)
    assert report.anchored_time == report.last_time


def test_new_anchor_not_met(old: Checkpoint, purged: None, check: Check) -> None:
    """A new anchor with another root is tampering in a purged log too."""
    new = parse_note(check().checkpoint)[0]
    assert check(old, Checkpoint(new.origin, new.size, bytes(32))).state == TAMPERED
    assert check(Checkpoint(new.origin, new.size + 1, new.root)).state == TAMPERED


def test_anchors_against_each_other(old: Checkpoint, check: Check) -> None:
    """Two anchors of one size and different roots are two histories, in whatever order they come."""
    other = Checkpoint(old.origin, old.size, bytes(32))
    for anchors in ((old, other), (other, old)):
        report = check(*anchors)
        assert (report.state, report.line) == (TAMPERED, 0)
        assert "the key signed both" in str(report.problem)
